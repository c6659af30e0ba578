//! The SDK's HTTP client, on this road.

use super::Road;
use crate::POOL_IDLE;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

pub(super) fn client(road: &Road) -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let direct = Builder::new()
        .pool_idle_timeout(POOL_IDLE)
        .tls_provider(tls.clone())
        .tls_context(road.trust())
        .build_https();
    let trust = road.trust();
    let proxied = Builder::new().build_with_connector_fn(move |settings, components| {
        // The same variables: what no proxy reaches never comes here.
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder
            .tls_provider(tls.clone())
            .tls_context(trust.clone())
            .build()
    });
    SharedHttpClient::new(OnRoad {
        road: road.clone(),
        direct,
        proxied,
    })
}

#[derive(Debug)]
struct OnRoad<Way> {
    road: Road,
    direct: Way,
    proxied: Way,
}

impl HttpClient for OnRoad<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(OnRoad {
            road: self.road.clone(),
            direct: self.direct.http_connector(settings, components),
            proxied: self.proxied.http_connector(settings, components),
        })
    }
}

impl HttpConnector for OnRoad<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Ok(to) = request.uri().parse::<http::Uri>() else {
            return self.direct.call(request);
        };
        let proxy = self.road.proxy(&to);
        let call = match &proxy {
            Some(_) => self.proxied.call(request),
            None => self.direct.call(request),
        };
        let road = self.road.clone();
        HttpConnectorFuture::new(async move {
            let answer = call.await.map_err(|it| explained(&road, it, &to))?;
            match proxy {
                // Without TLS the proxy's answers come as the server's, and no
                // server says this.
                Some(proxy) if answer.status().as_u16() == 407 => {
                    let words = proxy.refusal(to.host().unwrap_or_default(), 407);
                    Err(ConnectorError::user(words.into()))
                }
                _ => Ok(answer),
            }
        })
    }
}

/// What is the road's fault is said in its words; no repetition makes a
/// certificate a trusted one.
fn explained(road: &Road, error: ConnectorError, to: &http::Uri) -> ConnectorError {
    match road.why(&error, to) {
        Some(why) if why.is_passing => ConnectorError::io(why.words.into()),
        Some(why) => ConnectorError::user(why.words.into()),
        None => error,
    }
}
