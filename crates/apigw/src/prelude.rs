//! The head of a streamed answer: JSON, eight zero bytes, and then the body
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>).
//! Runtimes say that there is one by the content type [`CONTENT_TYPE`]. Function URLs and REST APIs
//! read it.

use serde_json::{Map, Value};

use crate::http::Answer;
use crate::http_api::MalformedReply;
use crate::http_api::{Payload, structured};

/// What a runtime calls an answer that begins with a prelude.
pub const CONTENT_TYPE: &str = "application/vnd.awslambda.http-integration-response";

/// What separates it from the body.
const SEPARATOR: [u8; 8] = [0; 8];

/// A prelude may not be longer, or a function could fill the memory of whoever waits for its end
/// `[inf]`: AWS's limit is not known.
pub const LONGEST: usize = 1024 * 1024;

/// What the first bytes of a stream are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prelude {
    /// There must be more.
    Unfinished,
    /// All of it.
    Whole {
        /// Status and headers; its body is empty.
        head: Answer,
        /// Where the body begins.
        body_at: usize,
    },
}

/// Reads the bytes that have come so far.
///
/// # Errors
/// If what is there can be no prelude.
pub fn read(bytes: &[u8]) -> Result<Prelude, MalformedReply> {
    let end = bytes
        .windows(SEPARATOR.len())
        .position(|it| it == SEPARATOR);
    let Some(end) = end else {
        return match bytes.len() > LONGEST {
            true => Err(MalformedReply::NotAnObject("longer than 1 MB")),
            false => Ok(Prelude::Unfinished),
        };
    };
    let json = bytes.get(..end).unwrap_or_default();
    let mut head: Map<String, Value> = match serde_json::from_slice(json) {
        Ok(Value::Object(head)) => head,
        Ok(other) => return Err(MalformedReply::NotAnObject(crate::proxy::kind(&other))),
        Err(_) => return Err(MalformedReply::NotAnObject("not JSON")),
    };
    head.remove("body");
    // Node's helper leaves out what is not set.
    head.entry("statusCode").or_insert(Value::from(200));
    let reply = structured(&head, Payload::V2)?;
    Ok(Prelude::Whole {
        head: reply.answer("application/octet-stream"),
        body_at: end + SEPARATOR.len(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(json: &str, body: &[u8]) -> Vec<u8> {
        [json.as_bytes(), &SEPARATOR, body].concat()
    }

    #[test]
    fn a_head_ends_at_eight_zeros() {
        let json = r#"{"statusCode":201,"headers":{"X-A":"1"},"cookies":["a=1"]}"#;
        let bytes = stream(json, b"hi");
        let Prelude::Whole { head, body_at } = read(&bytes).unwrap() else {
            panic!()
        };
        assert_eq!((head.status, &bytes[body_at..]), (201, &b"hi"[..]));
        let names: Vec<&str> = head.headers.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(names, ["Content-Type", "X-A", "set-cookie"]);
        let Prelude::Whole { head, .. } = read(&stream("{}", b"")).unwrap() else {
            panic!()
        };
        assert_eq!(head.status, 200);
    }

    #[test]
    fn what_is_no_head_is_named() {
        for (json, is) in [("[]", "a list"), ("x", "not JSON"), ("", "not JSON")] {
            let read = read(&stream(json, b""));
            assert_eq!(read, Err(MalformedReply::NotAnObject(is)));
        }
        assert!(read(&stream(r#"{"statusCode":1}"#, b"")).is_err());
        assert!(read(&vec![b' '; LONGEST + 1]).is_err());
    }

    proptest! {
        #[test]
        fn however_it_is_cut_it_is_unfinished_until_it_is_whole(cut in 0_usize..40, body in prop::collection::vec(any::<u8>(), 0..20)) {
            let bytes = stream(r#"{"statusCode":204}"#, &body);
            let whole = bytes.len() - body.len();
            let cut = cut.min(bytes.len());
            let unfinished = read(&bytes[..cut]).unwrap() == Prelude::Unfinished;
            prop_assert_eq!(unfinished, cut < whole);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes);
        }
    }
}
