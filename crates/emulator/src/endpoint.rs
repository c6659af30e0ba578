//! The port for SDKs: one for all services, told apart as AWS tells them, by
//! path, `X-Amz-Target` and the credential scope of the signature.

use crate::cloud::Cloud;
use crate::query::Caller;
use crate::signature::Unsigned;
use crate::{callers, lambda, query, websocket};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use tether_apigw::connections::parse_path;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Answer = Response<Full<Bytes>>;

/// The largest request of all: code of 50 MB, in base64
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MAX_BODY: usize = 70_167_211;

/// Serves until the emulator ends.
pub(crate) async fn serve(listener: TcpListener, cloud: Arc<Cloud>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
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
                async move {
                    let answer = answer(&cloud, request, peer.ip()).await;
                    Ok::<_, std::convert::Infallible>(answer)
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the client's affair.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(cloud: &Arc<Cloud>, request: Request<Incoming>, peer: IpAddr) -> Answer {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "The body is too large",
        );
    };
    let body = body.to_bytes();
    // tether's own: what was called so far, for benchmarks and tests.
    if parts.method == Method::GET && parts.uri.path() == "/_tether/calls" && peer.is_loopback() {
        return ok(cloud.callers.calls().to_string());
    }
    let query = parts.uri.query();
    let signature = cloud
        .callers
        .admit(&parts.headers, query, tether_host::now());
    let signature = match signature {
        Ok(signature) => signature,
        Err(unsigned) => return refuse_unsigned(&unsigned, &Wanted::unsigned(&parts, &body)),
    };
    let wanted = Wanted::by(&signature.service, &parts, &body);
    let way = cloud
        .callers
        .arrive(&signature.access_key, wanted.service, wanted.action);
    way.go().await;
    let answer = serve_one(cloud, wanted.service, &signature.access_key, parts, body).await;
    way.come_back().await;
    answer
}

/// Which service a request is for, and what it wants there.
struct Wanted<'a> {
    service: &'a str,
    action: String,
}

const DYNAMODB: &str = "DynamoDB_20120810.";

impl<'a> Wanted<'a> {
    fn by(service: &'a str, parts: &http::request::Parts, body: &[u8]) -> Self {
        let path = parts.uri.path();
        let target = parts.headers.get("x-amz-target");
        let target = target.and_then(|it| it.to_str().ok()).unwrap_or_default();
        if let Some(action) = target.strip_prefix(DYNAMODB) {
            return Self {
                service: "dynamodb",
                action: action.to_owned(),
            };
        }
        let action = match service {
            "lambda" => callers::lambda_action(&parts.method, path),
            "sts" | "cloudformation" => query::action(body),
            "execute-api" => callers::connections_action(&parts.method),
            _ => format!("{} {target}", parts.method),
        };
        Self { service, action }
    }

    /// The same without a signature that says it.
    fn unsigned(parts: &http::request::Parts, body: &[u8]) -> Self {
        let path = parts.uri.path();
        let form = parts.headers.get("content-type");
        let form = form.is_some_and(|it| it.as_bytes().starts_with(b"application/x-www-form"));
        let service = if form {
            "sts"
        } else if parse_path(path).is_some() {
            "execute-api"
        } else {
            "lambda"
        };
        Self::by(service, parts, body)
    }
}

async fn serve_one(
    cloud: &Arc<Cloud>,
    service: &str,
    access_key: &str,
    parts: http::request::Parts,
    body: Bytes,
) -> Answer {
    let path = parts.uri.path();
    match service {
        "dynamodb" => {
            let request = Request::from_parts(parts, Full::new(body));
            let answer = cloud.dynamodb.forward(request).await;
            answer.unwrap_or_else(|error| {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                refuse(status, "InternalServerError", &error)
            })
        }
        "lambda" => {
            lambda::serve(
                &cloud.lambda,
                &parts.method,
                &parts.uri,
                &parts.headers,
                body,
            )
            .await
        }
        "sts" | "cloudformation" => query::serve(cloud, &Caller { access_key }, &body),
        "execute-api" => connections(cloud, &parts.method, path, &body),
        other => refuse(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            &format!("tether's emulator does not serve {other}"),
        ),
    }
}

/// Each service in its own shape: XML, or JSON with 400
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>)
/// or 403.
fn refuse_unsigned(unsigned: &Unsigned, wanted: &Wanted<'_>) -> Answer {
    match wanted.service {
        "sts" | "cloudformation" => query::refuse(unsigned),
        "dynamodb" => {
            let message = match unsigned {
                Unsigned::Missing => "Request is missing Authentication Token",
                other => other.message(),
            };
            refuse(StatusCode::BAD_REQUEST, unsigned.name(), message)
        }
        _ => refuse(StatusCode::FORBIDDEN, unsigned.name(), unsigned.message()),
    }
}

/// `@connections` on the endpoint: the API is the one that has the connection.
fn connections(cloud: &Cloud, method: &Method, path: &str, body: &Bytes) -> Answer {
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

fn ok(body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    let json = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert("content-type", json);
    answer
}

fn refuse(status: StatusCode, name: &'static str, message: &str) -> Answer {
    let body = serde_json::json!({ "message": message, "__type": name }).to_string();
    let mut answer = ok(body);
    *answer.status_mut() = status;
    let name = http::HeaderValue::from_static(name);
    answer.headers_mut().insert("x-amzn-errortype", name);
    answer
}
