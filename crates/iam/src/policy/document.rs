//! From JSON to a policy.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use super::{Effect, Policy, PolicyError, Selection, Statement};
use crate::condition;
use crate::kind;
use crate::pattern::{Pattern, Syntax};
use crate::principal::{self, Principals};
use serde_json::{Map, Value};

/// The version that has policy variables; without one, it is the older
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>).
const CURRENT: &str = "2012-10-17";

/// What a policy is attached to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Identity,
    Resource,
    /// As its trust policy.
    Role,
}

pub(super) fn parse(document: &Value, of: Of) -> Result<Policy, PolicyError> {
    let document = document
        .as_object()
        .ok_or(PolicyError::NotAnObject(kind(document)))?;
    if let Some(key) = document
        .keys()
        .find(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
    {
        return Err(PolicyError::Element(key.clone()));
    }
    let version = document.get("Version");
    match version {
        None => {}
        Some(version) if matches!(version.as_str(), Some(CURRENT | "2008-10-17")) => {}
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
    let reader = Reader {
        of,
        variables: version.and_then(Value::as_str) == Some(CURRENT),
    };
    let statements = statements.iter().zip(1..);
    let statements = statements.map(|(value, position)| reader.statement(value, position));
    Ok(Policy {
        statements: statements.collect::<Result<_, _>>()?,
    })
}

struct Reader {
    of: Of,
    variables: bool,
}

impl Reader {
    fn statement(&self, value: &Value, position: usize) -> Result<Statement, PolicyError> {
        let sid = value
            .get("Sid")
            .and_then(Value::as_str)
            .filter(|sid| !sid.is_empty());
        let name = match sid {
            Some(sid) => format!("statement {position} ({sid})"),
            None => format!("statement {position}"),
        };
        self.read(value, sid, &name)
            .map_err(|problem| PolicyError::Statement {
                statement: name,
                problem,
            })
    }

    fn read(&self, value: &Value, sid: Option<&str>, name: &str) -> Result<Statement, String> {
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
            "Principal",
            "NotPrincipal",
            "Condition",
        ];
        if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("a statement has no element {key}: leave it out"));
        }
        Ok(Statement {
            sid: sid.map(str::to_owned),
            name: name.to_owned(),
            effect: effect(object)?,
            actions: self.actions(object)?,
            resources: self.resources(object)?,
            principals: self.principals(object)?,
            conditions: match object.get("Condition") {
                None => Vec::new(),
                Some(conditions) => condition::read(conditions, self.variables)?,
            },
        })
    }

    /// Policy variables stand in resources and conditions only: taken literally, a
    /// Deny with one would never deny.
    fn actions(&self, statement: &Map<String, Value>) -> Result<Selection, String> {
        let syntax = Syntax {
            wildcards: true,
            variables: false,
        };
        let read = |text: &str| match text.contains("${") {
            true => Err(format!(
                "Action {text:?} has a policy variable: write it out"
            )),
            false => Pattern::read(text, syntax).map(Pattern::lowered),
        };
        required(
            selection(statement, "Action", "NotAction", &read)?,
            "Action",
        )
    }

    fn resources(&self, statement: &Map<String, Value>) -> Result<Option<Selection>, String> {
        let syntax = Syntax {
            wildcards: true,
            variables: self.variables,
        };
        let read = |text: &str| Pattern::read(text, syntax);
        let found = selection(statement, "Resource", "NotResource", &read)?;
        match (self.of, &found) {
            (Of::Role, Some(_)) => Err(
                "a trust policy has no Resource, since it is about its role: leave it out"
                    .to_owned(),
            ),
            (Of::Role, None) => Ok(None),
            _ => required(found, "Resource").map(Some),
        }
    }

    fn principals(&self, statement: &Map<String, Value>) -> Result<Option<Principals>, String> {
        let found = match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (Some(these), None) => Some(principal::read(these).map(Principals::These)?),
            (None, Some(those)) => Some(principal::read(those).map(Principals::AllBut)?),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err("it has both Principal and NotPrincipal: keep one".to_owned());
            }
        };
        match (self.of, &found) {
            (Of::Identity, Some(_)) => Err(
                "this policy is about whoever has it and evaluates no Principal: leave it out"
                    .to_owned(),
            ),
            (Of::Resource | Of::Role, None) => {
                Err("it has no Principal: say whom it is about".to_owned())
            }
            _ => Ok(found),
        }
    }
}

