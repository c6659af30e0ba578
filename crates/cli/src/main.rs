//! The `tether` command.

mod args;
mod artifacts;
mod attached;
mod background;
mod commands;
mod confirmation;
mod ending;
mod exit;
mod jetbrains;
mod launch_json;
mod output;
mod progress;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let typed = match args::Cli::try_parse() {
        Ok(typed) => typed,
        Err(error) => return exit::usage(&error),
    };
    let output = if typed.is_daemon() {
        output::Output::for_launcher(typed.verbose)
    } else {
        output::Output::new(typed.json, typed.verbose)
    };
    let runtime = match runtime(&typed.command) {
        Ok(runtime) => runtime,
        Err(error) => return exit::failed(&output, &anyhow::Error::from(error), typed.verbose),
    };
    let code = match runtime.block_on(commands::run(typed.command, &output)) {
        Ok(code) => code,
        Err(error) => exit::failed(&output, &error, typed.verbose),
    };
    output::flush();
    code
}

/// `tether local` has a thread for each core but one: on two cores, work that is
/// passed from thread to thread costs more than it gains, and functions need the
/// other one.
fn runtime(command: &args::Command) -> std::io::Result<tokio::runtime::Runtime> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if matches!(command, args::Command::Local(_)) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        runtime.worker_threads(cores.saturating_sub(1).max(1));
    }
    runtime.enable_all().build()
}
