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
    let runtime = match runtime() {
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

/// A thread for each core but one: on two cores, work that is passed from thread
/// to thread costs more than it gains, and functions need the other one.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.saturating_sub(1).max(1))
        .enable_all()
        .build()
}
