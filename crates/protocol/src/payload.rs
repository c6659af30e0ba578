//! Events and answers as they travel.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An event or an answer, byte for byte, never parsed on the way.
///
/// WebSocket messages of API Gateway are text, so bytes that are not UTF-8
/// travel as base64. The envelope is opaque on purpose: chunks in the table,
/// compression and sealing are further variants of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Payload {
    /// The bytes are UTF-8: the text itself.
    Text(String),
    /// Any bytes, in standard base64.
    Base64(String),
}

/// Why a payload could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "a payload is not what its encoding says ({0}): the sender is broken or of another version"
)]
pub struct PayloadError(String);

impl Payload {
    /// Wraps bytes.
    #[must_use]
    pub fn seal(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    /// The bytes that were wrapped.
    ///
    /// # Errors
    /// When the text is not base64 although it says so.
    pub fn open(self) -> Result<Vec<u8>, PayloadError> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Base64(text) => STANDARD
                .decode(text)
                .map_err(|error| PayloadError(error.to_string())),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Text(text) | Self::Base64(text)) = self;
        write!(f, "[{} bytes, redacted]", text.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_sealed_opens_unchanged(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let wire = serde_json::to_string(&Payload::seal(&bytes)).unwrap();
            let back: Payload = serde_json::from_str(&wire).unwrap();
            prop_assert_eq!(back.open().unwrap(), bytes);
        }
    }

    #[test]
    fn a_payload_does_not_print() {
        assert!(!format!("{:?}", Payload::seal(b"card 4111")).contains("4111"));
    }
}
