//! `tether invoke`

use super::account;
use crate::args::Invoke;
use crate::exit::FUNCTION_FAILED;
use crate::output::Output;
use anyhow::{Context as _, Result, bail};
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tether_host::world::{self, About};
use tether_host::{Clients, Function, LogLine, LogSink, RunState, Starter, WorkingCopy};
use tether_project::{LocalCode, Place};
use tether_protocol::Secret;
use tether_receiver::function_names;
use tether_runtime_api::Invocation;

pub(crate) async fn run(typed: Invoke, output: &Output) -> Result<ExitCode> {
    let event = read_event(&typed.event)?;
    let (failed, payload) = if typed.remote {
        remote(&typed, event).await?
    } else {
        local(&typed, event, output).await?
    };
    output.result(&String::from_utf8_lossy(&payload));
    Ok(if failed {
        ExitCode::from(FUNCTION_FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn read_event(file: &str) -> Result<Vec<u8>> {
    let mut event = Vec::new();
    if file == "-" {
        std::io::stdin()
            .read_to_end(&mut event)
            .context("stdin cannot be read")?;
    } else {
        event = std::fs::read(file)
            .map_err(|error| anyhow::anyhow!("{file} cannot be read ({error}): check --event"))?;
    }
    if event.iter().all(u8::is_ascii_whitespace) {
        event = b"{}".to_vec();
    }
    if let Err(error) = serde_json::from_slice::<&serde_json::value::RawValue>(&event) {
        let name = if file == "-" { "stdin" } else { file };
        bail!(
            "{name}:{}:{}: the event is not JSON ({error}): correct it there",
            error.line(),
            error.column()
        );
    }
    Ok(event)
}

async fn remote(typed: &Invoke, event: Vec<u8>) -> Result<(bool, Vec<u8>)> {
    let account = account(&typed.aws).await?;
    let name = match &typed.stack_name {
        None => typed.function.clone(),
        Some(stack) => {
            let names = function_names(&account, account.caller(), stack).await?;
            let known = || {
                names
                    .iter()
                    .map(|(id, _)| id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            match names
                .iter()
                .find(|(id, name)| [id, name].contains(&&typed.function))
            {
                Some((_, name)) => name.clone(),
                None => bail!(
                    "the stack {stack} has no function {}: it has {}",
                    typed.function,
                    known()
                ),
            }
        }
    };
    let answer = aws_sdk_lambda::Client::new(&account.caller_with_patience())
        .invoke()
        .function_name(&name)
        .payload(Blob::new(event))
        .send()
        .await
        .map_err(|error| not_invoked(&name, &error))?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    Ok((answer.function_error.is_some(), payload))
}

fn not_invoked(name: &str, error: &SdkError<InvokeError>) -> anyhow::Error {
    if let Some(InvokeError::ResourceNotFoundException(_)) = error.as_service_error() {
        return anyhow::anyhow!(
            "there is no function {name}: pass its name, or its logical id with --stack-name"
        );
    }
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    anyhow::anyhow!("{name} cannot be invoked ({last}): check the endpoint and your rights")
}

async fn local(typed: &Invoke, event: Vec<u8>, output: &Output) -> Result<(bool, Vec<u8>)> {
    let region = region(typed);
    let place = Place::in_region(region.as_deref());
    let copies = tether_project::load(&typed.template, &place)?;
    let known = || {
        copies
            .functions
            .iter()
            .map(|(id, _)| id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let code = match copies.find(&typed.function) {
        Some((_, Ok(code))) => code,
        Some((_, Err(reason))) => bail!("{} cannot be run here: {reason}", typed.function),
        None => bail!(
            "{} has no function {}: it has {}",
            typed.template.display(),
            typed.function,
            known()
        ),
    };
    let printer = output.clone();
    let sink: LogSink = Arc::new(move |line: LogLine| printer.log(&line));
    let starter = Starter::find(&code.source, &Arc::new(Clients::write()?))?;
    tell(typed, code, &starter, output).await?;
    let copy = WorkingCopy {
        name: typed.function.clone(),
        code: code.source.code.clone(),
        handler: code.source.handler.clone(),
        starter,
        debugger: None,
    };
    let function = Function::new(copy, sink);
    let invocation = invocation(&typed.function, code, &place);
    let (id, seconds) = (invocation.request_id.clone(), f64::from(code.timeout));
    let variables = Secret::new(variables(typed, code, &place.region));
    let ran = function
        .run(
            None,
            "local",
            &variables,
            invocation,
            Bytes::from(event),
            &RunState::new(),
        )
        .await;
    function.stop().await;
    Ok(match ran.ended.settle(&id, seconds) {
        Ok((_, body)) => (false, body.to_vec()),
        Err((_, body)) => (true, body.to_vec()),
    })
}

/// What a developer should know before it runs here.
async fn tell(typed: &Invoke, code: &LocalCode, starter: &Starter, output: &Output) -> Result<()> {
    let (function, runtime) = (&typed.function, &code.source.runtime);
    let runs_on = starter.check().await?;
    if !runs_on.as_meant {
        let what = &runs_on.what;
        output.notice(&format!(
            "{function} is meant for {runtime} and runs here on {what}"
        ));
    }
    for note in code.notes.iter().chain(&starter.notes()) {
        output.notice(&format!("{function}: {note}"));
    }
    Ok(())
}

fn invocation(function: &str, code: &LocalCode, place: &Place) -> Invocation {
    let now = tether_host::now();
    let timeout = Duration::from_secs(u64::from(code.timeout));
    Invocation {
        request_id: format!("00000000-0000-4000-8000-{:012x}", now.0),
        deadline_ms: now.plus(timeout).0,
        function_arn: place.arn("lambda", &format!("function:{function}")),
        invocation_id: None,
        rest: vec![],
    }
}

fn region(typed: &Invoke) -> Option<String> {
    let given = typed.aws.region.clone();
    given.or_else(|| std::env::var("AWS_REGION").ok())
}

fn variables(typed: &Invoke, code: &LocalCode, region: &str) -> BTreeMap<String, String> {
    let mut variables = code.environment.clone();
    variables.extend(world::of_lambda(&About {
        name: &typed.function,
        runtime: &code.source.runtime,
        memory_mb: code.memory_mb,
        region,
    }));
    variables.extend(super::local_variables(&typed.aws));
    variables.extend(typed.logging.variables());
    variables
}
