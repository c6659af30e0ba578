//! What a front adds to a request's headers before anybody sees them, and what it keeps to itself.

use std::collections::BTreeMap;

use crate::http::{Request, Stamp};

/// Headers that are about one connection. Neither events nor backends see them: in what was
/// recorded of a function URL, `connection` is missing though the client sent it; the others are
/// `[inf]`.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header is about one connection.
pub(crate) fn hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Every header that an integration sees, names in lower case and in order, with all its values.
///
/// `x-forwarded-for` begins with what the client claims, as with every proxy `[inf]`; the port,
/// the scheme and the trace id are the front's own.
pub(crate) fn lower_case(request: &Request, stamp: &Stamp) -> BTreeMap<String, Vec<String>> {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let sent = request.headers.iter().filter(|(name, _)| !hop_by_hop(name));
    for (name, value) in sent {
        let values = headers.entry(name.to_ascii_lowercase()).or_default();
        values.push(value.clone());
    }
    let mut hops = headers.remove("x-forwarded-for").unwrap_or_default();
    hops.push(request.source_ip.clone());
    for (name, value) in [
        ("x-amzn-trace-id", stamp.trace_id.clone()),
        ("x-forwarded-for", hops.join(", ")),
        ("x-forwarded-port", request.port.to_string()),
        ("x-forwarded-proto", request.scheme.clone()),
    ] {
        headers.insert(name.to_owned(), vec![value]);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fixtures::{request, stamp};

    #[test]
    fn what_is_about_the_connection_stays_with_the_front() {
        let mut request = request("GET", "/");
        request
            .headers
            .push(("Connection".into(), "keep-alive".into()));
        request.headers.push(("X-A".into(), "1".into()));
        request.headers.push(("x-a".into(), "2".into()));
        let headers = lower_case(&request, &stamp());
        assert!(!headers.contains_key("connection"));
        assert_eq!(headers["x-a"], ["1", "2"]);
    }

    #[test]
    fn hops_are_counted_on_and_the_rest_cannot_be_claimed() {
        let mut request = request("GET", "/");
        for (name, value) in [
            ("X-Forwarded-For", "198.51.100.7"),
            ("X-Forwarded-Port", "1"),
            ("x-forwarded-proto", "gopher"),
            ("X-Amzn-Trace-Id", "mine"),
        ] {
            request.headers.push((name.into(), value.into()));
        }
        let headers = lower_case(&request, &stamp());
        assert_eq!(headers["x-forwarded-for"], ["198.51.100.7, 192.0.2.1"]);
        assert_eq!(headers["x-forwarded-port"], ["443"]);
        assert_eq!(headers["x-forwarded-proto"], ["https"]);
        assert_eq!(headers["x-amzn-trace-id"], [stamp().trace_id]);
    }
}
