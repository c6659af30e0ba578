//! The deployed code: the original command, started at the first event that
//! is handed to it, behind a Runtime API that passes everything on.

use crate::guest::{self, Guest};
use crate::upstream::{Body, Error, Event, Upstream};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::sync::Arc;
use tether_runtime_api::{Invocation, Route, header};
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::{Mutex, mpsc, watch};

/// The deployed code and the door it comes through.
pub(crate) struct Deployed {
    guest: Guest,
    child: Option<Child>,
    address: SocketAddr,
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
    finished: watch::Receiver<u64>,
}

/// How an event ended in the deployed code.
pub(crate) enum Ended {
    /// It was answered, and the next one may come.
    Asked,
    /// Its time was up before; the process is ended.
    TimedOut,
    /// The process ended.
    Exited(ExitStatus),
    /// The process could not be started.
    NotStarted(std::io::Error),
}

struct Shared {
    upstream: Upstream,
    events: Mutex<mpsc::Receiver<Event>>,
    current: std::sync::Mutex<Option<Current>>,
    /// Counts events whose work is over.
    finished: watch::Sender<u64>,
}

struct Current {
    event: Event,
    answered: bool,
}

impl Deployed {
    /// Opens the door on a free port of the loopback interface.
    pub(crate) async fn bind(guest: Guest, upstream: Upstream) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (events, receiver) = mpsc::channel(1);
        let (sender, finished) = watch::channel(0);
        let shared = Arc::new(Shared {
            upstream,
            events: Mutex::new(receiver),
            current: std::sync::Mutex::new(None),
            finished: sender,
        });
        // Owned by the process: it ends when the execution environment does.
        tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            guest,
            child: None,
            address,
            shared,
            events,
            finished,
        })
    }

    /// Hands an event to the deployed code and waits until it asks for the
    /// next. `seconds` is the function's own timeout.
    pub(crate) async fn handle(&mut self, event: Event, seconds: u32) -> Ended {
        if self.child.is_none() {
            match self.guest.spawn(&self.address.to_string()) {
                Ok(child) => self.child = Some(child),
                Err(error) => return Ended::NotStarted(error),
            }
        }
        let own_deadline = crate::now().0.saturating_add(u64::from(seconds) * 1000);
        let event = with_deadline(event, own_deadline);
        let shortened = event.invocation.deadline_ms == own_deadline;
        self.finished.mark_unchanged();
        if self.events.send(event).await.is_err() {
            return Ended::NotStarted(std::io::Error::other("the proxy has ended"));
        }
        self.wait(shortened.then_some(own_deadline)).await
    }

    async fn wait(&mut self, own_deadline: Option<u64>) -> Ended {
        let Some(child) = &mut self.child else {
            return Ended::NotStarted(std::io::Error::other("no process"));
        };
        let time_is_up = async {
            match own_deadline {
                // By the wall clock: a timer would stop in a freeze.
                Some(deadline) => {
                    while crate::now().0 < deadline {
                        let left = deadline.saturating_sub(crate::now().0).clamp(1, 1000);
                        tokio::time::sleep(std::time::Duration::from_millis(left)).await;
                    }
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.finished.changed() => Ended::Asked,
            status = child.wait() => {
                self.child = None;
                status.map_or_else(Ended::NotStarted, Ended::Exited)
            }
            () = time_is_up => {
                let answered = self.shared.forget();
                if answered {
                    // Late work after an answer: Lambda ends it too, but the
                    // caller has what it asked for.
                    self.end().await;
                    return Ended::Asked;
                }
                self.end().await;
                Ended::TimedOut
            }
        }
    }

    /// Ends the process as Lambda does: at once.
    async fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill().await;
        }
    }

    /// Waits for the process to end by itself; for ever if there is none.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        match &mut self.child {
            Some(child) => match child.wait().await {
                Ok(status) => status,
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Passes SIGTERM on. False: there is nobody to pass it to.
    pub(crate) fn terminate(&self) -> bool {
        match &self.child {
            Some(child) => {
                guest::signal(child, rustix::process::Signal::TERM);
                true
            }
            None => false,
        }
    }
}

