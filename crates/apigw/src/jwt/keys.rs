//! Public keys, as issuers publish them or as a developer gives one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::Value;

use super::{Algorithm, TokenError, der};

/// The keys of an issuer, or of `--jwt-key`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    /// None matches any token.
    kid: Option<String>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
}

/// What is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Of a key set.
    #[error("it is no key set: {{\"keys\": […]}} is expected, as issuers publish it")]
    KeySet,
    /// A key set with nothing that can verify.
    #[error("it has no key that signs: RSA, P-256 and P-384 keys are understood")]
    Empty,
    /// Of a PEM.
    #[error("it is no PEM of a public key: it begins with -----BEGIN PUBLIC KEY-----")]
    Pem,
    /// A PEM of something else.
    #[error("it is the PEM of a {0}: give the public key alone (openssl … -pubout)")]
    OtherPem(String),
    /// A key that is neither of the three.
    #[error("it is neither an RSA nor a P-256 nor a P-384 key")]
    Unsupported,
}

impl Keys {
    /// Reads a key set (RFC 7517). Keys that cannot verify are left out.
    ///
    /// # Errors
    /// If it is none, or nothing is left.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeyError> {
        let set: Value = serde_json::from_slice(json).map_err(|_| KeyError::KeySet)?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys
            .ok_or(KeyError::KeySet)?
            .iter()
            .filter_map(Key::from_jwk);
        let keys: Vec<Key> = keys.collect();
        match keys.is_empty() {
            true => Err(KeyError::Empty),
            false => Ok(Self(keys)),
        }
    }

    /// Reads a PEM of a public key, or a key set: whichever the file is. A PEM's key is good for
    /// every token, whatever its `kid`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn from_file(text: &str) -> Result<Self, KeyError> {
        match text.trim_start().starts_with('{') {
            true => Self::from_jwks(text.as_bytes()),
            false => Self::from_pem(text),
        }
    }

    /// Reads a PEM of a public key.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (_, begun) = pem.split_once("-----BEGIN ").ok_or(KeyError::Pem)?;
        let (label, rest) = begun.split_once("-----").ok_or(KeyError::Pem)?;
        let (base64, _) = rest.split_once("-----END ").ok_or(KeyError::Pem)?;
        let base64: String = base64.split_whitespace().collect();
        let bytes = STANDARD.decode(base64).map_err(|_| KeyError::Pem)?;
        let material = match label {
            "PUBLIC KEY" => of_public_key(&bytes)?,
            "RSA PUBLIC KEY" => of_rsa_key(&bytes)?,
            other => return Err(KeyError::OtherPem(other.to_lowercase())),
        };
        let kid = None;
        Ok(Self(vec![Key { kid, material }]))
    }

    /// Whether a key with that id (any, if the token names none) has signed.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        // Where keys have ids, a token must name one (documented).
        let named = |key: &&Key| key.kid.is_none() || key.kid.as_deref() == kid;
        let mut candidates = self.0.iter().filter(named).peekable();
        if candidates.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        match candidates.any(|key| key.verifies(algorithm, signed, signature)) {
            true => Ok(()),
            false => Err(TokenError::Signature),
        }
    }
}

impl Key {
    fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|it| it != "sig") {
            return None;
        }
        let bytes = |name: &str| {
            URL_SAFE_NO_PAD
                .decode(text(name)?.trim_end_matches('='))
                .ok()
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa {
                modulus: strip_zeros(bytes("n")?),
                exponent: strip_zeros(bytes("e")?),
            },
            ("EC", Some("P-256")) => Material::P256(point(&bytes("x")?, &bytes("y")?, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(&bytes("x")?, &bytes("y")?, 48)?),
            _ => return None,
        };
        Some(Self {
            kid: text("kid").map(str::to_owned),
            material,
        })
    }

    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (&self.material, algorithm) {
            (Material::Rsa { modulus, exponent }, _) => {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                let parameters = rsa_parameters(algorithm);
                parameters.is_some_and(|it| key.verify(it, signed, signature).is_ok())
            }
            (Material::P256(key), Algorithm::Es256) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
                key.verify(signed, signature).is_ok()
            }
            (Material::P384(key), Algorithm::Es384) => {
                let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key);
                key.verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// A key of elliptic curves verifies nothing of RSA's, and the other way round.
fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 => return None,
    })
}

fn strip_zeros(bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|it| **it == 0).count();
    bytes.get(zeros..).unwrap_or_default().to_vec()
}

/// An uncompressed point: 4, then both coordinates.
fn point(x: &[u8], y: &[u8], size: usize) -> Option<Vec<u8>> {
    let fits = x.len() == size && y.len() == size;
    fits.then(|| [&[4], x, y].concat())
}

const RSA_ID: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_ID: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256_ID: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384_ID: [u8; 5] = [0x2b, 0x81, 0x04, 0x00, 0x22];

fn of_public_key(bytes: &[u8]) -> Result<Material, KeyError> {
    let public = der::public_key(bytes).ok_or(KeyError::Pem)?;
    let key = || public.key.to_vec();
    if public.algorithm == RSA_ID {
        of_rsa_key(public.key)
    } else if public.algorithm == EC_ID && public.parameters == P256_ID {
        Ok(Material::P256(key()))
    } else if public.algorithm == EC_ID && public.parameters == P384_ID {
        Ok(Material::P384(key()))
    } else {
        Err(KeyError::Unsupported)
    }
}

fn of_rsa_key(bytes: &[u8]) -> Result<Material, KeyError> {
    let (modulus, exponent) = der::rsa_key(bytes).ok_or(KeyError::Pem)?;
    Ok(Material::Rsa { modulus, exponent })
}
