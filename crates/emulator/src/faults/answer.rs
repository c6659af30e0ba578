//! How a fault is worded: refusals in each service's own shape, answers as
//! given, answers changed.

use super::rule::{Given, Refusal};
use super::{Answer, AnyBody};
use crate::{query, s3};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Map, Value, json};

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810#";

/// Refuses a call as its service does.
pub(super) fn refuse(service: &str, refusal: &Refusal) -> Answer {
    let (code, message) = (&refusal.code, &refusal.message);
    let fault = if refusal.status.is_server_error() {
        "Service"
    } else {
        "User"
    };
    match service {
        "sts" | "cloudformation" => query::failure(refusal.status, code, message),
        "s3" => s3::failure(refusal.status, code, message),
        "dynamodb" => {
            let name = match code.contains('#') {
                true => code.clone(),
                false => format!("{DYNAMODB}{code}"),
            };
            let body = json!({ "__type": name, "message": message });
            text(service, refusal.status, body.to_string())
        }
        "lambda" => {
            let body = json!({ "Type": fault, "message": message });
            named(service, refusal, &body)
        }
        "execute-api" | "websocket" => named(service, refusal, &json!({ "message": message })),
        // One of these is read, whichever protocol it is.
        _ => {
            let body = json!({ "__type": code, "message": message });
            named(service, refusal, &body)
        }
    }
}

fn named(service: &str, refusal: &Refusal, body: &Value) -> Answer {
    let mut answer = text(service, refusal.status, body.to_string());
    if let Ok(name) = HeaderValue::from_str(&refusal.code)
        && !name.is_empty()
    {
        answer.headers_mut().insert("x-amzn-errortype", name);
    }
    answer
}

/// Answers with what a rule says.
pub(super) fn give(service: &str, given: &Given) -> Answer {
    let body = match &given.body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut answer = text(service, given.status, body);
    for (name, value) in &given.headers {
        answer.headers_mut().insert(name, value.clone());
    }
    answer
}

fn text(service: &str, status: StatusCode, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let kind = match service {
        "sts" | "cloudformation" => "text/xml",
        "dynamodb" => "application/x-amz-json-1.0",
        _ => "application/json",
    };
    let kind = HeaderValue::from_static(kind);
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Changes what a call has answered; a refusal stays as it is.
pub(super) async fn patch<B: AnyBody>(answer: Response<B>, patch: &Value) -> Response<B> {
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    let body = body.to_bytes();
    let whole = |body: Bytes| B::from(Full::new(body));
    if !parts.status.is_success() {
        return Response::from_parts(parts, whole(body));
    }
    let Ok(mut value) = serde_json::from_slice(&body) else {
        return Response::from_parts(parts, whole(body));
    };
    merge(&mut value, patch);
    // They are about the body as it was.
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove("x-amz-crc32");
    Response::from_parts(parts, whole(Bytes::from(value.to_string())))
}

/// <https://www.rfc-editor.org/rfc/rfc7386#section-2>
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            members.shift_remove(name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    /// Appendix A of the RFC: original, patch, result.
    const MERGES: [[&str; 3]; 15] = [
        [r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#],
        [r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#],
        [r#"{"a":"b"}"#, r#"{"a":null}"#, r"{}"],
        [r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#],
        [r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#],
        [r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#],
        [
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        ],
        [r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#],
        [r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#],
        [r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#],
        [r#"{"a":"foo"}"#, "null", "null"],
        [r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#],
        [r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#],
        ["[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#],
        ["{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#],
    ];

    #[test]
    fn a_patch_merges_as_the_rfc_says() {
        for [original, patch, result] in MERGES {
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let mut merged = read(original);
            merge(&mut merged, &read(patch));
            assert_eq!(merged, read(result), "{patch}");
        }
    }

    #[test]
    fn each_service_refuses_in_its_own_shape() {
        let refusal = Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "Throttled".to_owned(),
            message: "<slower>".to_owned(),
        };
        let name = |service: &str| {
            let answer = refuse(service, &refusal);
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
            let name = answer.headers().get("x-amzn-errortype");
            name.map(|it| it.to_str().unwrap().to_owned())
        };
        assert_eq!(name("lambda").as_deref(), Some("Throttled"));
        assert_eq!(name("execute-api").as_deref(), Some("Throttled"));
        assert_eq!(name("sqs").as_deref(), Some("Throttled"));
        assert_eq!([name("dynamodb"), name("sts")], [None, None]);
    }
}
