//! An invocation of the deployed function.

use super::Outcome;
use super::answer::{About, Printer};
use crate::args::Invoke;
use crate::commands::account;
use crate::output::Output;
use anyhow::{Result, bail};
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use base64::Engine as _;
use bytes::Bytes;
use tether_receiver::{Account, function_names};
use tether_sam::did_you_mean;

pub(super) async fn invoke(
    typed: &Invoke,
    event: Bytes,
    client_context: Option<String>,
    output: &Output,
) -> Result<Outcome> {
    let Some(function) = &typed.function else {
        let text = "which function? Name one: tether invoke FUNCTION --remote --stack-name STACK";
        return Ok(Outcome::Refused(text.to_owned()));
    };
    let account = account(&typed.aws).await?;
    let name = match &typed.stack_name {
        None => function.clone(),
        Some(stack) => physical_name(&account, stack, function).await?,
    };
    let base64 = &base64::engine::general_purpose::STANDARD;
    let answer = aws_sdk_lambda::Client::new(&account.caller_with_patience())
        .invoke()
        .function_name(&name)
        .payload(Blob::new(event))
        .set_client_context(client_context.map(|it| base64.encode(it)))
        .send()
        .await
        .map_err(|error| not_invoked(&name, &error))?;
    let about = About {
        request_id: answer.request_id().map(str::to_owned),
        ..About::of(&name)
    };
    let failed = answer.function_error.is_some();
    let payload = Bytes::from(answer.payload.map(Blob::into_inner).unwrap_or_default());
    let settled = if failed {
        Err((None, payload))
    } else {
        Ok((None, payload))
    };
    Ok(Printer::new(output).ends(settled, &about).await)
}

async fn physical_name(account: &Account, stack: &str, function: &str) -> Result<String> {
    let names = function_names(account, account.caller(), stack).await?;
    let found = names
        .iter()
        .find(|(id, name)| [id, name].into_iter().any(|it| it == function));
    if let Some((_, name)) = found {
        return Ok(name.clone());
    }
    let known: Vec<&str> = names.iter().map(|(id, _)| id.as_str()).collect();
    let hint = did_you_mean(function, known.iter().copied());
    bail!(
        "the stack {stack} has no function {function}: it has {}.{hint}",
        known.join(", ")
    )
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
