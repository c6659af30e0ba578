//! What a signature says about a request: whose, and for which service. It is
//! read here and not verified: everybody has the secret `emulated`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>).

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use tether_protocol::Timestamp;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Duration, OffsetDateTime};

/// A signature is good for so long, before and after the server's time.
const SKEW: Duration = Duration::minutes(15);

/// A presigned request, from a second to a week.
const PRESIGNED: std::ops::RangeInclusive<i64> = 1..=604_800;

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) access_key: String,
    pub(crate) service: String,
}

/// Why a request is refused before anybody looks at what it wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// There is no signature.
    Missing,
    /// It does not have what it must have; AWS's words.
    Incomplete(String),
    /// It is from another time; AWS's words.
    Expired(String),
    /// The role session that its key is of is over.
    Outlived,
}

impl Unsigned {
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Missing => "Missing Authentication Token",
            Self::Outlived => "The security token included in the request is expired",
            Self::Incomplete(message) | Self::Expired(message) => message,
        }
    }

    /// The name in services with JSON bodies.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Outlived => "ExpiredTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::Expired(_) => "InvalidSignatureException",
        }
    }

    /// The code in services with XML bodies.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationToken",
            Self::Outlived => "ExpiredToken",
            Self::Incomplete(_) => "IncompleteSignature",
            Self::Expired(_) => "SignatureDoesNotMatch",
        }
    }
}

