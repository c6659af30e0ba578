//! Reads messages, and says what is wrong with one that cannot be read.

use crate::message::{Reason, ToCloud, ToLaptop};
use serde::Deserialize;
use serde_json::error::Category;

/// Reads a message to the laptop. What cannot be read is [`ToLaptop::Unknown`].
///
/// API Gateway has errors of its own, without a type: the helper Lambda failed,
/// or there were too many messages at once
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html>).
/// They come as [`ToLaptop::Problem`].
#[must_use]
pub fn to_laptop(text: &str) -> ToLaptop {
    if let Ok(message) = serde_json::from_str(text) {
        return message;
    }
    let error: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
    match (field("message"), field("requestId")) {
        (Some(message), Some(id)) => ToLaptop::Problem(Reason::new(format!(
            "API Gateway says: {message} (its request id is {id})"
        ))),
        _ => ToLaptop::Unknown,
    }
}

/// Reads a message to the cloud.
///
/// # Errors
/// What is wrong, without a word of the message's content: it may be a reply.
pub fn to_cloud(body: Option<&str>) -> Result<ToCloud, String> {
    let body = body.ok_or("the message is empty")?;
    match serde_json::from_str(body) {
        Ok(ToCloud::Unknown) => Err(format!(
            "the helper stack does not know messages of type {}: it is older than the command, so run `tether upgrade`",
            type_of(body)
        )),
        Ok(message) => Ok(message),
        Err(error) => Err(fault(body, &error)),
    }
}

fn fault(body: &str, error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Syntax | Category::Eof => format!(
            "the message is not JSON (line {}, column {})",
            error.line(),
            error.column()
        ),
        _ => format!(
            "the message of type {} is not what it should be ({})",
            type_of(body),
            harmless(&error.to_string())
        ),
    }
}

/// Serde's words may quote a value, and a value may be a secret: only those that
/// name a field of ours are passed on.
#[must_use]
pub fn harmless(words: &str) -> &str {
    let field = words.split(" at line ").next().unwrap_or_default();
    if field.starts_with("missing field") {
        field
    } else {
        "a field has the wrong form"
    }
}

/// The message's type, if it looks like one.
fn type_of(body: &str) -> String {
    #[derive(Deserialize)]
    struct Tag {
        #[serde(rename = "type")]
        name: String,
    }
    let name = serde_json::from_str::<Tag>(body).map(|tag| tag.name);
    match name {
        Ok(name) if name.len() <= 32 && name.chars().all(|c| c.is_ascii_alphabetic()) => name,
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::message::Alive;

    #[test]
    fn what_is_wrong_is_said_without_the_content() {
        for (body, expected) in [
            ("card 4111", "not JSON"),
            (r#"{"type":"reply","key":{"requestId":"4111"#, "not JSON"),
            (
                r#"{"type":"hello","version":"4111"}"#,
                "type hello is not what it should be",
            ),
            (
                r#"{"type":"reply","key":"4111"}"#,
                "type reply is not what it should be",
            ),
            (r#"{"type":"hello"}"#, "missing field `version`"),
            (r#"{"version":4111}"#, "missing field `type`"),
            (r#"["4111"]"#, "type unknown"),
            (r#"{"type":"dance","tempo":4111}"#, "type dance"),
            (r#"{"type":"my card 4111"}"#, "type unknown"),
        ] {
            let reason = to_cloud(Some(body)).unwrap_err();
            assert!(reason.contains(expected), "{body}: {reason}");
            assert!(!reason.contains("4111"), "{body}: {reason}");
        }
        assert!(to_cloud(None).is_err());
    }

    #[test]
    fn a_message_is_read() {
        assert_eq!(
            to_cloud(Some(r#"{"type":"keepAlive"}"#)),
            Ok(ToCloud::KeepAlive)
        );
    }

    #[test]
    fn an_error_of_api_gateways_own_is_told_with_its_text() {
        let text =
            r#"{"message": "Internal server error", "connectionId":"Lh3=", "requestId":"Lh4="}"#;
        let said = to_laptop(text);
        assert!(
            matches!(&said, ToLaptop::Problem(it) if it.reason.contains("Internal server error") && it.reason.contains("Lh4=")),
            "{said:?}"
        );
        assert_eq!(
            to_laptop(r#"{"type":"alive"}"#),
            ToLaptop::Alive(Alive::default())
        );
        for unknown in ["no JSON", "{}", r#"{"type":"dance"}"#] {
            assert_eq!(to_laptop(unknown), ToLaptop::Unknown, "{unknown}");
        }
    }
}
