//! One debugger entry, as each editor extension wants it.

use serde_json::{Value, json};
use std::net::IpAddr;

/// One debugger entry: which function, where its debugger listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The function's logical id in the template.
    pub(crate) function: String,
    /// Which debugger listens.
    pub(crate) kind: DebuggerKind,
    /// The host the editor connects to.
    pub(crate) host: String,
    /// The port the editor connects to.
    pub(crate) port: u16,
    /// The function's code as the editor names it, for example
    /// `${workspaceFolder}/hello`; written as it is, the editor expands it.
    pub(crate) local_root: String,
    /// The task that starts tether in front of it, if it is to.
    pub(crate) task: Option<String>,
}

/// A debugger that an editor can attach to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DebuggerKind {
    /// Python's debugpy.
    Debugpy,
    /// Node's inspector.
    Node,
    /// gdbserver, for LLDB and gdb: Rust, Go without Delve, C++.
    Native {
        /// The program, as the editor names it; none: it is another one after
        /// each build.
        program: Option<String>,
    },
    /// Go's Delve.
    Delve,
    /// The JVM's own.
    Jdwp,
}

impl DebuggerKind {
    /// By the host's word for it. None: there is no entry without knowing the
    /// program, or at all.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "debugpy" => Some(Self::Debugpy),
            "node" => Some(Self::Node),
            "delve" => Some(Self::Delve),
            "jdwp" => Some(Self::Jdwp),
            _ => None,
        }
    }
}

impl Entry {
    /// The name in the editor's list, and what a later merge finds the entry by.
    pub(crate) fn name(&self) -> String {
        match &self.task {
            None => format!("tether: {}", self.function),
            Some(task) => task.clone(),
        }
    }

    /// The entry as the editor's debugger extension wants it.
    ///
    /// Only what attaching needs. `justMyCode`, for example, is left out: the
    /// extension fills it from the user's `debugpy.debugJustMyCode`, and a value
    /// here would overrule that, or what the user wrote into the entry, on every
    /// merge.
    pub(crate) fn to_value(&self) -> Value {
        let mut value = match &self.kind {
            DebuggerKind::Debugpy => self.debugpy(),
            DebuggerKind::Node => self.node(),
            DebuggerKind::Native { program } => self.native(program.as_deref()),
            DebuggerKind::Delve => self.delve(),
            DebuggerKind::Jdwp => self.jdwp(),
        };
        if let Some(task) = &self.task {
            value["preLaunchTask"] = json!(task);
        }
        value
    }

    /// `connect` means that debugpy listens and the editor calls.
    ///
    /// On this machine the function runs from the very files that the editor
    /// shows, so no `pathMappings`: debugpy takes paths as they are when there
    /// are none, while with one every file outside of it (shared modules,
    /// layers, packages) would count as unmapped. Another host (a container, a
    /// virtual machine) has the code elsewhere: `.` is the directory that its
    /// process runs in, for a function the root of its code.
    fn debugpy(&self) -> Value {
        let mut value = json!({
            "name": self.name(),
            "type": "debugpy",
            "request": "attach",
            "connect": { "host": self.host, "port": self.port },
        });
        if !is_this_machine(&self.host) {
            value["pathMappings"] = json!([{ "localRoot": self.local_root, "remoteRoot": "." }]);
        }
        value
    }

    /// `restart` attaches to the process after a save; `continueOnAttach` lets
    /// one go on that waits for its debugger
    /// (<https://github.com/microsoft/vscode-js-debug/blob/main/OPTIONS.md>).
    ///
    /// What is made of TypeScript may stand in a folder of its own: every script
    /// but the packages' own may say where it comes from.
    fn node(&self) -> Value {
        json!({
            "name": self.name(),
            "type": "node",
            "request": "attach",
            "address": self.host,
            "port": self.port,
            "restart": true,
            "continueOnAttach": true,
            "skipFiles": ["<node_internals>/**"],
            "resolveSourceMapLocations": ["**", "!**/node_modules/**"],
        })
    }

    /// CodeLLDB's own way to a server that has the process
    /// (<https://github.com/vadimcn/codelldb/blob/master/MANUAL.md#remote-debugging>).
    fn native(&self, program: Option<&str>) -> Value {
        let target = program.map(|it| format!("target create \"{it}\""));
        json!({
            "name": self.name(),
            "type": "lldb",
            "request": "attach",
            "targetCreateCommands": target.as_slice(),
            "processCreateCommands": [format!("gdb-remote {}:{}", self.host, self.port)],
        })
    }

    fn delve(&self) -> Value {
        json!({
            "name": self.name(),
            "type": "go",
            "request": "attach",
            "mode": "remote",
            "debugAdapter": "dlv-dap",
            "host": self.host,
            "port": self.port,
        })
    }

    fn jdwp(&self) -> Value {
        json!({
            "name": self.name(),
            "type": "java",
            "request": "attach",
            "hostName": self.host,
            "port": self.port,
        })
    }
}

/// Whether paths are the same at both ends of a connection to `host`.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}
