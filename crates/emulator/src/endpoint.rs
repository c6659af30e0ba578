//! The port for SDKs: one for all services, told apart as AWS tells them, by
//! path, `X-Amz-Target` and the credential scope of the signature.

use crate::cloud::Cloud;
use crate::query::Caller;
use crate::{lambda, query, websocket};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::sync::{Arc, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Answer = Response<Full<Bytes>>;

/// More than any service takes.
const MAX_BODY: usize = 17 * 1024 * 1024;

/// Serves until the emulator ends.
pub(crate) async fn serve(listener: TcpListener, cloud: Arc<Cloud>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    cloud.notice(format!("the endpoint cannot take a connection: {error}"));
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
            // Connections end with the set.
            () = cloud.ending.cancelled() => return,
        };
        let _ = stream.set_nodelay(true);
        let cloud = Arc::clone(&cloud);
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let cloud = Arc::clone(&cloud);
                async move { Ok::<_, std::convert::Infallible>(answer(&cloud, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the client's affair.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(cloud: &Arc<Cloud>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "The body is too large",
        );
    };
    let body = body.to_bytes();
    let Some(scope) = Scope::read(&parts.headers, parts.uri.query()) else {
        return refuse(
            StatusCode::FORBIDDEN,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        );
    };
    let path = parts.uri.path();
    if parts
        .headers
        .get("x-amz-target")
        .is_some_and(|it| it.as_bytes().starts_with(b"DynamoDB"))
    {
        let request = Request::from_parts(parts, Full::new(body));
        return cloud
            .dynamodb
            .forward(request)
            .await
            .unwrap_or_else(|error| {
                refuse(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalServerError",
                    &error,
                )
            });
    }
    match scope.service {
        "lambda" => lambda::serve(&cloud.lambda, &parts.method, path, &parts.headers, body).await,
        "sts" | "cloudformation" => {
            let caller = Caller {
                access_key: scope.access_key,
            };
            query::serve(cloud, &caller, &body)
        }
        "execute-api" => connections(cloud, &parts.method, path, &body).await,
        other => refuse(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            &format!("tether's emulator does not serve {other}"),
        ),
    }
}

/// `@connections` on the endpoint: the API is the one that has the connection.
async fn connections(cloud: &Cloud, method: &Method, path: &str, body: &Bytes) -> Answer {
    let apis = {
        let apis = cloud.apis.read().unwrap_or_else(PoisonError::into_inner);
        apis.clone()
    };
    let holder = apis
        .iter()
        .find(|api| api.holds(path))
        .or_else(|| apis.first());
    match holder {
        Some(api) => websocket::serve_connections(api, method, path, body),
        None => refuse(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden"),
    }
}

/// What a signature says about the request: whose, and for which service.
/// Signatures are read here and not verified.
struct Scope<'a> {
    access_key: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn read(headers: &'a HeaderMap, query: Option<&'a str>) -> Option<Self> {
        let credential = match headers.get("authorization") {
            Some(header) => header.to_str().ok()?.split_once("Credential=")?.1,
            None => query?.split_once("X-Amz-Credential=")?.1,
        };
        let credential = credential.split([',', '&', ' ']).next()?;
        let mut parts = credential.split('/').flat_map(|it| it.split("%2F"));
        let access_key = parts.next()?;
        let service = parts.nth(2)?;
        Some(Self {
            access_key,
            service,
        })
    }
}

fn refuse(status: StatusCode, name: &'static str, message: &str) -> Answer {
    let body = serde_json::json!({ "message": message, "__type": name }).to_string();
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    headers.insert("x-amzn-errortype", http::HeaderValue::from_static(name));
    answer
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_signature_says_which_service_is_meant() {
        let mut headers = HeaderMap::new();
        let value = "AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0";
        headers.insert("authorization", value.parse().unwrap());
        let scope = Scope::read(&headers, None).unwrap();
        assert_eq!((scope.access_key, scope.service), ("AKIA", "sts"));
        assert!(Scope::read(&HeaderMap::new(), None).is_none());
    }
}
