//! What a runtime sends: each verb is a request without being sent.

use crate::header;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, Result};

/// `GET …/next`. It has no timeout: Lambda freezes the environment meanwhile.
///
/// # Errors
/// When the authority cannot stand in a header.
pub fn next(authority: &str) -> Result<Request<Bytes>> {
    Request::builder()
        .method(Method::GET)
        .uri("/2018-06-01/runtime/invocation/next")
        .header(HOST, authority)
        .body(Bytes::new())
}

/// `POST …/{id}/response`, byte for byte.
///
/// # Errors
/// When an argument cannot stand in a URL or header.
pub fn response(
    authority: &str,
    request_id: &str,
    invocation_id: Option<&str>,
    content_type: Option<&str>,
    body: Bytes,
) -> Result<Request<Bytes>> {
    let path = format!("/2018-06-01/runtime/invocation/{request_id}/response");
    post(authority, &path, invocation_id)
        .header(CONTENT_TYPE, content_type.unwrap_or("application/json"))
        .body(body)
}

/// `POST …/{id}/error`
///
/// # Errors
/// When an argument cannot stand in a URL or header.
pub fn error(
    authority: &str,
    request_id: &str,
    invocation_id: Option<&str>,
    error_type: Option<&str>,
    body: Bytes,
) -> Result<Request<Bytes>> {
    let path = error_path(request_id);
    let request = post(authority, &path, invocation_id).header(CONTENT_TYPE, "application/json");
    match error_type {
        Some(error_type) => request.header(header::ERROR_TYPE, error_type),
        None => request,
    }
    .body(body)
}

/// Where the error of an invocation is posted.
#[must_use]
pub fn error_path(request_id: &str) -> String {
    format!("/2018-06-01/runtime/invocation/{request_id}/error")
}

fn post(authority: &str, path: &str, invocation_id: Option<&str>) -> http::request::Builder {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, authority);
    match invocation_id {
        Some(id) => request.header(header::INVOCATION_ID, id),
        None => request,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::Route;

    #[test]
    fn each_verb_is_read_back_by_the_server_half() {
        let route = |request: Request<Bytes>| Route::of(request.method(), request.uri().path());
        assert_eq!(route(next("h:1").unwrap()), Route::Next);
        let answer = response("h:1", "r", Some("i"), None, Bytes::from_static(b"1")).unwrap();
        assert_eq!(answer.headers()[header::INVOCATION_ID], "i");
        assert_eq!(route(answer), Route::Response("r".into()));
        let failure = error("h:1", "r", None, Some("E"), Bytes::new()).unwrap();
        assert_eq!(failure.headers()[header::ERROR_TYPE], "E");
        assert_eq!(route(failure), Route::Error("r".into()));
    }
}
