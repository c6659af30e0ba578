//! Whom to believe that it is AWS.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Which certificate authorities are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those of this machine: a laptop may sit behind a proxy with its own.
    Platform,
    /// Mozilla's, built in: reading those of the machine costs a start 20 ms of
    /// processor time, and a function of 128 MB has a fourteenth of one.
    BuiltIn,
}

impl Trust {
    /// Inside a function: built in, unless the function names its own.
    #[must_use]
    pub fn of_function(variable: &impl Fn(&str) -> Option<String>) -> Self {
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| {
            let value = variable(name);
            value.is_some_and(|it| !it.is_empty())
        });
        if named { Self::Platform } else { Self::BuiltIn }
    }

    pub(crate) fn context(self) -> Option<TlsContext> {
        if self == Self::Platform {
            return None;
        }
        let store = TrustStore::empty().with_pem_certificate(pem());
        TlsContext::builder().with_trust_store(store).build().ok()
    }
}

/// The only form that the SDK's client takes.
fn pem() -> String {
    let mut pem = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        STANDARD.encode_string(certificate, &mut pem);
        pem.push_str("\n-----END CERTIFICATE-----\n");
    }
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_own_authorities_win() {
        assert_eq!(Trust::of_function(&|_| None), Trust::BuiltIn);
        let named = |name: &str| (name == "SSL_CERT_FILE").then(|| "/var/task/ca.pem".to_owned());
        assert_eq!(Trust::of_function(&named), Trust::Platform);
    }

    #[test]
    fn what_is_built_in_makes_a_client() {
        assert!(Trust::BuiltIn.context().is_some());
        let _client = crate::http_client(Trust::BuiltIn);
    }
}
