//! JSON Web Tokens: the JWT authorizers of HTTP APIs, and Cognito's user pools before REST APIs.
//!
//! [`verify`] and [`verify_cognito`] are functions of a token, of keys ([`Keys`]: a key set as
//! issuers publish it, or a PEM) and of the time; fetching a key set is the front's. The claims of a
//! good token become what events say of it by [`Token::http_caller`] and [`Token::cognito_caller`];
//! a bad one is answered by [`TokenError::http`] or [`TokenError::fault`].
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html>

mod claims;
mod der;
mod keys;
mod refusals;

pub use claims::{http_claims, rest_claims};
pub use keys::{KeyError, Keys};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::fmt;

use crate::caller::Caller;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
}

/// What HTTP APIs accept: "currently, only RSA-based algorithms are supported", says AWS.
pub const RSA: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

/// All that can be verified, for a key that the developer gives.
pub const ALL: [Algorithm; 8] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
];

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            _ => return None,
        })
    }
}

/// Whom to believe.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Whoever has signed by one of these, in one of those ways.
    Keys(&'a Keys, &'a [Algorithm]),
    /// Everybody: signatures are not looked at, all else is. For work without an issuer.
    Unsigned,
}

/// What a JWT authorizer and its route ask of a token.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// `https://…`, as the token must have it.
    pub issuer: &'a str,
    /// One of them must be in `aud`, or be `client_id` where there is no `aud`. Empty: any will do
    /// `[inf]`.
    pub audience: &'a [String],
    /// The route's: the token must have one of them. Empty: it needs none.
    pub scopes: &'a [String],
}

/// A token that is good. It does not print.
#[derive(Clone, PartialEq)]
pub struct Token {
    /// As they stand in it.
    pub claims: Map<String, Value>,
    /// Of `scope` or `scp`.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Token").finish_non_exhaustive()
    }
}

/// Why a token is not good. The words are those that HTTP APIs were seen to say in
/// `www-authenticate`, or `[inf]`; none of them says what stands in the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("the request has no token")]
    Missing,
    /// It does not have three parts (seen).
    #[error("token contains an invalid number of segments")]
    Segments,
    /// One of them is no base64 or no JSON.
    #[error("the token is malformed")]
    Malformed,
    /// It is signed in a way that is not accepted.
    #[error("signing method {0} is invalid")]
    Algorithm(String),
    /// No key has its `kid`.
    #[error("the token's kid is not one of the issuer's keys")]
    UnknownKey,
    /// The signature is somebody else's.
    #[error("the token's signature is invalid")]
    Signature,
    /// Of another issuer.
    #[error("the token has an invalid issuer")]
    Issuer,
    /// Meant for somebody else (documented).
    #[error("the token does not have a valid audience")]
    Audience,
    /// Over, or it does not say when it will be, which is `[inf]`.
    #[error("the token has expired")]
    Expired,
    /// Of a time to come.
    #[error("the token is not valid yet")]
    NotYet,
    /// None of the route's scopes: 403.
    #[error("the token does not have a required scope")]
    Scope,
    /// An access token where an identity token is wanted, or the other way round.
    #[error("the token's token_use is not {0}")]
    Use(&'static str),
}

/// The token of an identity source's value: all of it, or what follows `Bearer`.
#[must_use]
pub fn bearer(value: &str) -> &str {
    let value = value.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value,
    }
}

/// Verifies a token for an HTTP API.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn verify(
    token: &str,
    trust: Trust<'_>,
    rules: &Rules<'_>,
    now_ms: u64,
) -> Result<Token, TokenError> {
    let claims = believed(token, trust)?;
    if claims.get("iss").and_then(Value::as_str) != Some(rules.issuer) {
        return Err(TokenError::Issuer);
    }
    if !rules.audience.is_empty() && !has_audience(&claims, rules.audience) {
        return Err(TokenError::Audience);
    }
    check_times(&claims, now_ms)?;
    let scopes = scopes_of(&claims);
    check_scopes(&scopes, rules.scopes)?;
    Ok(Token { claims, scopes })
}

