//! Events and answers as they travel.

use crate::constants::{CHUNK_BYTES, COMPRESS_FROM, MAX_PAYLOAD, MESSAGE_LIMIT};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An event or an answer, byte for byte, never parsed on the way.
///
/// WebSocket messages of API Gateway are text, so bytes that are not UTF-8
/// travel as base64. The envelope is opaque on purpose: sealing is a further
/// variant of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Payload {
    /// The bytes are UTF-8: the text itself.
    Text(String),
    /// Any bytes, in standard base64.
    Base64(String),
    /// Compressed by zstd, in standard base64.
    Zstd(String),
    /// Does not fit into a message: it stands in the correlation table.
    Stored(Stored),
}

/// Where a large payload stands: as chunks beside the head item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// How many chunks there are.
    pub chunks: u32,
    /// Bytes in all of them.
    pub size: u64,
    /// Whether the bytes are compressed by zstd.
    #[serde(default)]
    pub zstd: bool,
}

/// A payload ready to leave: in the message, or in the table before it.
pub enum Packed {
    /// In the message.
    Inline(Payload),
    /// These bytes go to the table first, in chunks.
    Large(Stored, Vec<u8>),
}

/// Why a payload could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "a payload is not what its encoding says ({0}): the sender is broken or of another version"
)]
pub struct PayloadError(String);

impl Payload {
    /// Wraps bytes, compressed where that pays.
    #[must_use]
    pub fn seal(bytes: &[u8]) -> Self {
        match compressed(bytes) {
            Some(smaller) => Self::Zstd(STANDARD.encode(smaller)),
            None => Self::plain(bytes),
        }
    }

    fn plain(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    /// Wraps bytes for a message that has `room` for them, or for the table.
    #[must_use]
    pub fn pack(bytes: &[u8], room: usize) -> Packed {
        let smaller = compressed(bytes);
        let inline = match &smaller {
            // It would not be encoded only to be thrown away.
            Some(smaller) if smaller.len() > room => None,
            Some(smaller) => Some(Self::Zstd(STANDARD.encode(smaller))),
            None if bytes.len() > room => None,
            None => Some(Self::plain(bytes)),
        };
        if let Some(inline) = inline.filter(|it| it.wire_length() <= room) {
            return Packed::Inline(inline);
        }
        let zstd = smaller.is_some();
        let bytes = smaller.unwrap_or_else(|| bytes.to_vec());
        let stored = Stored {
            chunks: u32::try_from(bytes.len().div_ceil(CHUNK_BYTES)).unwrap_or(u32::MAX),
            size: bytes.len() as u64,
            zstd,
        };
        Packed::Large(stored, bytes)
    }

    /// The bytes it takes in a message.
    fn wire_length(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |it| it.len())
    }

    /// The bytes that were wrapped.
    ///
    /// # Errors
    /// When the text is not what it says, or the bytes stand in the table.
    pub fn open(self) -> Result<Vec<u8>, PayloadError> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Base64(text) => decoded(&text),
            Self::Zstd(text) => decompressed(&decoded(&text)?),
            Self::Stored(_) => Err(PayloadError("it stands in the table".to_owned())),
        }
    }
}

impl Stored {
    /// The bytes that were wrapped, from what stood in the table.
    ///
    /// # Errors
    /// When that is not what was put there.
    pub fn open(&self, bytes: Vec<u8>) -> Result<Vec<u8>, PayloadError> {
        if bytes.len() as u64 != self.size {
            return Err(PayloadError(format!(
                "{} bytes in the table, and {} were put there",
                bytes.len(),
                self.size
            )));
        }
        if self.zstd {
            decompressed(&bytes)
        } else {
            Ok(bytes)
        }
    }
}

/// Smaller bytes; none where it does not pay: small payloads leave at once, and
/// what saves less than a quarter is eaten up by base64.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < COMPRESS_FROM {
        return None;
    }
    let smaller = zstd::bulk::compress(bytes, 1).ok()?;
    let pays = smaller.len() < (bytes.len() / 4).saturating_mul(3);
    pays.then_some(smaller)
}

/// No more than Lambda carries: what claims to be larger is not opened.
fn decompressed(bytes: &[u8]) -> Result<Vec<u8>, PayloadError> {
    zstd::bulk::decompress(bytes, MAX_PAYLOAD).map_err(|error| PayloadError(error.to_string()))
}

fn decoded(text: &str) -> Result<Vec<u8>, PayloadError> {
    STANDARD
        .decode(text)
        .map_err(|error| PayloadError(error.to_string()))
}

/// The room that a message of this length leaves for a payload: its envelope
/// was measured with an empty one.
#[must_use]
pub fn room(envelope: usize) -> usize {
    MESSAGE_LIMIT.saturating_sub(envelope)
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Base64(text) | Self::Zstd(text) => {
                write!(f, "[{} bytes, redacted]", text.len())
            }
            Self::Stored(stored) => write!(f, "{stored:?}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn carried(bytes: &[u8], room: usize) -> Vec<u8> {
        match Payload::pack(bytes, room) {
            Packed::Inline(payload) => {
                let wire = serde_json::to_string(&payload).unwrap();
                assert!(wire.len() <= room);
                serde_json::from_str::<Payload>(&wire)
                    .unwrap()
                    .open()
                    .unwrap()
            }
            Packed::Large(stored, bytes) => {
                let chunks: Vec<_> = bytes.chunks(CHUNK_BYTES).collect();
                assert_eq!(chunks.len(), stored.chunks as usize);
                stored.open(chunks.concat()).unwrap()
            }
        }
    }

    /// Text that compresses, text that does not, and bytes that are no text.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let block = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(32u8..127, 0..40),
        ];
        (block, 1usize..3000).prop_map(|(block, times)| block.repeat(times))
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_unchanged(bytes in bytes()) {
            let wire = serde_json::to_string(&Payload::seal(&bytes)).unwrap();
            let back: Payload = serde_json::from_str(&wire).unwrap();
            prop_assert_eq!(back.open().unwrap(), bytes);
        }

        #[test]
        fn what_is_packed_arrives_whether_it_fits_or_not(bytes in bytes(), room in 0usize..20_000) {
            prop_assert_eq!(carried(&bytes, room), bytes);
        }
    }

    #[test]
    fn the_largest_payload_is_carried() {
        let mut noise = 1u64;
        let random: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (noise >> 56) as u8
        })
        .take(MAX_PAYLOAD)
        .collect();
        for bytes in [random, vec![b'x'; MAX_PAYLOAD]] {
            assert_eq!(carried(&bytes, MESSAGE_LIMIT), bytes);
        }
    }

    #[test]
    fn it_is_compressed_where_that_pays() {
        assert!(matches!(Payload::seal(&[b'x'; 100_000]), Payload::Zstd(text) if text.len() < 200));
        assert!(matches!(Payload::seal(b"{}"), Payload::Text(_)));
    }

    #[test]
    fn what_is_broken_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0; MAX_PAYLOAD + 1], 1).unwrap();
        assert!(decompressed(&bomb).is_err());
        assert!(Payload::Zstd("AAAA".to_owned()).open().is_err());
        let Packed::Large(stored, mut bytes) = Payload::pack(&[7, 255, 3], 0) else {
            panic!("no room, and yet it fits");
        };
        bytes.pop();
        assert!(stored.open(bytes).is_err());
    }

    #[test]
    fn a_payload_does_not_print() {
        assert!(!format!("{:?}", Payload::seal(b"card 4111")).contains("4111"));
    }
}
