//! What a session remembers of its invocations.

use crate::dispatch::millis;
use crate::report::{Hops, InvocationOutcome, Report};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tether_protocol::constants::{RECORD_KEPT_AFTER_DEADLINE, poll_pause};
use tether_protocol::message::{Invoke, Outcome, Reply};
use tether_protocol::{ClaimId, InvocationKey, Nonce, Timestamp};

/// A reply without an answer is sent again after this. Sooner, it would only
/// meet its own first copy.
const REPEAT_AFTER: Duration = Duration::from_secs(5);

/// Invocations from their arrival to their stored reply.
#[derive(Default)]
pub(super) struct InFlight {
    running: HashMap<Nonce, Running>,
    /// Attempts that were ever taken, and until when their messages may come
    /// again.
    seen: HashMap<Nonce, Timestamp>,
}

/// One of them.
struct Running {
    function: String,
    key: InvocationKey,
    claim: ClaimId,
    received_at: Timestamp,
    arrived: Instant,
    hops: Hops,
    outcome: InvocationOutcome,
    detail: String,
    /// Kept until it is acknowledged.
    reply: Option<Sent>,
}

struct Sent {
    reply: Reply,
    first: Instant,
    last: Instant,
    times: u32,
}

impl InFlight {
    /// False: it has come before. `until`: the deadline by this machine's clock.
    pub(super) fn is_new(&mut self, nonce: &Nonce, until: Timestamp) -> bool {
        let until = until.plus(RECORD_KEPT_AFTER_DEADLINE);
        self.seen.insert(nonce.clone(), until).is_none()
    }

    /// Forgets attempts whose messages are dropped as late, should they come.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.seen.retain(|_, until| *until > now);
        self.seen.shrink_to(self.seen.len() * 2);
    }

    pub(super) fn begin(&mut self, function: String, invoke: &Invoke, claim: ClaimId) {
        let running = Running {
            function,
            key: invoke.key.clone(),
            claim,
            received_at: invoke.received_at,
            arrived: Instant::now(),
            hops: Hops::default(),
            outcome: InvocationOutcome::Dropped,
            detail: String::new(),
            reply: None,
        };
        self.running.insert(invoke.key.nonce.clone(), running);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// Nobody can be answered any more.
    pub(super) fn clear(&mut self) {
        self.running.clear();
    }

    pub(super) fn claim_of(&self, key: &InvocationKey) -> Option<&ClaimId> {
        self.running.get(&key.nonce).map(|it| &it.claim)
    }

    pub(super) fn hops_of(&self, key: &InvocationKey) -> Hops {
        let running = self.running.get(&key.nonce);
        running.map(|it| it.hops).unwrap_or_default()
    }

    pub(super) fn measured(&mut self, key: &InvocationKey, hops: Hops) {
        if let Some(running) = self.running.get_mut(&key.nonce) {
            running.hops = hops;
        }
    }

    /// The reply that is about to be sent.
    pub(super) fn replied(&mut self, reply: Reply, outcome: InvocationOutcome, detail: String) {
        if let Some(running) = self.running.get_mut(&reply.key.nonce) {
            let now = Instant::now();
            running.outcome = outcome;
            running.detail = detail;
            running.reply = Some(Sent {
                reply,
                first: now,
                last: now,
                times: 1,
            });
        }
    }

    /// What may be lost, to be sent again: all of it after a lost connection.
    pub(super) fn unacknowledged(&mut self, all: bool) -> Vec<Reply> {
        let replies = self.running.values_mut().filter_map(|it| it.reply.as_mut());
        let due = replies.filter(|it| all || it.last.elapsed() >= REPEAT_AFTER);
        due.map(|sent| {
            sent.last = Instant::now();
            sent.times += 1;
            sent.reply.clone()
        })
        .collect()
    }

    /// What was sent, and how often.
    pub(super) fn reply_of(&self, key: &InvocationKey) -> Option<(Reply, u32)> {
        let sent = self.running.get(&key.nonce)?.reply.as_ref()?;
        Some((sent.reply.clone(), sent.times))
    }

    /// The reply is in the record.
    pub(super) fn stored(&mut self, key: &InvocationKey) -> Option<Report> {
        let running = self.running.get_mut(&key.nonce)?;
        if let Some(sent) = &running.reply {
            running.hops.reply_ms = millis(sent.first.elapsed());
            running.hops.poll_at_most_ms = millis(poll_pause(running.arrived.elapsed()));
        }
        let (outcome, detail) = (running.outcome, std::mem::take(&mut running.detail));
        self.ended(key, outcome, detail)
    }

    /// It is over; none: it was before.
    pub(super) fn ended(
        &mut self,
        key: &InvocationKey,
        outcome: InvocationOutcome,
        detail: String,
    ) -> Option<Report> {
        let running = self.running.remove(&key.nonce)?;
        Some(Report::Invocation {
            function: running.function,
            request_id: running.key.request_id,
            outcome,
            detail,
            total_ms: millis(tether_host::now().since(running.received_at)),
            hops: running.hops,
        })
    }

    /// Answers everything that has no answer yet.
    pub(super) fn answer_all(&mut self, detail: &str, outcome: impl Fn() -> Outcome) {
        for running in self.running.values_mut().filter(|it| it.reply.is_none()) {
            running.outcome = InvocationOutcome::Failed;
            detail.clone_into(&mut running.detail);
            let now = Instant::now();
            running.reply = Some(Sent {
                reply: Reply {
                    key: running.key.clone(),
                    claim_id: running.claim.clone(),
                    outcome: outcome(),
                },
                first: now,
                last: now,
                times: 0,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_new_once_and_forgotten_when_its_messages_would_be_late() {
        let mut in_flight = InFlight::default();
        let deadline = Timestamp(1_000_000);
        for number in 0..1_000 {
            let nonce = Nonce::new(format!("{number}"));
            assert!(in_flight.is_new(&nonce, deadline));
            assert!(!in_flight.is_new(&nonce, deadline));
        }
        in_flight.forget(deadline.plus(RECORD_KEPT_AFTER_DEADLINE / 2));
        assert!(!in_flight.is_new(&Nonce::new("7"), deadline));
        in_flight.forget(deadline.plus(RECORD_KEPT_AFTER_DEADLINE));
        assert!(in_flight.seen.is_empty());
        assert!(in_flight.seen.capacity() < 100);
    }
}
