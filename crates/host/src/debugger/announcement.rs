//! What debuggers print when they listen.

use crate::DebuggerKind;
use std::net::{Ipv4Addr, SocketAddr};

/// A line that is not the function's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announcement {
    /// The debugger listens here.
    Listens(SocketAddr),
    /// It has started the function's process.
    Child(u32),
    /// Something else that it says of itself.
    Nothing,
}

impl Announcement {
    /// None: the function's own line.
    pub(super) fn of(kind: DebuggerKind, line: &str) -> Option<Self> {
        match kind {
            // It tells it in a file.
            DebuggerKind::Debugpy => None,
            DebuggerKind::Node => Self::node(line),
            DebuggerKind::Delve => Self::delve(line),
            DebuggerKind::Native => Self::gdbserver(line),
            DebuggerKind::Jdwp => Self::jvm(line),
        }
    }

    /// `Debugger listening on ws://127.0.0.1:40123/c8c566a5-…`; our client tells
    /// it in a file as well.
    fn node(line: &str) -> Option<Self> {
        if let Some(place) = line.strip_prefix("Debugger listening on ws://127.0.0.1:") {
            let port = place.split('/').next()?;
            return port.parse().ok().map(Self::on);
        }
        let known = [
            "For help, see: https://nodejs.org/en/docs/inspector",
            "Debugger attached.",
            "Debugger ending on ws://127.0.0.1:",
        ];
        let says = known.iter().any(|it| line.starts_with(it));
        says.then_some(Self::Nothing)
    }

    /// `API server listening at: 127.0.0.1:40123`
    fn delve(line: &str) -> Option<Self> {
        let address = line.strip_prefix("API server listening at: ")?;
        address.parse().ok().map(Self::Listens)
    }

    /// `Listening for transport dt_socket at address: 40123`
    fn jvm(line: &str) -> Option<Self> {
        if line.starts_with("NOTE: Picked up JDK_JAVA_OPTIONS: -agentlib:jdwp") {
            return Some(Self::Nothing);
        }
        let address = line.strip_prefix("Listening for transport dt_socket at address: ")?;
        let port = address.rsplit(':').next()?;
        port.parse().ok().map(Self::on)
    }

    /// `Process /code/hello created; pid = 123`, `Listening on port 40123`
    fn gdbserver(line: &str) -> Option<Self> {
        if let Some(port) = line.strip_prefix("Listening on port ") {
            return port.parse().ok().map(Self::on);
        }
        if let Some((_, pid)) = line.split_once(" created; pid = ")
            && line.starts_with("Process ")
        {
            return pid.parse().ok().map(Self::Child);
        }
        let known = [
            "Remote debugging from host ",
            "Detaching from process ",
            "Remote side has terminated connection.  GDBserver will reopen the connection.",
        ];
        let says = known.iter().any(|it| line.starts_with(it));
        says.then_some(Self::Nothing)
    }

    fn on(port: u16) -> Self {
        Self::Listens((Ipv4Addr::LOCALHOST, port).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_debugger_says_where_it_listens_in_its_own_words() {
        for (kind, line, said) in [
            (
                DebuggerKind::Delve,
                "API server listening at: 127.0.0.1:40123",
                Announcement::on(40123),
            ),
            (
                DebuggerKind::Jdwp,
                "Listening for transport dt_socket at address: 40123",
                Announcement::on(40123),
            ),
            (
                DebuggerKind::Jdwp,
                "Listening for transport dt_socket at address: localhost:40123",
                Announcement::on(40123),
            ),
            (
                DebuggerKind::Native,
                "Listening on port 40123",
                Announcement::on(40123),
            ),
            (
                DebuggerKind::Native,
                "Process /code/hello created; pid = 123",
                Announcement::Child(123),
            ),
            (
                DebuggerKind::Native,
                "Remote debugging from host 127.0.0.1, port 33314",
                Announcement::Nothing,
            ),
            (
                DebuggerKind::Node,
                "Debugger listening on ws://127.0.0.1:35109/c8c566a5-d880-4029-be2e-e6279d19b24c",
                Announcement::on(35109),
            ),
        ] {
            assert_eq!(Announcement::of(kind, line), Some(said), "{line}");
        }
    }

    #[test]
    fn what_a_function_prints_is_its_own() {
        for line in [
            "",
            "Listening",
            "Listening on port many",
            "Process of order 7 created; pid = unknown",
            "API server listening at: the beach",
        ] {
            for kind in [
                DebuggerKind::Debugpy,
                DebuggerKind::Node,
                DebuggerKind::Delve,
                DebuggerKind::Jdwp,
                DebuggerKind::Native,
            ] {
                assert_eq!(Announcement::of(kind, line), None, "{line}");
            }
        }
        // A server of the function's own may listen as well.
        let line = "Listening on port 8080";
        assert_eq!(Announcement::of(DebuggerKind::Jdwp, line), None);
    }
}
