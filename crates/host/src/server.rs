//! The Runtime API of one execution environment
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

mod extensions;
mod heard;
mod peers;
mod posting;

pub(crate) use extensions::{About, Standing};

use crate::logs::Begin;
use crate::run_state::RunState;
use bytes::Bytes;
use extensions::{Extensions, Verb};
use futures_util::future::Either;
use heard::{Heard, Remains};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use peers::Peers;
use posting::{Posting, read_error, refuse_after};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tether_runtime_api::{ErrorObject, Invocation, Refusal, Route, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

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
    /// An answer that ended before it was complete.
    CutShort,
}

/// An event on its way to the process.
pub(crate) struct Work {
    pub(crate) invocation: Invocation,
    pub(crate) payload: Bytes,
    pub(crate) answer: oneshot::Sender<Posted>,
    /// It is told when the process takes it, and asked who wants the answer
    /// while it is written.
    pub(crate) state: RunState,
    /// The same, if what becomes of it stands in its log.
    pub(crate) begin: Option<Begin>,
}

/// The server's end that the environment holds.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) work: mpsc::Sender<Work>,
    /// Counts how often the process asked for an event.
    pub(crate) asked: watch::Receiver<u64>,
    /// Counts the requests for an event that wait for one.
    pub(crate) waiting: watch::Receiver<usize>,
    pub(crate) extensions: watch::Receiver<Standing>,
    pub(crate) init_error: watch::Receiver<Option<Posted>>,
    /// Counts the connections that are open, and what is left of others.
    pub(crate) connections: watch::Receiver<usize>,
    heard: Arc<Heard>,
    peers: Arc<Peers>,
    /// The server ends when this goes.
    _life: oneshot::Sender<()>,
}

struct State {
    work: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    current: Mutex<Current>,
    asked: watch::Sender<u64>,
    waiting: watch::Sender<usize>,
    extensions: Extensions,
    init_error: watch::Sender<Option<Posted>>,
    heard: Arc<Heard>,
}

/// So many earlier invocations are known by their ids: an answer to one of
/// them is late, and one to any other was never asked for.
const REMEMBERED: usize = 16;

#[derive(Default)]
struct Current {
    invocation: Invocation,
    payload: Bytes,
    /// Taken by whoever answers it.
    answer: Option<oneshot::Sender<Posted>>,
    state: RunState,
    /// Request id and invocation id of those before.
    earlier: VecDeque<(String, String)>,
}

impl Server {
    /// Serves on a free port of the loopback interface, before the process
    /// starts: some clients give up on a refused port.
    pub(crate) async fn bind(about: About) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Self::on(listener, about, Peers::default())
    }

    /// Serves there a process that may come and go.
    pub(crate) fn for_somebody_elses(listener: TcpListener, about: About) -> std::io::Result<Self> {
        Self::on(listener, about, Peers::asked())
    }

    /// Whether anybody is connected who has not hung up.
    pub(crate) fn is_connected(&self) -> bool {
        self.peers.any()
    }

    /// Serves there.
    fn on(listener: TcpListener, about: About, peers: Peers) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (work, receiver) = mpsc::channel(1);
        let (asked, asked_receiver) = watch::channel(0);
        let (waiting, waiting_receiver) = watch::channel(0);
        let (extensions, standing) = Extensions::new(about);
        let (init_error, init_receiver) = watch::channel(None);
        let (life, end) = oneshot::channel();
        let (open, connections) = watch::channel(0);
        let (open, heard) = (Arc::new(open), Arc::<Heard>::default());
        let state = Arc::new(State {
            work: tokio::sync::Mutex::new(receiver),
            current: Mutex::default(),
            asked,
            waiting,
            extensions,
            init_error,
            heard: Arc::clone(&heard),
        });
        let peers = Arc::new(peers);
        tokio::spawn(serve(listener, state, (open, Arc::clone(&peers)), end));
        Ok(Self {
            address,
            work,
            asked: asked_receiver,
            waiting: waiting_receiver,
            extensions: standing,
            init_error: init_receiver,
            connections,
            heard,
            peers,
            _life: life,
        })
    }

    /// Waits until everything is read that a process has sent which has ended. A child
    /// of its own may keep a connection open: nobody waits for one that is silent.
    pub(crate) async fn hear_out(&mut self) {
        // A connection of its own for the answer may not be accepted yet. They come in
        // their order: once we are answered, they all are counted.
        let _ = timeout(SILENCE, knock(self.address)).await;
        loop {
            let before = self.heard.so_far();
            let closed = self.connections.wait_for(|open| *open == 0);
            if timeout(SILENCE, closed).await.is_ok() || !self.heard.goes_on_since(before) {
                return;
            }
        }
    }
}

/// What is on its way from a process that has ended is in the kernel already: it needs
/// only to be read.
const SILENCE: Duration = Duration::from_millis(500);

