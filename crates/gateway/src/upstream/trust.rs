//! Whose certificates are good: the public authorities', and those of a file that the developer
//! names by `SSL_CERT_FILE`, OpenSSL's variable.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The variable that names the file.
pub(super) const VARIABLE: &str = "SSL_CERT_FILE";

/// A file that was named, and of which nothing can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE} names {}, {why}: correct it, or unset it, and start again", .path.display())]
pub struct Unusable {
    path: PathBuf,
    why: String,
}

/// What connections are verified by; beside it, what is wrong with the file, if something is.
pub(super) fn config(file: Option<&Path>) -> Result<(ClientConfig, Option<Unusable>), String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    let unusable = file.and_then(|it| add(it, &mut roots).err());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((config, unusable))
}

fn add(path: &Path, roots: &mut RootCertStore) -> Result<(), Unusable> {
    let unusable = |why: String| Unusable {
        path: path.to_owned(),
        why,
    };
    let text = std::fs::read(path);
    let text = text.map_err(|error| unusable(format!("which cannot be read ({error})")))?;
    // One that cannot be read hides no other.
    let certificates = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok);
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err(unusable(
            "in which there is no certificate (PEM)".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Why a certificate is not good, if that is what an error is about, and what to do.
pub(super) fn refused(error: &(dyn Error + 'static), file: Option<&Path>) -> Option<String> {
    let found = chain(error).find_map(|it| it.downcast_ref::<rustls::Error>())?;
    let rustls::Error::InvalidCertificate(why) = found else {
        return None;
    };
    Some(match (why, file) {
        (CertificateError::UnknownIssuer, None) => format!(
            "is signed by nobody who is trusted: put the certificate of the authority that signed it into a file, and start with {VARIABLE}=FILE"
        ),
        (CertificateError::UnknownIssuer, Some(file)) => format!(
            "is signed by no public authority and by nobody in {} ({VARIABLE}): add the certificate of the authority that signed it to that file, and start again",
            file.display()
        ),
        (CertificateError::Expired | CertificateError::ExpiredContext { .. }, _) => {
            "has expired: renew it, or set this machine's clock".to_owned()
        }
        (
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            _,
        ) => "is not for that name: call it by one that it has, or add the name to it".to_owned(),
        (why, _) => format!("is not good ({}): make another one", OneLine(why)),
    })
}

struct OneLine<'a>(&'a CertificateError);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.to_string().replace(char::is_control, " "))
    }
}

/// An error and what is behind it. What an [`std::io::Error`] wraps is no source of it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<std::io::Error>();
        match wrapped.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn unusable(path: &Path) -> Option<String> {
        let (_, unusable) = config(Some(path)).unwrap();
        unusable.map(|it| it.to_string())
    }

    #[test]
    fn a_file_is_added_to_the_public_authorities() {
        let folder = std::env::temp_dir().join(format!("tether-trust-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("own.pem");
        let public = &webpki_root_certs::TLS_SERVER_ROOT_CERTS[0];
        let pem = STANDARD.encode(public);
        let text = format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n");
        std::fs::write(&file, format!("# a comment\n{text}")).unwrap();
        let mut roots = RootCertStore::empty();
        assert_eq!(add(&file, &mut roots), Ok(()));
        assert_eq!(roots.len(), 1);
        assert_eq!(unusable(&file), None);
        std::fs::write(&file, "nonsense").unwrap();
        let why = unusable(&file).unwrap();
        assert!(
            why.ends_with(
                "own.pem, in which there is no certificate (PEM): correct it, or unset it, and start again"
            ),
            "{why}"
        );
        std::fs::remove_dir_all(&folder).unwrap();
        let why = unusable(&file).unwrap();
        assert!(
            why.contains("own.pem, which cannot be read (No such file"),
            "{why}"
        );
        assert_eq!(config(None).unwrap().1, None);
    }

    #[test]
    fn what_to_do_about_a_certificate_is_said() {
        let wrapped = |why| {
            let inner = rustls::Error::InvalidCertificate(why);
            std::io::Error::new(std::io::ErrorKind::InvalidData, inner)
        };
        let said = |why, file| refused(&wrapped(why), file).unwrap();
        let file = Path::new("/own.pem");
        assert!(said(CertificateError::UnknownIssuer, None).contains("start with SSL_CERT_FILE"));
        let named = said(CertificateError::UnknownIssuer, Some(file));
        assert!(
            named.contains("nobody in /own.pem (SSL_CERT_FILE)"),
            "{named}"
        );
        assert!(said(CertificateError::Expired, None).contains("has expired"));
        assert!(said(CertificateError::NotValidForName, None).contains("that name"));
        assert!(said(CertificateError::BadSignature, None).contains("is not good"));
        let other = std::io::Error::other("connection reset");
        assert_eq!(refused(&other, None), None);
    }
}
