//! Names that AWS would make up.

use sha2::{Digest as _, Sha256};

/// Random bytes; zeros if the system has none, which it always has.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    let _ = getrandom::fill(&mut bytes);
    bytes
}

/// A random UUID.
pub(crate) fn uuid() -> String {
    written(random())
}

/// Always the same one for the same seed.
pub(crate) fn stable_uuid(seed: &str) -> String {
    let mut bytes = [0; 16];
    let digest = Sha256::digest(seed.as_bytes());
    bytes
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    written(bytes)
}

fn written(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend(digits(byte));
    }
    text
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).collect()
}

fn digits(byte: u8) -> [char; 2] {
    let digit = |it: u8| char::from_digit(u32::from(it), 16).unwrap_or_default();
    [digit(byte >> 4), digit(byte & 0xf)]
}

/// `length` characters of `alphabet`, always the same for the same seed: what
/// is deployed again keeps its name.
pub(crate) fn stable(seed: &str, length: usize, alphabet: &[u8]) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    digest
        .iter()
        .take(length)
        .filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len()))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Lower-case letters and digits, as in API ids.
pub(crate) const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Capitals and digits, as CloudFormation puts behind names.
pub(crate) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
