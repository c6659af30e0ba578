//! A function's surroundings, as small as they can be: a Runtime API that
//! hands out events one by one and says when what came, and an AWS in which
//! the layer's role can be assumed and no session lives.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

type Answer = Response<Full<Bytes>>;

/// What does not come within this does not come.
const PATIENCE: Duration = Duration::from_secs(10);

const ROLE: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/layer/bench</Arn><AssumedRoleId>AROAEXAMPLE:bench</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>example</SecretAccessKey><SessionToken>example</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>"#;

/// Something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// `next`.
    Next,
    /// An answer to an event.
    Response,
    /// The session was looked up.
    LookUp,
}

/// Serves until dropped.
pub(crate) struct Stage {
    runtime_api: String,
    aws: String,
    came: mpsc::UnboundedReceiver<(Came, Instant)>,
    events: mpsc::UnboundedSender<Answer>,
    number: usize,
    _servers: JoinSet<()>,
}

struct Shared {
    came: mpsc::UnboundedSender<(Came, Instant)>,
    events: Mutex<mpsc::UnboundedReceiver<Answer>>,
}

impl Stage {
    pub(crate) async fn open() -> Result<Self> {
        let (came_in, came) = mpsc::unbounded_channel();
        let (events, to_hand_out) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            came: came_in,
            events: Mutex::new(to_hand_out),
        });
        let runtime_api = TcpListener::bind("127.0.0.1:0").await?;
        let aws = TcpListener::bind("127.0.0.1:0").await?;
        let addresses = (runtime_api.local_addr()?, aws.local_addr()?);
        let mut servers = JoinSet::new();
        servers.spawn(serve(runtime_api, Arc::clone(&shared)));
        servers.spawn(serve(aws, shared));
        Ok(Self {
            runtime_api: addresses.0.to_string(),
            aws: format!("http://{}", addresses.1),
            came,
            events,
            number: 0,
            _servers: servers,
        })
    }

    /// The environment of a function that is instrumented for a session which
    /// has ended.
    fn environment(&self) -> BTreeMap<String, String> {
        let config = json!({
            "r": "arn:aws:iam::123456789012:role/layer",
            "x": "external",
            "s": "Sessions",
            "d": "Debugger",
            "u": self.aws,
            "t": 60,
        });
        let config = config.to_string();
        let variables: [(&str, &str); 13] = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("AWS_LAMBDA_RUNTIME_API", &self.runtime_api),
            ("AWS_LAMBDA_FUNCTION_NAME", "hello"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("AWS_SESSION_TOKEN", "example"),
            ("AWS_ENDPOINT_URL", &self.aws),
            ("AWS_LAMBDA_EXEC_WRAPPER", "/opt/tether-bootstrap"),
            ("DEBUGGER_SESSION_ID", "s-1"),
            ("DEBUGGER_CONNECTION_ID", "c="),
            ("DEBUGGER_CONFIG", &config),
        ];
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        variables.map(own).into()
    }

    /// Starts our runtime, behind the bootstrap or not. It ends when dropped.
    pub(crate) fn start(&self, bootstrap: Option<&Path>) -> Result<(Child, Instant)> {
        let own = std::env::current_exe()?;
        let mut command = match bootstrap {
            Some(bootstrap) => {
                let mut command = Command::new(bootstrap);
                command.arg(&own);
                command
            }
            None => Command::new(&own),
        };
        command
            .arg("runtime")
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        Ok((command.spawn().context("it cannot be started")?, started))
    }

    /// When this comes next.
    pub(crate) async fn comes(&mut self, what: Came) -> Result<Instant> {
        let coming = async {
            while let Some((came, at)) = self.came.recv().await {
                if came == what {
                    return Some(at);
                }
            }
            None
        };
        let came = tokio::time::timeout(PATIENCE, coming).await.ok().flatten();
        came.with_context(|| format!("no {what:?} has come within {} s", PATIENCE.as_secs()))
    }

    /// Hands an event out; when.
    pub(crate) fn hand_out(&mut self) -> Result<Instant> {
        self.number += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let deadline = (now + Duration::from_secs(60)).as_millis();
        let event = Response::builder()
            .header("Content-Type", "application/json")
            .header(
                "Lambda-Runtime-Aws-Request-Id",
                format!("r-{}", self.number),
            )
            .header("Lambda-Runtime-Deadline-Ms", deadline.to_string())
            .header(
                "Lambda-Runtime-Invoked-Function-Arn",
                "arn:aws:lambda:us-east-1:123456789012:function:hello",
            )
            .header("Lambda-Runtime-Trace-Id", "Root=1-2-3")
            .body(Full::new(Bytes::from_static(b"{\"name\":\"Ada\"}")))?;
        let at = Instant::now();
        self.events.send(event)?;
        Ok(at)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the set.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| answer(&shared, request));
            let server = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the other side's affair.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let at = Instant::now();
    let path = request.uri().path().to_owned();
    let target = request.headers().get("x-amz-target").cloned();
    let says = |what: Came| {
        let _ = shared.came.send((what, at));
    };
    if path.ends_with("/invocation/next") {
        says(Came::Next);
        let event = shared.events.lock().await.recv().await;
        return Ok(event.unwrap_or_default());
    }
    if path.ends_with("/response") {
        says(Came::Response);
    }
    let _ = request.into_body().collect().await;
    if path.contains("/runtime/") {
        let accepted = with_type(
            StatusCode::ACCEPTED,
            "application/json",
            r#"{"status":"OK"}"#,
        );
        return Ok(accepted);
    }
    if target.is_some() {
        says(Came::LookUp);
        // No such row: the session is over.
        return Ok(with_type(
            StatusCode::OK,
            "application/x-amz-json-1.0",
            "{}",
        ));
    }
    Ok(with_type(StatusCode::OK, "text/xml", ROLE))
}

fn with_type(status: StatusCode, content_type: &'static str, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static(content_type);
    answer.headers_mut().insert("content-type", content_type);
    answer
}
