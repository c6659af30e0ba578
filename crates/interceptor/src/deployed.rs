//! The deployed code: the original command, started at the first event that
//! is handed to it, behind a Runtime API that passes everything on.

use crate::guest::{self, Guest};
use crate::upstream::{Body, Error, Event, MOST_HEADERS, Upstream};
use http::header::{TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use tether_runtime_api::{Route, header, verb};
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::{Notify, watch};

/// The deployed code and the door it comes through.
pub(crate) struct Deployed {
    guest: Guest,
    child: Option<Child>,
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Counts the events that were handed over.
    count: u64,
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
    /// The event that the deployed code has not asked for yet.
    offered: Mutex<Option<Offer>>,
    news: Notify,
    current: Mutex<Option<Current>>,
    /// Number of the last event that was handed out, and its own deadline.
    handed: watch::Sender<(u64, u64)>,
    /// Number of the last event whose work is over.
    finished: watch::Sender<u64>,
}

struct Offer {
    number: u64,
    event: Event,
    /// The function's own timeout.
    seconds: u32,
}

struct Current {
    number: u64,
    event: Event,
    answered: bool,
}

/// Lambda gives a start this long
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
const INIT_SECONDS: u32 = 10;

/// AWS's clients send up to 1 MiB in one header, an error's stack for X-Ray
/// (<https://github.com/aws/aws-lambda-python-runtime-interface-client>).
const LARGEST_HEAD: usize = 2 * 1024 * 1024;

impl Deployed {
    /// Opens the door on a free port of the loopback interface.
    pub(crate) async fn bind(guest: Guest, upstream: Upstream) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            offered: Mutex::new(None),
            news: Notify::new(),
            current: Mutex::new(None),
            handed: watch::Sender::new((0, 0)),
            finished: watch::Sender::new(0),
        });
        // Owned by the process: it ends when the execution environment does.
        tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            guest,
            child: None,
            address,
            shared,
            count: 0,
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
        self.count = self.count.wrapping_add(1);
        let deadline = event.invocation.deadline_ms;
        self.shared.offer(Offer {
            number: self.count,
            event,
            seconds,
        });
        let ended = self.wait(deadline, seconds).await;
        if !matches!(ended, Ended::Asked) {
            // Whoever comes next shall not find it.
            self.shared.withdraw();
        }
        ended
    }

    async fn wait(&mut self, deadline: u64, seconds: u32) -> Ended {
        let number = self.count;
        let mut finished = self.shared.finished.subscribe();
        let Some(child) = &mut self.child else {
            return Ended::NotStarted(std::io::Error::other("no process"));
        };
        tokio::select! {
            // What was answered in time has not timed out.
            biased;
            _ = finished.wait_for(|it| *it == number) => Ended::Asked,
            status = child.wait() => {
                self.child = None;
                status.map_or_else(Ended::NotStarted, Ended::Exited)
            }
            () = time_is_up(&self.shared, number, deadline, seconds) => {
                let answered = self.shared.forget().is_some();
                self.end().await;
                // Late work after an answer is ended too, but the caller has
                // what it asked for.
                if answered { Ended::Asked } else { Ended::TimedOut }
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

/// Returns when the function's own timeout is over: counted from the moment
/// the event is handed out, because a start has time of its own. Never, if
/// Lambda's deadline comes first: Lambda ends everything then.
async fn time_is_up(shared: &Shared, number: u64, deadline: u64, seconds: u32) {
    let mut handed = shared.handed.subscribe();
    let start = crate::now()
        .0
        .saturating_add(millis(INIT_SECONDS.saturating_add(seconds)));
    let own = tokio::select! {
        // The server lives as long as the environment.
        handed = handed.wait_for(|(it, _)| *it == number) => handed.map_or(start, |it| it.1),
        () = wall_clock(start) => start,
    };
    if own >= deadline {
        return std::future::pending().await;
    }
    wall_clock(own).await;
}

fn millis(seconds: u32) -> u64 {
    u64::from(seconds).saturating_mul(1000)
}

/// Waits by the wall clock: a timer alone would stop in a freeze.
async fn wall_clock(until: u64) {
    while crate::now().0 < until {
        let left = until.saturating_sub(crate::now().0).clamp(1, 1000);
        tokio::time::sleep(std::time::Duration::from_millis(left)).await;
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
                async move { shared.answer(request).await.map_err(std::io::Error::other) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .preserve_header_case(true)
                .auto_date_header(false)
                .max_headers(MOST_HEADERS)
                .max_header_size(LARGEST_HEAD)
                .max_buf_size(LARGEST_HEAD)
                .serve_connection(TokioIo::new(stream), service);
            // A connection that breaks is the guest's affair.
            let _ = connection.await;
        });
    }
}

impl Shared {
    /// An error hangs up, as the Runtime API that is not there would.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Error> {
        let request = request.map(|body| body.map_err(|it| Box::new(it) as Error).boxed_unsync());
        let answer = match Route::of(request.method(), request.uri().path()) {
            Route::Next => {
                self.upstream.ask_as(&request);
                Ok(self.next().await)
            }
            Route::Response(id) | Route::Error(id) => self.pass_answer(request, &id).await,
            Route::InitError => self.init_error(request).await,
            Route::Ping | Route::Other => self.pass(request).await,
        };
        answer.inspect_err(|error| {
            crate::log::line(&format!("a request could not be passed on: {error}"));
        })
    }

    /// Waits for an event. A second `next` in the middle of an invocation gets
    /// the same event again, as AWS's emulator does it.
    async fn next(&self) -> Response<Body> {
        if let Some(event) = self.unanswered() {
            return rendered(&event);
        }
        if let Some(number) = self.forget() {
            self.finished.send_replace(number);
        }
        loop {
            let news = self.news.notified();
            if let Some(event) = self.hand_out() {
                return rendered(&event);
            }
            news.await;
        }
    }

    fn offer(&self, offer: Offer) {
        if let Ok(mut offered) = self.offered.lock() {
            *offered = Some(offer);
        }
        self.news.notify_one();
    }

    /// Takes back what nobody has asked for.
    fn withdraw(&self) -> Option<Offer> {
        self.offered.lock().ok()?.take()
    }

    /// The offered event becomes the current one; its own time begins.
    fn hand_out(&self) -> Option<Event> {
        let offer = self.withdraw()?;
        let own = crate::now().0.saturating_add(millis(offer.seconds));
        let event = with_deadline(offer.event, own);
        if let Ok(mut current) = self.current.lock() {
            *current = Some(Current {
                number: offer.number,
                event: event.clone(),
                answered: false,
            });
        }
        self.handed.send_replace((offer.number, own));
        Some(event)
    }

    fn unanswered(&self) -> Option<Event> {
        let current = self.current.lock().ok()?;
        let current = current.as_ref().filter(|it| !it.answered)?;
        Some(current.event.clone())
    }

    /// Forgets the current event; its number if it had been answered.
    fn forget(&self) -> Option<u64> {
        let current = self.current.lock().ok()?.take()?;
        current.answered.then_some(current.number)
    }

    fn mark_answered(&self, id: &str) {
        if let Ok(mut current) = self.current.lock()
            && let Some(current) = current.as_mut()
            && current.event.invocation.request_id == id
        {
            current.answered = true;
        }
    }

    async fn pass_answer(
        &self,
        mut request: Request<Body>,
        id: &str,
    ) -> Result<Response<Body>, Error> {
        announce_trailers(request.headers_mut());
        // From its first byte on: an answer that breaks off is not given twice.
        self.mark_answered(id);
        self.pass(request).await
    }

    async fn pass(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let mut answer = self.upstream.send(request).await?;
        header::strip_hop_by_hop(answer.headers_mut());
        Ok(answer.map(|body| body.map_err(|it| Box::new(it) as Error).boxed_unsync()))
    }

    /// The deployed code was started in the middle of an invocation: its init
    /// error is that invocation's error, in the same words.
    async fn init_error(&self, mut request: Request<Body>) -> Result<Response<Body>, Error> {
        // The event it was started for. If it has asked for that, it is too
        // late for such an error, and the Runtime API says so.
        let Some(event) = self.hand_out().map(|it| it.invocation) else {
            return self.pass(request).await;
        };
        *request.uri_mut() = verb::error_path(&event.request_id).parse()?;
        if let Some(id) = &event.invocation_id {
            let headers = request.headers_mut();
            headers.insert(header::INVOCATION_ID, HeaderValue::from_str(id)?);
        }
        self.pass_answer(request, &event.request_id).await
    }
}

/// A streamed answer tells its error in trailers. They need not be announced,
/// and hyper passes on only those that are.
fn announce_trailers(headers: &mut HeaderMap) {
    if headers.contains_key(TRANSFER_ENCODING) && !headers.contains_key(TRAILER) {
        headers.insert(TRAILER, header::ERROR_TRAILERS);
    }
}

fn rendered(event: &Event) -> Response<Body> {
    let body = Full::new(event.payload.clone());
    let mut answer = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    answer.headers_mut().clone_from(&event.headers);
    answer.extensions_mut().clone_from(&event.wording);
    header::strip_hop_by_hop(answer.headers_mut());
    answer
}
