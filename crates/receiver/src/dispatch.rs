//! One invocation on the laptop: claim, run, reply.

use crate::parcel::{NotStored, Place, take_back};
use crate::plan::WhenBusy;
use crate::report::{Hops, InvocationOutcome, Report, Reports};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tether_host::{Ended, Function, RunState, Seat};
use tether_protocol::message::{Invoke, Outcome, Reply};
use tether_protocol::{ClaimId, Environment, InvocationKey, Payload, Secret, SessionId, Timestamp};
use tether_runtime_api::{ErrorObject, Invocation};
use tether_store::{Claim, Correlation};

/// A claim whose outcome is unknown is tried again this often: the claim id
/// makes it safe.
const CLAIM_ATTEMPTS: usize = 3;

/// Told to the developer under `--when-busy decline`.
const BUSY: &str = "left to the deployed code: its local process is busy";

/// What is needed to run one invocation.
pub(crate) struct Job {
    pub(crate) invoke: Box<Invoke>,
    pub(crate) function: Arc<Function>,
    pub(crate) correlation: Correlation,
    pub(crate) session: SessionId,
    pub(crate) claim: ClaimId,
    /// Variables of this machine: profile and endpoint.
    pub(crate) local: Environment,
    pub(crate) arrived: Timestamp,
    /// The deadline by this machine's clock.
    pub(crate) deadline: Timestamp,
    pub(crate) when_busy: WhenBusy,
    pub(crate) reports: Reports,
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) key: InvocationKey,
    pub(crate) hops: Hops,
    pub(crate) result: WorkResult,
}

pub(crate) enum WorkResult {
    /// The caller shall have this.
    Reply {
        reply: Box<Reply>,
        outcome: InvocationOutcome,
        detail: String,
    },
    /// Nothing to send: it was taken elsewhere, or it came too late.
    Dropped(String),
    /// Left to the deployed code on purpose.
    Declined(String),
    /// The caller has the reply.
    Delivered,
}

/// Claims an invocation, runs it, and says what to send.
pub(crate) async fn work(job: Job) -> Done {
    let key = job.invoke.key.clone();
    let seat = match job.when_busy {
        WhenBusy::Queue => None,
        WhenBusy::Decline => match job.function.free_seat(&job.invoke.environment_id) {
            Some(seat) => Some(seat),
            None => return decline(job, BUSY.to_owned()).await,
        },
    };
    let mut hops = first_hops(&job);
    let claiming = Instant::now();
    let claimed = claim(&job).await;
    hops.claim_ms = millis(claiming.elapsed());
    let result = match claimed {
        Err(Unclaimed::Elsewhere(reason)) => WorkResult::Dropped(reason),
        Err(Unclaimed::Unknown(reason)) => unconfirmed(&job, &reason).await,
        // The bootstrap has answered by now.
        Ok(()) if tether_host::now() >= job.deadline => {
            WorkResult::Dropped("its deadline passed while it was claimed".to_owned())
        }
        Ok(()) => {
            (job.reports)(Report::Started {
                function: job.function.copy().name.clone(),
                request_id: key.request_id.clone(),
            });
            run(job, seat, &mut hops).await
        }
    };
    Done { key, hops, result }
}

/// What is known when it arrives.
fn first_hops(job: &Job) -> Hops {
    Hops {
        interception_ms: millis(job.invoke.posted_at.since(job.invoke.received_at)),
        post_ms: millis(job.arrived.since(job.invoke.posted_at)),
        ..Hops::default()
    }
}

/// Why an invocation is not this laptop's.
enum Unclaimed {
    /// Somebody else has it.
    Elsewhere(String),
    /// The claim may stand: nobody else will run it then.
    Unknown(String),
}

/// The caller shall not wait for a run that nobody dares to start. If the claim
/// does not stand, this reply is refused.
async fn unconfirmed(job: &Job, reason: &str) -> WorkResult {
    let message = format!("tether: the laptop could not confirm that it may run this: {reason}");
    let error = ErrorObject::new("Tether.Unconfirmed", message);
    reply(&place(job), Err(settled_error(&error))).await
}

/// The handler starts only after this.
async fn claim(job: &Job) -> Result<(), Unclaimed> {
    let claim = Claim {
        key: &job.invoke.key,
        session: &job.session,
        claim: &job.claim,
        deadline: job.invoke.deadline,
    };
    let (mut last, mut unknown) = (String::new(), false);
    for _ in 0..CLAIM_ATTEMPTS {
        match job.correlation.claim(&claim).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_condition() => {
                let reason = "the deployed code has taken it meanwhile".to_owned();
                return Err(Unclaimed::Elsewhere(reason));
            }
            Err(error) => {
                unknown |= error.is_outcome_unknown();
                last = error.to_string();
            }
        }
    }
    Err(if unknown {
        Unclaimed::Unknown(last)
    } else {
        Unclaimed::Elsewhere(last)
    })
}

