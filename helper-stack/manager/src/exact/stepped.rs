//! A cloud that stops whoever calls it, before each call.

use super::user::Edit;
use crate::cloud::{Alias, Cloud, Entries, Function, LastUpdate, Page, Version};
use crate::fake::{ARN, Fake, LAYER, NOW, failure};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::task::Poll;
use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::instrumentation::{Change, FunctionConfiguration, is_dead};
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::{ConnectionId, SessionId, Timestamp};
use tether_store::StoreError;

/// What goes wrong with a call, if it is one that can go wrong like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Lambda refuses an update.
    Refused(u16),
    /// An update, or a write of the journal, fails; it is done all the same.
    Lost,
    /// The same, and it is not done.
    Failed,
}

pub(super) fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        5 => Just(Fault::None),
        2 => prop::sample::select(vec![400, 409, 412, 429]).prop_map(Fault::Refused),
        1 => Just(Fault::Lost),
        1 => Just(Fault::Failed),
    ]
}

/// A pause that is not for the next try, but for the case that all takes too
/// long, is not waited for.
const LONG: Duration = Duration::from_secs(20);

/// A call is given up after this (see `settings`).
const CALL: Duration = Duration::from_secs(20);

pub(super) struct Stepped {
    pub(super) fake: Fake,
    /// What its user alone made of the function.
    own: RefCell<FunctionConfiguration>,
    pub(super) fault: Cell<Fault>,
    clock: Cell<Timestamp>,
    /// We left a wrapper without its layer.
    pub(super) was_killed: Cell<bool>,
}

impl Stepped {
    pub(super) fn new(own: &FunctionConfiguration) -> Self {
        let fake = Fake::new();
        fake.edit(|it| {
            let revision_id = it.revision_id.clone();
            *it = own.clone();
            it.revision_id = revision_id;
        });
        for (who, timeout) in [("ann", 900), ("bob", 301)] {
            fake.edit_session(who, |it| {
                it.timeout = Some(timeout);
                it.lease_until = NOW.plus(Duration::from_secs(3_600));
            });
        }
        Self {
            fake,
            own: RefCell::new(own.clone()),
            fault: Cell::new(Fault::None),
            clock: Cell::new(NOW),
            was_killed: Cell::new(false),
        }
    }

    pub(super) fn own(&self) -> FunctionConfiguration {
        self.own.borrow().clone()
    }

    pub(super) fn wait(&self, span: Duration) {
        self.clock.set(self.clock.get().plus(span));
    }

    /// The user's change: of the function as it stands, and of what it would be
    /// without us. Lambda refuses what is too much.
    pub(super) fn edit(&self, edit: &Edit) {
        let found = self.fake.found();
        let edited = found.and_then(|found| edit.of(&found, true));
        let own = edit.of(&self.own(), false);
        if let (Some(edited), Some(own)) = (edited, own) {
            self.fake.edit(|it| {
                let revision_id = it.revision_id.clone();
                *it = edited;
                it.revision_id = revision_id;
            });
            *self.own.borrow_mut() = own;
        }
    }

    /// Stops here once.
    async fn stop(&self) -> &Fake {
        let mut stopped = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut stopped, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.wait(Duration::from_millis(1));
        &self.fake
    }

    /// What goes wrong with a call that changes something, and stops here once.
    /// While it is stopped, others may let time pass: no call takes for ever.
    async fn stop_and_fail(&self) -> (&Fake, Fault) {
        let started = self.now();
        let fake = self.stop().await;
        match self.now().since(started) > CALL {
            true => (fake, Fault::Failed),
            false => (fake, self.fault.get()),
        }
    }

    async fn stored(
        &self,
        write: impl AsyncFnOnce(&Fake) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (fake, fault) = self.stop_and_fail().await;
        let lost = || StoreError::Call {
            table: "Fake".into(),
            failure: failure(503),
        };
        match fault {
            Fault::Lost => write(fake).await.and_then(|()| Err(lost())),
            Fault::Failed => Err(lost()),
            Fault::None | Fault::Refused(_) => write(fake).await,
        }
    }

    fn look(&self) {
        let dead = self.fake.found().is_some_and(|it| is_dead(&it, LAYER));
        self.was_killed.set(self.was_killed.get() || dead);
    }
}

impl Cloud for Stepped {
    fn now(&self) -> Timestamp {
        self.clock.get()
    }

    async fn pause(&self, span: Duration) {
        let until = self.now().plus(span);
        if span < LONG {
            self.stop().await;
            self.clock.set(self.now().max(until));
        }
        std::future::poll_fn(|context| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.stop().await.session(id).await
    }

    async fn close(&self, id: &SessionId) -> Result<(), StoreError> {
        self.stop().await.close(id).await
    }

    async fn entry(&self, arn: &str) -> Result<Option<JournalRecord>, StoreError> {
        self.stop().await.entry(arn).await
    }

    async fn entries(&self) -> Result<Entries, StoreError> {
        self.stop().await.entries().await
    }

    async fn write(
        &self,
        entry: &JournalRecord,
        replaces: Option<&JournalRecord>,
    ) -> Result<(), StoreError> {
        self.stored(async |fake| fake.write(entry, replaces).await)
            .await
    }

    async fn remove(&self, entry: &JournalRecord) -> Result<(), StoreError> {
        self.stored(async |fake| fake.remove(entry).await).await
    }

    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure> {
        self.stop().await.function(arn).await
    }

    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure> {
        let (fake, fault) = self.stop_and_fail().await;
        match fault {
            Fault::Refused(status) => return Err(failure(status)),
            Fault::Failed => return Err(failure(503)),
            Fault::None | Fault::Lost => {}
        }
        fake.update(arn, change).await?;
        assert_eq!(arn, ARN);
        self.look();
        match fault {
            Fault::Lost => Err(failure(503)),
            _ => Ok(()),
        }
    }

    async fn last_update(&self, arn: &str) -> Result<LastUpdate, Failure> {
        self.stop().await.last_update(arn).await
    }

    async fn versions(&self, arn: &str, next: Option<&str>) -> Result<Page<Version>, Failure> {
        self.stop().await.versions(arn, next).await
    }

    async fn aliases(&self, arn: &str, next: Option<&str>) -> Result<Page<Alias>, Failure> {
        self.stop().await.aliases(arn, next).await
    }

    async fn provisioned(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        self.stop().await.provisioned(arn, next).await
    }

    async fn event_sources(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        self.stop().await.event_sources(arn, next).await
    }

    async fn invokers(&self, arn: &str, alias: &str) -> Result<Vec<String>, Failure> {
        self.stop().await.invokers(arn, alias).await
    }

    async fn visibility_timeout(&self, queue_arn: &str) -> Result<Option<u32>, Failure> {
        self.stop().await.visibility_timeout(queue_arn).await
    }

    async fn code_signing(&self, arn: &str) -> Result<Option<String>, Failure> {
        self.stop().await.code_signing(arn).await
    }

    async fn is_enforced(&self, code_signing_arn: &str) -> Result<bool, Failure> {
        self.stop().await.is_enforced(code_signing_arn).await
    }

    async fn tell(&self, connection: &ConnectionId, message: &ToLaptop) {
        self.fake.tell(connection, message).await;
    }
}
