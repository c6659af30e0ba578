//! The rows of the three tables.
//!
//! Attribute names follow the field's predecessor where it has one. Readers
//! compare `TTL` themselves: DynamoDB deletes late
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>).

use crate::{ClaimId, ConnectionId, Payload, SessionId, Timestamp, TokenHash};
use serde::{Deserialize, Serialize};

/// State of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SessionStatus {
    /// Written by the receiver; nobody is connected yet.
    Pending,
    /// A receiver is connected.
    Active,
    /// The connection is gone; the session can be resumed.
    Disconnected,
    /// Ended on purpose. Never comes back.
    Closed,
}

/// What answers while a session lives and its laptop does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WhenOffline {
    /// An error: the deployed code shall not run while somebody is attached.
    Fail,
    /// The deployed code; and whatever a newer version may wish for.
    #[default]
    #[serde(other)]
    Passthrough,
}

impl WhenOffline {
    fn is_passthrough(&self) -> bool {
        *self == Self::Passthrough
    }
}

/// A row of the sessions table, key `SessionId`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionRecord {
    /// Which session.
    pub session_id: SessionId,
    /// The receiver's connection, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<ConnectionId>,
    /// When API Gateway opened that connection: an earlier one does not replace it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<Timestamp>,
    /// State.
    pub status: SessionStatus,
    /// Epoch seconds after which the row is void.
    #[serde(rename = "TTL")]
    pub ttl: u64,
    /// The stack it is attached to.
    pub stack_name: String,
    /// Hash of the token that opens the WebSocket.
    pub token_hash: TokenHash,
    /// The session lives until then unless renewed.
    pub lease_until: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who attached: `user@host`, for people.
    pub owner: String,
    /// ARNs of the functions to be carried.
    #[serde(default)]
    pub functions: Vec<String>,
    /// Timeout while attached, in seconds; none keeps each function's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    /// Whether functions that another live session owns are taken over.
    #[serde(default)]
    pub take_over: bool,
    /// What answers while the laptop is away.
    #[serde(default, skip_serializing_if = "WhenOffline::is_passthrough")]
    pub when_offline: WhenOffline,
}

/// State of one attempt at an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InvocationStatus {
    /// Posted; nobody has taken it yet.
    Pending,
    /// A receiver has claimed it: it runs on the laptop or has run there.
    Accepted,
    /// The receiver does not want it: the deployed code answers.
    Declined,
    /// The answer is in the record.
    Completed,
    /// The error is in the record.
    Failed,
    /// The bootstrap gave up waiting for a claim: the deployed code answers.
    Abandoned,
    /// The bootstrap answered before the deadline without a reply.
    Expired,
}

/// The head item of a correlation record, key `RequestId` and `Part`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HeadRecord {
    /// Lambda's request id.
    pub request_id: String,
    /// `<nonce>#head`.
    pub part: String,
    /// The session it was carried by.
    pub session_id: SessionId,
    /// The connection it was posted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<ConnectionId>,
    /// State.
    pub status: InvocationStatus,
    /// Whose claim, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_id: Option<ClaimId>,
    /// 200 for an answer, 500 for an error; none before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_code: Option<u16>,
    /// The answer's or the error object's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Payload>,
    /// Content type of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The error's type, as in `Lambda-Runtime-Function-Error-Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the handler was doing on the laptop when its time was nearly up, in
    /// words: `stopped at a breakpoint for 28 s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_state: Option<String>,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
    /// Epoch seconds after which the row is void.
    #[serde(rename = "TTL")]
    pub ttl: u64,
}

/// Before and after of one environment variable. Its values do not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VariableChange {
    /// What stood there; none: nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What we wrote.
    pub after: String,
}

impl std::fmt::Debug for VariableChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.before {
            Some(_) => "[changed]",
            None => "[added]",
        })
    }
}

/// A row of the functions table (the journal), key `FunctionArn`: the
/// difference between a function as it was and as we made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JournalRecord {
    /// ARN of the function, without version.
    pub function_arn: String,
    /// The session that changed it.
    pub session_id: SessionId,
    /// Its stack.
    pub stack_name: String,
    /// Who attached.
    pub owner: String,
    /// When it was changed.
    pub changed_at: Timestamp,
    /// The layer version that was added.
    pub layer: String,
    /// Environment variables that were written.
    pub variables: std::collections::BTreeMap<String, VariableChange>,
    /// The timeout before and after, in seconds, if it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<(u32, u32)>,
}