/// Reads the signature of a request, in its header or, presigned, in its query.
pub(crate) fn read(
    headers: &HeaderMap,
    query: Option<&str>,
    now: Timestamp,
) -> Result<Signature, Unsigned> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    if let Some(text) = headers.get("authorization") {
        let text = text.to_str().unwrap_or_default();
        let credential = credential_of(text)?;
        let date = header("x-amz-date").ok_or_else(|| {
            let wanted = "existence of either a 'X-Amz-Date' or a 'Date' header";
            Unsigned::Incomplete(format!("Authorization header requires {wanted}."))
        })?;
        check_date(&date, SKEW, now)?;
        return scope(&credential);
    }
    let query: HashMap<String, String> =
        serde_urlencoded::from_str(query.unwrap_or_default()).unwrap_or_default();
    let credential = query.get("X-Amz-Credential").ok_or(Unsigned::Missing)?;
    for name in ["X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders"] {
        if !query.contains_key(name) {
            let message = format!("AWS query-string parameters must include '{name}'.");
            return Err(Unsigned::Incomplete(message));
        }
    }
    let lives = query.get("X-Amz-Expires").and_then(|it| it.parse().ok());
    let lives = lives.map_or(SKEW, |it: i64| {
        Duration::seconds(it.clamp(*PRESIGNED.start(), *PRESIGNED.end()))
    });
    if let Some(date) = query.get("X-Amz-Date") {
        check_date(date, lives, now)?;
    }
    scope(credential)
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`
fn credential_of(header: &str) -> Result<String, Unsigned> {
    let Some((algorithm, rest)) = header.split_once(' ') else {
        let message = format!("Authorization header requires parameters: '{header}'.");
        return Err(Unsigned::Incomplete(message));
    };
    if !algorithm.starts_with("AWS4-") {
        let message = format!("Unsupported AWS 'algorithm': '{algorithm}'.");
        return Err(Unsigned::Incomplete(message));
    }
    let fields: HashMap<&str, &str> = rest
        .split(',')
        .filter_map(|it| it.trim().split_once('='))
        .collect();
    let missing: Vec<String> = ["Credential", "Signature", "SignedHeaders"]
        .iter()
        .filter(|it| !fields.contains_key(**it))
        .map(|it| format!("Authorization header requires '{it}' parameter."))
        .collect();
    match fields.get("Credential") {
        Some(credential) if missing.is_empty() => Ok((*credential).to_owned()),
        _ => Err(Unsigned::Incomplete(missing.join(" "))),
    }
}

/// `AKID/20260101/us-east-1/sts/aws4_request`
fn scope(credential: &str) -> Result<Signature, Unsigned> {
    let credential = percent_decode_str(credential).decode_utf8_lossy();
    let parts: Vec<&str> = credential.split('/').collect();
    match parts.as_slice() {
        // A key itself may have slashes; the last four never do.
        [key @ .., _date, _region, service, "aws4_request"] if !key.is_empty() => Ok(Signature {
            access_key: key.join("/"),
            service: (*service).to_owned(),
        }),
        _ => Err(Unsigned::Incomplete(
            "Credential must have exactly 5 slash-delimited elements, \
             e.g. keyid/date/region/service/term."
                .to_owned(),
        )),
    }
}

fn check_date(text: &str, lives: Duration, now: Timestamp) -> Result<(), Unsigned> {
    let Ok(date) = OffsetDateTime::parse(text, &Iso8601::DEFAULT) else {
        let message = "Date must be in ISO-8601 'basic format'.".to_owned();
        return Err(Unsigned::Incomplete(message));
    };
    let seconds = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(date);
    let says = |it: OffsetDateTime| it.format(&Rfc3339).unwrap_or_default();
    // A sum that cannot be written is later, or earlier, than anything.
    if date.checked_add(lives).is_some_and(|until| until < now) {
        let message = format!(
            "Signature expired: {text} is now earlier than {}",
            says(now.saturating_sub(lives))
        );
        return Err(Unsigned::Expired(message));
    }
    if date.checked_sub(SKEW).is_some_and(|from| from > now) {
        let message = format!(
            "Signature not yet current: {text} is still later than {}",
            says(now.saturating_add(SKEW))
        );
        return Err(Unsigned::Expired(message));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const CREDENTIAL: &str = "Credential=AKIA/20260101/us-east-1/sts/aws4_request";
    /// 2026-01-01T00:00:00Z
    const NEW_YEAR: Timestamp = Timestamp(1_767_225_600_000);

    fn signed(authorization: &str, date: &str, now: Timestamp) -> Result<Signature, Unsigned> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization.parse().unwrap());
        headers.insert("x-amz-date", date.parse().unwrap());
        read(&headers, None, now)
    }

    #[test]
    fn the_signature_says_which_service_is_meant() {
        let whole = format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature=0");
        let signature = signed(&whole, "20260101T000000Z", NEW_YEAR).unwrap();
        assert_eq!(signature.access_key, "AKIA");
        assert_eq!(signature.service, "sts");
        // Some write no space behind the comma.
        let dense = whole.replace(", ", ",");
        assert_eq!(
            signed(&dense, "20260101T000000Z", NEW_YEAR).unwrap(),
            signature
        );
        let query = "X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fsts%2Faws4_request\
                     &X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0&X-Amz-Expires=60";
        let presigned = |now| read(&HeaderMap::new(), Some(query), now);
        assert_eq!(presigned(NEW_YEAR).unwrap(), signature);
        let later = NEW_YEAR.plus(std::time::Duration::from_secs(61));
        assert_eq!(
            presigned(later).unwrap_err().code(),
            "SignatureDoesNotMatch"
        );
    }

    #[test]
    fn what_is_not_signed_is_refused_by_name() {
        let of = |result: Result<Signature, Unsigned>| result.unwrap_err().name();
        let missing = read(&HeaderMap::new(), None, NEW_YEAR);
        assert_eq!(of(missing), "MissingAuthenticationTokenException");
        for broken in [
            "nonsense",
            "Bearer token",
            CREDENTIAL,
            "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=AKIA/sts, SignedHeaders=host, Signature=0",
        ] {
            let refused = signed(broken, "20260101T000000Z", NEW_YEAR);
            assert_eq!(of(refused), "IncompleteSignatureException", "{broken}");
        }
        let whole = format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature=0");
        let refused = signed(&whole, "yesterday", NEW_YEAR);
        assert_eq!(of(refused), "IncompleteSignatureException");
        for date in ["20251231T234459Z", "20260101T001501Z"] {
            let refused = signed(&whole, date, NEW_YEAR);
            assert_eq!(of(refused), "InvalidSignatureException", "{date}");
        }
        assert!(signed(&whole, "20251231T234500Z", NEW_YEAR).is_ok());
        let refused = signed(&whole, "99991231T235959Z", NEW_YEAR);
        assert_eq!(of(refused), "InvalidSignatureException");
        let refused = signed(&whole, "00000101T000000Z", NEW_YEAR);
        assert_eq!(of(refused), "InvalidSignatureException");
    }

    #[test]
    fn a_presigned_request_lives_for_a_week_at_most() {
        let read_at = |expires: &str, seconds| {
            let query = format!(
                "X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fsts%2Faws4_request\
                 &X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0\
                 &X-Amz-Expires={expires}"
            );
            let now = NEW_YEAR.plus(std::time::Duration::from_secs(seconds));
            read(&HeaderMap::new(), Some(&query), now).is_ok()
        };
        let week = 604_800;
        for endless in ["9000000000000000000", "9223372036854775807"] {
            assert!(read_at(endless, week) && !read_at(endless, week + 1));
        }
        assert!(read_at("-9000000000000000000", 1) && !read_at("-9000000000000000000", 2));
    }
}
