//! `tether invoke`

mod answer;
mod event;
mod local;
mod remote;
mod world;

use crate::args::Invoke;
use crate::ending::Signals;
use crate::exit::{FUNCTION_FAILED, refused};
use crate::output::Output;
use anyhow::{Result, bail};
use std::process::ExitCode;

/// How it went, apart from tether's own errors.
enum Outcome {
    Answered,
    Failed,
    /// The flags are not enough; this is what to add.
    Refused(String),
}

pub(crate) async fn run(typed: Invoke, output: &Output) -> Result<ExitCode> {
    let mut signals = Signals::listen();
    let invoked = async {
        let context = event::client_context(typed.client_context.as_deref())?;
        let event = event::read(typed.event.as_deref(), typed.no_event).await?;
        if typed.remote {
            remote::invoke(&typed, event, context, output).await
        } else {
            local::invoke(&typed, event, context, output).await
        }
    };
    // What was started ends with the future that is dropped.
    let outcome = tokio::select! {
        outcome = invoked => outcome?,
        _ = signals.next() => bail!("ended before there was an answer: the function's process is gone, too"),
    };
    Ok(match outcome {
        Outcome::Answered => ExitCode::SUCCESS,
        Outcome::Failed => ExitCode::from(FUNCTION_FAILED),
        Outcome::Refused(text) => refused(output, &text),
    })
}
