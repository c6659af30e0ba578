//! Go's debugger (<https://github.com/go-delve/delve/blob/master/Documentation/usage/dlv_exec.md>).

use crate::starter::StartCommand;
use std::path::PathBuf;

/// It speaks to editors in two protocols at one port, to one after the other or
/// to several, and does not end with them.
pub(super) fn around(delve: PathBuf, command: StartCommand, waits: bool) -> StartCommand {
    let mut arguments = vec!["exec".into(), command.program.into_os_string()];
    for word in ["--headless", "--accept-multiclient", "--api-version=2"] {
        arguments.push(word.into());
    }
    arguments.push("--listen=127.0.0.1:0".into());
    if !waits {
        arguments.push("--continue".into());
    }
    if !command.arguments.is_empty() {
        arguments.push("--".into());
        arguments.extend(command.arguments);
    }
    StartCommand {
        program: delve,
        arguments,
        ..command
    }
}
