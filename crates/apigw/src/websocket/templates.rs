//! Mapping templates, as far as WebSocket APIs need them: `MOCK` integrations, and
//! what is sent to an HTTP backend.
//!
//! `$context.…`, `$stageVariables.…`, `$input.body`, `$input.path('$.x')` and
//! `$input.json('$.x')` are filled in, `${…}` as well. Directives of the template
//! language (`#set`, `#if`, `#foreach`) and `$util` are not done, and refused by
//! name: a template that is half understood would lie.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-mapping.html>

use super::events::{Connection, Stamp, message_context};
use super::json_path::JsonPath;
use super::routes::RouteSelection;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Why a template cannot be filled in. For the developer's terminal: a client hears
/// of an internal error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A directive, or a function that is not done.
    #[error(
        "{0} is not done in a mapping template: use $context, $stageVariables, $input.body, $input.path('…') and $input.json('…')"
    )]
    Unknown(String),
    /// No template for what was selected.
    #[error(
        "the integration has no request template for {0:?}: add one, such as {{\"200\": \"{{\\\"statusCode\\\":200}}\"}}"
    )]
    NoTemplate(String),
    /// A `MOCK` integration answers with a status.
    #[error("the request template of a MOCK integration has to become an object with a statusCode")]
    NoStatus,
}

/// What a template can speak of.
pub struct Scope<'a> {
    context: Value,
    stage_variables: &'a BTreeMap<String, String>,
    body: &'a str,
}

impl<'a> Scope<'a> {
    /// Of a message, or of `$connect` with an empty body.
    #[must_use]
    pub fn new(connection: &'a Connection, route_key: &str, body: &'a str, stamp: &Stamp) -> Self {
        Self {
            context: message_context(connection, route_key, stamp),
            stage_variables: &connection.stage_variables,
            body,
        }
    }

    /// Fills a template in.
    ///
    /// # Errors
    /// What in it is not done.
    pub fn fill(&self, template: &str) -> Result<String, TemplateError> {
        for directive in ["#set", "#if", "#else", "#foreach", "#end", "#macro"] {
            if template.contains(directive) {
                return Err(TemplateError::Unknown(directive.to_owned()));
            }
        }
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            text.push_str(before);
            let (value, remainder) = self.variable(after)?;
            text.push_str(&value);
            rest = remainder;
        }
        text.push_str(rest);
        Ok(text)
    }

    /// The value of what follows a dollar sign, and what follows that.
    fn variable<'t>(&self, after: &'t str) -> Result<(String, &'t str), TemplateError> {
        if let Some(wrapped) = after.strip_prefix('{') {
            let (name, rest) = wrapped
                .split_once('}')
                .ok_or_else(|| TemplateError::Unknown(format!("${after}")))?;
            return Ok((self.value(name)?.0, rest));
        }
        let (value, rest) = self.value(after)?;
        Ok((value, rest))
    }

    fn value<'t>(&self, text: &'t str) -> Result<(String, &'t str), TemplateError> {
        if let Some((argument, rest)) = call(text, "input.path(") {
            return Ok((self.found(argument).map_or_else(String::new, plain), rest));
        }
        if let Some((argument, rest)) = call(text, "input.json(") {
            let found = self.found(argument);
            return Ok((
                found.map_or_else(|| "\"\"".to_owned(), |it| it.to_string()),
                rest,
            ));
        }
        let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_')));
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        // A full stop at the end belongs to the sentence.
        let trimmed = name.trim_end_matches('.');
        let dots = name.get(trimmed.len()..).unwrap_or_default();
        let value = match trimmed.split_once('.') {
            Some(("context", path)) => {
                let found = path
                    .split('.')
                    .try_fold(&self.context, |value, key| value.get(key));
                found.cloned().map_or_else(String::new, plain)
            }
            Some(("stageVariables", name)) => {
                self.stage_variables.get(name).cloned().unwrap_or_default()
            }
            Some(("input", "body")) => self.body.to_owned(),
            // A dollar sign alone is one.
            _ if trimmed.is_empty() => "$".to_owned(),
            _ => return Err(TemplateError::Unknown(format!("${trimmed}"))),
        };
        Ok((format!("{value}{dots}"), rest))
    }

    /// What a path finds in the message.
    fn found(&self, path: &str) -> Option<Value> {
        let body: Value = serde_json::from_str(self.body).ok()?;
        match path.strip_prefix('$').unwrap_or(path) {
            "" => Some(body),
            path => JsonPath::parse(path).ok()?.value(&body),
        }
    }
}

/// The argument of a call, without its quotes, and what follows it.
fn call<'t>(text: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
    let (argument, rest) = text.strip_prefix(name)?.split_once(')')?;
    Some((argument.trim().trim_matches(['\'', '"']), rest))
}

fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What a `MOCK` integration is made of.
#[derive(Debug, Clone, Default)]
pub struct Mock<'a> {
    /// Request templates, by key.
    pub requests: Option<&'a BTreeMap<String, String>>,
    /// What selects one.
    pub selection: Option<&'a str>,
    /// Response templates of each integration response, by its key.
    pub responses: Vec<(&'a str, &'a BTreeMap<String, String>)>,
}

