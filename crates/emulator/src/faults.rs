//! Faults on request: calls that AWS refuses, loses or never answers.
//!
//! A rule says which calls it is about and what becomes of them;
//! `/_tether/faults` on the endpoint takes rules, lists them and lifts them.
//! `rule` and `rules` decide, `answer` words what is answered, `api` speaks
//! HTTP, and this module plays a fault. Without a rule a call pays for one
//! look at a flag.

mod answer;
pub(crate) mod api;
mod rule;
mod rules;

pub(crate) use rule::Call;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::body::Body;
use rule::{Effect, Moment, Rule};
use rules::Rules;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

type Answer = Response<Full<Bytes>>;

/// What an answer can be made of: all at once, or as it comes.
pub(crate) trait AnyBody:
    Body<Data = Bytes, Error = Infallible> + From<Full<Bytes>> + Send + 'static
{
}

impl<B> AnyBody for B where
    B: Body<Data = Bytes, Error = Infallible> + From<Full<Bytes>> + Send + 'static
{
}

/// A fault that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultHit {
    /// The rule's.
    pub id: String,
    /// `dynamodb`
    pub service: String,
    /// `UpdateItem`
    pub action: String,
    /// The caller's role; none on a WebSocket, where nobody signs.
    pub principal: Option<String>,
}

/// Hears of each fault: as soon as a call is held, is left without an answer,
/// or was performed and its answer lost.
pub type FaultSink = Arc<dyn Fn(FaultHit) + Send + Sync>;

/// The connection ends here, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault cuts this connection")]
pub(crate) struct Cut;

/// All rules of this cloud.
pub(crate) struct Faults {
    any: AtomicBool,
    rules: Mutex<Rules>,
    sink: FaultSink,
    tasks: TaskTracker,
    ending: CancellationToken,
}

impl Faults {
    pub(crate) fn new(sink: FaultSink, tasks: TaskTracker, ending: CancellationToken) -> Self {
        Self {
            any: AtomicBool::new(false),
            rules: Mutex::default(),
            sink,
            tasks,
            ending,
        }
    }

    /// Takes a rule; its id.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn add(&self, body: &[u8]) -> Result<String, String> {
        let rule = Rule::read(body)?;
        let mut rules = self.rules();
        self.any.store(true, Ordering::Relaxed);
        Ok(rules.add(rule))
    }

    /// Ends a rule, and lets go what it holds. Whether there was one.
    pub(crate) fn lift(&self, id: &str) -> bool {
        let mut rules = self.rules();
        let lifted = rules.lift(id);
        self.any.store(!rules.is_empty(), Ordering::Relaxed);
        lifted
    }

    pub(crate) fn listed(&self) -> Value {
        self.rules().listed()
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that this call meets.
    pub(crate) fn catch<'a>(&self, call: impl FnOnce() -> Call<'a>) -> Option<Caught> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let call = call();
        let met = self.rules().meet(&call)?;
        Some(Caught {
            effect: met.effect,
            lifted: met.lifted,
            hit: FaultHit {
                id: met.id,
                service: call.service.to_owned(),
                action: call.action.to_owned(),
                principal: call.principal,
            },
            sink: Arc::clone(&self.sink),
        })
    }

    /// Plays a fault before a call that a service makes for its caller: it is
    /// refused, comes late, or is held. Other faults have no meaning for it.
    ///
    /// # Errors
    /// The words of the refusal.
    pub(crate) async fn judge<'a>(&self, call: impl FnOnce() -> Call<'a>) -> Result<(), String> {
        let Some(caught) = self.catch(call) else {
            return Ok(());
        };
        caught.tell();
        match &caught.effect {
            Effect::Refuse(refusal) => return Err(refusal.message.clone()),
            Effect::Delay { ms } => {
                let pause = Duration::from_millis(*ms);
                // Lifted, it waits no longer.
                let waiting = tokio::time::timeout(pause, caught.lifted());
                let _ = self.ending.run_until_cancelled(waiting).await;
            }
            Effect::Hold { .. } => {
                self.ending.run_until_cancelled(caught.lifted()).await;
            }
            _ => {}
        }
        Ok(())
    }

    /// Plays a fault around what a call does. A caller that hangs up does not
    /// end it: what was late for them still happens.
    ///
    /// # Errors
    /// When the caller gets no answer.
    pub(crate) async fn play<B: AnyBody>(
        &self,
        caught: Caught,
        perform: impl Future<Output = Response<B>> + Send + 'static,
    ) -> Result<Response<B>, Cut> {
        let ending = self.ending.clone();
        let playing = self.tasks.spawn(async move {
            let playing = caught.play(perform);
            ending.run_until_cancelled(playing).await
        });
        match playing.await {
            Ok(Some(answer)) => answer,
            // The emulator ends: what is held is not performed.
            Ok(None) | Err(_) => Err(Cut),
        }
    }
}

/// A call that has met a fault.
pub(crate) struct Caught {
    effect: Effect,
    lifted: CancellationToken,
    hit: FaultHit,
    sink: FaultSink,
}

impl Caught {
    /// Tells whoever watches.
    pub(crate) fn tell(&self) {
        (self.sink)(self.hit.clone());
    }

    /// Waits until its rule is lifted; the end of the emulator lifts none.
    pub(crate) async fn lifted(&self) {
        self.lifted.cancelled().await;
    }

    async fn play<B: AnyBody>(
        self,
        perform: impl Future<Output = Response<B>>,
    ) -> Result<Response<B>, Cut> {
        // What is performed first is told when that is done.
        if !self.effect.performs_first() {
            self.tell();
        }
        let service = &self.hit.service;
        match &self.effect {
            Effect::Refuse(refusal) => Ok(answer::refuse(service, refusal).map(B::from)),
            Effect::Answer(given) => Ok(answer::give(service, given).map(B::from)),
            Effect::Patch { body } => Ok(answer::patch(perform.await, body).await),
            Effect::Delay { ms } => {
                let pause = Duration::from_millis(*ms);
                // Lifted, it waits no longer.
                let _ = tokio::time::timeout(pause, self.lifted()).await;
                Ok(perform.await)
            }
            Effect::Lose => {
                perform.await;
                self.tell();
                Err(Cut)
            }
            Effect::Drop => Err(Cut),
            Effect::Silence => {
                self.lifted().await;
                Err(Cut)
            }
            Effect::Hold {
                when: Moment::Before,
            } => {
                self.lifted().await;
                Ok(perform.await)
            }
            Effect::Hold {
                when: Moment::After,
            } => {
                let answer = perform.await;
                self.tell();
                self.lifted().await;
                Ok(answer)
            }
        }
    }
}
