//! What the helper stack's own roles may not do: its Lambdas say it themselves,
//! since nobody else may read their policies.

use crate::account::Developer;
use crate::error::{Error, aws};
use crate::stack::HelperStack;
use aws_sdk_lambda::primitives::Blob;
use tether_protocol::rights::{Extent, RightsAnswer, RightsRequest};

/// What each helper Lambda lacks, one line for each right. API Gateway refuses a
/// connection with a number and no reason, and the manager works unseen: so they
/// are asked before they are needed.
///
/// # Errors
/// When one of them cannot be asked.
pub async fn missing(
    developer: &Developer,
    helper: &HelperStack,
    extent: Extent,
) -> Result<Vec<String>, Error> {
    let asked = helper.functions().into_iter();
    let asked = asked.map(|it| ask(developer, it, extent));
    let (mut missing, mut failed) = (Vec::new(), None);
    for answer in futures_util::future::join_all(asked).await {
        match answer {
            Ok(answer) => missing.extend(answer.missing),
            // The right to ask is one of them.
            Err(Error::Aws { failure, .. }) if failure.denial().is_some() => {
                missing.push(failure.to_string());
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    // What is missing says more than that another one could not be asked.
    match failed {
        Some(error) if missing.is_empty() => Err(error),
        _ => Ok(missing),
    }
}

/// Refuses to begin what could not be carried through, or undone.
///
/// # Errors
/// Which rights are missing.
pub(crate) async fn suffice(developer: &Developer, helper: &HelperStack) -> Result<(), Error> {
    match missing(developer, helper, Extent::Needed).await {
        Ok(missing) if missing.is_empty() => Ok(()),
        Ok(missing) => Err(Error::HelperLacks(missing.join("; "))),
        // Of an older version, slow, or it fails in another way: that shows nothing.
        Err(_) => Ok(()),
    }
}

async fn ask(developer: &Developer, function: &str, extent: Extent) -> Result<RightsAnswer, Error> {
    let request = RightsRequest {
        extent,
        ..RightsRequest::default()
    };
    let request = serde_json::to_vec(&request).unwrap_or_default();
    let answer = aws_sdk_lambda::Client::new(&developer.config)
        .invoke()
        .function_name(function)
        .payload(Blob::new(request))
        .send()
        .await
        .map_err(aws(format!(
            "the helper stack's {function} cannot be asked"
        )))?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    let silent = || {
        let words = String::from_utf8_lossy(&payload).into_owned();
        Error::HelperSilent(format!("{function} failed: {words}"))
    };
    if answer.function_error.is_some() {
        return Err(silent());
    }
    serde_json::from_slice(&payload).map_err(|_| silent())
}
