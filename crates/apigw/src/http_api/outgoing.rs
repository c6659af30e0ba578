//! HTTP integrations: what goes out, and what comes back
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-http.html>).

use bytes::Bytes;
use std::fmt;

use crate::forwarded::hop_by_hop;
use crate::http::Answer;
use crate::http_api::mapping::encode_path;
use crate::http_api::{Exchange, RequestMappings};

/// A request to somebody else's server. Its `Debug` shows names only.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// `GET`
    pub method: String,
    /// `https://example.com/pets/1?q=1`
    pub url: String,
    /// Without `host`, which is the server's.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Bytes,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why nothing goes out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// The integration's address.
    #[error("{0:?} is no address of an HTTP integration: it begins with http:// or https://")]
    Uri(String),
    /// The address has a variable that the route does not.
    #[error("the integration's address asks for {{{0}}}, which its route does not have")]
    Variable(String),
}

/// An integration with a service of AWS by itself (`IntegrationSubtype`), which is not emulated:
/// 500, and this for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the route's integration calls {0} of AWS directly, which is not emulated: put a function in between, or ask the deployed API"
)]
pub struct ServiceIntegration(pub String);

/// The request of an `HTTP_PROXY` integration: the integration's method (`ANY` is the client's own)
/// and address, whose `{variables}` are the route's, with the client's query, headers and body.
///
/// HTTP APIs say where it came from by `Forwarded` and `Via`, and not by `X-Forwarded-For` `[inf]`.
///
/// # Errors
/// If the address cannot be used.
pub fn outgoing(
    exchange: &Exchange<'_>,
    mappings: &RequestMappings,
    method: Option<&str>,
    uri: &str,
) -> Result<Outgoing, OutgoingError> {
    let request = mappings.apply(exchange);
    let filled = fill(uri, exchange)?;
    let (origin, path) = split(&filled).ok_or_else(|| OutgoingError::Uri(uri.to_owned()))?;
    let (path, own_query) = path.split_once('?').unwrap_or((path, ""));
    // A mapping of the path replaces what the address says.
    let path = match request.path == exchange.request.path {
        true => path.to_owned(),
        false => mapped_path(&request.path, exchange),
    };
    let queries = [own_query, request.query.as_str()];
    let queries: Vec<&str> = queries.into_iter().filter(|it| !it.is_empty()).collect();
    let mark = if queries.is_empty() { "" } else { "?" };
    let method =
        method.filter(|it| !it.is_empty() && !it.eq_ignore_ascii_case("ANY") && *it != "*");
    Ok(Outgoing {
        method: method.unwrap_or(&request.method).to_owned(),
        url: format!("{origin}{path}{mark}{}", queries.join("&")),
        headers: headers(&request, exchange),
        body: request.body,
    })
}

fn headers(request: &crate::http::Request, exchange: &Exchange<'_>) -> Vec<(String, String)> {
    let dropped = |name: &str| {
        let own = ["host", "content-length", "x-amzn-trace-id", "forwarded"];
        hop_by_hop(name) || own.iter().any(|it| name.eq_ignore_ascii_case(it))
    };
    let sent = request.headers.iter().filter(|(name, _)| !dropped(name));
    let host = request
        .header("host")
        .unwrap_or(&exchange.whereabouts.domain_name);
    let forwarded = format!(
        "for={};host={host};proto={}",
        quoted(&request.source_ip),
        request.scheme
    );
    let added = [
        ("Forwarded", forwarded),
        ("Via", "HTTP/1.1 AmazonAPIGateway".to_owned()),
        ("X-Amzn-Trace-Id", exchange.stamp.trace_id.clone()),
    ];
    let added = added.map(|(name, value)| (name.to_owned(), value));
    sent.cloned().chain(added).collect()
}

/// RFC 7239 wants brackets and quotes around an IPv6 address.
fn quoted(ip: &str) -> String {
    match ip.contains(':') {
        true => format!("\"[{ip}]\""),
        false => ip.to_owned(),
    }
}

/// A mapped path without the stage, encoded.
fn mapped_path(path: &str, exchange: &Exchange<'_>) -> String {
    let stage = format!("/{}", exchange.stage);
    let left = path.strip_prefix(&stage);
    left.filter(|it| it.starts_with('/'))
        .unwrap_or(path)
        .to_owned()
}

