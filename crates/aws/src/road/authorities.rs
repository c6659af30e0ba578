//! Files of certificates.

use super::RoadError;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::{Path, PathBuf};

/// Certificate authorities of a file, which are trusted in place of this
/// machine's own.
#[derive(Clone, Debug)]
pub struct Bundle {
    variable: &'static str,
    path: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
}

impl Bundle {
    /// Who named it: `AWS_CA_BUNDLE`.
    #[must_use]
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it, as far as it can be read.
    #[must_use]
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        roots
    }

    /// The SDK's client takes certificates as text, and only good ones.
    pub(super) fn context(&self) -> Option<TlsContext> {
        let mut pem = String::new();
        for certificate in &self.certificates {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            STANDARD.encode_string(certificate, &mut pem);
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
        let store = TrustStore::empty().with_pem_certificate(pem);
        TlsContext::builder().with_trust_store(store).build().ok()
    }
}

/// The file that counts. `SSL_CERT_FILE` is OpenSSL's, and comes last.
pub(super) fn find(
    variable: &impl Fn(&str) -> Option<String>,
    of_profile: Option<PathBuf>,
) -> Result<Option<Bundle>, RoadError> {
    let set = |name: &str| {
        variable(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    let named = [
        ("AWS_CA_BUNDLE", set("AWS_CA_BUNDLE")),
        ("ca_bundle of the AWS profile", of_profile),
        ("SSL_CERT_FILE", set("SSL_CERT_FILE")),
    ];
    let named = named
        .into_iter()
        .find_map(|(name, path)| Some((name, path?)));
    named.map(|(name, path)| read(name, path)).transpose()
}

fn read(variable: &'static str, path: PathBuf) -> Result<Bundle, RoadError> {
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) => {
            return Err(RoadError::Unreadable {
                variable,
                path,
                reason: error.to_string(),
            });
        }
    };
    let mut roots = RootCertStore::empty();
    // One that cannot be read hides no other.
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .filter_map(Result::ok)
        .filter(|it| roots.add(it.clone()).is_ok())
        .collect();
    if certificates.is_empty() {
        return Err(RoadError::NoCertificate { variable, path });
    }
    Ok(Bundle {
        variable,
        path,
        certificates,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn pem(count: usize) -> String {
        let mut pem = String::new();
        for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().take(count) {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            STANDARD.encode_string(certificate, &mut pem);
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
        pem
    }

    #[test]
    fn the_first_that_is_named_counts_and_what_is_no_certificate_in_it_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(path("two"), format!("# ours\n{}{junk}", pem(2))).unwrap();
        std::fs::write(path("one"), pem(1)).unwrap();
        let text = |name: &str| path(name).display().to_string();
        let both = |name: &str| match name {
            "AWS_CA_BUNDLE" => Some(text("two")),
            "SSL_CERT_FILE" => Some(text("one")),
            _ => None,
        };
        let found = find(&both, Some(path("none"))).unwrap().unwrap();
        assert_eq!(found.variable(), "AWS_CA_BUNDLE");
        assert_eq!(found.roots().len(), 2);
        assert!(found.context().is_some());
        let last = |name: &str| (name == "SSL_CERT_FILE").then(|| text("one"));
        let found = find(&last, None).unwrap().unwrap();
        assert_eq!(
            (found.variable(), found.roots().len()),
            ("SSL_CERT_FILE", 1)
        );
        assert!(find(&|_| Some(String::new()), None).unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_of_no_use_is_named_with_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.pem");
        let said = find(&|_| None, Some(missing.clone()))
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with("ca_bundle of the AWS profile is "),
            "{said}"
        );
        assert!(said.contains("missing.pem"), "{said}");
        std::fs::write(&missing, "nothing\n").unwrap();
        let said = find(&|_| None, Some(missing)).unwrap_err().to_string();
        assert!(said.contains("no certificate"), "{said}");
    }
}
