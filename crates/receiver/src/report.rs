//! What a session tells: one value for people and for programs.

use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use tether_host::LogLine;

/// Takes reports.
pub type Reports = Arc<dyn Fn(Report) + Send + Sync>;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Report {
    /// A step of long work begins.
    Step {
        /// In words.
        message: String,
    },
    /// Something to know.
    Note {
        /// In words.
        message: String,
    },
    /// What became of one function.
    Function {
        /// Logical id.
        function: String,
        /// What became of it.
        state: FunctionState,
        /// Why; may be empty.
        detail: String,
    },
    /// Something to know of a function that is attached all the same.
    Warning {
        /// Logical id.
        function: String,
        /// What, why, what to do.
        detail: String,
    },
    /// How long the caller's AWS credentials are good.
    Credentials {
        /// What became of them.
        state: CredentialsState,
        /// Until when they are good, epoch milliseconds, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
        /// In words, with what to do.
        message: String,
    },
    /// A debugger listens.
    Debugger {
        /// Logical id.
        function: String,
        /// `debugpy`, `node`, `native`, `delve`, `jdwp`
        #[serde(rename = "type")]
        kind: &'static str,
        /// Where.
        host: String,
        /// Where.
        port: u16,
        /// The code waits for it.
        waits: bool,
        /// The editor listens there, and the process connects to it.
        editor_listens: bool,
    },
    /// A process that the developer starts finds its Runtime API there.
    RuntimeApi {
        /// Logical id.
        function: String,
        /// `127.0.0.1:9001`
        address: String,
        /// The file with the variables that it needs, if one was asked for.
        env_file: Option<PathBuf>,
    },
    /// Invocations are carried from now on.
    Ready {
        /// Which session.
        session_id: String,
        /// Which stack.
        stack: String,
        /// Which functions.
        functions: Vec<Attached>,
    },
    /// A line of a function's log. Its printer has a form of its own for it.
    #[serde(skip)]
    Log(LogLine),
    /// An invocation has begun here.
    Started {
        /// Logical id.
        function: String,
        /// Lambda's request id.
        request_id: String,
    },
    /// An invocation has ended.
    Invocation {
        /// Logical id.
        function: String,
        /// Lambda's request id.
        request_id: String,
        /// How.
        outcome: InvocationOutcome,
        /// Why; may be empty.
        detail: String,
        /// From its arrival in the function to the stored reply.
        total_ms: u64,
        /// Each part of it.
        hops: Hops,
    },
    /// A function is what it was.
    Restored {
        /// Logical id, or the function's name where that is not known.
        function: String,
        /// More; may be empty.
        detail: String,
    },
    /// There is no connection: the deployed code answers meanwhile.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// Still none.
    Reconnecting {
        /// Tries that have failed.
        attempt: u32,
        /// Since the first one.
        seconds: u64,
        /// Why the last one did.
        reason: String,
    },
    /// There is a connection again.
    Reconnected,
    /// A new connection took over before API Gateway would have cut the old
    /// one.
    Renewed,
    /// The end.
    Detached,
}

/// See [`Report::Credentials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CredentialsState {
    /// They end some time.
    Temporary,
    /// They end soon, and could not be renewed.
    Expiring,
    /// They have ended.
    Expired,
    /// There are new ones, after people were told of the end.
    Renewed,
}

/// A function that is attached.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// In the template.
    pub logical_id: String,
    /// In Lambda.
    pub name: String,
}

/// See [`Report::Function`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FunctionState {
    /// It carries its events to the laptop.
    Instrumented,
    /// It was left alone on purpose.
    Skipped,
    /// It should have been changed, and could not be.
    Failed,
    /// Its code is not on this machine: the deployed code goes on answering.
    NoLocalCode,
}

/// How an invocation ended, as seen from the laptop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum InvocationOutcome {
    /// The handler answered, and the caller gets it.
    Completed,
    /// The handler failed, and the caller gets the error.
    Failed,
    /// Left to the deployed code.
    Declined,
    /// The caller does not get it: it came too late, or was taken elsewhere.
    Dropped,
}

/// Where the time of an invocation went, in milliseconds. The first two are
/// measured across two clocks, and are zero where those disagree.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hops {
    /// In the function, from the event to the post.
    pub interception_ms: u64,
    /// From the post to the laptop.
    pub post_ms: u64,
    /// Winning the claim.
    pub claim_ms: u64,
    /// Waiting for the local process.
    pub queue_ms: u64,
    /// In the local process.
    pub handler_ms: u64,
    /// From the answer to its being stored.
    pub reply_ms: u64,
    /// From then until the function looks again. Only the function could
    /// measure it: it looks this often, so this is the most it can be. Not part
    /// of the total.
    pub poll_at_most_ms: u64,
}

impl Hops {
    /// Together, but for the poll: no whole can be less.
    pub(crate) fn known_ms(&self) -> u64 {
        let parts = [
            self.interception_ms,
            self.post_ms,
            self.claim_ms,
            self.queue_ms,
            self.handler_ms,
            self.reply_ms,
        ];
        parts.iter().sum()
    }
}
