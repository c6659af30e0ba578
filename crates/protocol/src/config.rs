//! The variables that tie a function to a session.

use crate::reading::harmless;
use crate::{ConnectionId, SessionId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lambda starts what this variable names in front of the runtime
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html>).
pub const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";
/// Which session.
pub const SESSION: &str = "DEBUGGER_SESSION_ID";
/// The receiver's connection when the function was instrumented: a hint.
pub const CONNECTION: &str = "DEBUGGER_CONNECTION_ID";
/// A [`Config`] as JSON.
pub const CONFIG: &str = "DEBUGGER_CONFIG";

/// Where the layer puts the bootstrap: the root of the layer, which is where
/// `cargo lambda deploy --extension --internal` puts a binary too. Not below
/// `/opt/extensions`, where Lambda would start it as an extension.
pub const BOOTSTRAP_PATH: &str = "/opt/tether-bootstrap";

/// What the bootstrap needs to find the rest. Keys are short: a function has
/// 4 KB for all its variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The role that the bootstrap assumes.
    #[serde(rename = "r")]
    pub layer_role: String,
    /// `sts:ExternalId` of that role's trust policy.
    #[serde(rename = "x")]
    pub external_id: String,
    /// The sessions table.
    #[serde(rename = "s")]
    pub sessions_table: String,
    /// The correlation table.
    #[serde(rename = "d")]
    pub debugger_table: String,
    /// `@connections` lives below this URL.
    #[serde(rename = "u")]
    pub connections_url: String,
    /// The function's own timeout in seconds: the deployed code's deadline.
    #[serde(rename = "t")]
    pub timeout: u32,
    /// The function's own wrapper, which is kept and chained.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub wrapper: Option<String>,
    /// The timeout that was written with this, in seconds: another one is
    /// somebody else's. None in what older versions wrote.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub attached_timeout: Option<u32>,
}

/// What [`SESSION`], [`CONNECTION`] and [`CONFIG`] say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Which session.
    pub session_id: SessionId,
    /// The connection when the function was instrumented.
    pub connection_hint: ConnectionId,
    /// The rest.
    pub config: Config,
}

impl Attachment {
    /// Reads the variables.
    ///
    /// # Errors
    /// Which variable is missing or not what it should be.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let need = |name: &str| variable(name).ok_or_else(|| format!("{name} is not set"));
        Ok(Self {
            session_id: SessionId::new(need(SESSION)?),
            connection_hint: ConnectionId::new(need(CONNECTION)?),
            config: serde_json::from_str(&need(CONFIG)?)
                .map_err(|error: serde_json::Error| refusal(&error))?,
        })
    }

    /// The variables that say it, the wrapper among them.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<String, String> {
        let config = serde_json::to_string(&self.config).unwrap_or_default();
        BTreeMap::from([
            (WRAPPER.to_owned(), BOOTSTRAP_PATH.to_owned()),
            (SESSION.to_owned(), self.session_id.to_string()),
            (CONNECTION.to_owned(), self.connection_hint.to_string()),
            (CONFIG.to_owned(), config),
        ])
    }
}

fn refusal(error: &serde_json::Error) -> String {
    let words = error.to_string();
    format!("{CONFIG} is not what tether wrote: {}", harmless(&words))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn attachment() -> Attachment {
        Attachment {
            session_id: SessionId::new("s-1"),
            connection_hint: ConnectionId::new("c="),
            config: Config {
                layer_role: "arn:aws:iam::123456789012:role/layer".into(),
                external_id: "x".into(),
                sessions_table: "S".into(),
                debugger_table: "D".into(),
                connections_url: "https://a.execute-api.eu-west-1.amazonaws.com/live".into(),
                timeout: 3,
                wrapper: None,
                attached_timeout: None,
            },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let variables = attachment().variables();
        let read = Attachment::read(|name| variables.get(name).cloned());
        assert_eq!(read, Ok(attachment()));
    }

    #[test]
    fn a_value_that_is_not_ours_is_refused_and_not_printed() {
        for text in [
            r#"{"r":"role","x":"x","s":"S","d":"D","u":"U","t":"hunter2"}"#,
            r#""hunter2""#,
            "hunter2",
        ] {
            let mut variables = attachment().variables();
            variables.insert(CONFIG.to_owned(), text.to_owned());
            let error = Attachment::read(|name| variables.get(name).cloned()).unwrap_err();
            assert!(error.starts_with("DEBUGGER_CONFIG is not what"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_missing_variable_is_named() {
        let mut variables = attachment().variables();
        variables.remove(CONFIG);
        let error = Attachment::read(|name| variables.get(name).cloned());
        assert_eq!(error, Err("DEBUGGER_CONFIG is not set".to_owned()));
    }
}
