//! Carries one event to the laptop: drives `tether_protocol::carry` over the
//! real tables and the real connection.

use crate::access::Layer;
use crate::guarded::{BUG, guarded};
use crate::now;
use crate::parcel::{self, Remains};
use crate::settings::Settings;
use crate::upstream;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use std::time::{Duration, Instant};
use tether_protocol::carry::{Action, Carry, Event, Failure, Look, Post, Settlement, Verdict, Why};
use tether_protocol::records::HeadRecord;
use tether_protocol::session::{Standing, standing};
use tether_protocol::{ConnectionId, InvocationKey, Nonce, Timestamp};
use tether_relay::Posted;
use tether_store::StoreError;

/// How an attempt ended.
pub(crate) struct Ended {
    pub(crate) verdict: Verdict,
    /// The answer, if the record holds one.
    pub(crate) answer: Option<Answer>,
    /// What the laptop said of the handler when its time was nearly up.
    pub(crate) local_state: Option<String>,
    pub(crate) remains: Remains,
}

/// What the laptop has answered.
pub(crate) struct Answer {
    /// The record, without its payload.
    pub(crate) record: HeadRecord,
    pub(crate) bytes: Bytes,
}

/// An attempt under way.
struct Attempt<'a> {
    layer: &'a Layer,
    settings: &'a Settings,
    key: InvocationKey,
    deadline: Timestamp,
    answer_by: Timestamp,
    claim_by: Timestamp,
    /// The message, once it is known to fit.
    message: String,
    record: Option<HeadRecord>,
}

type Work<'a> = FuturesUnordered<BoxFuture<'a, (Event, Option<HeadRecord>)>>;

/// Carries an event. Always ends before its deadline.
pub(crate) async fn carry(
    layer: &Layer,
    settings: &Settings,
    event: &upstream::Event,
    connection: ConnectionId,
    environment_id: &str,
    received_at: Timestamp,
) -> Ended {
    let key = InvocationKey {
        request_id: event.invocation.request_id.clone(),
        nonce: nonce(),
    };
    let deadline = Timestamp(event.invocation.deadline_ms);
    let packed = parcel::pack(layer, settings, event, &key, environment_id, received_at);
    let mut remains = Remains {
        key: key.clone(),
        head: true,
        request_chunks: 0,
        reply_chunks: 0,
    };
    // Whatever it is, a bug of ours included: not posted, so the deployed code may
    // answer.
    let packed = guarded(packed).await;
    let parcel = match packed.unwrap_or_else(|| Err((0, BUG.to_owned()))) {
        Ok(parcel) => parcel,
        Err((chunks, reason)) => {
            remains.head = false;
            remains.request_chunks = chunks;
            return Ended {
                verdict: Verdict::Deployed(Why::PostRefused(reason)),
                answer: None,
                local_state: None,
                remains,
            };
        }
    };
    remains.request_chunks = parcel.chunks;
    let (machine, first) = Carry::start(connection, now(), deadline);
    let mut attempt = Attempt {
        layer,
        settings,
        key: key.clone(),
        deadline,
        answer_by: machine.answer_by(),
        claim_by: machine.claim_by(),
        message: parcel.message,
        record: None,
    };
    let verdict = guarded(drive(&mut attempt, machine, first)).await;
    // A bug of ours. The event may have left, so nobody else may run it.
    let verdict = verdict.unwrap_or(Verdict::Fail(Failure::Unconfirmed));
    let lost = Ended {
        verdict: Verdict::Fail(Failure::AnswerLost),
        answer: None,
        local_state: None,
        remains: Remains {
            head: false,
            ..remains.clone()
        },
    };
    guarded(ended(attempt, verdict, remains))
        .await
        .unwrap_or(lost)
}

/// Fetches the answer, if there is one.
async fn ended(mut attempt: Attempt<'_>, mut verdict: Verdict, mut remains: Remains) -> Ended {
    let mut answer = None;
    let local_state = attempt.record.as_mut().and_then(|it| it.local_state.take());
    if verdict == Verdict::Answered {
        let correlation = &attempt.layer.clients().correlation;
        let (key, by) = (&attempt.key, attempt.answer_by);
        let opened = match attempt.record.as_mut() {
            Some(record) => parcel::open(correlation, key, record, by).await,
            None => (None, 0),
        };
        remains.reply_chunks = opened.1;
        answer = match (attempt.record.take(), opened.0) {
            (Some(record), Some(bytes)) => Some(Answer { record, bytes }),
            _ => None,
        };
        if answer.is_none() {
            verdict = Verdict::Fail(Failure::AnswerLost);
        }
    }
    // The mark against a second run stays until its TTL.
    remains.head = !matches!(
        verdict,
        Verdict::Deployed(Why::Unclaimed) | Verdict::Fail(_)
    );
    Ended {
        verdict,
        answer,
        local_state,
        remains,
    }
}

