//! What the manager works with: Lambda's control plane, the tables, a clock.

use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::instrumentation::{Change, FunctionConfiguration};
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::{ConnectionId, SessionId, Timestamp};
use tether_store::{StoreError, UnreadableEntry};

/// A function, as Lambda has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its configuration.
    pub(crate) configuration: FunctionConfiguration,
    /// Several invocations at once in one environment: no wrapper of ours.
    pub(crate) managed_instances: bool,
    /// Whether its published versions start from snapshots.
    pub(crate) snap_start: bool,
}

/// A published version: it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// Its number.
    pub(crate) number: String,
    /// What was published.
    pub(crate) configuration: FunctionConfiguration,
}

/// A name for one version, or for two with a share of the traffic each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    /// `live`
    pub(crate) name: String,
    /// Where it leads.
    pub(crate) versions: Vec<String>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// What stands on it.
    pub(crate) items: Vec<T>,
    /// What to ask the next one by; none: this is the last.
    pub(crate) next: Option<String>,
}

/// `LastUpdateStatus`
/// (<https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LastUpdate {
    /// Invocations still go to what was before.
    InProgress,
    /// It is in effect.
    Successful,
    /// It will not take effect, and why.
    Failed(String),
    /// The function does not exist.
    Gone,
}

/// The journal.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) readable: Vec<JournalRecord>,
    /// Edited by hand, or written by another version.
    pub(crate) unreadable: Vec<UnreadableEntry>,
}

/// On AWS this is AWS; in tests it is a table in memory.
pub(crate) trait Cloud {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Lets time pass.
    async fn pause(&self, span: Duration);

    /// Reads a session, consistently.
    async fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError>;
    /// Closes a session for good.
    async fn close(&self, id: &SessionId) -> Result<(), StoreError>;

    /// Reads a function's journal entry, consistently.
    async fn entry(&self, arn: &str) -> Result<Option<JournalRecord>, StoreError>;
    /// All journal entries.
    async fn entries(&self) -> Result<Entries, StoreError>;
    /// Writes a journal entry, if what stands there is still `replaces`; none:
    /// if nothing does.
    async fn write(
        &self,
        entry: &JournalRecord,
        replaces: Option<&JournalRecord>,
    ) -> Result<(), StoreError>;
    /// Removes a journal entry, if it is still this one.
    async fn remove(&self, entry: &JournalRecord) -> Result<(), StoreError>;

    /// Reads a function; none: it does not exist. `GetFunction`, which has a
    /// quota of its own.
    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure>;
    /// Writes a function, if it is still of the change's revision.
    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure>;
    /// How far the last update of a function is. `GetFunction`, too.
    async fn last_update(&self, arn: &str) -> Result<LastUpdate, Failure>;

    /// A function's published versions.
    async fn versions(&self, arn: &str, next: Option<&str>) -> Result<Page<Version>, Failure>;
    /// A function's aliases.
    async fn aliases(&self, arn: &str, next: Option<&str>) -> Result<Page<Alias>, Failure>;
    /// The aliases and versions of a function that have environments waiting.
    async fn provisioned(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure>;
    /// ARNs of what sends events to a function or to an alias of it.
    async fn event_sources(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure>;
    /// Who may invoke an alias by the alias's own policy.
    async fn invokers(&self, arn: &str, alias: &str) -> Result<Vec<String>, Failure>;
    /// Seconds after which a queue shows a message again.
    async fn visibility_timeout(&self, queue_arn: &str) -> Result<Option<u32>, Failure>;
    /// ARN of a function's code signing configuration, if it has one.
    async fn code_signing(&self, arn: &str) -> Result<Option<String>, Failure>;
    /// Whether a code signing configuration refuses what is not signed.
    async fn is_enforced(&self, code_signing_arn: &str) -> Result<bool, Failure>;

    /// Tells the receiver. A failure is logged and nothing more: the work is
    /// done whether or not anybody hears of it.
    async fn tell(&self, connection: &ConnectionId, message: &ToLaptop);
}