async fn run(job: Job, seat: Option<Seat>, hops: &mut Hops) -> WorkResult {
    let place = place(&job);
    let Job { invoke, .. } = job;
    let headers = invoke
        .headers
        .expose()
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()));
    let invocation = Invocation::from_pairs(headers).map_err(|error| error.to_string());
    let fetching = Instant::now();
    let payload = place.open(invoke.payload).await;
    // A large event is part of what it takes to get hold of it.
    hops.claim_ms += millis(fetching.elapsed());
    let (invocation, payload) = match (invocation, payload) {
        (Ok(mut invocation), Ok(payload)) => {
            invocation.deadline_ms = job.deadline.0;
            (invocation, payload)
        }
        (Err(reason), _) | (_, Err(reason)) => {
            let error = ErrorObject::new("Tether.Protocol", format!("tether: {reason}"));
            return reply(&place, Err(settled_error(&error))).await;
        }
    };
    let mut variables = invoke.environment.into_inner();
    variables.extend(job.local.expose().clone());
    let remote = &invoke.environment_id;
    let ran = job
        .function
        .run(
            seat,
            remote,
            &Secret::new(variables),
            invocation,
            payload,
            &RunState::new(),
        )
        .await;
    hops.queue_ms = millis(ran.queued);
    hops.handler_ms = millis(ran.handler);
    if matches!(ran.ended, Ended::TimedOut) {
        return WorkResult::Dropped(
            "its deadline has passed, and the caller has an error".to_owned(),
        );
    }
    let settled = ran.ended.settle(&invoke.key.request_id, 0.0);
    reply(&place, settled).await
}

fn place(job: &Job) -> Place {
    Place {
        correlation: job.correlation.clone(),
        key: job.invoke.key.clone(),
        claim: job.claim.clone(),
        deadline: job.deadline,
    }
}

fn settled_error(error: &ErrorObject) -> (Option<String>, Bytes) {
    let body = Bytes::from(error.to_bytes());
    (Some(error.error_type.clone()), body)
}

async fn reply(place: &Place, settled: tether_host::Settled) -> WorkResult {
    let (kind, detail) = match &settled {
        Ok(_) => (InvocationOutcome::Completed, String::new()),
        Err((error_type, body)) => {
            let detail = name_of(body, error_type.as_deref());
            (InvocationOutcome::Failed, detail)
        }
    };
    match place.outcome(&settled).await {
        Ok(outcome) => reply_with(place, outcome, kind, detail),
        // The caller shall not wait for what will not come.
        Err(NotStored::Refused(reason)) => {
            let message = format!(
                "the answer does not fit into a message, and the helper stack's table does not take it ({reason}): update the helper stack"
            );
            let body = ErrorObject::new("Tether.AnswerNotStored", format!("tether: {message}"));
            let outcome = failed(Some(body.error_type.clone()), &body.to_bytes());
            reply_with(place, outcome, InvocationOutcome::Failed, message)
        }
        Err(NotStored::TooLate(reason)) => WorkResult::Dropped(format!(
            "its answer could not be stored before the deadline: {reason}"
        )),
    }
}

fn reply_with(
    place: &Place,
    outcome: Outcome,
    kind: InvocationOutcome,
    detail: String,
) -> WorkResult {
    WorkResult::Reply {
        reply: Box::new(Reply {
            key: place.key.clone(),
            claim_id: place.claim.clone(),
            outcome,
        }),
        outcome: kind,
        detail,
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

/// Leaves an invocation to the deployed code, at once.
pub(crate) async fn decline(job: Job, reason: String) -> Done {
    let claim = Claim {
        key: &job.invoke.key,
        session: &job.session,
        claim: &job.claim,
        deadline: job.invoke.deadline,
    };
    let mut hops = first_hops(&job);
    let declining = Instant::now();
    // Should it fail, the bootstrap stops waiting by itself.
    let _ = job.correlation.decline(&claim).await;
    hops.claim_ms = millis(declining.elapsed());
    Done {
        key: job.invoke.key.clone(),
        hops,
        result: WorkResult::Declined(reason),
    }
}

/// What became of a reply that was refused. A record that is gone says nothing
/// against one that was sent before: its first copy was delivered. One that
/// came too late left a mark.
pub(crate) async fn look_after(
    correlation: Correlation,
    reply: Reply,
    repeated: bool,
    hops: Hops,
    reason: String,
) -> Done {
    let delivered = repeated && matches!(correlation.read(&reply.key).await, Ok(None));
    let result = if delivered {
        WorkResult::Delivered
    } else {
        take_back(&correlation, &reply).await;
        WorkResult::Dropped(reason)
    };
    Done {
        key: reply.key,
        hops,
        result,
    }
}
