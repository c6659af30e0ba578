//! As much of DER as a public key needs.

/// One element: its tag, what is in it, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().try_fold(0_usize, |sum, digit| {
                sum.checked_mul(256)?.checked_add(usize::from(*digit))
            })?;
            (length, rest)
        }
        _ => return None,
    };
    let (inner, after) = rest.split_at_checked(length)?;
    Some((tag, inner, after))
}

fn tagged(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, inner, after) = element(bytes)?;
    (tag == wanted).then_some((inner, after))
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// A `SubjectPublicKeyInfo`: the algorithm's object id, its parameters, and the key.
pub(super) struct PublicKey<'a> {
    pub(super) algorithm: &'a [u8],
    pub(super) parameters: &'a [u8],
    pub(super) key: &'a [u8],
}

pub(super) fn public_key(bytes: &[u8]) -> Option<PublicKey<'_>> {
    let (info, _) = tagged(bytes, SEQUENCE)?;
    let (algorithm, rest) = tagged(info, SEQUENCE)?;
    let (id, parameters) = tagged(algorithm, OBJECT_ID)?;
    let (bits, _) = tagged(rest, BIT_STRING)?;
    // How many bits of the last byte are not used: none, for a key.
    let (&0, key) = bits.split_first()? else {
        return None;
    };
    let parameters = tagged(parameters, OBJECT_ID).map_or(&[][..], |(inner, _)| inner);
    Some(PublicKey {
        algorithm: id,
        parameters,
        key,
    })
}

/// An `RSAPublicKey`: modulus and exponent, without the zero that makes them positive.
pub(super) fn rsa_key(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (numbers, _) = tagged(bytes, SEQUENCE)?;
    let (modulus, rest) = tagged(numbers, INTEGER)?;
    let (exponent, _) = tagged(rest, INTEGER)?;
    let positive = |it: &[u8]| it.strip_prefix(&[0]).unwrap_or(it).to_vec();
    Some((positive(modulus), positive(exponent)))
}
