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
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
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
