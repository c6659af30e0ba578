//! Reads events from stdin, one `{"kind": …, "event": …}` a line, by the types of
//! `aws_lambda_events`, and prints what they do not take or do not know.
//!
//! `tests/foreign/test_every_event.py` hands it what functions behind `tether local` have seen.

use aws_lambda_events::event::{apigw, lambda_function_urls};
use serde_json::Value;
use std::io::{BufRead as _, Error, Write as _};

#[path = "../tests/types_of_others/reading.rs"]
mod reading;
use reading::{Check, read_by};

/// The type of a kind, and what AWS sends that it does not know.
fn type_of(kind: &str) -> Option<(Check, &'static [&'static str])> {
    Some(match kind {
        "rest" | "http1" => (
            read_by::<apigw::ApiGatewayProxyRequest>,
            &[
                ".version",
                ".requestContext.extendedRequestId",
                ".requestContext.deploymentId",
            ],
        ),
        "http" => (read_by::<apigw::ApiGatewayV2httpRequest>, &[]),
        "url" => (
            read_by::<lambda_function_urls::LambdaFunctionUrlRequest>,
            &[
                ".routeKey",
                ".requestContext.routeKey",
                ".requestContext.stage",
            ],
        ),
        "token" => (read_by::<apigw::ApiGatewayCustomAuthorizerRequest>, &[]),
        "request" => (
            read_by::<apigw::ApiGatewayCustomAuthorizerRequestTypeRequest>,
            &[
                ".requestContext.deploymentId",
                ".requestContext.domainName",
                ".requestContext.domainPrefix",
                ".requestContext.extendedRequestId",
                ".requestContext.identity.userAgent",
                ".requestContext.protocol",
                ".requestContext.requestTime",
                ".requestContext.requestTimeEpoch",
            ],
        ),
        "simple" => (read_by::<apigw::ApiGatewayV2CustomAuthorizerV2Request>, &[]),
        "connect" | "message" | "disconnect" => {
            (read_by::<apigw::ApiGatewayWebsocketProxyRequest>, &[])
        }
        _ => return None,
    })
}

fn complaint(line: &str) -> Option<String> {
    let said: Value = match serde_json::from_str(line) {
        Ok(said) => said,
        Err(error) => return Some(error.to_string()),
    };
    let kind = said["kind"].as_str().unwrap_or_default();
    let Some((check, unknown)) = type_of(kind) else {
        return Some(format!("there is no type for {kind}"));
    };
    match check(&said["event"]) {
        Err(error) => Some(format!("{kind} is not read: {error}")),
        Ok(lost) => {
            let lost: Vec<_> = lost
                .into_iter()
                .filter(|it| !unknown.contains(&it.as_str()))
                .collect();
            (!lost.is_empty()).then(|| format!("{kind} loses {}", lost.join(", ")))
        }
    }
}

fn main() -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        if let Some(complaint) = complaint(&line?) {
            writeln!(out, "{complaint}")?;
        }
    }
    Ok(())
}