fn required(selection: Option<Selection>, element: &str) -> Result<Selection, String> {
    selection.ok_or_else(|| format!("it has no {element}: add {element} or Not{element}"))
}

fn effect(statement: &Map<String, Value>) -> Result<Effect, String> {
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Ok(Effect::Allow),
        Some("Deny") => Ok(Effect::Deny),
        _ => Err("Effect is missing or unknown: use \"Allow\" or \"Deny\"".to_owned()),
    }
}

type Read<'a> = &'a dyn Fn(&str) -> Result<Pattern, String>;

fn selection(
    statement: &Map<String, Value>,
    only: &str,
    all_but: &str,
    read: Read<'_>,
) -> Result<Option<Selection>, String> {
    match (statement.get(only), statement.get(all_but)) {
        (Some(value), None) => patterns(value, only, read).map(|it| Some(Selection::Only(it))),
        (None, Some(value)) => patterns(value, all_but, read).map(|it| Some(Selection::AllBut(it))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(format!("it has both {only} and {all_but}: keep one")),
    }
}

fn patterns(value: &Value, element: &str, read: Read<'_>) -> Result<Vec<Pattern>, String> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    if items.is_empty() {
        return Err(format!("{element} is an empty list: name at least one"));
    }
    let pattern = |item: &Value| match item.as_str() {
        Some(text) => read(text),
        None => Err(format!("{element} holds {} and not a string", kind(item))),
    };
    items.iter().map(pattern).collect()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that expects an error should stop without one"
)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identity(document: &Value) -> Result<Policy, PolicyError> {
        parse(document, Of::Identity)
    }

    fn error(statement: Value) -> String {
        identity(&json!({ "Version": "2012-10-17", "Statement": statement }))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_document_is_an_object_with_statements() {
        assert_eq!(
            identity(&json!("{}")),
            Err(PolicyError::NotAnObject("a string"))
        );
        assert_eq!(
            identity(&json!({ "Version": "2012-10-17" })),
            Err(PolicyError::NoStatement)
        );
        assert_eq!(
            identity(&json!({ "Statement": [] })),
            Err(PolicyError::NoStatement)
        );
        assert_eq!(
            identity(&json!({ "Statement": null })),
            Err(PolicyError::NoStatement)
        );
        let version = identity(&json!({ "Version": "2020", "Statement": [] }));
        assert_eq!(version, Err(PolicyError::Version("\"2020\"".to_owned())));
        assert_eq!(
            identity(&json!({ "statement": [] })),
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
        assert!(with("Principal", json!("*")).contains("evaluates no Principal"));
        assert!(with("NotAction", json!("b")).contains("both Action and NotAction"));
        assert!(with("Action", json!([])).contains("Action is an empty list"));
        assert!(with("Action", json!([1])).contains("Action holds a number"));
        let endless = with("Resource", json!("arn:aws:s3:::${aws:username"));
        assert!(endless.contains("has no end"));
        assert!(with("Action", json!("s3:${x}")).contains("policy variable"));
        assert!(with("Condition", json!("x")).contains("Condition is a string"));
        assert!(error(json!({ "Effect": "Allow", "Action": "a" })).contains("no Resource"));
        assert!(error(json!("Allow")).contains("a string and not an object"));
    }

    #[test]
    fn a_policy_has_what_the_thing_needs_that_it_is_attached_to() {
        let statement =
            json!({ "Effect": "Allow", "Principal": "*", "Action": "a", "Resource": "r" });
        let document = json!({ "Statement": statement });
        assert!(parse(&document, Of::Resource).is_ok());
        let error = parse(&document, Of::Role).unwrap_err().to_string();
        assert!(error.contains("a trust policy has no Resource"), "{error}");
        let nobody = json!({ "Statement": { "Effect": "Allow", "Action": "a" } });
        let error = parse(&nobody, Of::Role).unwrap_err().to_string();
        assert!(error.contains("it has no Principal"), "{error}");
    }
}
