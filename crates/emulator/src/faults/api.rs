//! `/_tether/faults`: tether's own, for tests.

use super::{Answer, Faults};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// Where it is.
pub(crate) const PATH: &str = "/_tether/faults";

/// Serves what is under the path.
pub(crate) fn serve(faults: &Faults, method: &Method, path: &str, body: &[u8]) -> Answer {
    let id = path.strip_prefix(PATH).unwrap_or_default();
    let id = id.trim_start_matches('/');
    match (method, id) {
        (&Method::GET, "") => answer(StatusCode::OK, &faults.listed()),
        (&Method::POST, "") => match faults.add(body) {
            Ok(id) => answer(StatusCode::OK, &json!({ "id": id })),
            Err(error) => {
                let message = format!("this is no fault: {error}");
                answer(StatusCode::BAD_REQUEST, &json!({ "message": message }))
            }
        },
        (&Method::DELETE, id) if faults.lift(id) => answer(StatusCode::OK, &json!({})),
        (&Method::DELETE, id) => {
            let message = format!("there is no fault {id}");
            answer(StatusCode::NOT_FOUND, &json!({ "message": message }))
        }
        _ => {
            let message = "GET and POST /_tether/faults, DELETE /_tether/faults/{id}";
            let body = json!({ "message": message });
            answer(StatusCode::METHOD_NOT_ALLOWED, &body)
        }
    }
}

fn answer(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
