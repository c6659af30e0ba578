//! The real Runtime API.

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tether_runtime_api::{Invocation, header, verb};

/// A body on its way through us.
pub(crate) type Body = UnsyncBoxBody<Bytes, Error>;
/// Whatever goes wrong with a connection.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The Runtime API knows no limit of their number; some there must be.
pub(crate) const MOST_HEADERS: usize = 1000;

/// The Runtime API is on the same machine, and 6 MB take a fraction of a second.
const POSTED_WITHIN: Duration = Duration::from_secs(10);

/// An event as the Runtime API gave it.
#[derive(Clone)]
pub(crate) struct Event {
    /// Its head, read.
    pub(crate) invocation: Invocation,
    /// Its head, verbatim.
    pub(crate) headers: http::HeaderMap,
    /// How the names in it were written, and the reason of its status.
    pub(crate) wording: http::Extensions,
    /// The event.
    pub(crate) payload: Bytes,
}

/// The real Runtime API.
#[derive(Clone)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, Body>,
    authority: String,
    /// How the deployed code last asked for an event.
    asked: Arc<Mutex<Option<Request<()>>>>,
}

impl Upstream {
    pub(crate) fn new(authority: String) -> Self {
        let mut connector = HttpConnector::new();
        // Head and body leave at once: with Nagle an answer waits 40 ms.
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new())
                .http1_preserve_header_case(true)
                .http1_max_headers(MOST_HEADERS)
                .build(connector),
            authority,
            asked: Arc::default(),
        }
    }

    /// The next event. Waits as long as it takes: Lambda freezes us meanwhile.
    pub(crate) async fn next(&self) -> Result<Event, Error> {
        let request = match self.asked.lock().ok().and_then(|it| it.clone()) {
            Some(asked) => asked.map(|()| Bytes::new()),
            None => verb::next(&self.authority)?,
        };
        let answer = self.send(full(request)).await?;
        let (parts, body) = answer.into_parts();
        let payload = body.collect().await?.to_bytes();
        if parts.status != StatusCode::OK {
            return Err(format!("the Runtime API answered `next` with {}", parts.status).into());
        }
        Ok(Event {
            invocation: Invocation::from_headers(&parts.headers)?,
            headers: parts.headers,
            wording: parts.extensions,
            payload,
        })
    }

    /// The deployed code asks for an event: the next one is asked for in the
    /// same words, because Lambda reads there which runtime it is.
    pub(crate) fn ask_as(&self, request: &Request<Body>) {
        let mut words = Request::new(());
        words.uri_mut().clone_from(request.uri());
        words.headers_mut().clone_from(request.headers());
        words.extensions_mut().clone_from(request.extensions());
        if let Ok(mut asked) = self.asked.lock() {
            *asked = Some(words);
        }
    }

    /// Posts an answer, byte for byte.
    pub(crate) async fn response(
        &self,
        invocation: &Invocation,
        content_type: Option<&str>,
        body: Bytes,
    ) -> Result<StatusCode, Error> {
        let id = invocation.invocation_id.as_deref();
        let request = verb::response(
            &self.authority,
            &invocation.request_id,
            id,
            content_type,
            body,
        )?;
        self.post(request).await
    }

    /// Posts an error.
    pub(crate) async fn error(
        &self,
        invocation: &Invocation,
        error_type: Option<&str>,
        body: Bytes,
    ) -> Result<StatusCode, Error> {
        let id = invocation.invocation_id.as_deref();
        let request = verb::error(
            &self.authority,
            &invocation.request_id,
            id,
            error_type,
            body,
        )?;
        self.post(request).await
    }

    async fn post(&self, request: Request<Bytes>) -> Result<StatusCode, Error> {
        let posting = async {
            let answer = self.send(full(request)).await?;
            let status = answer.status();
            // Read to the end, so that the connection can be used again.
            answer.into_body().collect().await?;
            Ok(status)
        };
        match tokio::time::timeout(POSTED_WITHIN, posting).await {
            Ok(posted) => posted,
            Err(_) => Err("it does not answer".into()),
        }
    }

    /// Passes a request on: status, headers, body and trailers as they are.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, Error> {
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        *request.uri_mut() = Uri::builder()
            .scheme("http")
            .authority(self.authority.as_str())
            .path_and_query(path)
            .build()?;
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        header::strip_hop_by_hop(headers);
        // Whoever talks to us names us.
        headers.insert(HOST, HeaderValue::from_str(&self.authority)?);
        Ok(self.client.request(request).await?)
    }
}

fn full(request: Request<Bytes>) -> Request<Body> {
    request.map(|bytes| {
        Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync()
    })
}
