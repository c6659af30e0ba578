//! Reads a message, and says what is wrong with one that cannot be read.

use serde::Deserialize;
use serde_json::error::Category;
use tether_protocol::message::ToCloud;

/// Reads a message.
///
/// # Errors
/// What is wrong, without a word of the message's content: it may be a reply.
pub(crate) fn read(body: Option<&str>) -> Result<ToCloud, String> {
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

/// Serde's words may quote a value; only those that name a field of ours are
/// passed on.
fn harmless(words: &str) -> &str {
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
            let reason = read(Some(body)).unwrap_err();
            assert!(reason.contains(expected), "{body}: {reason}");
            assert!(!reason.contains("4111"), "{body}: {reason}");
        }
        assert!(read(None).is_err());
    }

    #[test]
    fn a_message_is_read() {
        assert_eq!(
            read(Some(r#"{"type":"keepAlive"}"#)),
            Ok(ToCloud::KeepAlive)
        );
    }
}
