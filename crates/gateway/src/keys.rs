//! What JSON Web Tokens are verified by.

mod issuers;

use crate::desk::Desk;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use issuers::Issuers;
use std::fmt;
use std::sync::Arc;
use tether_apigw::jwt::{self, Rules, Token, TokenError, Trust};

pub use tether_apigw::jwt::KeyError as KeysError;

/// Where keys come from, and what is accepted without one.
pub struct Keys {
    source: Source,
    unsigned: bool,
}

enum Source {
    /// Those that issuers publish.
    Issuers(Issuers),
    /// Always these.
    Own(Arc<jwt::Keys>),
}

/// What a token must be good for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// A JWT authorizer of an HTTP API.
    Jwt(Rules<'a>),
    /// Cognito's before a REST API: its pools' issuers, and the method's scopes.
    Cognito {
        issuers: &'a [String],
        scopes: &'a [String],
    },
}

/// Why a token lets nobody in.
pub(crate) enum NotGood {
    /// It is its own fault.
    Token(TokenError),
    /// There are no keys; why was told.
    NoKeys,
}

impl Keys {
    /// Those that issuers publish.
    #[must_use]
    pub fn of_issuers() -> Self {
        Self::from(Source::Issuers(Issuers::default()))
    }

    /// Those of a file: a JWKS document, or a public key as PEM. They are good for all issuers.
    ///
    /// # Errors
    /// When it is neither.
    pub fn of_text(text: &str) -> Result<Self, KeysError> {
        let keys = jwt::Keys::from_file(text)?;
        Ok(Self::from(Source::Own(Arc::new(keys))))
    }

    /// Looks at no signature: all else of a token must be right. Whoever asks for it is told at the
    /// start.
    #[must_use]
    pub fn or_unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }

    /// Holds a token against its issuer's keys, the time, and what it must be good for.
    pub(crate) async fn verify(
        &self,
        desk: &Desk,
        token: &str,
        purpose: Purpose<'_>,
    ) -> Result<Token, NotGood> {
        let now = desk.now();
        let verified = |trust: Trust<'_>| match purpose {
            Purpose::Jwt(rules) => jwt::verify(token, trust, &rules, now),
            Purpose::Cognito { issuers, scopes } => {
                jwt::verify_cognito(token, trust, issuers, scopes, now)
            }
        };
        let issuers = match &self.source {
            _ if self.unsigned => return verified(Trust::Unsigned).map_err(NotGood::Token),
            Source::Own(keys) => {
                return verified(Trust::Keys(keys, &jwt::ALL)).map_err(NotGood::Token);
            }
            Source::Issuers(issuers) => issuers,
        };
        let issuer = purpose.issuer(token).map_err(NotGood::Token)?;
        let keys = issuers.keys(desk, &issuer).await.ok_or(NotGood::NoKeys)?;
        match verified(Trust::Keys(&keys, &jwt::RSA)) {
            // Issuers change their keys.
            Err(TokenError::UnknownKey) => {
                let newer = issuers.newer(desk, &issuer, &keys).await;
                let newer = newer.ok_or(NotGood::Token(TokenError::UnknownKey))?;
                verified(Trust::Keys(&newer, &jwt::RSA)).map_err(NotGood::Token)
            }
            verified => verified.map_err(NotGood::Token),
        }
    }
}

/// Whose keys, and where they are found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Issuer {
    url: String,
    /// Cognito's are where they always are; others say where.
    is_cognito: bool,
}

impl Purpose<'_> {
    /// A token of another issuer is held against nobody's keys: nobody is asked whom it names.
    fn issuer(&self, token: &str) -> Result<Issuer, TokenError> {
        match self {
            Self::Jwt(rules) => Ok(Issuer {
                url: rules.issuer.to_owned(),
                is_cognito: false,
            }),
            Self::Cognito { issuers, .. } => {
                let claimed = claimed_issuer(token);
                let mut issuers = issuers.iter();
                let known = issuers.find(|it| Some(it.as_str()) == claimed.as_deref());
                let url = known.cloned().ok_or(match token.is_empty() {
                    true => TokenError::Missing,
                    false => TokenError::Issuer,
                })?;
                Ok(Issuer {
                    url,
                    is_cognito: true,
                })
            }
        }
    }
}

/// What a token says that nobody has verified yet.
fn claimed_issuer(token: &str) -> Option<String> {
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&body).ok()?;
    Some(claims.get("iss")?.as_str()?.to_owned())
}

impl From<Source> for Keys {
    fn from(source: Source) -> Self {
        Self {
            source,
            unsigned: false,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            Source::Issuers(_) => "issuers",
            Source::Own(_) => "a file",
        };
        out.debug_struct("Keys")
            .field("source", &source)
            .field("unsigned", &self.unsigned)
            .finish()
    }
}
