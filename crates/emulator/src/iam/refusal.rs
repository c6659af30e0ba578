//! How each service says that something is not allowed.

use crate::query;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tether_iam::Denied;

type Answer = Response<Full<Bytes>>;

/// The name of the error in services with JSON bodies.
const NAME: &str = "AccessDeniedException";

/// Refuses a call in the service's own shape.
pub(crate) fn refuse(service: &str, denied: &Denied) -> Answer {
    let message = denied.to_string();
    let typed = format!("com.amazon.coral.service#{NAME}");
    match service {
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
        "dynamodb" => {
            let body = json!({ "__type": typed, "Message": message });
            json_body(StatusCode::BAD_REQUEST, "application/x-amz-json-1.0", &body)
        }
        "sts" | "cloudformation" | "iam" => {
            query::failure(StatusCode::FORBIDDEN, "AccessDenied", &message)
        }
        // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        "s3" => {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}{}{}</Error>",
                query::element("Code", "AccessDenied"),
                query::element("Message", &message),
                query::element("RequestId", &crate::id::uuid()),
            );
            body_of(StatusCode::FORBIDDEN, "application/xml", body)
        }
        "sqs" => {
            let body = json!({ "__type": typed, "message": message });
            json_body(StatusCode::FORBIDDEN, "application/x-amz-json-1.0", &body)
        }
        // Lambda and API Gateway.
        _ => json_body(
            StatusCode::FORBIDDEN,
            "application/json",
            &json!({ "Message": message }),
        ),
    }
}

fn json_body(status: StatusCode, kind: &'static str, body: &Value) -> Answer {
    let mut answer = body_of(status, kind, body.to_string());
    let name = HeaderValue::from_static(NAME);
    answer.headers_mut().insert("x-amzn-errortype", name);
    answer
}

fn body_of(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    answer.headers_mut().insert("content-type", kind);
    if let Ok(id) = HeaderValue::from_str(&crate::id::uuid()) {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}
