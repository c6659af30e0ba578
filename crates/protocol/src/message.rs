//! The messages on the WebSocket.

use crate::{ClaimId, Environment, InvocationKey, Payload, Secret, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// From the laptop to the `connect` Lambda.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToCloud {
    /// The first message.
    Hello(Hello),
    /// Renews the lease; answered by [`ToLaptop::Alive`].
    KeepAlive,
    /// The outcome of an invocation; answered by `Stored` or `Refused`.
    Reply(Reply),
    /// The session ends on purpose; answered by `SessionEnded`.
    Goodbye,
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

/// From the cloud to the laptop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToLaptop {
    /// Answers `Hello`.
    Welcome(Welcome),
    /// Answers `KeepAlive`: the lease is renewed.
    Alive(Alive),
    /// The session is not live any more: attach anew.
    SessionEnded(Reason),
    /// An event to run.
    Invoke(Box<Invoke>),
    /// A reply is in the correlation record.
    Stored(InvocationKey),
    /// A reply was not accepted, and why.
    Refused(Refused),
    /// What became of one function at attach.
    Progress(Progress),
    /// All functions of the session have had their `Progress`.
    Ready,
    /// Something to know of a function that is attached all the same.
    Warning(Warning),
    /// A message could not be read, or its work failed.
    Problem(Reason),
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

/// The first message on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The laptop's [`crate::PROTOCOL_VERSION`].
    pub version: u32,
    /// Whether functions are to be instrumented now (not on a reconnect).
    #[serde(default)]
    pub instrument: bool,
}

/// The answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The helper stack's [`crate::PROTOCOL_VERSION`].
    pub version: u32,
    /// The session of this connection.
    pub session_id: SessionId,
    /// What time it is in the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
}

/// The answer to [`ToCloud::KeepAlive`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alive {
    /// What time it is in the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
}

/// An event on its way to the laptop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoke {
    /// Which attempt; messages are deduplicated by it.
    pub key: InvocationKey,
    /// ARN of the function, without version.
    pub function_arn: String,
    /// The remote execution environment: one local process each.
    pub environment_id: String,
    /// The Runtime API's headers of the event, names in lower case: the caller's
    /// context and identity are among them.
    pub headers: Secret<Vec<(String, String)>>,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
    /// The event.
    pub payload: Payload,
    /// The function's own variables, without credentials.
    pub environment: Environment,
    /// When the bootstrap had the event, by its clock.
    pub received_at: Timestamp,
    /// When the bootstrap posted this, by its clock.
    pub posted_at: Timestamp,
}

/// The outcome of an invocation on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Which attempt.
    pub key: InvocationKey,
    /// The claim under which it ran.
    pub claim_id: ClaimId,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an invocation, byte for byte as the Runtime API had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum Outcome {
    /// `/response`
    #[serde(rename_all = "camelCase")]
    Completed {
        /// The answer.
        payload: Payload,
        /// Its content type, if the runtime gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
    },
    /// `/error`, or an end without an answer.
    #[serde(rename_all = "camelCase")]
    Failed {
        /// The error object.
        payload: Payload,
        /// `Lambda-Runtime-Function-Error-Type`, if the runtime gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_type: Option<String>,
    },
}

/// A reply that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Which attempt.
    pub key: InvocationKey,
    /// Why, for people.
    pub reason: String,
}

/// A reason, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// One line: what, why, what to do.
    pub reason: String,
}

impl Reason {
    /// Wraps a line.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// What became of one function at attach or detach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// ARN of the function.
    pub function_arn: String,
    /// What became of it.
    pub state: ProgressState,
    /// Why, for people; empty if there is nothing to say.
    #[serde(default)]
    pub detail: String,
}

/// Something to know of a function: it is attached, but not all its callers
/// reach the laptop, or something may go wrong meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Which function.
    pub function_arn: String,
    /// One line: what, why, what to do.
    #[serde(default)]
    pub detail: String,
}

/// See [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ProgressState {
    /// It now carries its events to the laptop.
    Instrumented,
    /// It was left alone on purpose.
    Skipped,
    /// It should have been changed, and could not be.
    Failed,
    /// It is what it was.
    Restored,
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

/// What is asked of the `manager` Lambda, as the payload of an invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum ManagerRequest {
    /// Instrument the functions of a session.
    #[serde(rename_all = "camelCase")]
    Instrument {
        /// Which session.
        session_id: SessionId,
    },
    /// Close a session and restore its functions.
    #[serde(rename_all = "camelCase")]
    Restore {
        /// Which session.
        session_id: SessionId,
    },
    /// Restore every function of a stack, whoever attached.
    #[serde(rename_all = "camelCase")]
    RestoreStack {
        /// Which stack.
        stack_name: String,
    },
    /// Compare the functions of a live session with what they should be, and
    /// repair those that are not.
    #[serde(rename_all = "camelCase")]
    Check {
        /// Which session.
        session_id: SessionId,
    },
    /// Restore every function that has no live session, and repair those of
    /// the others.
    Sweep,
}

/// What the `manager` Lambda answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagerAnswer {
    /// One entry for each function that was looked at.
    #[serde(default)]
    pub functions: Vec<Progress>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_a_newer_version_is_tolerated() {
        let message: ToLaptop = serde_json::from_str(r#"{"type":"dance","tempo":120}"#).unwrap();
        assert_eq!(message, ToLaptop::Unknown);
        let message: ToCloud = serde_json::from_str(r#"{"type":"keepAlive","extra":1}"#).unwrap();
        assert_eq!(message, ToCloud::KeepAlive);
    }

    #[test]
    fn an_invoke_prints_neither_event_nor_environment() {
        let text = r#"{"type":"invoke","key":{"requestId":"r","nonce":"n"},"functionArn":"a",
            "environmentId":"e","headers":[["lambda-runtime-client-context","tell-nobody"]],"deadline":1,"payload":{"text":"card"},
            "environment":{"K":"hunter2"},"receivedAt":1,"postedAt":1}"#;
        let message: ToLaptop = serde_json::from_str(text).unwrap();
        let printed = format!("{message:?}");
        assert!(
            !["card", "hunter2", "tell-nobody"]
                .iter()
                .any(|it| printed.contains(it)),
            "{printed}"
        );
    }
}
