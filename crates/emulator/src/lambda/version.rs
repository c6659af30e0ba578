//! What can be invoked, `$LATEST` or a published version, and its execution
//! environments
//! (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).

use super::Lambda;
use super::configuration::Configuration;
use super::environments::Workshop;
use super::tap::Tap;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tether_host::{Ended, ExecutionEnvironment, RunState};
use tether_runtime_api::{ErrorObject, Invocation};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Lambda gives a start this long
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
const INIT: Duration = Duration::from_secs(10);

/// Who needs an environment waits this long for one that still tidies up,
/// which mostly takes a few milliseconds; then another one is started.
const SOON: Duration = Duration::from_millis(50);

/// A copy of a function's code. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// `/var/task`
    pub(crate) root: PathBuf,
    /// What it was copied from: the interpreter is found beside it.
    pub(crate) source: PathBuf,
    /// What runs it, for runtimes that need one.
    pub(crate) interpreter: Option<PathBuf>,
}

/// What runs: one configuration and one copy of the code.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) configuration: Configuration,
    pub(crate) code: Code,
}

/// See the module.
pub(crate) struct Version {
    state: Mutex<State>,
}

struct State {
    /// What new environments run with.
    revision: Arc<Revision>,
    /// Counts the revisions: environments of an older one are not reused.
    generation: u64,
    /// The one used last stands last.
    idle: Vec<Idle>,
    /// Those that have answered and not asked for another event yet: who needs
    /// one asks here.
    tidying: Vec<Claim>,
}

struct Idle {
    environment: Warm,
    since: Instant,
}

type Claim = oneshot::Sender<oneshot::Sender<Warm>>;

/// An environment with what belongs to it.
pub(crate) struct Warm {
    pub(crate) environment: ExecutionEnvironment,
    pub(crate) revision: Arc<Revision>,
    pub(crate) tap: Arc<Tap>,
    /// How long it took to start; until the first report has said so.
    pub(crate) init: Option<Duration>,
    /// Why it could not start: that is how its only invocation ends.
    pub(crate) failed: Option<Ended>,
    generation: u64,
}

impl Warm {
    /// Runs one invocation; one that could not start ends as it did.
    pub(crate) async fn invoke(
        &mut self,
        invocation: Invocation,
        payload: Bytes,
        state: &RunState,
    ) -> Ended {
        match self.failed.take() {
            Some(failed) => failed,
            None => {
                let environment = &mut self.environment;
                environment.invoke_watched(invocation, payload, state).await
            }
        }
    }

    pub(crate) async fn stop(self) {
        self.environment.stop().await;
        self.tap.end();
    }
}