/// What a `MOCK` integration answers, in the shape of a function's answer
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-mock-integration.html>).
///
/// The status of the filled-in request template picks the integration response:
/// `/200/` before `$default`; of its templates the one of that status, or any.
/// Without one there is no body.
///
/// # Errors
/// What is not done, or missing.
pub fn mock(mock: &Mock<'_>, scope: &Scope<'_>) -> Result<Value, TemplateError> {
    let selected = match mock.selection {
        None => "$default".to_owned(),
        Some(selection) => RouteSelection::parse(selection)
            .map(|it| it.select(scope.body))
            .unwrap_or_else(|_| selection.to_owned()),
    };
    let requests = mock.requests.into_iter().flatten();
    let requests: BTreeMap<&str, &str> = requests.map(|(key, it)| (&**key, &**it)).collect();
    let template = requests
        .get(&*selected)
        .or_else(|| requests.get("$default"));
    let template = template.or_else(|| match requests.len() {
        1 => requests.values().next(),
        _ => None,
    });
    let template = template.ok_or_else(|| TemplateError::NoTemplate(selected.clone()))?;
    let request: Value = serde_json::from_str(&scope.fill(template)?).unwrap_or_default();
    let status = request.get("statusCode").and_then(Value::as_u64);
    let status = status.ok_or(TemplateError::NoStatus)?;
    let wanted = format!("/{status}/");
    let by_key = |key: &str| mock.responses.iter().find(|it| it.0 == key);
    let Some((_, templates)) = by_key(&wanted).or_else(|| by_key("$default")) else {
        return Ok(json!({ "statusCode": status }));
    };
    let exact = templates.get(&status.to_string());
    match exact.or_else(|| templates.values().next()) {
        Some(template) => Ok(json!({ "statusCode": status, "body": scope.fill(template)? })),
        None => Ok(json!({ "statusCode": status })),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::websocket::fixtures::{connection, stamp};

    const BODY: &str = r#"{"action":"ping","data":{"n":[1,2]}}"#;

    fn fill(template: &str) -> Result<String, TemplateError> {
        let mut connection = connection();
        connection
            .stage_variables
            .insert("color".to_owned(), "blue".to_owned());
        Scope::new(&connection, "ping", BODY, &stamp()).fill(template)
    }

    #[test]
    fn variables_are_filled_in() {
        let filled = |template: &str| fill(template).unwrap();
        assert_eq!(filled(r#"{"statusCode":200}"#), r#"{"statusCode":200}"#);
        assert_eq!(
            filled("$context.connectionId, ${context.routeKey}."),
            "R1kmxc2VNjMCFIA=, ping."
        );
        assert_eq!(filled("$context.identity.sourceIp."), "192.0.2.1.");
        assert_eq!(filled("$stageVariables.color"), "blue");
        assert_eq!(filled("$input.body"), BODY);
        assert_eq!(filled("$input.path('$.action')!"), "ping!");
        assert_eq!(
            filled(r#"{"n":$input.json('$.data.n'),"all":$input.json('$')}"#),
            format!(r#"{{"n":[1,2],"all":{BODY}}}"#)
        );
        assert_eq!(filled("$context.none costs 5 $"), " costs 5 $");
    }

    #[test]
    fn what_is_not_done_is_named() {
        for (template, what) in [
            ("#set($x = 1)", "#set"),
            ("$util.escapeJavaScript('x')", "$util.escapeJavaScript"),
            ("$inputRoot.x", "$inputRoot.x"),
        ] {
            assert_eq!(fill(template), Err(TemplateError::Unknown(what.to_owned())));
        }
    }

    fn answer(
        requests: &[(&str, &str)],
        selection: Option<&str>,
        responses: &[(&str, &str)],
    ) -> Result<Value, TemplateError> {
        let own = |it: &(&str, &str)| (it.0.to_owned(), it.1.to_owned());
        let requests: BTreeMap<String, String> = requests.iter().map(own).collect();
        let responses: Vec<(&str, BTreeMap<String, String>)> = responses
            .iter()
            .map(|(key, template)| (*key, [("200".to_owned(), (*template).to_owned())].into()))
            .collect();
        let connection = connection();
        let given = Mock {
            requests: Some(&requests),
            selection,
            responses: responses.iter().map(|(key, it)| (*key, it)).collect(),
        };
        mock(&given, &Scope::new(&connection, "ping", BODY, &stamp()))
    }

    #[test]
    fn a_mock_answers_as_the_guide_shows() {
        let ok = ("200", r#"{"statusCode":200}"#);
        assert_eq!(
            answer(&[ok], Some("200"), &[]),
            Ok(json!({ "statusCode": 200 }))
        );
        let pong = r#"{"pong":"$context.connectionId"}"#;
        let answered = json!({ "statusCode": 200, "body": r#"{"pong":"R1kmxc2VNjMCFIA="}"# });
        for key in ["/200/", "$default"] {
            assert_eq!(
                answer(&[ok], Some("200"), &[(key, pong)]),
                Ok(answered.clone())
            );
        }
        let by_body = [
            ("ping", r#"{"statusCode":201}"#),
            ("$default", r#"{"statusCode":400}"#),
        ];
        let selected = answer(&by_body, Some("${request.body.action}"), &[]);
        assert_eq!(selected, Ok(json!({ "statusCode": 201 })));
        let otherwise = answer(&by_body, Some("\\$default"), &[]);
        assert_eq!(otherwise, Ok(json!({ "statusCode": 400 })));
    }

    #[test]
    fn a_mock_without_a_template_or_a_status_is_an_error() {
        assert!(matches!(
            answer(&[], Some("200"), &[]),
            Err(TemplateError::NoTemplate(_))
        ));
        assert_eq!(
            answer(&[("200", "{}")], None, &[]),
            Err(TemplateError::NoStatus)
        );
    }
}
