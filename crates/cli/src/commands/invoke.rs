//! `tether invoke`

mod answer;
mod event;
mod local;
mod remote;
mod world;

use super::generate_event::{self, Made};
use crate::args::Invoke;
use crate::ending::Signals;
use crate::exit::{FUNCTION_FAILED, refused};
use crate::output::Output;
use anyhow::{Result, bail};
use bytes::Bytes;
use std::process::ExitCode;

/// How it went, apart from tether's own errors.
enum Outcome {
    Answered,
    Failed,
    /// The flags are not enough; this is what to add.
    Refused(String),
}

pub(crate) async fn run(typed: Invoke, output: &Output) -> Result<ExitCode> {
    let generated = match generated(&typed, output)? {
        Generated::Event(event) => event,
        Generated::Done(code) => return Ok(code),
    };
    let mut signals = Signals::listen();
    let invoked = async {
        let context = event::client_context(typed.client_context.as_deref())?;
        let event = match generated {
            Some(event) => event,
            None => event::read(typed.event.as_deref(), typed.no_event).await?,
        };
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

enum Generated {
    /// The event, if it is a generated one.
    Event(Option<Bytes>),
    /// It is no invocation that was asked for.
    Done(ExitCode),
}

fn generated(typed: &Invoke, output: &Output) -> Result<Generated> {
    let Some(names) = &typed.generate_event else {
        let Some(name) = typed.event_values.0.keys().next() else {
            return Ok(Generated::Event(None));
        };
        let text = format!("--{name} is for generated events: name one with --generate-event");
        return Ok(Generated::Done(refused(output, &text)));
    };
    let region = typed.aws.region.as_deref();
    let made = generate_event::make(names, &typed.event_values, region)?;
    Ok(match made {
        Made::Event(event) if typed.function.is_some() => {
            Generated::Event(Some(Bytes::from(event.to_string())))
        }
        Made::Event(event) => Generated::Done(generate_event::print(&event, output)),
        Made::List(events) => Generated::Done(generate_event::list(&events, output)),
        Made::Refused(text) => Generated::Done(refused(output, &text)),
    })
}
