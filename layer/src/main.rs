//! `tether-bootstrap <interpreter> <args…>`: what Lambda starts in front of
//! the runtime while a function is attached.

// No panic: this runs inside other people's functions.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use tether_interceptor::{Guest, Plan, run, step_aside};

fn main() -> ExitCode {
    // What is not UTF-8 is the original command's affair: it inherits it.
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let command = std::env::args_os().skip(1).collect();
    let Some(guest) = Guest::new(command, &variables) else {
        say("usage: tether-bootstrap <interpreter> <args…>, as AWS_LAMBDA_EXEC_WRAPPER");
        return ExitCode::from(64);
    };
    match Plan::read(&variables) {
        Plan::Intercept(settings) => intercept(*settings, guest),
        Plan::StepAside(reason) => aside(&reason, &guest),
    }
}

fn intercept(settings: tether_interceptor::Settings, guest: Guest) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => exit(runtime.block_on(run(settings, guest))),
        Err(error) => aside(&format!("no event loop ({error})"), &guest),
    }
}

/// The original command takes our place.
fn aside(reason: &str, guest: &Guest) -> ExitCode {
    exit(step_aside(reason, guest))
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn say(text: &str) {
    use std::io::Write as _;
    // In one write: it is the function's log.
    let line = format!("tether: {text}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
