//! TLS in front of an API on this machine.
//!
//! What functions behind a WebSocket API know of it is a domain name, and they
//! all write `https://` before it to post to their clients. So a port that
//! speaks HTTP speaks TLS as well, by an authority of its own, which lives as
//! long as this cloud, and which working copies are told to trust.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The first byte of a TLS connection: a handshake record
/// (<https://www.rfc-editor.org/rfc/rfc8446#section-5.1>).
const HANDSHAKE: u8 = 0x16;

/// For a client to begin, and to agree on keys.
const HANDSHAKE_TIME: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Clone)]
pub(crate) struct LocalTls {
    acceptor: TlsAcceptor,
    /// A file with our authority.
    pub(crate) own: PathBuf,
    /// A file with it, and with all that this machine trusts besides.
    pub(crate) all: PathBuf,
}

impl LocalTls {
    /// A new authority, whose certificates are written into this folder.
    ///
    /// # Errors
    /// When they cannot be made, or written.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let made = make().map_err(io::Error::other)?;
        let own = folder.join("tether-ca.pem");
        let all = folder.join("ca-bundle.pem");
        std::fs::write(&own, &made.authority)?;
        std::fs::write(&all, format!("{}{}", trusted_here(), made.authority))?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![made.certificate], made.key)
            .map_err(io::Error::other)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            own,
            all,
        })
    }

    /// Unwraps a TLS connection, and passes what is in it on to `address`, where
    /// the same is served without.
    pub(crate) async fn unwrap(&self, stream: TcpStream, address: SocketAddr) {
        // A client that breaks off, or never goes on, is its own affair.
        let accepted = timeout(HANDSHAKE_TIME, self.acceptor.accept(stream)).await;
        let Ok(Ok(mut inside)) = accepted else {
            return;
        };
        if let Ok(mut server) = TcpStream::connect(address).await {
            let _ = server.set_nodelay(true);
            let _ = copy_bidirectional(&mut inside, &mut server).await;
        }
    }
}

/// Whether a client begins to speak TLS. It waits for the first byte, and not for
/// ever: whoever reads the rest has limits of its own.
pub(crate) async fn is_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    let read = timeout(HANDSHAKE_TIME, stream.peek(&mut first)).await;
    matches!(read, Ok(Ok(1))) && first == [HANDSHAKE]
}

struct Made {
    /// PEM.
    authority: String,
    certificate: tokio_rustls::rustls::pki_types::CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn make() -> Result<Made, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "tether on this machine");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names.to_vec())?.signed_by(&key, &authority)?;
    Ok(Made {
        authority: authority.pem(),
        certificate: certificate.der().clone(),
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
    })
}

/// What this machine trusts, and what the developer has named besides, as PEM.
fn trusted_here() -> String {
    let mut text = String::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in body.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    for name in ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        let file = std::env::var_os(name);
        let named = file.and_then(|it| std::fs::read_to_string(it).ok());
        text.push_str(&named.unwrap_or_default());
        text.push('\n');
    }
    text
}
