//! Asynchronous invocations
//! (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>).

use super::run::{Call, Invoked};
use super::{Lambda, LambdaError, Target};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An invocation that finds no place waits this long at first, then longer and
/// longer.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// An event that a function is to get.
pub(crate) struct Event {
    /// Whatever has this name by then.
    name: String,
    qualifier: Option<String>,
    /// Each attempt has its request id.
    pub(super) call: Call,
    accepted: Instant,
    /// So many destinations have led here.
    pub(super) chain: u32,
}

/// What became of an event.
pub(super) struct Over {
    pub(super) condition: Condition,
    pub(super) attempts: u64,
    /// The last attempt, if there was one.
    pub(super) last: Option<Invoked>,
}

/// Why no further attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Success,
    RetriesExhausted,
    /// It would be too old by the next one.
    EventAgeExceeded,
}

impl Condition {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
        }
    }
}

impl Over {
    pub(super) fn succeeded(&self) -> bool {
        self.condition == Condition::Success
    }

    /// `RetriesExhausted after 3 attempts`
    pub(super) fn describe(&self) -> String {
        let (condition, attempts) = (self.condition.name(), self.attempts);
        let s = if attempts == 1 { "" } else { "s" };
        format!("{condition} after {attempts} attempt{s}")
    }
}

impl Event {
    pub(crate) fn new(target: &Target, call: Call, chain: u32) -> Self {
        Self {
            name: target.function.name.clone(),
            qualifier: target.qualifier.clone(),
            call,
            accepted: Instant::now(),
            chain,
        }
    }
}

impl Lambda {
    /// Runs an event behind its caller's back: one attempt, and two more if it
    /// fails, unless the function has other wishes. They go to whatever has the
    /// function's name by then.
    pub(crate) fn invoke_later(self: &Arc<Self>, event: Event) {
        let (lambda, ending) = (Arc::clone(self), self.ending.clone());
        self.tasks.spawn(async move {
            let trying = async {
                if let Some(over) = lambda.attempts(&event).await
                    && let Ok(target) = lambda.target(&event.name, event.qualifier.as_deref())
                {
                    lambda.tell(&target, &event, &over);
                }
            };
            tokio::select! {
                () = trying => {}
                () = ending.cancelled() => {}
            }
        });
    }

    /// None: it was deleted, or cannot be run at all.
    async fn attempts(self: &Arc<Self>, event: &Event) -> Option<Over> {
        let mut pauses = self.async_retries.into_iter();
        let mut backoff = FIRST_BACKOFF;
        let mut attempts = 0;
        let over = |condition, attempts, last| {
            Some(Over {
                condition,
                attempts,
                last,
            })
        };
        loop {
            let target = self.target(&event.name, event.qualifier.as_deref()).ok()?;
            let config = target.function.event_invoke(target.qualifier());
            let config = config.unwrap_or_default();
            let (pause, last) = match self.run(target, event.call.clone()).await {
                Ok(invoked) => {
                    attempts += 1;
                    if !invoked.failed {
                        return over(Condition::Success, attempts, Some(invoked));
                    }
                    let pause = pauses.next().filter(|_| attempts <= config.max_retries());
                    let Some(pause) = pause else {
                        return over(Condition::RetriesExhausted, attempts, Some(invoked));
                    };
                    (pause, Some(invoked))
                }
                // That is no attempt.
                Err(LambdaError::Throttled) => {
                    let pause = backoff;
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                    (pause, None)
                }
                Err(error) => {
                    self.notice(format!("an event for {} is given up: {error}", event.name));
                    return None;
                }
            };
            if event.accepted.elapsed() + pause >= config.max_age() {
                return over(Condition::EventAgeExceeded, attempts, last);
            }
            tokio::time::sleep(pause).await;
        }
    }
}
