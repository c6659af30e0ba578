//! Names of sessions, connections and invocations.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One `tether attach`: random, not secret (the token is).
    SessionId
);
id!(
    /// API Gateway's name of a WebSocket connection, e.g. `R1koeHsUtjMFbRw=`.
    ConnectionId
);
id!(
    /// Names one attempt at an invocation. A request id alone does not: a
    /// caller can supply its own, and a retry reuses it.
    Nonce
);
id!(
    /// Names one receiver's claim, so that a repeated write finds itself.
    ClaimId
);

/// Which way a payload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The event, to the laptop.
    Request,
    /// The answer, back.
    Reply,
}

/// What a correlation record is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvocationKey {
    /// Lambda's request id.
    pub request_id: String,
    /// This attempt.
    pub nonce: Nonce,
}

impl InvocationKey {
    /// The sort key of the head item; chunks begin with the nonce as well.
    #[must_use]
    pub fn head_part(&self) -> String {
        format!("{}#head", self.nonce)
    }

    /// The key of a chunk of a large payload. Each has a hash key of its own: one
    /// partition takes 1,000 write units a second, and 6 MB are 6,150
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>).
    #[must_use]
    pub fn chunk_key(&self, side: Side, index: u32) -> (String, &'static str) {
        let side = match side {
            Side::Request => "request",
            Side::Reply => "reply",
        };
        let (id, nonce) = (&self.request_id, &self.nonce);
        (format!("{id}#{nonce}#{side}#{index:04}"), "chunk")
    }
}
