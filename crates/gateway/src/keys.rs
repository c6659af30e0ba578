//! What JSON Web Tokens are verified by.

use std::fmt;

/// Where keys come from, and what is accepted without one.
pub struct Keys {
    source: Source,
    unsigned: bool,
}

enum Source {
    /// `/.well-known/openid-configuration` of each issuer.
    Issuers,
    /// Always these.
    Set(serde_json::Value),
    /// Always this one, whatever a token's `kid` says.
    Pem(String),
}

/// Why something is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Neither `-----BEGIN` nor `{"keys": …}`.
    #[error("it is neither a PEM public key nor a JWKS document: give one of them")]
    Unknown,
}

impl Keys {
    /// Those that issuers publish.
    #[must_use]
    pub fn of_issuers() -> Self {
        Self::from(Source::Issuers)
    }

    /// Those of a file: a JWKS document, or a public key as PEM.
    ///
    /// # Errors
    /// When it is neither.
    pub fn of_text(text: &str) -> Result<Self, KeysError> {
        if text.contains("-----BEGIN") {
            return Ok(Self::from(Source::Pem(text.to_owned())));
        }
        let set: serde_json::Value = serde_json::from_str(text).map_err(|_| KeysError::Unknown)?;
        if set.get("keys").is_some_and(serde_json::Value::is_array) {
            return Ok(Self::from(Source::Set(set)));
        }
        Err(KeysError::Unknown)
    }

    /// Takes tokens without a signature, too (`"alg": "none"`), and those whose signature cannot be
    /// verified. Whoever asks for it is told at the start.
    #[must_use]
    pub fn or_unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }
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
            Source::Issuers => "issuers",
            Source::Set(_) => "a JWKS document",
            Source::Pem(_) => "a public key",
        };
        out.debug_struct("Keys")
            .field("source", &source)
            .field("unsigned", &self.unsigned)
            .finish()
    }
}
