//! What of a request is checked before its integration, where the method has a request validator
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html>).

use super::exchange::Exchange;
use super::fault::{Fault, FaultKind};
use super::schema;
use crate::query;
use serde_json::Value;
use std::collections::BTreeMap;

/// A method's request validator and what it validates by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validator {
    /// Whether the body is held against its model.
    pub body: bool,
    /// Whether what is required must be there.
    pub parameters: bool,
    /// Model names by content type.
    pub models: BTreeMap<String, String>,
    /// `method.request.querystring.page`: what is required.
    pub required: Vec<String>,
}

/// Holds a request against what its method requires. `models` are the API's, by name.
///
/// # Errors
/// [`BadRequestParameters`](FaultKind::BadRequestParameters) or
/// [`BadRequestBody`](FaultKind::BadRequestBody).
pub fn check(
    validator: &Validator,
    models: &BTreeMap<String, Value>,
    exchange: &Exchange<'_>,
) -> Result<(), Fault> {
    if validator.parameters {
        check_parameters(&validator.required, exchange)?;
    }
    match validator.body {
        true => check_body(&validator.models, models, exchange),
        false => Ok(()),
    }
}

/// All that are missing are named, in the order of their full names, as recorded by LocalStack's
/// `test_api_gateway_request_validator`.
fn check_parameters(required: &[String], exchange: &Exchange<'_>) -> Result<(), Fault> {
    let query = query::decode(&exchange.request.query);
    let mut required: Vec<&str> = required.iter().map(String::as_str).collect();
    required.sort_unstable();
    let is_there = |name: &str| {
        let (place, name) = name.split_once('.').unwrap_or((name, ""));
        let found = match place {
            "header" | "multivalueheader" => exchange.request.header(name).map(str::to_owned),
            "querystring" | "multivaluequerystring" => {
                let found = query.iter().find(|(other, _)| other == name);
                found.map(|(_, value)| value.clone())
            }
            "path" => {
                let mut taken = exchange.matched.iter().flat_map(|it| &it.path_parameters);
                taken
                    .find(|(other, _)| *other == name)
                    .map(|(_, value)| value.clone())
            }
            // A body that is required has a model, or none.
            _ => return true,
        };
        // What is there and blank is not: "included and not blank".
        found.is_some_and(|value| !value.trim().is_empty())
    };
    let names = required
        .iter()
        .filter_map(|name| name.strip_prefix("method.request."));
    let missing: Vec<&str> = names
        .filter(|name| !is_there(name))
        .map(|name| name.split_once('.').map_or(name, |(_, name)| name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Missing required request parameters: [{}]",
        missing.join(", ")
    );
    let reason = format!(
        "the request lacks {}, which its method requires",
        missing.join(", ")
    );
    Err(Fault::new(FaultKind::BadRequestParameters, reason).saying(message))
}

/// The model is that of the request's content type, or of `application/json`, or of `$default`;
/// without one everything holds. No body is `{}`.
fn check_body(
    by_type: &BTreeMap<String, String>,
    models: &BTreeMap<String, Value>,
    exchange: &Exchange<'_>,
) -> Result<(), Fault> {
    let content_type = exchange.request.header("Content-Type").unwrap_or_default();
    let bare = content_type.split(';').next().unwrap_or_default().trim();
    let found = by_type
        .get(bare)
        .or_else(|| by_type.get("application/json"));
    let Some(model) = found.or_else(|| by_type.get("$default")) else {
        return Ok(());
    };
    let body = match exchange.request.body.is_empty() {
        true => b"{}".as_slice(),
        false => &exchange.request.body,
    };
    // AWS makes both of every API.
    if matches!(model.as_str(), "Empty" | "Error") && !models.contains_key(model) {
        return Ok(());
    }
    let value = serde_json::from_slice(body)
        .map_err(|_| invalid(model, "the body is no JSON".to_owned()))?;
    let held = schema::check(models, model, &value);
    held.map_err(|mismatch| invalid(model, mismatch.to_string()))
}

fn invalid(model: &str, why: String) -> Fault {
    let reason = format!("the request's body does not hold against the model {model}: {why}");
    let mut fault = Fault::new(FaultKind::BadRequestBody, reason);
    fault.validation = Some(format!("[{why}]"));
    fault
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Scene, request, with};
    use super::super::{Method, Routes};
    use super::*;
    use serde_json::json;

    fn models() -> BTreeMap<String, Value> {
        let number = json!({ "type": "number" });
        let pet = json!({ "type": "object", "required": ["a", "b"], "properties": { "a": number, "b": number } });
        [("Pet".to_owned(), pet)].into()
    }

    fn validator() -> Validator {
        let required = ["path.test", "querystring.qs1", "header.x-header-param"];
        Validator {
            body: true,
            parameters: true,
            models: [("application/json".to_owned(), "Pet".to_owned())].into(),
            required: required
                .map(|name| format!("method.request.{name}"))
                .to_vec(),
        }
    }

    fn checked(
        validator: &Validator,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<String> {
        let routes = Routes::new(vec![Method {
            method: "POST".to_owned(),
            path: "/nested/{test}".to_owned(),
            ..Method::default()
        }]);
        let scene = Scene::new(with(request("POST", target), headers, body));
        let mut exchange = scene.exchange();
        exchange.matched = routes.find("POST", exchange.path.inner);
        let fault = check(validator, &models(), &exchange).err()?;
        Some(fault.message().unwrap_or_default().to_owned())
    }

    const FULL: &str = "/dev/nested/value?qs1=test";
    const HEADER: (&str, &str) = ("X-Header-Param", "test");

    #[test]
    fn what_is_missing_is_named_all_at_once() {
        let mut strict = validator();
        strict
            .required
            .push("method.request.path.issuer".to_owned());
        let all = checked(&strict, "/dev/nested/value", &[], "{}");
        let said = "Missing required request parameters: [x-header-param, issuer, qs1]";
        assert_eq!(all.as_deref(), Some(said));
        let one = checked(&validator(), FULL, &[], "{}");
        assert_eq!(
            one.as_deref(),
            Some("Missing required request parameters: [x-header-param]")
        );
        let blank = checked(&validator(), "/dev/nested/value?qs1=", &[HEADER], "{}");
        assert_eq!(
            blank.as_deref(),
            Some("Missing required request parameters: [qs1]")
        );
    }

    #[test]
    fn a_body_is_held_against_its_model_even_if_there_is_none() {
        let held = |headers: &[(&str, &str)], body| checked(&validator(), FULL, headers, body);
        assert_eq!(held(&[HEADER], r#"{"a":1,"b":2}"#), None);
        let invalid = Some("Invalid request body".to_owned());
        let json = ("Content-Type", "application/json; charset=utf-8");
        assert_eq!(held(&[HEADER, json], r#"{"test":"test"}"#), invalid);
        assert_eq!(held(&[HEADER], ""), invalid);
        assert_eq!(held(&[HEADER], "oops"), invalid);
    }

    #[test]
    fn only_what_the_validator_says_is_checked() {
        let mut lax = validator();
        lax.parameters = false;
        assert_eq!(checked(&lax, FULL, &[], r#"{"a":1,"b":2}"#), None);
        lax.body = false;
        assert_eq!(checked(&lax, FULL, &[], "oops"), None);
        let mut without_model = validator();
        without_model.models.clear();
        assert_eq!(checked(&without_model, FULL, &[HEADER], "oops"), None);
    }

    #[test]
    fn a_reason_names_the_place_and_the_template_gets_it() {
        let scene = Scene::new(with(
            request("POST", "/dev/x"),
            &[],
            r#"{"a":"secret","b":1}"#,
        ));
        let only_body = Validator {
            parameters: false,
            ..validator()
        };
        let fault = check(&only_body, &models(), &scene.exchange()).unwrap_err();
        let said =
            "the request's body does not hold against the model Pet: /a: is not of type \"number\"";
        assert_eq!(fault.reason, said);
        assert_eq!(
            fault.validation.as_deref(),
            Some("[/a: is not of type \"number\"]")
        );
    }
}
