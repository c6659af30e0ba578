//! Messages as they come in: twice, late, and by another clock.

use crate::constants::{MESSAGE_STALE_AFTER_DEADLINE, RECORD_KEPT_AFTER_DEADLINE};
use crate::{Nonce, Timestamp};
use std::collections::HashMap;
use std::time::Duration;

/// What was ever taken, and what time it is in the cloud.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// Attempts, and until when their messages may come again.
    seen: HashMap<Nonce, Timestamp>,
    clock: CloudClock,
}

/// The cloud's clock beside the laptop's: what the cloud's last message with a
/// time said. The two may be minutes apart.
#[derive(Clone, Copy, Debug, Default)]
struct CloudClock {
    /// The cloud is ahead by this.
    ahead: Duration,
    /// The cloud is behind by this.
    behind: Duration,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// To be run, by this deadline of the laptop's clock.
    New(Timestamp),
    /// It has come before.
    Repeated,
    /// Its time is up, and the mark against a second run may be gone.
    Late,
}

impl Arrivals {
    /// The cloud has just said what time it is there.
    pub fn heard(&mut self, cloud: Timestamp, now: Timestamp) {
        self.clock = CloudClock {
            ahead: cloud.since(now),
            behind: now.since(cloud),
        };
    }

    /// Looks at a message that is here `now`. `posted_at` and `deadline` are by
    /// the clock of the cloud.
    pub fn arrive(
        &mut self,
        nonce: &Nonce,
        posted_at: Timestamp,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Arrival {
        // The two clocks may be apart: what counts is the time left when it was
        // posted.
        let left = deadline.since(posted_at);
        let local = now.plus(left);
        let until = local.plus(RECORD_KEPT_AFTER_DEADLINE);
        if self.seen.insert(nonce.clone(), until).is_some() {
            return Arrival::Repeated;
        }
        // A laptop that slept for long: after an hour the record is gone, and
        // with it what keeps an attempt from a second run.
        let stale = self.cloud(now) > deadline.plus(MESSAGE_STALE_AFTER_DEADLINE);
        if stale || left.is_zero() {
            return Arrival::Late;
        }
        Arrival::New(local)
    }

    /// What time it is in the cloud.
    #[must_use]
    pub fn cloud(&self, now: Timestamp) -> Timestamp {
        now.plus(self.clock.ahead).minus(self.clock.behind)
    }

    /// Forgets attempts whose messages would be late, should they come.
    pub fn forget(&mut self, now: Timestamp) {
        self.seen.retain(|_, until| *until > now);
        self.seen.shrink_to(self.seen.len().saturating_mul(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(10_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn nonce(number: u32) -> Nonce {
        Nonce::new(format!("{number}"))
    }

    #[test]
    fn an_attempt_is_new_once_and_forgotten_when_its_messages_would_be_late() {
        let mut arrivals = Arrivals::default();
        let deadline = NOW.plus(MINUTE);
        for number in 0..1_000 {
            let mut arrive = || arrivals.arrive(&nonce(number), NOW, deadline, NOW);
            assert_eq!(arrive(), Arrival::New(deadline));
            assert_eq!(arrive(), Arrival::Repeated);
        }
        arrivals.forget(deadline.plus(RECORD_KEPT_AFTER_DEADLINE / 2));
        assert_eq!(
            arrivals.arrive(&nonce(7), NOW, deadline, NOW),
            Arrival::Repeated
        );
        arrivals.forget(deadline.plus(RECORD_KEPT_AFTER_DEADLINE));
        assert!(arrivals.seen.is_empty() && arrivals.seen.capacity() < 100);
    }

    #[test]
    fn a_deadline_is_counted_from_the_arrival_whatever_the_clocks_say() {
        for (posted_at, now) in [
            (NOW, NOW),
            (NOW, NOW.plus(5 * MINUTE)),
            (NOW, NOW.minus(5 * MINUTE)),
        ] {
            let mut arrivals = Arrivals::default();
            arrivals.heard(NOW, now);
            let arrived = arrivals.arrive(&nonce(1), posted_at, posted_at.plus(MINUTE), now);
            assert_eq!(arrived, Arrival::New(now.plus(MINUTE)));
        }
    }

    #[test]
    fn a_message_of_an_hour_ago_is_late_though_the_laptops_clock_is_hours_slow() {
        let hour = 60 * MINUTE;
        for behind in [Duration::ZERO, 3 * hour] {
            let mut arrivals = Arrivals::default();
            let local = |cloud: Timestamp| cloud.minus(behind);
            arrivals.heard(NOW, local(NOW));
            let awake = NOW.plus(hour);
            let arrived = arrivals.arrive(&nonce(1), NOW, NOW.plus(MINUTE), local(awake));
            assert_eq!(arrived, Arrival::Late);
            let fresh = arrivals.arrive(&nonce(2), awake, awake.plus(MINUTE), local(awake));
            assert_eq!(fresh, Arrival::New(local(awake).plus(MINUTE)));
        }
    }

    #[test]
    fn without_time_left_it_is_late() {
        let mut arrivals = Arrivals::default();
        let arrived = arrivals.arrive(&nonce(1), NOW, NOW, NOW);
        assert_eq!(arrived, Arrival::Late);
    }
}
