//! The file of `--env-vars`, as `sam` reads it: values for variables, by logical
//! id, and under `Parameters` for every function that has them. Under `Parameters`
//! stand also values of the parameter store and of Secrets Manager, by the names
//! that the template calls them.

use crate::error::ProjectError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tether_sam::did_you_mean;

/// Where the values for all functions stand.
const EVERYONES: &str = "Parameters";

/// What the file says. It does not print: secrets are in it.
pub struct EnvVars {
    path: PathBuf,
    functions: BTreeMap<String, BTreeMap<String, String>>,
}

impl EnvVars {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, ProjectError> {
        let refuse = |reason: String| ProjectError::EnvVars {
            path: path.to_path_buf(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        let functions = parse(&text).map_err(refuse)?;
        Ok(Self {
            path: path.to_path_buf(),
            functions,
        })
    }

    /// Gives a function its values; what people should know of it is said.
    ///
    /// As in `sam`, what stands there for everybody reaches only variables that
    /// the template gives the function, and what stands under its own name wins.
    /// A variable of its own that the template lacks is set all the same.
    #[must_use]
    pub fn apply(
        &self,
        logical_id: &str,
        name: Option<&str>,
        environment: &mut BTreeMap<String, String>,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        for (key, value) in self.functions.get(EVERYONES).into_iter().flatten() {
            if let Some(had) = environment.get_mut(key) {
                had.clone_from(value);
            }
        }
        let names = name.into_iter().chain([logical_id]);
        for (key, value) in names.filter_map(|it| self.functions.get(it)).flatten() {
            let declared = environment.insert(key.clone(), value.clone()).is_some();
            if !declared {
                notes.push(format!(
                    "{key} is in {} and not in the template: the deployed {logical_id} will not have it",
                    self.path.display()
                ));
            }
        }
        notes
    }

    /// What stands for everybody, as values of the parameter store and of Secrets Manager: a name
    /// such as `/shop/url` or `shop/db:SecretString:password` is no variable's
    /// (see [`tether_sam::Surroundings::stored`]).
    #[must_use]
    pub fn stored(&self) -> BTreeMap<String, String> {
        self.functions.get(EVERYONES).cloned().unwrap_or_default()
    }

    /// Names of functions that the template does not have.
    #[must_use]
    pub fn unknown(&self, known: &[&str]) -> Vec<String> {
        let names = self.functions.keys().map(String::as_str);
        names
            .filter(|it| *it != EVERYONES && !known.contains(it))
            .map(|it| {
                let hint = did_you_mean(it, known.iter().copied());
                let path = self.path.display();
                format!(
                    "{path} has variables for {it}, which is no function of the template.{hint}"
                )
            })
            .collect()
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>, String> {
    let functions: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| format!("it is no JSON object of functions: {error}"))?;
    functions
        .into_iter()
        .map(|(name, variables)| match variables {
            Value::Object(variables) => {
                let variables = variables.into_iter();
                let read = variables.map(|(key, value)| variable(&name, key, value));
                Ok((name.clone(), read.collect::<Result<_, _>>()?))
            }
            _ => Err(format!("the variables of {name} are no JSON object")),
        })
        .collect()
}

/// Variables are texts; numbers and truth values are taken for theirs.
fn variable(function: &str, key: String, value: Value) -> Result<(String, String), String> {
    let value = match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => {
            return Err(format!("{key} of {function} is no text: write it as one"));
        }
    };
    Ok((key, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn env_vars(text: &str) -> EnvVars {
        EnvVars {
            path: "env.json".into(),
            functions: parse(text).unwrap(),
        }
    }

    #[test]
    fn a_functions_own_value_wins_and_everybodys_reaches_only_what_is_declared() {
        let read = env_vars(
            r#"{"Parameters": {"TABLE": "all", "STAGE": "all", "OTHER": "all"},
                "Hello": {"STAGE": "own", "SIZE": 5, "ON": true, "NONE": null}}"#,
        );
        let declared = ["TABLE", "STAGE", "SIZE", "ON"];
        let template = declared.map(|it| (it.to_owned(), "template".to_owned()));
        let mut environment = BTreeMap::from(template);
        let notes = read.apply("Hello", Some("hello-prod"), &mut environment);
        let found: Vec<_> = environment
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        assert_eq!(
            found,
            ["NONE=", "ON=true", "SIZE=5", "STAGE=own", "TABLE=all"]
        );
        assert_eq!(
            notes,
            ["NONE is in env.json and not in the template: the deployed Hello will not have it"]
        );
    }

    #[test]
    fn what_stands_for_everybody_may_be_a_stored_value() {
        let read = env_vars(r#"{"Parameters": {"/shop/url": "x"}, "Hello": {"A": "1"}}"#);
        let stored = BTreeMap::from([("/shop/url".to_owned(), "x".to_owned())]);
        assert_eq!(read.stored(), stored);
        assert_eq!(env_vars("{}").stored(), BTreeMap::new());
    }

    #[test]
    fn a_function_may_be_called_by_its_name_on_lambda() {
        let read = env_vars(r#"{"hello-prod": {"A": "1"}}"#);
        let mut environment = BTreeMap::from([("A".to_owned(), String::new())]);
        assert!(
            read.apply("Hello", Some("hello-prod"), &mut environment)
                .is_empty()
        );
        assert_eq!(environment["A"], "1");
    }

    #[test]
    fn nobodys_variables_are_said_with_a_suggestion() {
        let read = env_vars(r#"{"Helo": {}, "Parameters": {}, "Hello": {}}"#);
        assert_eq!(
            read.unknown(&["Hello", "Other"]),
            [
                "env.json has variables for Helo, which is no function of the template. Did you mean Hello?"
            ]
        );
    }

    #[test]
    fn what_is_something_else_is_named_without_its_value() {
        for (text, reason) in [
            ("{", "it is no JSON object of functions: EOF"),
            ("[]", "it is no JSON object of functions"),
            (r#"{"A": "x"}"#, "the variables of A are no JSON object"),
            (r#"{"A": {"K": ["secret"]}}"#, "K of A is no text"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.starts_with(reason) && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
