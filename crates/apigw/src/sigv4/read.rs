//! Where a signature stands.

use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use time::Duration;

use super::{Signature, Unsigned};
use crate::http::Request;
use crate::query;

/// A presigned request lives from a second to a week.
const PRESIGNED: std::ops::RangeInclusive<i64> = 1..=604_800;

/// Finds the signature of a request: in `Authorization`, or in the query.
///
/// # Errors
/// If there is none, or it does not have what it must have.
pub fn read(request: &Request) -> Result<Signature, Unsigned> {
    match request.header("authorization") {
        Some(text) => in_header(request, text),
        None => in_query(request),
    }
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`
fn in_header(request: &Request, text: &str) -> Result<Signature, Unsigned> {
    let Some((algorithm, rest)) = text.split_once(' ') else {
        return Err(incomplete(
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ));
    };
    if algorithm != "AWS4-HMAC-SHA256" {
        return Err(incomplete(
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
        ));
    }
    let fields: HashMap<&str, &str> = rest
        .split(',')
        .filter_map(|it| it.trim().split_once('='))
        .collect();
    let field = |name: &str| fields.get(name).copied().filter(|it| !it.is_empty());
    let date = request.header("x-amz-date");
    let (Some(credential), Some(signature), Some(signed), Some(moment)) = (
        field("Credential"),
        field("Signature"),
        field("SignedHeaders"),
        date,
    ) else {
        let missing = ["Credential", "Signature", "SignedHeaders"]
            .into_iter()
            .filter(|it| field(it).is_none())
            .map(|it| format!("Authorization header requires '{it}' parameter."));
        let date = date.is_none().then(|| {
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                .to_owned()
        });
        let said: Vec<String> = missing.chain(date).collect();
        return Err(incomplete(&said.join(" ")));
    };
    let token = request.header("x-amz-security-token").map(str::to_owned);
    signature_of(credential, signed, signature, moment, token, None)
}

fn in_query(request: &Request) -> Result<Signature, Unsigned> {
    let fields: HashMap<String, String> = query::decode(&request.query).into_iter().collect();
    let credential = fields.get("X-Amz-Credential").ok_or(Unsigned::Missing)?;
    let field = |name: &str| {
        let found = fields.get(name).filter(|it| !it.is_empty());
        let message = || format!("AWS query-string parameters must include '{name}'.");
        found.ok_or_else(|| Unsigned::Incomplete(message()))
    };
    let lives: i64 = field("X-Amz-Expires")?.parse().unwrap_or(0);
    let lives = Duration::seconds(lives.clamp(*PRESIGNED.start(), *PRESIGNED.end()));
    signature_of(
        credential,
        field("X-Amz-SignedHeaders")?,
        field("X-Amz-Signature")?,
        field("X-Amz-Date")?,
        fields.get("X-Amz-Security-Token").cloned(),
        Some(lives),
    )
}

/// `AKID/20260101/us-east-1/execute-api/aws4_request`; a key itself may have slashes, the last four
/// never do.
fn signature_of(
    credential: &str,
    signed_headers: &str,
    signature: &str,
    moment: &str,
    session_token: Option<String>,
    lives: Option<Duration>,
) -> Result<Signature, Unsigned> {
    let credential = percent_decode_str(credential).decode_utf8_lossy();
    let parts: Vec<&str> = credential.split('/').collect();
    let [key @ .., date, region, service, "aws4_request"] = parts.as_slice() else {
        return Err(wrong_credential(&credential));
    };
    if key.concat().is_empty() {
        return Err(wrong_credential(&credential));
    }
    Ok(Signature {
        access_key: key.join("/"),
        date: (*date).to_owned(),
        region: (*region).to_owned(),
        service: (*service).to_owned(),
        session_token,
        moment: moment.to_owned(),
        signed_headers: signed_headers
            .split(';')
            .map(str::to_ascii_lowercase)
            .collect(),
        signature: signature.to_owned(),
        lives,
    })
}

fn wrong_credential(credential: &str) -> Unsigned {
    incomplete(&format!(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'."
    ))
}

fn incomplete(message: &str) -> Unsigned {
    Unsigned::Incomplete(message.to_owned())
}
