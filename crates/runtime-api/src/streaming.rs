//! Answers that are streamed
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>).

use crate::header;
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

/// Largest streamed answer, in bytes
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const MAX_STREAM: usize = 200 * 1024 * 1024;

/// The content type of an answer that begins with a [`Prelude`].
pub const PRELUDE_CONTENT_TYPE: &str = "application/vnd.awslambda.http-integration-response";

/// What stands between a prelude and the body; no NUL stands in the prelude.
const DELIMITER: [u8; 8] = [0; 8];

/// No gateway takes headers that are as long as this.
const LONGEST_PRELUDE: usize = 1024 * 1024;

/// A part of a streamed answer.
#[derive(Clone, PartialEq, Eq)]
pub enum StreamPart {
    /// It begins.
    Head {
        /// Its content type, if the runtime gave one.
        content_type: Option<String>,
    },
    /// More of it, never empty.
    Chunk(Bytes),
}

/// A payload is in it: it does not print.
impl std::fmt::Debug for StreamPart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Head { content_type } => write!(formatter, "Head({content_type:?})"),
            Self::Chunk(bytes) => write!(formatter, "Chunk({} bytes)", bytes.len()),
        }
    }
}

/// How a runtime answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// All at once.
    Buffered,
    /// As it comes.
    Streaming,
}

impl ResponseMode {
    /// What `Lambda-Runtime-Function-Response-Mode` says; none, if Lambda does
    /// not know it.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(header::RESPONSE_MODE) {
            None => Some(Self::Buffered),
            Some(value) if value == "streaming" => Some(Self::Streaming),
            Some(value) if value.is_empty() => Some(Self::Buffered),
            Some(_) => None,
        }
    }
}

/// Status, headers and cookies that a streamed answer to HTTP begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prelude {
    /// 200, if it says none.
    pub status_code: u16,
    /// In its order; what is no text is as JSON has it.
    pub headers: Vec<(String, String)>,
    /// Values of `set-cookie`.
    pub cookies: Vec<String>,
}

/// An answer that should begin with a prelude does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPrelude {
    /// It is too long, or ends before the delimiter.
    #[error("the streamed answer has no end of its HTTP metadata, eight bytes of NUL")]
    Endless,
    /// It is not what AWS's clients write.
    #[error("the HTTP metadata of the streamed answer is no JSON object")]
    NotJson,
}

/// Reads a prelude from the parts of an answer.
#[derive(Default)]
pub struct PreludeReader(Vec<u8>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    status_code: Option<u16>,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    #[serde(default)]
    cookies: Vec<String>,
}

impl PreludeReader {
    /// Whether an answer of this content type begins with one.
    #[must_use]
    pub fn is_for(content_type: Option<&str>) -> bool {
        let kind = content_type.and_then(|it| it.split(';').next());
        kind.is_some_and(|it| it.trim().eq_ignore_ascii_case(PRELUDE_CONTENT_TYPE))
    }

    /// What was read so far.
    #[must_use]
    pub fn into_read(self) -> Vec<u8> {
        self.0
    }

    /// Takes the next part. Some: the prelude, and the beginning of the body.
    ///
    /// # Errors
    /// When it is none.
    pub fn push(&mut self, part: &[u8]) -> Result<Option<(Prelude, Bytes)>, NoPrelude> {
        // The delimiter may have begun in the part before.
        let from = self.0.len().saturating_sub(DELIMITER.len());
        self.0.extend_from_slice(part);
        let new = self.0.get(from..).unwrap_or_default();
        let Some(found) = new.windows(DELIMITER.len()).position(|it| it == DELIMITER) else {
            let endless = self.0.len() > LONGEST_PRELUDE;
            return if endless {
                Err(NoPrelude::Endless)
            } else {
                Ok(None)
            };
        };
        let end = from.saturating_add(found);
        let body = self.0.get(end.saturating_add(DELIMITER.len())..);
        let body = Bytes::copy_from_slice(body.unwrap_or_default());
        let written = self.0.get(..end).unwrap_or_default();
        let written = serde_json::from_slice::<Written>(written).map_err(|_| NoPrelude::NotJson)?;
        Ok(Some((written.into(), body)))
    }
}

impl From<Written> for Prelude {
    fn from(written: Written) -> Self {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let headers = written.headers.into_iter();
        Self {
            status_code: written.status_code.unwrap_or(200),
            headers: headers.map(|(name, value)| (name, text(value))).collect(),
            cookies: written.cookies,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const WHOLE: &[u8] =
        b"{\"statusCode\":404,\"headers\":{\"x-n\":5,\"a\":\"b\"},\"cookies\":[\"c=1\"]}\0\0\0\0\0\0\0\0\0body";

    #[test]
    fn a_prelude_is_found_wherever_the_parts_are_cut() {
        let expected = Prelude {
            status_code: 404,
            headers: vec![
                ("a".to_owned(), "b".to_owned()),
                ("x-n".to_owned(), "5".to_owned()),
            ],
            cookies: vec!["c=1".to_owned()],
        };
        for size in 1..=WHOLE.len() {
            let mut reader = PreludeReader::default();
            let mut parts = WHOLE.chunks(size);
            let (mut prelude, body) =
                std::iter::from_fn(|| parts.next().map(|part| reader.push(part).unwrap()))
                    .flatten()
                    .next()
                    .unwrap();
            prelude.headers.sort();
            assert_eq!(prelude, expected);
            let rest = parts.flatten().copied();
            let whole: Vec<u8> = body.iter().copied().chain(rest).collect();
            assert_eq!(whole, b"\0body", "parts of {size}");
        }
    }

    #[test]
    fn what_is_no_prelude_is_said_to_be_none() {
        let push = |part: &[u8]| PreludeReader::default().push(part);
        assert_eq!(push(b"{}"), Ok(None));
        assert_eq!(push(b"[]\0\0\0\0\0\0\0\0"), Err(NoPrelude::NotJson));
        assert_eq!(push(b"\0\0\0\0\0\0\0\0"), Err(NoPrelude::NotJson));
        let endless = vec![b' '; LONGEST_PRELUDE + 1];
        assert_eq!(push(&endless), Err(NoPrelude::Endless));
    }

    #[test]
    fn only_one_mode_has_a_name() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RESPONSE_MODE, value.parse().unwrap());
            ResponseMode::of(&headers)
        };
        assert_eq!(of("streaming"), Some(ResponseMode::Streaming));
        assert_eq!(of("Streaming"), None);
        assert_eq!(of("buffered"), None);
        let none = ResponseMode::of(&HeaderMap::new());
        assert_eq!(none, Some(ResponseMode::Buffered));
    }

    #[test]
    fn a_payload_is_not_printed() {
        let part = StreamPart::Chunk(Bytes::from_static(b"secret"));
        assert_eq!(format!("{part:?}"), "Chunk(6 bytes)");
        assert!(PreludeReader::is_for(Some(
            "application/vnd.awslambda.http-integration-response; charset=utf-8"
        )));
        assert!(!PreludeReader::is_for(Some("application/json")));
        assert!(!PreludeReader::is_for(None));
    }
}