impl Version {
    pub(crate) fn new(revision: Revision) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                revision: Arc::new(revision),
                generation: 0,
                idle: Vec::new(),
                tidying: Vec::new(),
            }),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs now.
    pub(crate) fn revision(&self) -> Arc<Revision> {
        Arc::clone(&self.state().revision)
    }

    /// Another revision from now on. Invocations that run finish with theirs.
    /// Nothing is reused from now on; what was idle is to be stopped.
    pub(crate) fn put_in_force(&self, revision: Revision) -> Outdated {
        let mut state = self.state();
        state.revision = Arc::new(revision);
        state.generation += 1;
        state.empty()
    }

    /// Ends what is idle.
    pub(crate) async fn stop(&self) {
        let idle = self.state().empty();
        idle.stop().await;
    }

    /// Ends what is idle, and what is busy as soon as it is given back.
    pub(crate) async fn end(&self) {
        let idle = {
            let mut state = self.state();
            state.generation += 1;
            state.empty()
        };
        idle.stop().await;
    }

    /// An environment for one invocation: the one that was used last, or a new
    /// one if all are busy.
    pub(crate) async fn take(
        &self,
        lambda: &Lambda,
        workshop: &Workshop,
        request_id: &str,
    ) -> Result<Warm, ErrorObject> {
        while let Some(mut warm) = self.take_idle().await {
            if warm.environment.is_alive() {
                return Ok(warm);
            }
            warm.stop().await;
        }
        let (revision, generation) = {
            let state = self.state();
            (Arc::clone(&state.revision), state.generation)
        };
        let name = &revision.configuration.function_name;
        let tap = Tap::new(lambda.logs.clone(), name);
        let started = Instant::now();
        let mut environment = workshop.start(lambda, &revision, &tap, request_id).await?;
        // A start has time of its own; one that takes longer goes on in the
        // invocation's. One that failed is told by the invocation.
        let ready = tokio::time::timeout(INIT, environment.ready()).await;
        Ok(Warm {
            environment,
            revision,
            tap,
            init: ready.is_ok().then(|| started.elapsed()),
            failed: ready.ok().flatten(),
            generation,
        })
    }

    async fn take_idle(&self) -> Option<Warm> {
        let by = tokio::time::Instant::now() + SOON;
        loop {
            let claim = {
                let mut state = self.state();
                if let Some(idle) = state.idle.pop() {
                    return Some(idle.environment);
                }
                if tokio::time::Instant::now() >= by {
                    return None;
                }
                state.tidying.pop()?
            };
            let (give, mut given) = oneshot::channel();
            // It may have become idle a moment ago, or have ended.
            if claim.send(give).is_err() {
                continue;
            }
            if let Ok(Ok(warm)) = tokio::time::timeout_at(by, &mut given).await {
                return Some(warm);
            }
            given.close();
            // It may have come at the last moment.
            if let Ok(warm) = given.try_recv() {
                return Some(warm);
            }
        }
    }

    /// Takes an environment back after an answer. Behind it, the runtime may
    /// still have to tidy up: it is frozen when it asks for its next event,
    /// as Lambda does it, and ended if that takes longer than `patience`. What
    /// is to be said about the invocation need not delay its answer either.
    pub(crate) fn give_back(
        self: &Arc<Self>,
        lambda: &Lambda,
        warm: Warm,
        patience: Duration,
        conclude: impl FnOnce(&mut Warm) + Send + 'static,
    ) {
        let (claim, mut claimed) = oneshot::channel();
        {
            let mut state = self.state();
            if state.generation == warm.generation {
                state.tidying.retain(|it| !it.is_closed());
                state.tidying.push(claim);
            }
        }
        let (this, ending) = (Arc::clone(self), lambda.ending.clone());
        lambda.tasks.spawn(async move {
            let mut warm = warm;
            conclude(&mut warm);
            let by = tokio::time::Instant::now() + patience;
            let asked = tokio::select! {
                biased;
                Ok(taker) = &mut claimed => {
                    // Nobody gets it while it is busy: it would be busy at
                    // their expense, or never be done with an invocation.
                    let asked = rests(&mut warm, by, &ending).await;
                    if asked {
                        match taker.send(warm) {
                            Ok(()) => return,
                            // Who asked waits no longer.
                            Err(back) => warm = back,
                        }
                    }
                    asked
                }
                asked = rests(&mut warm, by, &ending) => asked,
            };
            warm.tap.end();
            if !asked {
                // Whoever has claimed it meanwhile looks for another one.
                drop(claimed);
                return warm.stop().await;
            }
            warm.environment.freeze();
            if let Some(outdated) = this.keep(warm) {
                outdated.stop().await;
            }
            // Whoever has claimed it meanwhile looks again, and finds it idle.
            drop(claimed);
        });
    }

    /// Gives it back if it is of an older revision.
    fn keep(&self, environment: Warm) -> Option<Warm> {
        let mut state = self.state();
        if state.generation != environment.generation {
            return Some(environment);
        }
        state.idle.push(Idle {
            environment,
            since: Instant::now(),
        });
        None
    }

    /// Ends those that have been idle for too long, and lets go of those that
    /// have ended by themselves.
    pub(crate) async fn reap(&self, after: Duration) {
        let over = {
            let mut state = self.state();
            let all = std::mem::take(&mut state.idle);
            let (over, kept) = all.into_iter().partition(|it| it.since.elapsed() >= after);
            state.idle = kept;
            let dead = state
                .idle
                .extract_if(.., |it| !it.environment.environment.is_alive());
            let mut over: Vec<Idle> = over;
            over.extend(dead);
            over
        };
        for it in over {
            it.environment.stop().await;
        }
    }
}

impl State {
    /// Takes what is idle out. What tidies up ends when it is done.
    fn empty(&mut self) -> Outdated {
        self.tidying.clear();
        Outdated(std::mem::take(&mut self.idle))
    }
}

/// Environments that nobody uses any more.
#[must_use]
pub(crate) struct Outdated(Vec<Idle>);

impl Outdated {
    pub(crate) async fn stop(self) {
        for it in self.0 {
            it.environment.stop().await;
        }
    }
}

/// Whether it has asked for its next event by then. What it has printed is read.
async fn rests(warm: &mut Warm, by: tokio::time::Instant, ending: &CancellationToken) -> bool {
    let asked = tokio::select! {
        biased;
        asked = warm.environment.idle() => asked,
        () = tokio::time::sleep_until(by) => false,
        () = ending.cancelled() => false,
    };
    tokio::select! {
        () = warm.environment.settle() => {},
        () = tokio::time::sleep_until(by) => {},
        () = ending.cancelled() => {},
    }
    asked
}
