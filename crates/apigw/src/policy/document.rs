//! From JSON to a policy.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use serde_json::{Map, Value};

use super::{Effect, Policy, PolicyError, Selection, Statement};
use crate::proxy::kind;

pub(super) fn parse(document: &Value) -> Result<Policy, PolicyError> {
    let document = document
        .as_object()
        .ok_or(PolicyError::NotAnObject(kind(document)))?;
    if let Some(key) = document
        .keys()
        .find(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
    {
        return Err(PolicyError::Element(key.clone()));
    }
    match document.get("Version") {
        None => {}
        Some(version) if matches!(version.as_str(), Some("2012-10-17" | "2008-10-17")) => {}
        Some(other) => return Err(PolicyError::Version(other.to_string())),
    }
    let statements = match document.get("Statement") {
        None | Some(Value::Null) => return Err(PolicyError::NoStatement),
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    if statements.is_empty() {
        return Err(PolicyError::NoStatement);
    }
    let statements = statements
        .iter()
        .zip(1..)
        .map(|(value, position)| statement(value, position));
    Ok(Policy {
        statements: statements.collect::<Result<_, _>>()?,
    })
}

fn statement(value: &Value, position: usize) -> Result<Statement, PolicyError> {
    let sid = value
        .get("Sid")
        .and_then(Value::as_str)
        .filter(|sid| !sid.is_empty());
    let name = match sid {
        Some(sid) => format!("statement {position} ({sid})"),
        None => format!("statement {position}"),
    };
    read(value, &name).map_err(|problem| PolicyError::Statement {
        statement: name,
        problem,
    })
}

fn read(value: &Value, name: &str) -> Result<Statement, String> {
    let object = value
        .as_object()
        .ok_or_else(|| format!("it is {} and not an object", kind(value)))?;
    let known = [
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("tether does not evaluate {key}: leave it out"));
    }
    Ok(Statement {
        name: name.to_owned(),
        effect: effect(object)?,
        actions: selection(object, "Action", "NotAction")?,
        resources: selection(object, "Resource", "NotResource")?,
        condition: condition(object)?,
    })
}

fn effect(statement: &Map<String, Value>) -> Result<Effect, String> {
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Ok(Effect::Allow),
        Some("Deny") => Ok(Effect::Deny),
        _ => Err("Effect is missing or unknown: use \"Allow\" or \"Deny\"".to_owned()),
    }
}

fn selection(
    statement: &Map<String, Value>,
    only: &str,
    all_but: &str,
) -> Result<Selection, String> {
    match (statement.get(only), statement.get(all_but)) {
        (Some(value), None) => patterns(value, only).map(Selection::Only),
        (None, Some(value)) => patterns(value, all_but).map(Selection::AllBut),
        (None, None) => Err(format!("it has no {only}: add {only} or {all_but}")),
        (Some(_), Some(_)) => Err(format!("it has both {only} and {all_but}: keep one")),
    }
}

fn patterns(value: &Value, element: &str) -> Result<Vec<String>, String> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    if items.is_empty() {
        return Err(format!("{element} is an empty list: name at least one"));
    }
    items.iter().map(|item| pattern(item, element)).collect()
}

/// A pattern with a `${…}` means something else for every caller: taken
/// literally, a Deny with one would never deny
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
fn pattern(item: &Value, element: &str) -> Result<String, String> {
    match item.as_str() {
        Some(text) if text.contains("${") => Err(format!(
            "tether does not evaluate policy variables, as in {element} {text:?}: write the value out"
        )),
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("{element} holds {} and not a string", kind(item))),
    }
}

fn condition(statement: &Map<String, Value>) -> Result<Option<Value>, String> {
    match statement.get("Condition") {
        None => Ok(None),
        Some(Value::Object(operators)) if operators.is_empty() => Ok(None),
        Some(condition @ Value::Object(_)) => Ok(Some(condition.clone())),
        Some(other) => Err(format!("Condition is {} and not an object", kind(other))),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that expects an error should stop without one"
)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(statement: Value) -> String {
        parse(&json!({ "Statement": statement }))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_document_is_an_object_with_statements() {
        assert_eq!(
            parse(&json!("{}")),
            Err(PolicyError::NotAnObject("a string"))
        );
        assert_eq!(
            parse(&json!({ "Version": "2012-10-17" })),
            Err(PolicyError::NoStatement)
        );
        assert_eq!(
            parse(&json!({ "Statement": [] })),
            Err(PolicyError::NoStatement)
        );
        assert_eq!(
            parse(&json!({ "Statement": null })),
            Err(PolicyError::NoStatement)
        );
        let version = parse(&json!({ "Version": "2020", "Statement": [] }));
        assert_eq!(version, Err(PolicyError::Version("\"2020\"".to_owned())));
        assert_eq!(
            parse(&json!({ "statement": [] })),
            Err(PolicyError::Element("statement".to_owned()))
        );
    }

    #[test]
    fn errors_name_the_statement_and_what_to_do() {
        let good = json!({ "Effect": "Deny", "Action": "a", "Resource": "r" });
        let bad = json!({ "Sid": "Two", "Effect": "allow", "Action": "a", "Resource": "r" });
        let line = error(json!([good, bad]));
        assert_eq!(
            line,
            "statement 2 (Two) of the policy: Effect is missing or unknown: use \"Allow\" or \"Deny\""
        );
    }

    #[test]
    fn a_statement_that_we_cannot_evaluate_is_an_error() {
        let base = json!({ "Effect": "Allow", "Action": "a", "Resource": "r" });
        let with = |key: &str, value: Value| {
            let mut statement = base.clone();
            statement[key] = value;
            error(statement)
        };
        assert!(with("Principal", json!("*")).contains("does not evaluate Principal"));
        assert!(with("NotAction", json!("b")).contains("both Action and NotAction"));
        assert!(with("Action", json!([])).contains("Action is an empty list"));
        assert!(with("Action", json!([1])).contains("Action holds a number"));
        assert!(
            with("Resource", json!("arn:aws:s3:::${aws:username}")).contains("policy variables")
        );
        assert!(with("Condition", json!("x")).contains("Condition is a string"));
        assert!(error(json!({ "Effect": "Allow", "Action": "a" })).contains("no Resource"));
        assert!(error(json!("Allow")).contains("a string and not an object"));
    }

    #[test]
    fn a_condition_is_kept_as_it_is() {
        let condition = json!({ "Bool": { "aws:SecureTransport": "true" } });
        let statement =
            json!({ "Effect": "Allow", "Action": "a", "Resource": "r", "Condition": condition });
        let policy = parse(&json!({ "Statement": statement })).unwrap();
        assert_eq!(
            policy.statements.first().unwrap().condition,
            Some(condition)
        );
    }
}