fn fill(uri: &str, exchange: &Exchange<'_>) -> Result<String, OutgoingError> {
    let mut filled = String::new();
    let mut rest = uri;
    while let Some((text, after)) = rest.split_once('{') {
        let wrong = || OutgoingError::Uri(uri.to_owned());
        let (name, behind) = after.split_once('}').ok_or_else(wrong)?;
        filled.push_str(
            text.strip_suffix('$')
                .filter(|_| name.starts_with("stageVariables."))
                .unwrap_or(text),
        );
        filled.push_str(&variable(name, exchange)?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn variable(name: &str, exchange: &Exchange<'_>) -> Result<String, OutgoingError> {
    let missing = || OutgoingError::Variable(name.to_owned());
    if let Some(name) = name.strip_prefix("stageVariables.") {
        return exchange
            .stage_variables
            .get(name)
            .cloned()
            .ok_or_else(missing);
    }
    let mut parameters = exchange.path_parameters.iter();
    let found = parameters.find(|(own, _)| own == name.trim_end_matches('+'));
    found
        .map(|(_, value)| encode_path(value))
        .ok_or_else(missing)
}

/// `https://example.com` and what follows.
fn split(url: &str) -> Option<(&str, &str)> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|it| url.starts_with(it))?;
    let authority = url.get(scheme.len()..)?;
    let end = authority.find(['/', '?']).unwrap_or(authority.len());
    (end > 0).then(|| url.split_at(scheme.len() + end))
}

/// What another server answered, as the client gets it: its own, but for what is about the
/// connection.
#[must_use]
pub fn answer_http(status: u16, headers: Vec<(String, String)>, body: Bytes) -> Answer {
    let kept = |(name, _): &(String, String)| {
        !hop_by_hop(name) && !name.eq_ignore_ascii_case("content-length")
    };
    Answer {
        status,
        headers: headers.into_iter().filter(kept).collect(),
        body,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::http::Request;
    use crate::http::fixtures::{request, stamp, whereabouts};
    use crate::http_api::RouteKey;
    use std::collections::BTreeMap;

    fn sent(
        request: &Request,
        mappings: &[(&str, &str)],
        method: Option<&str>,
        uri: &str,
    ) -> Result<Outgoing, OutgoingError> {
        let mappings = mappings.iter().map(|it| (it.0.to_owned(), it.1.to_owned()));
        let mappings = RequestMappings::parse(&mappings.collect()).unwrap();
        let variables = BTreeMap::from([("host".to_owned(), "h.example".to_owned())]);
        let exchange = Exchange {
            request,
            whereabouts: &whereabouts(),
            stamp: &stamp(),
            stage: "$default",
            stage_variables: &variables,
            route: &RouteKey::parse("ANY /pets/{proxy+}").unwrap(),
            path_parameters: &[("proxy".to_owned(), "a b/c".to_owned())],
            caller: None,
        };
        outgoing(&exchange, &mappings, method, uri)
    }

    fn url(uri: &str) -> Result<String, OutgoingError> {
        sent(&request("GET", "/pets/x?q=1"), &[], None, uri).map(|it| it.url)
    }

    #[test]
    fn the_address_is_filled_and_the_query_goes_along() {
        for (uri, wanted) in [
            (
                "https://example.com/{proxy}",
                "https://example.com/a%20b/c?q=1",
            ),
            ("https://example.com/x?y=2", "https://example.com/x?y=2&q=1"),
            ("https://example.com", "https://example.com?q=1"),
            ("http://${stageVariables.host}/z", "http://h.example/z?q=1"),
        ] {
            assert_eq!(url(uri).as_deref(), Ok(wanted));
        }
        assert_eq!(
            url("ftp://a"),
            Err(OutgoingError::Uri("ftp://a".to_owned()))
        );
        assert_eq!(
            url("https://"),
            Err(OutgoingError::Uri("https://".to_owned()))
        );
        let unknown = url("https://a/{id}");
        assert_eq!(unknown, Err(OutgoingError::Variable("id".to_owned())));
    }

    #[test]
    fn the_method_is_the_integrations_or_the_clients() {
        let method = |own| {
            let out = sent(&request("PATCH", "/pets/x"), &[], own, "http://a");
            out.unwrap().method
        };
        assert_eq!(method(None), "PATCH");
        assert_eq!(method(Some("ANY")), "PATCH");
        assert_eq!(method(Some("POST")), "POST");
    }

    #[test]
    fn a_mapped_path_replaces_the_addresss() {
        let out = sent(
            &request("GET", "/pets/x?q=1"),
            &[("overwrite:path", "/v2/$x")],
            None,
            "https://example.com/old?y=2",
        );
        assert_eq!(out.unwrap().url, "https://example.com/v2/$x?y=2&q=1");
    }

    #[test]
    fn headers_say_where_it_came_from() {
        let mut request = request("GET", "/pets/x");
        request.headers.push(("Connection".into(), "close".into()));
        request.headers.push(("X-A".into(), "1".into()));
        let out = sent(&request, &[], None, "http://a").unwrap();
        let names: Vec<&str> = out.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["User-Agent", "X-A", "Forwarded", "Via", "X-Amzn-Trace-Id"]
        );
        let forwarded =
            "for=192.0.2.1;host=a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com;proto=https";
        assert_eq!(out.headers[2].1, forwarded);
        assert_eq!(quoted("2001:db8::1"), "\"[2001:db8::1]\"");
    }

    #[test]
    fn what_comes_back_is_passed_on() {
        let headers = [
            ("X-B", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "2"),
        ];
        let headers = headers.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        let answer = answer_http(418, headers, Bytes::from_static(b"hi"));
        assert_eq!((answer.status, answer.headers.len()), (418, 1));
    }
}
