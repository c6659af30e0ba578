//! The port for SDKs: one for all services, told apart as AWS tells them, by
//! path, `X-Amz-Target` and the credential scope of the signature.

use crate::body::Body;
use crate::cloud::Cloud;
use crate::faults::{self, Cut};
use crate::query::Caller;
use crate::requests::Asked;
use crate::signature::{Signature, Unsigned};
use crate::{callers, iam, lambda, query, s3, websocket};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::sync::Arc;
use tether_apigw::connections::parse_path;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Answer = Response<Body>;

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
                async move { answer(&cloud, request, peer.ip()).await }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the client's affair.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    cloud: &Arc<Cloud>,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Result<Answer, Cut> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "The body is too large",
        ));
    };
    let body = body.to_bytes();
    if peer.is_loopback()
        && let Some(answer) = own(cloud, &parts, &body)
    {
        return Ok(answer);
    }
    let query = parts.uri.query();
    let signature = cloud
        .callers
        .admit(&parts.headers, query, tether_host::now());
    match signature {
        Ok(signature) => serve_signed(cloud, &signature, parts, body).await,
        Err(unsigned) => {
            let wanted = Wanted::unsigned(&parts, &body);
            Ok(refuse_unsigned(&unsigned, &wanted))
        }
    }
}

/// tether's own, for benchmarks and tests: what was called so far, and faults.
fn own(cloud: &Cloud, parts: &http::request::Parts, body: &Bytes) -> Option<Answer> {
    let path = parts.uri.path();
    if parts.method == Method::GET && path == "/_tether/calls" {
        return Some(ok(cloud.callers.calls().to_string()));
    }
    if parts.method == Method::GET && path == "/_tether/permissions" {
        return Some(ok(cloud.iam.permissions().to_string()));
    }
    path.starts_with(faults::api::PATH)
        .then(|| faults::api::serve(&cloud.faults, &parts.method, path, body).map(Body::from))
}

async fn serve_signed(
    cloud: &Arc<Cloud>,
    signature: &Signature,
    parts: http::request::Parts,
    body: Bytes,
) -> Result<Answer, Cut> {
    let key = &signature.access_key;
    cloud.requests.keep(|| Asked {
        service: &signature.service,
        principal: cloud.callers.principal(key),
        parts: &parts,
        body: &body,
    });
    let wanted = Wanted::by(&signature.service, &parts, &body);
    let caught = cloud.faults.catch(|| faults::Call {
        service: wanted.service,
        action: &wanted.action,
        principal: Some(cloud.callers.principal(key)),
        texts: [path_and_query(&parts).as_bytes(), &body],
    });
    let way = cloud.callers.arrive(key, wanted.service, wanted.action);
    way.go().await;
    let answer = match caught {
        None => serve_one(cloud, wanted.service, key, parts, body).await,
        Some(caught) => {
            let (service, key) = (wanted.service.to_owned(), key.clone());
            let shared = Arc::clone(cloud);
            let perform = async move { serve_one(&shared, &service, &key, parts, body).await };
            cloud.faults.play(caught, perform).await?
        }
    };
    way.come_back().await;
    Ok(answer)
}

fn path_and_query(parts: &http::request::Parts) -> &str {
    let wanted = parts.uri.path_and_query();
    wanted.map_or("/", http::uri::PathAndQuery::as_str)
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
            "sts" | "cloudformation" | "iam" => query::action(body),
            "execute-api" => callers::connections_action(&parts.method),
            "s3" => {
                let query = parts.uri.query().unwrap_or_default();
                s3::action(&parts.method, path, query, &parts.headers)
            }
            _ => other_action(&parts.method, target, body),
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

/// What a service is asked that is not emulated, in each protocol that names
/// it: `AmazonSQS.SendMessage` or a form; else the method.
fn other_action(method: &Method, target: &str, body: &[u8]) -> String {
    let named = match target.rsplit('.').next() {
        None | Some("") => query::action(body),
        Some(action) => action.to_owned(),
    };
    if named.is_empty() {
        method.to_string()
    } else {
        named
    }
}

async fn serve_one(
    cloud: &Arc<Cloud>,
    service: &str,
    access_key: &str,
    parts: http::request::Parts,
    body: Bytes,
) -> Answer {
    if let Err(denied) = iam::check(cloud, service, access_key, &parts, &body) {
        return iam::refuse(service, &denied).map(Body::from);
    }
    let path = parts.uri.path();
    match service {
        "iam" => iam::api::serve(&cloud.iam, &body).map(Body::from),
        "dynamodb" => {
            let request = Request::from_parts(parts, Full::new(body));
            let answer = cloud.dynamodb.forward(request).await;
            let answer = answer.map(|it| it.map(Body::from));
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
        "sts" | "cloudformation" => {
            query::serve(cloud, &Caller { access_key }, &body).map(Body::from)
        }
        "s3" => cloud.s3.serve(parts, body).await.map(Body::from),
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
        "sts" | "cloudformation" | "iam" => query::refuse(unsigned).map(Body::from),
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
    match cloud.api_of(path) {
        Some(api) => websocket::serve_connections(&api, method, path, body).map(Body::from),
        None => refuse(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden"),
    }
}

fn ok(body: String) -> Answer {
    let mut answer = Response::new(Body::from(Full::new(Bytes::from(body))));
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
