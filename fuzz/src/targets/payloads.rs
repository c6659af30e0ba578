//! Events and answers.

use crate::promises::{does_not_print, is_harmless, is_written_and_read, texts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tether_protocol::constants::{CHUNK_BYTES, MAX_PAYLOAD, MOST_CHUNKS};
use tether_protocol::{Packed, Payload, Stored};

pub(crate) fn from_the_wire(bytes: &[u8]) {
    for text in texts(bytes) {
        let Ok(payload) = serde_json::from_str::<Payload>(&text) else {
            continue;
        };
        does_not_print(&payload);
        is_written_and_read(&payload, text.len(), |it| serde_json::from_str(it).ok());
        match payload.open() {
            Ok(opened) => {
                assert!(opened.len() <= text.len().max(MAX_PAYLOAD));
                is_carried(&opened, text.len());
            }
            Err(error) => is_harmless(&error.to_string()),
        }
    }
}

/// The first byte says how often the rest is repeated, the second one how much
/// room the message has.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let [times, room, block @ ..] = bytes else {
        return;
    };
    is_carried(&block.repeat(usize::from(*times)), usize::from(*room) * 64);
    // The same bytes as what a compressor might have made.
    let stored = Stored {
        chunks: 1,
        size: block.len() as u64,
        zstd: true,
    };
    let inline = Payload::Zstd(STANDARD.encode(block)).open();
    let large = stored.open(block.to_vec());
    for opened in [inline, large] {
        match opened {
            Ok(opened) => assert!(opened.len() <= MAX_PAYLOAD),
            Err(error) => is_harmless(&error.to_string()),
        }
    }
}

fn is_carried(bytes: &[u8], room: usize) {
    assert_eq!(Payload::seal(bytes).open().unwrap(), bytes);
    match Payload::pack(bytes, room) {
        Packed::Inline(payload) => {
            is_written_and_read(&payload, room, |it| serde_json::from_str(it).ok());
            assert_eq!(payload.open().unwrap(), bytes);
        }
        Packed::Large(stored, large) => {
            assert_eq!(large.chunks(CHUNK_BYTES).len(), stored.chunks as usize);
            assert!(stored.chunks <= MOST_CHUNKS || bytes.len() > MAX_PAYLOAD);
            assert_eq!(stored.open(large).unwrap(), bytes);
        }
    }
}
