//! What the manager works with: Lambda's control plane, the tables, a clock.

use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::instrumentation::{Change, FunctionConfiguration};
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord};
use tether_protocol::{ConnectionId, SessionId, Timestamp};
use tether_store::StoreError;

/// A function, as Lambda has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its configuration.
    pub(crate) configuration: FunctionConfiguration,
    /// Several invocations at once in one environment: no wrapper of ours.
    pub(crate) managed_instances: bool,
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
    async fn entries(&self) -> Result<Vec<JournalRecord>, StoreError>;
    /// Writes a journal entry, if there is none or one of session `replaces`.
    async fn write(&self, entry: &JournalRecord, replaces: &SessionId) -> Result<(), StoreError>;
    /// Removes a journal entry, if it is this session's.
    async fn remove(&self, arn: &str, session: &SessionId) -> Result<(), StoreError>;

    /// Reads a function; none: it does not exist.
    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure>;
    /// Writes a function, if it is still of the change's revision.
    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure>;
    /// How far the last update of a function is.
    async fn last_update(&self, arn: &str) -> Result<LastUpdate, Failure>;

    /// Tells the receiver. A failure is logged and nothing more: the work is
    /// done whether or not anybody hears of it.
    async fn tell(&self, connection: &ConnectionId, message: &ToLaptop);
}
