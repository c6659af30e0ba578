//! A laptop's way out: through the proxy that the environment names, and with
//! the certificate authorities of whoever looks into TLS on the way.
//!
//! Variables mean what they mean to curl, with one difference: what is on this
//! machine, or on its own link, is never asked for through a proxy, which could
//! not reach it (Go's HTTP client and browsers see it so). Functions have no use
//! for any of it: they keep [`crate::http_client`].

mod authorities;
mod client;
mod proxy;
mod why;

pub use authorities::Bundle;
pub use proxy::Proxy;
pub use why::Why;

use crate::Trust;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use proxy::Proxies;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the way out cannot be known: one line, which names the variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoadError {
    /// A file of certificates that is not there.
    #[error(
        "{variable} is {path}, which cannot be read ({reason}): correct it, or take it out to trust what this machine trusts"
    )]
    Unreadable {
        /// `AWS_CA_BUNDLE`
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file without certificates.
    #[error(
        "{variable} is {path}, in which no certificate stands: name a file in PEM form (it has lines with BEGIN CERTIFICATE), or take it out"
    )]
    NoCertificate {
        /// `AWS_CA_BUNDLE`
        variable: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Not the address of a proxy. Its text may hold a password.
    #[error(
        "{variable} is no proxy's address: write it as http://host:port, or as http://user:password@host:port with special characters percent-encoded"
    )]
    NoProxy {
        /// `HTTPS_PROXY`
        variable: &'static str,
    },
    /// A proxy of another kind.
    #[error(
        "{variable} names a {scheme} proxy, and tether goes through HTTP proxies only: set HTTPS_PROXY to one, or name what needs none in NO_PROXY"
    )]
    Socks {
        /// `ALL_PROXY`
        variable: &'static str,
        /// `socks5`
        scheme: String,
    },
}

/// The way out.
#[derive(Clone, Debug)]
pub struct Road(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    proxies: Proxies,
    bundle: Option<Bundle>,
}

impl Default for Road {
    /// Straight ahead, trusting what this machine trusts.
    fn default() -> Self {
        Self(Arc::new(Inner {
            proxies: Proxies::default(),
            bundle: None,
        }))
    }
}

impl Road {
    /// Reads the environment. `of_profile` is `ca_bundle` of the AWS profile,
    /// which `AWS_CA_BUNDLE` wins over, as with the AWS CLI
    /// (<https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>).
    ///
    /// # Errors
    /// When a variable cannot mean anything.
    pub fn find(
        variable: &impl Fn(&str) -> Option<String>,
        of_profile: Option<PathBuf>,
    ) -> Result<Self, RoadError> {
        Ok(Self(Arc::new(Inner {
            proxies: Proxies::find(variable)?,
            bundle: authorities::find(variable, of_profile)?,
        })))
    }

    /// The proxy on the way to a URL; none: there is no need of one.
    #[must_use]
    pub fn proxy(&self, to: &http::Uri) -> Option<Proxy> {
        self.0.proxies.intercept(to)
    }

    /// Whom to trust in place of what this machine trusts by itself.
    #[must_use]
    pub fn bundle(&self) -> Option<&Bundle> {
        self.0.bundle.as_ref()
    }

    /// What went wrong, in words that say what to do, if it is the road's fault.
    #[must_use]
    pub fn why(&self, error: &(dyn std::error::Error + 'static), to: &http::Uri) -> Option<Why> {
        why::find(self, error, to)
    }

    /// The HTTP client for all SDK clients of a laptop.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        client::client(self)
    }

    fn trust(&self) -> aws_smithy_http_client::tls::TlsContext {
        let own = self.bundle().and_then(Bundle::context);
        own.or_else(|| Trust::Platform.context())
            .unwrap_or_default()
    }
}
