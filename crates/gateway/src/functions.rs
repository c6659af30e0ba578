//! What the gateway asks of whoever runs functions.

use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use tether_runtime_api::StreamPart;
use tokio::sync::{mpsc, oneshot};

/// Runs functions.
#[async_trait]
pub trait Functions: Send + Sync {
    /// Runs one invocation, as API Gateway or a function URL asks for it. Dropping the future gives
    /// the answer up; the invocation goes on to its end, as on Lambda.
    async fn invoke(&self, call: Call) -> Outcome;
}

/// One invocation. It does not print: payloads are in it.
#[derive(Clone)]
pub struct Call {
    /// The function's ARN or name, with its qualifier if it has one.
    pub function: String,
    /// Whose resource policy is asked: `arn:aws:execute-api:eu-west-1:…:a1b2c3d4e5/Prod/GET/pets`.
    pub source_arn: String,
    /// The event.
    pub payload: Bytes,
    /// Whether the answer is wanted while it is written.
    pub streams: bool,
}

impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Call")
            .field("function", &self.function)
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

/// What came of it. It does not print: payloads are in it.
pub enum Outcome {
    /// The function returned.
    Answer(Bytes),
    /// The function streams its answer, which has begun.
    Stream(Streamed),
    /// The function raised, timed out or ended: Lambda's error payload.
    Error(Bytes),
    /// There was no invocation, and why, for the log: no such function, throttled, not allowed.
    Failed(String),
}

/// A streamed answer.
pub struct Streamed {
    /// A head, then chunks; the end of the channel is the end of what comes.
    pub parts: mpsc::Receiver<StreamPart>,
    /// How it ended, when `parts` has: an error's payload, if it was one.
    pub ended: oneshot::Receiver<Result<(), Bytes>>,
}
