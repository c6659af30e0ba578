//! The Runtime API of one execution environment
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use base64::Engine as _;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tether_runtime_api::{ErrorObject, Invocation, MAX_PAYLOAD, Refusal, Route, header};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

type Answer = Response<Full<Bytes>>;

/// What a runtime posted.
#[derive(Clone)]
pub(crate) enum Posted {
    Response {
        content_type: Option<String>,
        body: Bytes,
    },
    Error {
        /// None: the runtime gave none.
        error_type: Option<String>,
        body: Bytes,
    },
}

/// An event on its way to the process.
pub(crate) struct Work {
    pub(crate) invocation: Invocation,
    pub(crate) payload: Bytes,
    pub(crate) answer: oneshot::Sender<Posted>,
}

/// The server's end that the environment holds.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) work: mpsc::Sender<Work>,
    /// Counts how often the process asked for an event.
    pub(crate) asked: watch::Receiver<u64>,
    pub(crate) init_error: watch::Receiver<Option<Posted>>,
    /// The server ends when this goes.
    _life: oneshot::Sender<()>,
}

struct State {
    work: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    current: Mutex<Current>,
    asked: watch::Sender<u64>,
    init_error: watch::Sender<Option<Posted>>,
}

#[derive(Default)]
struct Current {
    invocation: Invocation,
    payload: Bytes,
    /// Taken when it is answered.
    answer: Option<oneshot::Sender<Posted>>,
}

impl Server {
    /// Serves on a free port of the loopback interface, before the process
    /// starts: some clients give up on a refused port.
    pub(crate) async fn bind() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (work, receiver) = mpsc::channel(1);
        let (asked, asked_receiver) = watch::channel(0);
        let (init_error, init_receiver) = watch::channel(None);
        let (life, end) = oneshot::channel();
        let state = Arc::new(State {
            work: tokio::sync::Mutex::new(receiver),
            current: Mutex::default(),
            asked,
            init_error,
        });
        tokio::spawn(serve(listener, state, end));
        Ok(Self {
            address,
            work,
            asked: asked_receiver,
            init_error: init_receiver,
            _life: life,
        })
    }
}

