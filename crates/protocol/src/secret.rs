//! Values that refuse to print.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use subtle::ConstantTimeEq;

/// Wraps a value whose `Debug` says only that there is one. It has no
/// `Display`: whoever wants the value must say [`Secret::expose`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the wire or for the function's process; never for a log.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the value up.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Environment variables of a function: names may be shown, values not.
pub type Environment = Secret<BTreeMap<String, String>>;

/// What the receiver proves itself by when it opens the WebSocket.
pub type Token = Secret<String>;

/// SHA-256 of a [`Token`] in lower-case hex: what the sessions table holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// Hashes a token.
    #[must_use]
    pub fn of(token: &Token) -> Self {
        let digest = Sha256::digest(token.expose().as_bytes());
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether this is the hash of `token`, in constant time.
    #[must_use]
    pub fn matches(&self, token: &Token) -> bool {
        let other = Self::of(token);
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2".to_owned());
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("hunter2"));
    }

    #[test]
    fn only_the_right_token_matches() {
        let hash = TokenHash::of(&Secret::new("a".into()));
        assert!(hash.matches(&Secret::new("a".into())));
        assert!(!hash.matches(&Secret::new("b".into())));
    }
}
