//! Runs a function's code: a Runtime API server in front of an ordinary
//! process, in any language.
//!
//! * [`ExecutionEnvironment`] is one process and its Runtime API;
//! * [`Launch`] says which process;
//! * [`Starter`] knows how the functions of each language are started and debugged;
//! * [`Function`] keeps the environments of one function;
//! * [`world`] is what a process finds around itself;
//! * [`RunState`] says what an invocation does in them.

mod answer_stream;
mod clients;
mod debugger;
mod environment;
mod freshness;
mod function;
mod guard;
mod launch;
mod logs;
mod memory;
mod run_state;
mod server;
mod starter;
mod watch;
pub mod world;

pub use answer_stream::AnswerStream;
pub use clients::Clients;
pub use debugger::Debugger;
pub use environment::{Ended, ExecutionEnvironment, Settled};
pub use function::{Function, Ran, Seat, WorkingCopy};
pub use launch::Launch;
pub use logs::{LogLine, LogSink, Stream};
pub use run_state::RunState;
pub use starter::{
    BuildFailed, DebugTarget, DebuggerKind, Progress, RunsOn, Source, StartCommand, StartError,
    Starter, node, python,
};
pub use watch::{Notes, Watcher};

use tether_protocol::Timestamp;

/// The wall clock: deadlines are given by it.
#[must_use]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)))
}
