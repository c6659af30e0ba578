//! A cloud whose control plane is asked no more often than is fair.
//!
//! Lambda takes 15 calls a second for a whole account and region, all of them
//! but `GetFunction` together, and does not raise that
//! (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests>).
//! Deploys and consoles want some of it.

use crate::cloud::{Alias, Cloud, Entries, Function, LastUpdate, Page, Version};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::instrumentation::Change;
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::{ConnectionId, SessionId, Timestamp};
use tether_store::StoreError;

/// Ten calls a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// Nobody queues for longer, so a turn that lies further ahead is left over
/// from a clock that was set back.
const LONGEST_QUEUE: Duration = Duration::from_secs(60);

/// A cloud whose calls take turns.
pub(crate) struct Paced<'a, C> {
    cloud: &'a C,
    /// When the next call may start.
    free: Mutex<Timestamp>,
}

impl<'a, C: Cloud> Paced<'a, C> {
    pub(crate) fn new(cloud: &'a C) -> Self {
        Self {
            cloud,
            free: Mutex::default(),
        }
    }

    /// Waits for this call's turn.
    async fn turn(&self) -> &'a C {
        let wait = self.reserve(self.cloud.now());
        if !wait.is_zero() {
            self.cloud.pause(wait).await;
        }
        self.cloud
    }

    /// How long to wait for the next turn, which is the caller's from now on.
    fn reserve(&self, now: Timestamp) -> Duration {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = if free.since(now) > LONGEST_QUEUE {
            now
        } else {
            now.max(*free)
        };
        *free = turn.plus(INTERVAL);
        turn.since(now)
    }
}

impl<C: Cloud> Cloud for Paced<'_, C> {
    fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    async fn pause(&self, span: Duration) {
        self.cloud.pause(span).await;
    }

    async fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.cloud.session(id).await
    }

    async fn close(&self, id: &SessionId) -> Result<(), StoreError> {
        self.cloud.close(id).await
    }

    async fn entry(&self, arn: &str) -> Result<Option<JournalRecord>, StoreError> {
        self.cloud.entry(arn).await
    }

    async fn entries(&self) -> Result<Entries, StoreError> {
        self.cloud.entries().await
    }

    async fn write(
        &self,
        entry: &JournalRecord,
        replaces: Option<&JournalRecord>,
    ) -> Result<(), StoreError> {
        self.cloud.write(entry, replaces).await
    }

    async fn remove(&self, entry: &JournalRecord) -> Result<(), StoreError> {
        self.cloud.remove(entry).await
    }

    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure> {
        self.cloud.function(arn).await
    }

    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure> {
        self.turn().await.update(arn, change).await
    }

    async fn last_update(&self, arn: &str) -> Result<LastUpdate, Failure> {
        self.cloud.last_update(arn).await
    }

    async fn versions(&self, arn: &str, next: Option<&str>) -> Result<Page<Version>, Failure> {
        self.turn().await.versions(arn, next).await
    }

    async fn aliases(&self, arn: &str, next: Option<&str>) -> Result<Page<Alias>, Failure> {
        self.turn().await.aliases(arn, next).await
    }

    async fn provisioned(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        self.turn().await.provisioned(arn, next).await
    }

    async fn event_sources(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        self.turn().await.event_sources(arn, next).await
    }

    async fn invokers(&self, arn: &str, alias: &str) -> Result<Vec<String>, Failure> {
        self.turn().await.invokers(arn, alias).await
    }

    async fn visibility_timeout(&self, queue_arn: &str) -> Result<Option<u32>, Failure> {
        self.cloud.visibility_timeout(queue_arn).await
    }

    async fn code_signing(&self, arn: &str) -> Result<Option<String>, Failure> {
        self.turn().await.code_signing(arn).await
    }

    async fn is_enforced(&self, code_signing_arn: &str) -> Result<bool, Failure> {
        self.turn().await.is_enforced(code_signing_arn).await
    }

    async fn tell(&self, connection: &ConnectionId, message: &ToLaptop) {
        self.cloud.tell(connection, message).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Fake, NOW};

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn turns_are_a_tenth_of_a_second_apart_and_the_first_is_at_once() {
        let fake = Fake::new();
        let paced = Paced::new(&fake);
        let waits: Vec<_> = (0..3).map(|_| paced.reserve(NOW)).collect();
        assert_eq!(waits, [Duration::ZERO, INTERVAL, INTERVAL * 2]);
        let later = NOW.plus(Duration::from_secs(9));
        assert_eq!(paced.reserve(later), Duration::ZERO);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_clock_that_was_set_back_makes_nobody_wait() {
        let fake = Fake::new();
        let paced = Paced::new(&fake);
        paced.reserve(NOW);
        let earlier = NOW.minus(Duration::from_secs(3_600));
        assert_eq!(paced.reserve(earlier), Duration::ZERO);
        assert_eq!(paced.reserve(earlier), INTERVAL);
    }
}
