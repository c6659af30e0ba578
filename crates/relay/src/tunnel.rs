//! The way to a server: direct, or by a tunnel through a proxy; with TLS where
//! the URL asks for it.

use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tether_aws::{Proxy, Road};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A proxy looks the name up and connects; then it answers.
const TUNNEL_TIMEOUT: Duration = Duration::from_secs(8);

/// Bytes to a server and back, whatever is on the way.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<It: AsyncRead + AsyncWrite + Send + Unpin> Bytes for It {}

/// See [`dial`].
pub(crate) type Pipe = Box<dyn Bytes>;

/// Makes sure that a server can be reached, and proves with TLS who it is.
///
/// # Errors
/// Why it cannot be reached, and what to do where that is known.
pub async fn reach(road: &Road, url: &Uri) -> Result<(), String> {
    let pipe = dial(road, url).await?;
    if !is_secure(url) {
        return Ok(());
    }
    let host = url.host().unwrap_or_default();
    secure(tls(road), host, pipe)
        .await
        .map(drop)
        .map_err(|error| {
            let why = road.why(&error, url).map(|it| it.words);
            why.unwrap_or_else(|| format!("no TLS with {host}: {error}"))
        })
}

/// Connects to the server of a URL; nothing has been said to it.
pub(crate) async fn dial(road: &Road, url: &Uri) -> Result<Pipe, String> {
    let host = url.host().ok_or_else(|| format!("{url} names no host"))?;
    let port = url
        .port_u16()
        .unwrap_or(if is_secure(url) { 443 } else { 80 });
    match road.proxy(url) {
        Some(proxy) => {
            let to = format!("{host}:{port}");
            match tokio::time::timeout(TUNNEL_TIMEOUT, through(road, &proxy, &to)).await {
                Ok(opened) => opened,
                Err(_) => {
                    let seconds = TUNNEL_TIMEOUT.as_secs();
                    Err(proxy.out_of_reach(&format!("no answer within {seconds} s")))
                }
            }
        }
        None => {
            let opened = connect(host, port).await;
            Ok(Box::new(
                opened.map_err(|it| format!("{host}:{port}: {it}"))?,
            ))
        }
    }
}

/// Whether a URL means TLS.
pub(crate) fn is_secure(url: &Uri) -> bool {
    matches!(url.scheme_str(), Some("https" | "wss"))
}

/// TLS as this road has it.
pub(crate) fn tls(road: &Road) -> Arc<ClientConfig> {
    // Several TLS stacks may be compiled in: say which one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = road.bundle().map_or_else(native, tether_aws::Bundle::roots);
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
}

/// Whom this machine trusts; one that cannot be read hides no other.
fn native() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    // An IPv6 address in a URL stands in brackets.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await?;
    // No waiting for more to send: a reply is one message, and somebody waits.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn secure(config: Arc<ClientConfig>, host: &str, pipe: Pipe) -> io::Result<Pipe> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(config).connect(name, pipe).await?;
    Ok(Box::new(stream))
}

/// <https://www.rfc-editor.org/rfc/rfc9110#CONNECT>
async fn through(road: &Road, proxy: &Proxy, to: &str) -> Result<Pipe, String> {
    let (host, port) = (
        proxy.uri().host().unwrap_or_default(),
        proxy.uri().port_u16(),
    );
    let port = port.unwrap_or(if is_secure(proxy.uri()) { 443 } else { 80 });
    let unreachable = |error: io::Error| {
        let why = road.why(&error, proxy.uri()).map(|it| it.words);
        why.unwrap_or_else(|| proxy.out_of_reach(&error.to_string()))
    };
    let stream = connect(host, port).await.map_err(unreachable)?;
    let mut pipe: Pipe = Box::new(stream);
    if is_secure(proxy.uri()) {
        pipe = secure(tls(road), host, pipe).await.map_err(unreachable)?;
    }
    let broken = |error: hyper::Error| format!("the proxy {proxy} broke the connection: {error}");
    let opened = hyper::client::conn::http1::handshake(TokioIo::new(pipe)).await;
    let (mut sender, connection) = opened.map_err(broken)?;
    let request = request(proxy, to)?;
    let asking = async move {
        let answer = sender.send_request(request).await.map_err(broken)?;
        if !answer.status().is_success() {
            return Err(proxy.refusal(to, answer.status().as_u16()));
        }
        hyper::upgrade::on(answer).await.map_err(broken)
    };
    tokio::pin!(asking);
    let upgraded = tokio::select! {
        asked = &mut asking => asked,
        // It has handed the connection over, or is broken.
        _ = connection.with_upgrades() => asking.await,
    };
    Ok(Box::new(TokioIo::new(upgraded?)))
}

fn request(proxy: &Proxy, to: &str) -> Result<Request<String>, String> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(to)
        .header(HOST, to);
    if let Some(authorization) = proxy.authorization() {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    request.body(String::new()).map_err(|it| it.to_string())
}
