//! Posts of a process that ends at once: they count, whoever reads them.
//!
//! A process may end as soon as it has written its answer. hyper drops a request whose
//! client has hung up, though all of its body is there, and with it whatever serves it:
//! what serves a post is run to its end elsewhere then.

use super::OneMore;
use crate::answer_stream::Taker;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Frame, Incoming};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tether_runtime_api::StreamPart;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How far posts were read.
#[derive(Default)]
pub(crate) struct Heard {
    frames: AtomicU64,
    /// What was read last waits for whoever takes it.
    held_up: AtomicBool,
}

impl Heard {
    /// The next frame of a post.
    pub(super) async fn next(&self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        let frame = body.frame().await;
        self.frames.fetch_add(1, Ordering::Relaxed);
        frame
    }

    /// Hands a part on to a reader who may be slow.
    pub(super) async fn hand_on(&self, part: StreamPart, taker: &Taker) {
        let _held_up = HeldUp::of(&self.held_up);
        taker.take(part).await;
    }

    pub(super) fn so_far(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Whether anything was read since, or could not be for its reader's sake.
    pub(super) fn goes_on_since(&self, before: u64) -> bool {
        self.held_up.load(Ordering::Relaxed) || self.so_far() != before
    }
}

/// Until it is dropped.
struct HeldUp<'a>(&'a AtomicBool);

impl<'a> HeldUp<'a> {
    fn of(held_up: &'a AtomicBool) -> Self {
        held_up.store(true, Ordering::Relaxed);
        Self(held_up)
    }
}

impl Drop for HeldUp<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Where posts are served to their end whose connections have gone.
pub(super) struct Remains {
    /// They count as connections.
    open: Arc<watch::Sender<usize>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Remains {
    pub(super) fn counted_by(open: Arc<watch::Sender<usize>>) -> Self {
        Self {
            open,
            tasks: Mutex::default(),
        }
    }

    /// The same, which goes on by itself when it is dropped before its end.
    pub(super) fn to_the_end<Serves>(self: &Arc<Self>, serves: Serves) -> ToTheEnd<Serves>
    where
        Serves: Future<Output: Send> + Send + 'static,
    {
        ToTheEnd {
            serves: Some(Box::pin(serves)),
            remains: Arc::clone(self),
        }
    }

    fn finish<Serves>(&self, serves: Pin<Box<Serves>>)
    where
        Serves: Future<Output: Send> + Send + 'static,
    {
        // There is none when everything ends.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let is_open = OneMore::of(Arc::clone(&self.open));
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let _is_open = is_open;
            let _ = serves.await;
        });
    }
}

/// See [`Remains::to_the_end`].
pub(super) struct ToTheEnd<Serves>
where
    Serves: Future<Output: Send> + Send + 'static,
{
    /// None: it has come to its end.
    serves: Option<Pin<Box<Serves>>>,
    remains: Arc<Remains>,
}

impl<Serves> Future for ToTheEnd<Serves>
where
    Serves: Future<Output: Send> + Send + 'static,
{
    type Output = Serves::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(serves) = &mut self.serves else {
            return Poll::Pending;
        };
        let answer = ready!(serves.as_mut().poll(context));
        self.serves = None;
        Poll::Ready(answer)
    }
}

impl<Serves> Drop for ToTheEnd<Serves>
where
    Serves: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        if let Some(serves) = self.serves.take() {
            self.remains.finish(serves);
        }
    }
}