/// Verifies a token for a REST API whose authorizer is of Cognito: of one of these pools, an access
/// token if the method asks for scopes, and an identity token if not.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn verify_cognito(
    token: &str,
    trust: Trust<'_>,
    issuers: &[String],
    scopes: &[String],
    now_ms: u64,
) -> Result<Token, TokenError> {
    let claims = believed(token, trust)?;
    let issuer = claims.get("iss").and_then(Value::as_str);
    if !issuers.iter().any(|it| Some(it.as_str()) == issuer) {
        return Err(TokenError::Issuer);
    }
    check_times(&claims, now_ms)?;
    let wanted = if scopes.is_empty() { "id" } else { "access" };
    if claims.get("token_use").and_then(Value::as_str) != Some(wanted) {
        return Err(TokenError::Use(wanted));
    }
    let own = scopes_of(&claims);
    check_scopes(&own, scopes)?;
    Ok(Token {
        claims,
        scopes: own,
    })
}

/// `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc`, of a user pool's ARN: what tokens
/// have as `iss`, and where its keys are, at `/.well-known/jwks.json`.
#[must_use]
pub fn cognito_issuer(user_pool_arn: &str) -> Option<String> {
    let mut parts = user_pool_arn.split(':');
    let (arn, _, service, region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let pool = parts.nth(1)?.strip_prefix("userpool/")?;
    let is_pool =
        arn == "arn" && service == "cognito-idp" && !region.is_empty() && !pool.is_empty();
    is_pool.then(|| format!("https://cognito-idp.{region}.amazonaws.com/{pool}"))
}

impl Token {
    /// What events of an HTTP API say: the scopes only if the route asks for some (measured:
    /// <https://github.com/floci-io/floci/pull/2011>).
    #[must_use]
    pub fn http_caller(&self, route_scopes: &[String]) -> Caller {
        Caller::Jwt {
            claims: http_claims(&self.claims),
            scopes: (!route_scopes.is_empty()).then(|| self.scopes.clone()),
        }
    }

    /// What events of a REST API say.
    #[must_use]
    pub fn cognito_caller(&self) -> Caller {
        Caller::Cognito {
            claims: rest_claims(&self.claims),
        }
    }
}

/// The claims of a token whose signature is believed.
fn believed(token: &str, trust: Trust<'_>) -> Result<Map<String, Value>, TokenError> {
    if token.is_empty() {
        return Err(TokenError::Missing);
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, signature] = parts.as_slice() else {
        return Err(TokenError::Segments);
    };
    let header = object(head)?;
    if let Trust::Keys(keys, algorithms) = trust {
        let name = header
            .get("alg")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known = Algorithm::parse(name).filter(|it| algorithms.contains(it));
        let algorithm = known.ok_or_else(|| TokenError::Algorithm(printable(name)))?;
        let kid = header.get("kid").and_then(Value::as_str);
        let signature = decode(signature)?;
        let signed = token.get(..head.len() + 1 + body.len()).unwrap_or_default();
        keys.verify(algorithm, kid, signed.as_bytes(), &signature)?;
    }
    object(body)
}

/// What a client sent goes into a header and a log: only what a name of an algorithm has.
fn printable(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.take(16).collect()
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)
}

fn object(part: &str) -> Result<Map<String, Value>, TokenError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| TokenError::Malformed)
}

/// `client_id` counts only where there is no `aud` (documented).
fn has_audience(claims: &Map<String, Value>, audience: &[String]) -> bool {
    let meant = |value: &Value| {
        value
            .as_str()
            .is_some_and(|it| audience.iter().any(|own| own == it))
    };
    match claims.get("aud") {
        None | Some(Value::Null) => claims.get("client_id").is_some_and(meant),
        Some(Value::Array(list)) => list.iter().any(meant),
        Some(one) => meant(one),
    }
}

/// `exp` must be after now; `nbf` and `iat`, if they are there, not.
fn check_times(claims: &Map<String, Value>, now_ms: u64) -> Result<(), TokenError> {
    let now = now_ms as f64 / 1000.0;
    let time = |name: &str| claims.get(name).map(Value::as_f64);
    match time("exp") {
        Some(Some(exp)) if now < exp => {}
        _ => return Err(TokenError::Expired),
    }
    for name in ["nbf", "iat"] {
        match time(name) {
            None => {}
            Some(Some(at)) if at <= now => {}
            Some(_) => return Err(TokenError::NotYet),
        }
    }
    Ok(())
}

/// `scope` is a text of words, `scp` that or a list.
fn scopes_of(claims: &Map<String, Value>) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::String(text)) => words(text),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

fn check_scopes(own: &[String], wanted: &[String]) -> Result<(), TokenError> {
    match wanted.is_empty() || own.iter().any(|it| wanted.contains(it)) {
        true => Ok(()),
        false => Err(TokenError::Scope),
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
