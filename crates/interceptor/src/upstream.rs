//! The real Runtime API.

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tether_runtime_api::{Invocation, header, verb};

/// A body on its way through us.
pub(crate) type Body = UnsyncBoxBody<Bytes, Error>;
/// Whatever goes wrong with a connection.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// An event as the Runtime API gave it.
#[derive(Clone)]
pub(crate) struct Event {
    /// Its head, read.
    pub(crate) invocation: Invocation,
    /// Its head, verbatim.
    pub(crate) headers: http::HeaderMap,
    /// The event.
    pub(crate) payload: Bytes,
}

/// The real Runtime API.
#[derive(Clone)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, Body>,
    authority: String,
}

impl Upstream {
    pub(crate) fn new(authority: String) -> Self {
        let mut connector = HttpConnector::new();
        // Head and body leave at once: with Nagle an answer waits 40 ms.
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            authority,
        }
    }

    /// The next event. Waits as long as it takes: Lambda freezes us meanwhile.
    pub(crate) async fn next(&self) -> Result<Event, Error> {
        let answer = self.send(full(verb::next(&self.authority)?)).await?;
        let (parts, body) = answer.into_parts();
        let payload = body.collect().await?.to_bytes();
        if parts.status != StatusCode::OK {
            return Err(format!("the Runtime API answered `next` with {}", parts.status).into());
        }
        Ok(Event {
            invocation: Invocation::from_headers(&parts.headers)?,
            headers: parts.headers,
            payload,
        })
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
        let answer = self.send(full(request)).await?;
        let status = answer.status();
        // Read to the end, so that the connection can be used again.
        answer.into_body().collect().await?;
        Ok(status)
    }

    /// Passes a request on: status, headers, body and trailers as they are.
    pub(crate) async fn forward(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, Error> {
        header::strip_hop_by_hop(request.headers_mut());
        self.send(request).await
    }

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        *request.uri_mut() = Uri::builder()
            .scheme("http")
            .authority(self.authority.as_str())
            .path_and_query(path)
            .build()?;
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