/// The deployed code gets the deadline it would have had.
fn with_deadline(mut event: Event, own_deadline: u64) -> Event {
    if own_deadline < event.invocation.deadline_ms {
        event.invocation.deadline_ms = own_deadline;
        event
            .headers
            .insert(header::DEADLINE, HeaderValue::from(own_deadline));
    }
    event
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: the guest may give some back.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, std::convert::Infallible>(shared.answer(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A connection that breaks is the guest's affair.
            let _ = connection.await;
        });
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let request = request.map(|body| body.map_err(|it| Box::new(it) as Error).boxed_unsync());
        let answer = match Route::of(request.method(), request.uri().path()) {
            Route::Next => self.next().await,
            Route::Response(id) | Route::Error(id) => self.pass_answer(request, &id).await,
            Route::InitError => self.init_error(request).await,
            Route::Ping | Route::Other => self.pass(request).await,
        };
        answer.unwrap_or_else(|error| {
            crate::log::line(&format!("the Runtime API could not be reached: {error}"));
            let mut answer = Response::new(text(Bytes::from_static(b"{}")));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            answer
        })
    }

    /// Waits for an event. A second `next` in the middle of an invocation gets
    /// the same event again, as AWS's emulator does it.
    async fn next(&self) -> Result<Response<Body>, Error> {
        if let Some(event) = self.unanswered() {
            return Ok(rendered(&event));
        }
        if self.forget() {
            self.finished
                .send_modify(|count| *count = count.wrapping_add(1));
        }
        let event = self.events.lock().await.recv().await;
        let event = event.ok_or("the environment ends")?;
        if let Ok(mut current) = self.current.lock() {
            *current = Some(Current {
                event: event.clone(),
                answered: false,
            });
        }
        Ok(rendered(&event))
    }

    fn unanswered(&self) -> Option<Event> {
        let current = self.current.lock().ok()?;
        let current = current.as_ref().filter(|it| !it.answered)?;
        Some(current.event.clone())
    }

    /// Forgets the current event; true if it had been answered.
    fn forget(&self) -> bool {
        let current = self.current.lock().ok().and_then(|mut it| it.take());
        current.is_some_and(|it| it.answered)
    }

    fn mark_answered(&self, id: &str) {
        if let Ok(mut current) = self.current.lock()
            && let Some(current) = current.as_mut()
            && current.event.invocation.request_id == id
        {
            current.answered = true;
        }
    }

    async fn pass_answer(&self, request: Request<Body>, id: &str) -> Result<Response<Body>, Error> {
        let answer = self.pass(request).await?;
        self.mark_answered(id);
        Ok(answer)
    }

    async fn pass(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let mut answer = self.upstream.forward(request).await?;
        header::strip_hop_by_hop(answer.headers_mut());
        Ok(answer.map(|body| body.map_err(|it| Box::new(it) as Error).boxed_unsync()))
    }

    /// The deployed code was started in the middle of an invocation: its init
    /// error is that invocation's error.
    async fn init_error(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let Some(event) = self.unanswered_or_waiting().await else {
            return self.pass(request).await;
        };
        let kind = request.headers().get(header::ERROR_TYPE).cloned();
        let kind = kind.as_ref().and_then(|it| it.to_str().ok());
        let kind = kind.map(str::to_owned);
        let body = request.into_body().collect().await?.to_bytes();
        let status = self.upstream.error(&event, kind.as_deref(), body).await?;
        self.mark_answered(&event.request_id);
        let mut answer = Response::new(text(Bytes::from_static(b"{\"status\":\"OK\"}")));
        *answer.status_mut() = status;
        Ok(answer)
    }

    /// The event that the process was started for: it has not asked for it yet.
    async fn unanswered_or_waiting(&self) -> Option<Invocation> {
        if let Some(event) = self.unanswered() {
            return Some(event.invocation);
        }
        let event = self.events.lock().await.try_recv().ok()?;
        let invocation = event.invocation.clone();
        if let Ok(mut current) = self.current.lock() {
            *current = Some(Current {
                event,
                answered: false,
            });
        }
        Some(invocation)
    }
}

fn rendered(event: &Event) -> Response<Body> {
    let mut answer = Response::new(text(event.payload.clone()));
    *answer.headers_mut() = event.headers.clone();
    header::strip_hop_by_hop(answer.headers_mut());
    answer.headers_mut().remove(http::header::CONTENT_LENGTH);
    answer
}

fn text(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