async fn serve(listener: TcpListener, state: Arc<State>, mut end: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors: some will come back.
                Err(_) => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
            // Connections end with the set.
            _ = &mut end => return,
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, std::convert::Infallible>(state.serve(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the process's affair.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl State {
    async fn serve(&self, request: Request<Incoming>) -> Answer {
        match Route::of(request.method(), request.uri().path()) {
            Route::Next => self.next().await,
            Route::Response(id) => self.response(request, &id).await,
            Route::Error(id) => self.error(request, &id).await,
            Route::InitError => self.init_error(request).await,
            Route::Ping => answer(StatusCode::OK, "pong"),
            Route::Other => {
                let error = ErrorObject::new(
                    "NotSupported",
                    format!("tether does not serve {} here", request.uri().path()),
                );
                answer(StatusCode::NOT_FOUND, error.to_bytes())
            }
        }
    }

    async fn next(&self) -> Answer {
        if let Some(again) = self.render_unanswered() {
            return again;
        }
        self.asked
            .send_modify(|count| *count = count.wrapping_add(1));
        let work = {
            let mut queue = self.work.lock().await;
            loop {
                match queue.recv().await {
                    // Its time was up before it was asked for.
                    Some(work) if work.answer.is_closed() => {}
                    other => break other,
                }
            }
        };
        let Some(work) = work else {
            return refuse(Refusal::InvalidStateTransition);
        };
        let Ok(mut current) = self.current.lock() else {
            return refuse(Refusal::InvalidStateTransition);
        };
        *current = Current {
            invocation: work.invocation,
            payload: work.payload,
            answer: Some(work.answer),
        };
        current.render()
    }

    /// A second `next` in the middle of an invocation gets the same event
    /// again, as in AWS's runtime interface emulator.
    fn render_unanswered(&self) -> Option<Answer> {
        let current = self.current.lock().ok()?;
        let waiting = current.answer.as_ref().is_some_and(|it| !it.is_closed());
        waiting.then(|| current.render())
    }

    async fn response(&self, request: Request<Incoming>, id: &str) -> Answer {
        if let Err(refusal) = self.check(&request, id) {
            return refuse(refusal);
        }
        let content_type = text_header(&request, &http::header::CONTENT_TYPE);
        let (body, trailers) = match read(request).await {
            Ok(read) => read,
            Err(refusal) => return self.too_large(refusal),
        };
        // A streamed answer that failed half way says so in its trailers.
        let failed = trailers.as_ref().and_then(|it| it.get(header::ERROR_TYPE));
        let posted = match failed {
            Some(kind) => Posted::Error {
                error_type: Some(String::from_utf8_lossy(kind.as_bytes()).into_owned()),
                body: streamed_error(trailers.as_ref()),
            },
            None => Posted::Response { content_type, body },
        };
        self.settle(posted)
    }

    async fn error(&self, request: Request<Incoming>, id: &str) -> Answer {
        if let Err(refusal) = self.check(&request, id) {
            return refuse(refusal);
        }
        match read_error(request).await {
            Ok(posted) => self.settle(posted),
            Err(refusal) => refuse(refusal),
        }
    }

    async fn init_error(&self, request: Request<Incoming>) -> Answer {
        match read_error(request).await {
            Ok(posted) => {
                self.init_error.send_replace(Some(posted));
                accepted()
            }
            Err(refusal) => refuse(refusal),
        }
    }

    /// Whether this is an answer to the invocation at hand.
    fn check(&self, request: &Request<Incoming>, id: &str) -> Result<(), Refusal> {
        let current = self
            .current
            .lock()
            .map_err(|_| Refusal::InvalidStateTransition)?;
        if current.invocation.request_id != id {
            return Err(Refusal::InvalidRequestId);
        }
        let echoed = text_header(request, &header::INVOCATION_ID);
        let stale = echoed.is_some() && echoed != current.invocation.invocation_id;
        match &current.answer {
            None => Err(Refusal::InvalidStateTransition),
            Some(_) if stale => Err(Refusal::InvokeTimeout),
            Some(answer) if answer.is_closed() => Err(Refusal::InvokeTimeout),
            Some(_) => Ok(()),
        }
    }

    fn settle(&self, posted: Posted) -> Answer {
        let answer = self.current.lock().ok().and_then(|mut it| it.answer.take());
        match answer.map(|answer| answer.send(posted)) {
            Some(Ok(())) => accepted(),
            Some(Err(_)) => refuse(Refusal::InvokeTimeout),
            None => refuse(Refusal::InvalidStateTransition),
        }
    }

    /// The caller gets an error, and the runtime a 413.
    fn too_large(&self, refusal: Refusal) -> Answer {
        if refusal == Refusal::TooLarge {
            let error = ErrorObject::new(
                "Function.ResponseSizeTooLarge",
                format!(
                    "Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD} bytes)."
                ),
            );
            self.settle(Posted::Error {
                error_type: Some(error.error_type.clone()),
                body: Bytes::from(error.to_bytes()),
            });
        }
        refuse(refusal)
    }
}

impl Current {
    fn render(&self) -> Answer {
        let mut answer = Response::new(Full::new(self.payload.clone()));
        *answer.headers_mut() = self.invocation.to_headers();
        answer
            .headers_mut()
            .entry(http::header::CONTENT_TYPE)
            .or_insert(http::HeaderValue::from_static("application/json"));
        answer
    }
}

type Read = (Bytes, Option<http::HeaderMap>);

async fn read(request: Request<Incoming>) -> Result<Read, Refusal> {
    let body = Limited::new(request.into_body(), MAX_PAYLOAD)
        .collect()
        .await;
    match body {
        Ok(collected) => {
            let trailers = collected.trailers().cloned();
            Ok((collected.to_bytes(), trailers))
        }
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Err(_) => Err(Refusal::InvalidStateTransition),
    }
}

async fn read_error(request: Request<Incoming>) -> Result<Posted, Refusal> {
    let kind = text_header(&request, &header::ERROR_TYPE);
    let (body, _) = read(request).await?;
    Ok(Posted::Error {
        error_type: kind,
        body,
    })
}

/// The error's body stands in a trailer, in base64.
fn streamed_error(trailers: Option<&http::HeaderMap>) -> Bytes {
    let body = trailers.and_then(|it| it.get("lambda-runtime-function-error-body"));
    let body = body.and_then(|it| base64::engine::general_purpose::STANDARD.decode(it).ok());
    Bytes::from(body.unwrap_or_default())
}

fn text_header(request: &Request<Incoming>, name: &http::HeaderName) -> Option<String> {
    let value = request.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn accepted() -> Answer {
    answer(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

fn refuse(refusal: Refusal) -> Answer {
    let (status, body) = refusal.answer();
    answer(status, body)
}

fn answer(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    answer
}
