//! Signatures of version 4: who asks, and whether they know the secret
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).
//!
//! [`read`] finds the signature of a request in its header or, presigned, in its query;
//! [`Signature::check`] holds it against the time and the place; and, where the secret of that key
//! is known, [`Signature::verify`] calculates it again. Whoever did not sign, or not well, gets
//! [`Unsigned::fault`] or [`Unsigned::http`], or [`url::forbidden`](crate::url::forbidden).

mod canonical;
mod read;

pub use read::read;

use ring::hmac;
use std::fmt;
use time::format_description::well_known::Iso8601;
use time::{Duration, OffsetDateTime};

use crate::http::{Answer, Request};
use crate::http_api;
use crate::rest::{Fault, FaultKind};

/// A signature is good for so long, before and after the server's time.
const SKEW: Duration = Duration::minutes(5);

/// What a signature says. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    /// Whose.
    pub access_key: String,
    /// `20260101`
    pub date: String,
    /// `eu-west-1`
    pub region: String,
    /// `execute-api`, `lambda`.
    pub service: String,
    /// Of a role's session.
    pub session_token: Option<String>,
    /// `20260101T000000Z`
    moment: String,
    signed_headers: Vec<String>,
    signature: String,
    /// Of a presigned request: how long it is good.
    lives: Option<Duration>,
}

impl fmt::Debug for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Signature").finish_non_exhaustive()
    }
}

/// Why a request is refused before anybody looks at what it wants, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// There is no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// It does not have what it must have.
    #[error("{0}")]
    Incomplete(String),
    /// It is from another time, or for another place.
    #[error("{0}")]
    Elsewhere(String),
    /// Nobody has that key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// It is not what the secret makes of the request.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl Unsigned {
    /// What REST APIs answer, if no gateway response changes it. AWS has more names for what is wrong
    /// with a signature than gateway responses: `x-amzn-ErrorType` is theirs.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let kind = match self {
            Self::Missing => FaultKind::MissingAuthenticationToken,
            _ => FaultKind::InvalidSignature,
        };
        Fault::new(kind, self.to_string()).saying(self.to_string())
    }

    /// The answer of an HTTP API, which says as little about signatures as about anything.
    #[must_use]
    pub fn http(&self) -> Answer {
        http_api::forbidden()
    }
}

impl Signature {
    /// Whether it is for this service, in this region, and of this time.
    ///
    /// # Errors
    /// With AWS's words.
    pub fn check(&self, service: &str, region: &str, now_ms: u64) -> Result<(), Unsigned> {
        let elsewhere = |message: String| Err(Unsigned::Elsewhere(message));
        if self.service != service {
            return elsewhere(format!(
                "Credential should be scoped to correct service: '{service}'. "
            ));
        }
        if self.region != region {
            return elsewhere("Credential should be scoped to a valid region. ".to_owned());
        }
        if !self.moment.starts_with(&self.date) {
            let (ours, theirs) = (&self.date, &self.moment);
            return elsewhere(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{ours}' != '{theirs}', from '{theirs}'."
            ));
        }
        self.check_time(now_ms)
    }

    fn check_time(&self, now_ms: u64) -> Result<(), Unsigned> {
        let Ok(at) = OffsetDateTime::parse(&self.moment, &Iso8601::DEFAULT) else {
            let message = format!(
                "Date must be in ISO-8601 'basic format'. Got '{}'.",
                self.moment
            );
            return Err(Unsigned::Incomplete(message));
        };
        let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now_ms) * 1_000_000);
        let now = now.unwrap_or(at);
        let lives = self.lives.unwrap_or(SKEW);
        // A sum that cannot be written is later, or earlier, than anything.
        if at.checked_add(lives).is_some_and(|until| until < now) {
            let least = now.saturating_sub(lives);
            return Err(Unsigned::Elsewhere(format!(
                "Signature expired: {} is now earlier than {}",
                self.moment,
                basic(least)
            )));
        }
        if at.checked_sub(SKEW).is_some_and(|from| from > now) {
            let most = now.saturating_add(SKEW);
            return Err(Unsigned::Elsewhere(format!(
                "Signature not yet current: {} is still later than {}",
                self.moment,
                basic(most)
            )));
        }
        Ok(())
    }

    /// Whether it is what that secret makes of the request. A path may be signed as it stands or
    /// without its `.`, `..` and empty segments: clients do either.
    ///
    /// # Errors
    /// If it is not.
    pub fn verify(&self, request: &Request, secret: &str) -> Result<(), Unsigned> {
        let Ok(signature) = decode_hex(&self.signature) else {
            return Err(Unsigned::Mismatch);
        };
        let key = self.key(secret);
        let texts = canonical::requests(request, &self.signed_headers, self.lives.is_some());
        let matches = texts.iter().any(|text| {
            let text = self.string_to_sign(text);
            // In constant time.
            hmac::verify(&key, text.as_bytes(), &signature).is_ok()
        });
        if matches {
            Ok(())
        } else {
            Err(Unsigned::Mismatch)
        }
    }

    fn scope(&self) -> String {
        format!(
            "{}/{}/{}/aws4_request",
            self.date, self.region, self.service
        )
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        let hash = canonical::sha256(canonical.as_bytes());
        format!(
            "AWS4-HMAC-SHA256\n{}\n{}\n{hash}",
            self.moment,
            self.scope()
        )
    }

    fn key(&self, secret: &str) -> hmac::Key {
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&self.date, &self.region, &self.service, "aws4_request"] {
            let signing = hmac::Key::new(hmac::HMAC_SHA256, &key);
            key = hmac::sign(&signing, part.as_bytes()).as_ref().to_vec();
        }
        hmac::Key::new(hmac::HMAC_SHA256, &key)
    }
}

/// `20260101T000000Z`
fn basic(at: OffsetDateTime) -> String {
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

fn decode_hex(text: &str) -> Result<Vec<u8>, ()> {
    let digit = |it: u8| {
        char::from(it)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let bytes = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => Ok(digit(high).ok_or(())? << 4 | digit(low).ok_or(())?),
        _ => Err(()),
    });
    bytes.collect()
}

#[cfg(test)]
mod tests;
