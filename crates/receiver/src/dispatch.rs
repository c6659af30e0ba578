//! The work of one invocation on the laptop: claiming it, running it, looking
//! what became of it. What to do when is decided by [`tether_protocol::serve`].

use crate::parcel::{NotStored, Place};
use crate::report::{Hops, InvocationOutcome};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tether_host::{Ended, Function, RunState, Seat};
use tether_protocol::carry::Look;
use tether_protocol::message::{Invoke, Outcome, Reply};
use tether_protocol::serve::{Event, Ran, Taking, Word};
use tether_protocol::{ClaimId, Environment, InvocationKey, Payload, Secret, SessionId, Timestamp};
use tether_runtime_api::{ErrorObject, Invocation};
use tether_store::{Claim, Correlation};

/// Told to the developer under `--when-busy decline`.
pub(crate) const BUSY: &str = "left to the deployed code: its local process is busy";

/// A table that is throttled is not asked again at once.
const BETWEEN_CLAIMS: Duration = Duration::from_millis(100);

/// What all work for one invocation needs.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) key: InvocationKey,
    pub(crate) function: Arc<Function>,
    pub(crate) correlation: Correlation,
    pub(crate) session: SessionId,
    pub(crate) claim: ClaimId,
    /// Variables of this machine: profile and endpoint.
    pub(crate) local: Environment,
    /// By the cloud's clock.
    pub(crate) deadline: Timestamp,
    /// By this machine's clock.
    pub(crate) local_deadline: Timestamp,
    /// What the handler is doing.
    pub(crate) state: RunState,
}

/// What a piece of work has come to.
pub(crate) struct News {
    pub(crate) key: InvocationKey,
    /// For the attempt's state machine.
    pub(crate) event: Option<Event>,
    /// The time it took.
    pub(crate) hops: Hops,
    /// Why, for people; may be empty.
    pub(crate) detail: String,
    /// What the caller is to hear.
    pub(crate) said: Option<Said>,
}

/// A reply, and what it means.
pub(crate) struct Said {
    pub(crate) reply: Reply,
    pub(crate) outcome: InvocationOutcome,
    pub(crate) detail: String,
}

impl Job {
    fn news(&self, event: Option<Event>) -> News {
        News {
            key: self.key.clone(),
            event,
            hops: Hops::default(),
            detail: String::new(),
            said: None,
        }
    }

    fn claim(&self) -> Claim<'_> {
        Claim {
            key: &self.key,
            session: &self.session,
            claim: &self.claim,
            deadline: self.deadline,
        }
    }

    fn place(&self) -> Place {
        Place {
            correlation: self.correlation.clone(),
            key: self.key.clone(),
            claim: self.claim.clone(),
            deadline: self.deadline,
            local_deadline: self.local_deadline,
        }
    }

    fn says(&self, outcome: Outcome, kind: InvocationOutcome, detail: String) -> Said {
        Said {
            reply: Reply {
                key: self.key.clone(),
                claim_id: self.claim.clone(),
                outcome,
            },
            outcome: kind,
            detail,
        }
    }

    fn says_error(&self, error: &ErrorObject, detail: String) -> Said {
        let outcome = failed(Some(error.error_type.clone()), &error.to_bytes());
        self.says(outcome, InvocationOutcome::Failed, detail)
    }

    /// What a caller hears that is no outcome of the handler; `why` is what a
    /// claim has come to last. None: the handler has the word.
    pub(crate) fn word(&self, word: Word, why: &str) -> Option<Said> {
        let (kind, message) = match word {
            Word::Outcome => return None,
            Word::Unconfirmed => (
                "Tether.Unconfirmed",
                format!("the laptop could not confirm that it may run this: {why}"),
            ),
            Word::Interrupted => (
                "Tether.Detached",
                "the debugging session ended while this invocation was running: repeat it"
                    .to_owned(),
            ),
        };
        let error = ErrorObject::new(kind, format!("tether: {message}"));
        let detail = match word {
            Word::Interrupted => kind.to_owned(),
            _ => format!("{kind}: {message}"),
        };
        Some(self.says_error(&error, detail))
    }

    /// A bug of ours ended the run: its caller shall not wait for it.
    pub(crate) fn crashed(&self, how: &str) -> Said {
        let message = format!("tether: a bug ended this run: {how}");
        self.says_error(&ErrorObject::new("Tether.Bug", message.clone()), message)
    }
}

/// PENDING or missing → ACCEPTED.
pub(crate) async fn claim(job: Job) -> News {
    let began = Instant::now();
    let claimed = job.correlation.claim(&job.claim()).await;
    let taking = match &claimed {
        Ok(()) => Taking::Won,
        Err(error) if error.is_condition() => Taking::Lost,
        Err(error) if error.is_outcome_unknown() => Taking::Unknown,
        Err(_) => Taking::Failed,
    };
    if matches!(taking, Taking::Failed | Taking::Unknown) {
        tokio::time::sleep(BETWEEN_CLAIMS).await;
    }
    News {
        hops: claim_took(began),
        detail: claimed.err().map_or(String::new(), |it| it.to_string()),
        ..job.news(Some(Event::Claimed(taking)))
    }
}

