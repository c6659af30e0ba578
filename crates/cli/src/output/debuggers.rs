//! How a debugger is told.

use super::{GOOD, NAME};
use crate::launch_json::{DebuggerKind, Entry};

/// Where it listens, and how an editor gets there.
pub(super) fn debugger_lines(
    function: &str,
    kind: &str,
    (host, port): (&str, u16),
    waits: bool,
    editor_listens: bool,
) -> Vec<String> {
    let wait = if waits {
        ", and its code waits for a debugger"
    } else {
        ""
    };
    let head = format!("{GOOD}✓{GOOD:#} {NAME}{function}{NAME:#}");
    if editor_listens {
        return vec![format!(
            "{head} connects to PyCharm's debug server at {host}:{port}{wait}"
        )];
    }
    let Some(kind_of_entry) = DebuggerKind::named(kind) else {
        return vec![format!(
            "{head} is debugged at {host}:{port}{wait}: `target remote {host}:{port}` in gdb, `gdb-remote {host}:{port}` in LLDB; `tether launch-json` writes VS Code's entry"
        )];
    };
    let entry = Entry {
        function: function.to_owned(),
        kind: kind_of_entry,
        host: host.to_owned(),
        port,
        local_root: "${workspaceFolder}".to_owned(),
        task: None,
    };
    vec![
        format!(
            "{head} {kind} listens on {host}:{port}{wait}; VS Code's entry (`tether launch-json` writes it):"
        ),
        format!("  {}", entry.to_value()),
    ]
}
