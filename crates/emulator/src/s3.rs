//! S3, embedded: `s3s` speaks the protocol, `store` keeps buckets and objects
//! in memory. What it does not serve is `NotImplemented`, by name.

mod action;
mod chunked;
mod objects;
mod operations;
mod settings;
mod store;
mod uploads;

pub(crate) use action::action;

use crate::cloud::Place;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use operations::Operations;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::sync::Arc;
use store::Store;

type Answer = Response<Full<Bytes>>;

/// See the module.
pub(crate) struct S3 {
    store: Arc<Store>,
    service: S3Service,
}

/// Why an object cannot be had: S3's code and words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoObject {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

impl S3 {
    pub(crate) fn new(place: &Place) -> Self {
        let store = Arc::new(Store::new(place));
        let operations = Operations::new(Arc::clone(&store));
        Self {
            store,
            service: S3ServiceBuilder::new(operations).build(),
        }
    }

    /// Serves one request, whose signature has been read.
    pub(crate) async fn serve(&self, mut parts: http::request::Parts, body: Bytes) -> Answer {
        let body = match chunked::decode(&parts.headers, body) {
            Ok(body) => body,
            Err(message) => {
                return failure(StatusCode::BAD_REQUEST, "IncompleteBody", message);
            }
        };
        parts.uri = path_style(&parts);
        as_if_unsigned(&mut parts.headers, body.len());
        let request = Request::from_parts(parts, s3s::Body::from(body));
        let answer = match self.service.call(request).await {
            Ok(answer) => answer,
            Err(_) => {
                let message = "We encountered an internal error. Please try again.";
                return failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message);
            }
        };
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map(|it| it.to_bytes());
        Response::from_parts(parts, Full::new(body.unwrap_or_default()))
    }

    /// An object, for who reads it on the caller's behalf.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<Bytes, NoObject> {
        self.store.content(bucket, key)
    }
}

/// Signatures are read elsewhere, and verified nowhere: without one, `s3s`
/// does not look for a secret key. The body has been decoded.
fn as_if_unsigned(headers: &mut HeaderMap, length: usize) {
    headers.remove(AUTHORIZATION);
    for name in ["x-amz-content-sha256", "x-amz-decoded-content-length"] {
        headers.remove(name);
    }
    if chunked::is_chunked(headers) {
        headers.remove(CONTENT_ENCODING);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
}

/// `/bucket/key`, also where the bucket is in the host's name
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>),
/// and without a signature in the query.
fn path_style(parts: &http::request::Parts) -> Uri {
    let host = parts.headers.get(HOST).and_then(|it| it.to_str().ok());
    let bucket = host.and_then(bucket_of_host);
    let path = parts.uri.path();
    let path = match bucket {
        Some(bucket) => format!("/{bucket}{path}"),
        None => path.to_owned(),
    };
    let query: Vec<&str> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|it| !it.is_empty() && !is_of_signature(it))
        .collect();
    let whole = match query.is_empty() {
        true => path,
        false => format!("{path}?{}", query.join("&")),
    };
    let whole = PathAndQuery::try_from(whole);
    whole.map_or_else(|_| parts.uri.clone(), Uri::from)
}

fn is_of_signature(pair: &str) -> bool {
    const NAMES: [&str; 7] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
    ];
    let name = pair.split('=').next().unwrap_or_default();
    NAMES.contains(&name)
}

/// `bucket.s3.us-east-1.amazonaws.com`, `bucket.localhost:4566`
pub(crate) fn bucket_of_host(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    [".s3.", ".s3-"]
        .iter()
        .find_map(|it| name.split_once(it).map(|(bucket, _)| bucket))
        .or_else(|| name.strip_suffix(".localhost"))
        .filter(|it| !it.is_empty() && *it != "s3")
}

/// An error, as S3 writes it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
pub(crate) fn failure(status: StatusCode, code: &str, message: &str) -> Answer {
    let element = crate::query::element;
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}{}{}</Error>",
        element("Code", code),
        element("Message", message),
        element("RequestId", &crate::id::uuid()),
    );
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml");
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_stand_in_the_hosts_name() {
        let of = bucket_of_host;
        assert_eq!(of("up.s3.us-east-1.amazonaws.com"), Some("up"));
        assert_eq!(of("up.load.s3-us-west-2.amazonaws.com"), Some("up.load"));
        assert_eq!(of("up.localhost:4566"), Some("up"));
        for host in ["127.0.0.1:4566", "localhost:4566", "s3.amazonaws.com"] {
            assert_eq!(of(host), None, "{host}");
        }
    }

    #[test]
    fn a_request_reaches_the_store_as_if_nobody_had_signed_it() {
        let request = Request::get("/key%20one?X-Amz-Signature=0&versionId=7&X-Amz-Date=d");
        let request = request.header(HOST, "up.localhost:1").body(()).unwrap();
        let (parts, ()) = request.into_parts();
        assert_eq!(path_style(&parts).to_string(), "/up/key%20one?versionId=7");
    }
}
