//! Other servers, as HTTP integrations call them.

mod trust;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::timeout;

pub use trust::Unusable;

/// Largest answer: <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const LARGEST: usize = 10 * 1024 * 1024;

/// A server that is there is found in this time.
const CONNECT: Duration = Duration::from_secs(10);

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client with a pool, made at its first use. It trusts the public authorities and those of a
/// file.
#[derive(Clone)]
pub struct Upstream {
    file: Option<PathBuf>,
    made: Arc<OnceLock<Result<Made, String>>>,
}

struct Made {
    client: HttpClient,
    /// The file, where it is of no use.
    unusable: Option<Unusable>,
}

/// With the file that `SSL_CERT_FILE` names, if it does.
impl Default for Upstream {
    fn default() -> Self {
        let named = std::env::var_os(trust::VARIABLE).filter(|it| !it.is_empty());
        Self {
            file: named.map(PathBuf::from),
            made: Arc::default(),
        }
    }
}

/// A request to another server. It does not print.
pub struct Outgoing {
    /// `POST`
    pub method: String,
    /// `https://example.com/messages`
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What it said. It does not print.
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Bytes,
}

/// Why it said nothing.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The integration's URL is none.
    #[error("{0} is no URL that can be called ({1}): correct the integration's Uri")]
    Url(String, String),
    /// Nobody is there, or it broke off.
    #[error(
        "{host} did not answer ({why}): see that it runs and that the integration's Uri is right"
    )]
    Unreachable {
        /// Whose.
        host: String,
        /// What the network said.
        why: String,
    },
    /// More than API Gateway passes on.
    #[error("{0} answered more than 10 MB, which API Gateway does not pass on: ask it for less")]
    TooLarge(String),
    /// It took too long.
    #[error(
        "{host} did not answer within {} s: see why it takes so long",
        .within.as_secs_f64()
    )]
    TimedOut {
        /// Whose.
        host: String,
        /// How long it had.
        within: Duration,
    },
    /// Its certificate is not good.
    #[error("the certificate of {host} {why}")]
    Untrusted {
        /// Whose.
        host: String,
        /// Why not, and what to do.
        why: String,
    },
    /// Whom to trust cannot be read.
    #[error(transparent)]
    Authorities(#[from] Unusable),
    /// There is no TLS.
    #[error("no HTTP client can be made ({0}): this is a bug of tether, tell us")]
    Client(String),
}

impl Upstream {
    /// Sends a request and reads all of the answer. Nothing is followed.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn call(
        &self,
        outgoing: Outgoing,
        within: Duration,
    ) -> Result<Incoming, UpstreamError> {
        let file = self.file.as_deref();
        let made = self.made.get_or_init(|| make(file)).as_ref();
        let made = made.map_err(|why| UpstreamError::Client(why.clone()))?;
        let request = request(outgoing)?;
        if let (Some(unusable), Some("https")) = (&made.unusable, request.uri().scheme_str()) {
            return Err(unusable.clone().into());
        }
        let host = request.uri().authority().map(ToString::to_string);
        let host = host.unwrap_or_default();
        match timeout(within, self.exchange(&made.client, request, &host)).await {
            Ok(answered) => answered,
            Err(_) => Err(UpstreamError::TimedOut { host, within }),
        }
    }

    async fn exchange(
        &self,
        client: &HttpClient,
        request: http::Request<Full<Bytes>>,
        host: &str,
    ) -> Result<Incoming, UpstreamError> {
        let broken = |error: &(dyn std::error::Error + 'static)| {
            let host = host.to_owned();
            match trust::refused(error, self.file.as_deref()) {
                Some(why) => UpstreamError::Untrusted { host, why },
                None => UpstreamError::Unreachable {
                    host,
                    why: innermost(error),
                },
            }
        };
        let answer = client.request(request).await;
        let answer = answer.map_err(|error| broken(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => UpstreamError::TooLarge(host.to_owned()),
            None => broken(&*error),
        })?;
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Incoming {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            body: body.to_bytes(),
        })
    }
}

fn make(file: Option<&Path>) -> Result<Made, String> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT));
    let (config, unusable) = trust::config(file)?;
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Ok(Made {
        client: Client::builder(TokioExecutor::new()).build(https),
        unusable,
    })
}

fn request(outgoing: Outgoing) -> Result<http::Request<Full<Bytes>>, UpstreamError> {
    let url = outgoing.url;
    let wrong = |why: &dyn fmt::Display| UpstreamError::Url(without_query(&url), why.to_string());
    let uri: http::Uri = url.parse().map_err(|error| wrong(&error))?;
    if uri.host().is_none() {
        return Err(wrong(&"it has no host"));
    }
    let mut request = http::Request::builder()
        .method(outgoing.method.as_str())
        .uri(uri);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    let body = Full::new(outgoing.body);
    request.body(body).map_err(|error| wrong(&error))
}

/// A query may hold what nobody should read in a terminal.
fn without_query(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

/// The last cause says what happened; those above it say who noticed.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