async fn drive(attempt: &mut Attempt<'_>, mut machine: Carry, first: Vec<Action>) -> Verdict {
    let mut work: Work<'_> = FuturesUnordered::new();
    let mut wake: Option<Timestamp> = None;
    let mut actions = first;
    loop {
        for action in actions {
            match action {
                Action::Finish(verdict) => return verdict,
                Action::Wake(at) => wake = Some(at),
                other => work.push(attempt.begin(other)),
            }
        }
        let event = tokio::select! {
            Some((event, record)) = work.next() => {
                attempt.record = record.or(attempt.record.take());
                event
            }
            () = sleep_until(wake), if wake.is_some() => {
                wake = None;
                Event::Timer
            }
            else => return Verdict::Fail(Failure::Unconfirmed),
        };
        actions = machine.handle(event, now());
    }
}

async fn sleep_until(at: Option<Timestamp>) {
    let pause = at.map_or(Duration::ZERO, |at| at.since(now()));
    tokio::time::sleep(pause).await;
}

impl Attempt<'_> {
    /// Starts the work that an action asks for. It ends in time, whatever
    /// happens to the network.
    fn begin(&self, action: Action) -> BoxFuture<'static, (Event, Option<HeadRecord>)> {
        let end = match &action {
            // The deployed code needs the rest of the time.
            Action::Post(_) => self.claim_by,
            _ => self.answer_by,
        };
        let limit = end.since(now()).max(Duration::from_millis(50));
        let lost = given_up(&action);
        let (layer, work) = (self.layer.clone(), self.perform(action));
        async move {
            let work = async move {
                layer.hold().await;
                work.await
            };
            match tokio::time::timeout(limit, work).await {
                Ok(done) => done,
                Err(_) => (lost, None),
            }
        }
        .boxed()
    }

    fn perform(&self, action: Action) -> BoxFuture<'static, (Event, Option<HeadRecord>)> {
        let clients = self.layer.clients();
        let (correlation, sessions) = (clients.correlation, clients.sessions);
        let (key, deadline) = (self.key.clone(), self.deadline);
        let session = self.settings.attachment.session_id.clone();
        match action {
            Action::Create(connection) => async move {
                // A failure is no verdict: the receiver may be first.
                let _ = correlation
                    .create(&key, &session, &connection, deadline)
                    .await;
                (Event::Created, None)
            }
            .boxed(),
            Action::Post(connection) => {
                let (poster, message) = (clients.poster, self.message.clone());
                async move {
                    let posted = poster.post(&connection, message).await;
                    (Event::Posted(post(posted)), None)
                }
                .boxed()
            }
            Action::ReadSession => async move {
                let read = sessions.read(&session).await.ok();
                let standing = read.map(|row| standing(row.as_ref(), now()));
                (Event::Session(standing), None)
            }
            .boxed(),
            Action::Abandon => async move {
                let done = correlation.abandon(&key, &session, deadline).await;
                (Event::Settled(settlement(done)), None)
            }
            .boxed(),
            Action::Expire => async move {
                let (done, row) = match correlation.expire(&key).await {
                    Ok(row) => (Ok(()), row),
                    Err(error) => (Err(error), None),
                };
                (Event::Settled(settlement(done)), row)
            }
            .boxed(),
            Action::Read | Action::Wake(_) | Action::Finish(_) => {
                let layer = self.layer.clone();
                async move {
                    let began = Instant::now();
                    let read = tokio::time::timeout(layer.silence(), correlation.read(&key)).await;
                    if matches!(read, Ok(Ok(_))) {
                        layer.answered(began.elapsed());
                    }
                    match read {
                        Ok(Ok(Some(row))) => (Event::Head(Look::Found(row.status)), Some(row)),
                        Ok(Ok(None)) => (Event::Head(Look::Missing), None),
                        Ok(Err(_)) => (Event::Head(Look::Failed), None),
                        Err(_) => {
                            layer.reconnect();
                            (Event::Head(Look::Failed), None)
                        }
                    }
                }
                .boxed()
            }
        }
    }
}

/// What an action has come to when its time is up.
fn given_up(action: &Action) -> Event {
    match action {
        Action::Create(_) => Event::Created,
        Action::Post(_) => Event::Posted(Post::Unknown),
        Action::ReadSession => Event::Session(None::<Standing>),
        Action::Abandon | Action::Expire => Event::Settled(Settlement::Unknown),
        Action::Read | Action::Wake(_) | Action::Finish(_) => Event::Head(Look::Failed),
    }
}

fn post(posted: Posted) -> Post {
    match posted {
        Posted::Delivered => Post::Delivered,
        Posted::Gone => Post::Gone,
        Posted::Refused(reason) => Post::Refused(reason),
        Posted::Unknown => Post::Unknown,
    }
}

fn settlement(done: Result<(), StoreError>) -> Settlement {
    match done {
        Ok(()) => Settlement::Won,
        Err(error) if error.is_condition() => Settlement::Lost,
        Err(_) => Settlement::Unknown,
    }
}

/// Random: two attempts with the same request id must not meet.
pub(crate) fn nonce() -> Nonce {
    let mut bytes = [0u8; 12];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness the clock has to do; a retry comes later.
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = clock.map_or(0, |it| it.as_nanos());
        return Nonce::new(format!("{nanos:x}-{}", std::process::id()));
    }
    Nonce::new(
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    )
}