/// Leaves an invocation to the deployed code, at once. Should it fail, the
/// bootstrap stops waiting by itself.
pub(crate) async fn decline(job: Job) -> News {
    let began = Instant::now();
    let _ = job.correlation.decline(&job.claim()).await;
    News {
        hops: claim_took(began),
        ..job.news(Some(Event::Declined))
    }
}

fn claim_took(since: Instant) -> Hops {
    Hops {
        claim_ms: millis(since.elapsed()),
        ..Hops::default()
    }
}

/// Writes into the record what the handler is doing; without it the caller's
/// error says less.
pub(crate) async fn tell(job: Job, state: String) -> News {
    let _ = job.correlation.tell(&job.key, &job.claim, &state).await;
    job.news(None)
}

/// What became of the record.
pub(crate) async fn look(job: Job) -> News {
    let look = match job.correlation.read(&job.key).await {
        Ok(Some(row)) => Look::Found(row.status),
        Ok(None) => Look::Missing,
        Err(_) => Look::Failed,
    };
    job.news(Some(Event::Head(look)))
}

/// Runs the handler to its end, and puts its answer where it can be sent from.
pub(crate) async fn run(job: Job, invoke: Box<Invoke>, seat: Option<Seat>) -> News {
    let mut hops = Hops::default();
    let settled = handler(&job, invoke, seat, &mut hops).await;
    let (said, detail) = match settled {
        Some(settled) => answer(&job, settled).await,
        None => (
            None,
            "its deadline has passed, and the caller has an error".to_owned(),
        ),
    };
    let ran = match said {
        Some(_) => Ran::Answered,
        None => Ran::TooLate,
    };
    News {
        hops,
        detail,
        said,
        ..job.news(Some(Event::Ran(ran)))
    }
}

/// None: its time was up.
async fn handler(
    job: &Job,
    invoke: Box<Invoke>,
    seat: Option<Seat>,
    hops: &mut Hops,
) -> Option<tether_host::Settled> {
    let headers = invoke
        .headers
        .expose()
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()));
    let invocation = Invocation::from_pairs(headers).map_err(|error| error.to_string());
    let fetching = Instant::now();
    let payload = job.place().open(invoke.payload).await;
    // A large event is part of what it takes to get hold of it.
    hops.claim_ms += millis(fetching.elapsed());
    let (invocation, payload) = match (invocation, payload) {
        (Ok(mut invocation), Ok(payload)) => {
            invocation.deadline_ms = job.local_deadline.0;
            (invocation, payload)
        }
        (Err(reason), _) | (_, Err(reason)) => {
            let error = ErrorObject::new("Tether.Protocol", format!("tether: {reason}"));
            let body = Bytes::from(error.to_bytes());
            return Some(Err((Some(error.error_type), body)));
        }
    };
    let mut variables = invoke.environment.into_inner();
    variables.extend(job.local.expose().clone());
    let ran = job
        .function
        .run(
            seat,
            &invoke.environment_id,
            &Secret::new(variables),
            invocation,
            payload,
            &job.state,
        )
        .await;
    hops.queue_ms = millis(ran.queued);
    hops.handler_ms = millis(ran.handler);
    if matches!(ran.ended, Ended::TimedOut) {
        return None;
    }
    Some(ran.ended.settle(&job.key.request_id, 0.0))
}

/// What to say of an outcome; none: it is too late, and why.
async fn answer(job: &Job, settled: tether_host::Settled) -> (Option<Said>, String) {
    let (kind, detail) = match &settled {
        Ok(_) => (InvocationOutcome::Completed, String::new()),
        Err((error_type, body)) => {
            let detail = name_of(body, error_type.as_deref());
            (InvocationOutcome::Failed, detail)
        }
    };
    match job.place().outcome(&settled).await {
        Ok(outcome) => (Some(job.says(outcome, kind, detail)), String::new()),
        // The caller shall not wait for what will not come.
        Err(NotStored::Refused(reason)) => {
            let message = format!(
                "the answer does not fit into a message, and the helper stack's table does not take it ({reason}): update the helper stack"
            );
            let error = ErrorObject::new("Tether.AnswerNotStored", format!("tether: {message}"));
            (Some(job.says_error(&error, message)), String::new())
        }
        Err(NotStored::TooLate(reason)) => {
            let late = format!("its answer could not be stored before the deadline: {reason}");
            (None, late)
        }
    }
}

/// The error's name and message, for the developer; its body goes to the
/// caller.
fn name_of(body: &[u8], error_type: Option<&str>) -> String {
    match serde_json::from_slice::<ErrorObject>(body) {
        Ok(error) => {
            let mut lines = error.error_message.lines();
            let first = lines.next().unwrap_or_default();
            let more = if lines.next().is_some() { " …" } else { "" };
            format!("{}: {first}{more}", error.error_type)
        }
        Err(_) => error_type.unwrap_or("an error").to_owned(),
    }
}

pub(crate) fn failed(error_type: Option<String>, body: &[u8]) -> Outcome {
    Outcome::Failed {
        payload: Payload::seal(body),
        error_type,
    }
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