async fn knock(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let ping = b"GET /2018-06-01/ping HTTP/1.1\r\nHost: tether\r\nConnection: close\r\n\r\n";
    stream.write_all(ping).await?;
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// A process that opens more of them at once waits: each is a descriptor of
/// ours, which other functions need, too.
const MOST_CONNECTIONS: usize = 128;

async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    (open, peers): (Arc<watch::Sender<usize>>, Arc<Peers>),
    mut end: oneshot::Receiver<()>,
) {
    let remains = Arc::new(Remains::counted_by(Arc::clone(&open)));
    let mut connections = JoinSet::new();
    let mut number = 0_u64;
    loop {
        let stream = tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors: some will come back.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
            // Connections end with the set.
            _ = &mut end => return,
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        let is_open = OneMore::of(Arc::clone(&open));
        number += 1;
        peers.add(number, &stream);
        let (peers, remains, number) = (Arc::clone(&peers), Arc::clone(&remains), number);
        connections.spawn(async move {
            let _is_open = is_open;
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let (state, is_post) = (Arc::clone(&state), request.method() == Method::POST);
                let serves =
                    async move { Ok::<_, std::convert::Infallible>(state.serve(request).await) };
                if is_post {
                    Either::Left(remains.to_the_end(serves))
                } else {
                    Either::Right(serves)
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the process's affair.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
            peers.remove(number);
        });
    }
}

impl State {
    async fn serve(&self, request: Request<Incoming>) -> Answer {
        if let Some(verb) = Verb::of(request.method(), request.uri().path()) {
            let initialized = self.has_asked();
            return self.extensions.serve(verb, request, initialized).await;
        }
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
            let _waits = OneMore::of(&self.waiting);
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
        self.extensions.tell(&work.invocation);
        work.state.runs();
        if let Some(begin) = work.begin.clone() {
            begin.tell();
        }
        current.begin(work);
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
        match self.begin_posting(&request, id) {
            Ok(posting) => posting.response(request).await,
            Err(refusal) => refuse_after(request, refusal, &self.heard).await,
        }
    }

    async fn error(&self, request: Request<Incoming>, id: &str) -> Answer {
        match self.begin_posting(&request, id) {
            Ok(posting) => posting.error(request).await,
            Err(refusal) => refuse_after(request, refusal, &self.heard).await,
        }
    }

    /// Once, and only before the first event is asked for.
    async fn init_error(&self, request: Request<Incoming>) -> Answer {
        if self.has_asked() || self.init_error.borrow().is_some() {
            let refusal = Refusal::InvalidStateTransition;
            return refuse_after(request, refusal, &self.heard).await;
        }
        match read_error(request, &self.heard).await {
            Ok(posted) => {
                self.init_error.send_replace(Some(posted));
                accepted()
            }
            Err(refusal) => refuse(refusal),
        }
    }

    fn has_asked(&self) -> bool {
        *self.asked.borrow() > 0
    }

    /// The invocation at hand, if this is an answer to it. An answer that says by
    /// its invocation id that it is an earlier one's gets 410, whatever its
    /// request id: a retry has the same.
    fn begin_posting(&self, request: &Request<Incoming>, id: &str) -> Result<Posting, Refusal> {
        let mut current = self
            .current
            .lock()
            .map_err(|_| Refusal::InvalidStateTransition)?;
        let echoed = text_header(request, &header::INVOCATION_ID);
        if current.invocation.request_id != id {
            let known = echoed.is_some_and(|it| current.had(id, &it));
            return Err(if known {
                Refusal::InvokeTimeout
            } else {
                Refusal::InvalidRequestId
            });
        }
        let stale = echoed.is_some() && echoed != current.invocation.invocation_id;
        match &current.answer {
            _ if stale => return Err(Refusal::InvokeTimeout),
            None => return Err(Refusal::InvalidStateTransition),
            Some(answer) if answer.is_closed() => return Err(Refusal::InvokeTimeout),
            Some(_) => {}
        }
        Ok(Posting {
            request_id: id.to_owned(),
            answer: current.answer.take(),
            taker: current.state.taker(),
            heard: Arc::clone(&self.heard),
        })
    }
}

/// One more, until it is dropped: a connection, or a request that waits for an
/// event.
struct OneMore<Count: Deref<Target = watch::Sender<usize>>>(Count);

impl<Count: Deref<Target = watch::Sender<usize>>> OneMore<Count> {
    fn of(count: Count) -> Self {
        count.send_modify(|it| *it += 1);
        Self(count)
    }
}

impl<Count: Deref<Target = watch::Sender<usize>>> Drop for OneMore<Count> {
    fn drop(&mut self) {
        self.0.send_modify(|it| *it -= 1);
    }
}

impl Current {
    fn begin(&mut self, work: Work) {
        let ended = std::mem::replace(&mut self.invocation, work.invocation);
        if let Some(id) = ended.invocation_id {
            self.earlier.push_back((ended.request_id, id));
        }
        if self.earlier.len() > REMEMBERED {
            self.earlier.pop_front();
        }
        self.payload = work.payload;
        self.state = work.state;
        self.answer = Some(work.answer);
    }

    fn had(&self, request_id: &str, invocation_id: &str) -> bool {
        let mut earlier = self.earlier.iter();
        earlier.any(|(request, unique)| request == request_id && unique == invocation_id)
    }

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
