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
pub(super) const REPEAT_AFTER: Duration = Duration::from_secs(5);

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
    /// It is being left to the deployed code because the session ends: nobody
    /// waits for it.
    declining: bool,
    /// Kept until it is acknowledged.
    reply: Option<Sent>,
}

struct Sent {
    reply: Reply,
    first: Instant,
    last: Instant,
    times: u32,
    /// It may be lost: to be sent now.
    again: bool,
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
            declining: false,
            reply: None,
        };
        self.running.insert(invoke.key.nonce.clone(), running);
    }

    /// It is left to the deployed code, and holds nothing up.
    pub(super) fn declines(&mut self, key: &InvocationKey) {
        if let Some(running) = self.running.get_mut(&key.nonce) {
            running.declining = true;
        }
    }

    /// How many run, or have a reply that is not acknowledged: an end that is
    /// gentle waits for these.
    pub(super) fn unfinished(&self) -> usize {
        self.running.values().filter(|it| !it.declining).count()
    }

    pub(super) fn keys(&self) -> Vec<InvocationKey> {
        self.running.values().map(|it| it.key.clone()).collect()
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
                again: false,
            });
        }
    }

    /// The connection is another one: whatever was sent may be lost.
    pub(super) fn all_again(&mut self) {
        self.sent().for_each(|it| it.again = true);
    }

    /// So may what has no answer for long.
    pub(super) fn overdue_again(&mut self) {
        let overdue = self.sent().filter(|it| it.last.elapsed() >= REPEAT_AFTER);
        overdue.for_each(|it| it.again = true);
    }

    /// The next reply to be sent again; it counts as sent.
    pub(super) fn next_again(&mut self) -> Option<Reply> {
        let sent = self.sent().find(|it| it.again)?;
        sent.again = false;
        sent.last = Instant::now();
        sent.times += 1;
        Some(sent.reply.clone())
    }

    pub(super) fn is_any_again(&self) -> bool {
        let mut sent = self.running.values().filter_map(|it| it.reply.as_ref());
        sent.any(|it| it.again)
    }

    fn sent(&mut self) -> impl Iterator<Item = &mut Sent> {
        self.running.values_mut().filter_map(|it| it.reply.as_mut())
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
        let unfinished = self.running.values_mut().filter(|it| !it.declining);
        for running in unfinished.filter(|it| it.reply.is_none()) {
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
                again: true,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invoke(nonce: &str) -> Invoke {
        let text = serde_json::json!({
            "key": { "requestId": "r", "nonce": nonce },
            "functionArn": "arn", "environmentId": "e", "headers": [], "deadline": 1,
            "payload": { "text": "{}" }, "environment": {}, "receivedAt": 1, "postedAt": 1,
        });
        serde_json::from_value(text).unwrap()
    }

    fn reply(nonce: &str) -> Reply {
        Reply {
            key: invoke(nonce).key,
            claim_id: ClaimId::new("c"),
            outcome: crate::dispatch::failed(None, b"{}"),
        }
    }

    fn in_flight(nonces: &[&str]) -> InFlight {
        let mut in_flight = InFlight::default();
        for nonce in nonces {
            in_flight.begin("Hello".to_owned(), &invoke(nonce), ClaimId::new("c"));
        }
        in_flight
    }

    #[test]
    fn what_is_left_to_the_deployed_code_is_not_waited_for() {
        let mut in_flight = in_flight(&["runs", "declines"]);
        in_flight.declines(&invoke("declines").key);
        assert_eq!(in_flight.unfinished(), 1);
        in_flight.answer_all("it ends", || crate::dispatch::failed(None, b"{}"));
        let again = in_flight.next_again().map(|it| it.key);
        assert_eq!(again, Some(invoke("runs").key));
        assert!(in_flight.next_again().is_none());
        let stored = in_flight.stored(&invoke("runs").key);
        assert!(stored.is_some());
        assert_eq!(in_flight.unfinished(), 0);
        assert_eq!(in_flight.keys(), [invoke("declines").key]);
    }

    #[test]
    fn after_a_lost_connection_each_reply_is_sent_again_once() {
        let mut in_flight = in_flight(&["1", "2", "runs"]);
        for nonce in ["1", "2"] {
            let outcome = InvocationOutcome::Completed;
            in_flight.replied(reply(nonce), outcome, String::new());
        }
        in_flight.overdue_again();
        assert!(!in_flight.is_any_again());
        in_flight.all_again();
        let mut again = [in_flight.next_again(), in_flight.next_again()]
            .map(|it| it.unwrap().key.nonce.to_string());
        again.sort();
        assert_eq!(again, ["1", "2"]);
        assert!(!in_flight.is_any_again() && in_flight.next_again().is_none());
        assert_eq!(in_flight.reply_of(&invoke("1").key).unwrap().1, 2);
    }

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
