//! Messages, held against the models of their route before its integration hears of them
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-request-validation.html>).

use super::routes::{RouteSelection, SelectionError};
use crate::rest::schema;
use serde_json::Value;
use std::collections::BTreeMap;

const DEFAULT: &str = "$default";

/// Why a message does not go on, in one line: without a value of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is none of what its model describes.
    #[error("the message does not hold against the model {model}: {why}")]
    Body {
        /// By name.
        model: String,
        /// Where, and what.
        why: String,
    },
    /// No model is meant for it.
    #[error(
        "the model selection expression {expression} selects none of {keys:?}, and there is no $default: add one of them"
    )]
    NoModel {
        /// As it is written. What it selects is the client's.
        expression: String,
        /// What there is.
        keys: Vec<String>,
    },
    /// The expression.
    #[error("the model selection expression cannot be used: {0}")]
    Selection(#[from] SelectionError),
}

/// Holds a message against the model that the route's expression selects. `by_key` are names of
/// models by what selects them, `models` their schemas by name.
///
/// # Errors
/// Why it does not hold; also where nothing is meant for it, as documented.
pub fn check(
    expression: &str,
    by_key: &BTreeMap<String, String>,
    models: &BTreeMap<String, Value>,
    body: &str,
) -> Result<(), Invalid> {
    let selected = RouteSelection::parse(expression)?.select(body);
    let model = by_key.get(&selected).or_else(|| by_key.get(DEFAULT));
    let model = model.ok_or_else(|| Invalid::NoModel {
        expression: expression.to_owned(),
        keys: by_key.keys().cloned().collect(),
    })?;
    let invalid = |why: String| Invalid::Body {
        model: model.clone(),
        why,
    };
    let value = serde_json::from_str(body).map_err(|_| invalid("it is no JSON".to_owned()))?;
    schema::check(models, model, &value).map_err(|mismatch| invalid(mismatch.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(expression: &str, keys: &[(&str, &str)], body: &str) -> Result<(), String> {
        let text = json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } } });
        let models = [
            ("Say".to_owned(), text),
            ("Any".to_owned(), json!({ "type": "object" })),
        ];
        let keys = keys.iter();
        let by_key = keys.map(|(key, model)| ((*key).to_owned(), (*model).to_owned()));
        let held = check(expression, &by_key.collect(), &models.into(), body);
        held.map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_message_is_held_against_the_model_that_it_selects() {
        let keys = [("say", "Say"), ("$default", "Any")];
        let by_action = |body| checked("$request.body.action", &keys, body);
        assert_eq!(by_action(r#"{"action":"say","text":"x"}"#), Ok(()));
        assert_eq!(by_action(r#"{"action":"other"}"#), Ok(()));
        assert_eq!(
            by_action(r#"{"action":"say","text":7}"#),
            Err(
                "the message does not hold against the model Say: /text: is not of type \"string\""
                    .to_owned()
            )
        );
        let said = by_action("hello").unwrap_err();
        assert!(said.ends_with("the model Any: it is no JSON"), "{said}");
        let always = |body| checked(r"\$default", &[("$default", "Say")], body);
        assert_eq!(always(r#"{"text":"x"}"#), Ok(()));
        assert!(always("{}").is_err());
    }

    #[test]
    fn without_a_model_for_it_a_message_does_not_hold() {
        let said = checked(
            "$request.body.action",
            &[("say", "Say")],
            r#"{"action":"a secret"}"#,
        );
        assert_eq!(
            said,
            Err("the model selection expression $request.body.action selects none of [\"say\"], and there is no $default: add one of them".to_owned())
        );
        let said = checked("static", &[("static", "Gone")], "{}").unwrap_err();
        assert!(said.contains("the model Gone is not there"), "{said}");
        let said = checked("$default", &[("$default", "Any")], "{}").unwrap_err();
        assert!(said.contains(r"\$ for a dollar sign"), "{said}");
    }
}
