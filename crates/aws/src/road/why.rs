//! What is the road's fault.

use super::Road;
use rustls::CertificateError;
use std::error::Error;

/// What the road's fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What, why, what to do.
    pub words: String,
    /// It may be gone the next time.
    pub is_passing: bool,
}

pub(super) fn find(road: &Road, error: &(dyn Error + 'static), to: &http::Uri) -> Option<Why> {
    let host = to.host().unwrap_or_default();
    let (mut tunnel, mut innermost) = (None, String::new());
    for cause in chain(error) {
        if let Some(rustls::Error::InvalidCertificate(error)) = cause.downcast_ref() {
            return Some(lasting(certificate(road, host, error)));
        }
        innermost = cause.to_string();
        if innermost.starts_with("tunnel error") {
            tunnel = Some(innermost.clone());
        }
    }
    let proxy = road.proxy(to)?;
    match tunnel?.trim_start_matches("tunnel error: ") {
        "proxy authorization required" => Some(lasting(proxy.refusal(host, 407))),
        "unsuccessful" => Some(lasting(format!(
            "the proxy {proxy} refuses a connection to {host}: `tether doctor` shows its answer; {}",
            proxy.when_refused()
        ))),
        "failed to create underlying connection" => Some(Why {
            words: proxy.out_of_reach(&innermost),
            is_passing: true,
        }),
        _ => None,
    }
}

fn lasting(words: String) -> Why {
    Why {
        words,
        is_passing: false,
    }
}

fn certificate(road: &Road, host: &str, error: &CertificateError) -> String {
    match (error, road.bundle()) {
        (CertificateError::UnknownIssuer, Some(bundle)) => format!(
            "the certificate of {host} is signed by nobody in {} ({}): add the authority of whoever looks into TLS on your network to that file",
            bundle.path().display(),
            bundle.variable(),
        ),
        (CertificateError::UnknownIssuer, None) => format!(
            "the certificate of {host} is signed by nobody whom this machine trusts, as when a proxy looks into TLS: set AWS_CA_BUNDLE to a file with that proxy's certificate authority"
        ),
        (CertificateError::Expired | CertificateError::ExpiredContext { .. }, _) => format!(
            "the certificate of {host} has expired: check this machine's clock, and whether a proxy looks into TLS"
        ),
        (CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }, _) => {
            format!(
                "the certificate of {host} is not valid yet: check this machine's clock, and whether a proxy looks into TLS"
            )
        }
        (error, _) => format!(
            "the certificate of {host} is not good ({error}): check whether a proxy looks into TLS on your network"
        ),
    }
}

/// An error and what is behind it. What an [`std::io::Error`] wraps is no source
/// of it.
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

    fn wrapped(error: CertificateError) -> std::io::Error {
        let inner = rustls::Error::InvalidCertificate(error);
        std::io::Error::other(std::io::Error::new(std::io::ErrorKind::InvalidData, inner))
    }

    #[test]
    fn who_signed_a_certificate_is_told_from_when() {
        let to = http::Uri::from_static("https://sts.amazonaws.com/");
        let said = |error| {
            let found = find(&Road::default(), &wrapped(error), &to);
            found.map(|it| it.words).unwrap_or_default()
        };
        assert!(said(CertificateError::UnknownIssuer).contains("set AWS_CA_BUNDLE"));
        assert!(said(CertificateError::Expired).contains("clock"));
        assert!(said(CertificateError::NotValidForName).contains("looks into TLS"));
        let other = std::io::Error::other("connection reset");
        assert_eq!(find(&Road::default(), &other, &to), None);
    }
}
