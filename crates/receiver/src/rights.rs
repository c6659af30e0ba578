//! What the helper stack's own roles may not do: its Lambdas say it themselves,
//! since nobody else may read their policies.

use crate::account::Developer;
use crate::error::{Error, aws};
use crate::stack::HelperStack;
use aws_sdk_lambda::primitives::Blob;
use tether_protocol::rights::{RightsAnswer, RightsRequest};
use tether_relay::ConnectError;

/// What each helper Lambda lacks, one line for each right.
///
/// # Errors
/// When one of them cannot be asked.
pub async fn missing(developer: &Developer, helper: &HelperStack) -> Result<Vec<String>, Error> {
    let asked = helper.functions().into_iter().map(|it| ask(developer, it));
    let mut missing = Vec::new();
    for answer in futures_util::future::join_all(asked).await {
        missing.extend(answer?.missing);
    }
    Ok(missing)
}

async fn ask(developer: &Developer, function: &str) -> Result<RightsAnswer, Error> {
    let request = serde_json::to_vec(&RightsRequest::default()).unwrap_or_default();
    let answer = aws_sdk_lambda::Client::new(&developer.config)
        .invoke()
        .function_name(function)
        .payload(Blob::new(request))
        .send()
        .await
        .map_err(aws(format!("{function} cannot be asked for its rights")))?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    serde_json::from_slice(&payload).map_err(|_| {
        let words = String::from_utf8_lossy(&payload).into_owned();
        Error::HelperSilent(format!("{function} failed: {words}"))
    })
}

/// API Gateway refuses a connection with a number; the reason may be a right that
/// the helper stack lacks.
pub(crate) async fn reason(
    developer: &Developer,
    helper: &HelperStack,
    refused: ConnectError,
) -> Error {
    if matches!(refused, ConnectError::Unreachable { .. }) {
        return refused.into();
    }
    match missing(developer, helper).await {
        Ok(missing) if !missing.is_empty() => Error::HelperLacks(missing.join("; ")),
        // It tells what is known.
        _ => refused.into(),
    }
}
