//! What REST APIs, HTTP APIs and function URLs have in common: a request as it came, and an
//! answer as it goes.

use bytes::Bytes;
use std::fmt;

/// A request as the front received it. Nothing is decoded, renamed or left out.
///
/// Its `Debug` shows names only: tokens and payloads travel in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, as sent.
    pub method: String,
    /// The path as it stands in the request line, percent-encoded, the stage's segment included.
    pub path: String,
    /// The query as it stands there, without `?`; empty: none.
    pub query: String,
    /// Names as sent, in their order, repetitions included.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
    /// The client's address, without a port.
    pub source_ip: String,
    /// The port that it connected to.
    pub port: u16,
    /// `http` or `https`.
    pub scheme: String,
    /// `HTTP/1.1`
    pub protocol: String,
}

impl Request {
    /// The last value of a header; names are compared as HTTP does.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().rev();
        let found = found.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("Request")
            .field("method", &self.method)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Which API, and where it would be on AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// `a1b2c3d4e5`
    pub api_id: String,
    /// `aws`
    pub partition: String,
    /// `eu-west-1`
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// The host that clients use: `a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com`.
    pub domain_name: String,
}

/// What makes one request different from all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// A UUID for REST APIs, `JKJaXmPLvHcESHA=` for HTTP APIs.
    pub request_id: String,
    /// `JKJaXmPLvHcESHA=`
    pub extended_request_id: String,
    /// `Root=1-67659810-101d2f353e7cd9797a9aa4ba`
    pub trace_id: String,
    /// Milliseconds since the epoch.
    pub now_ms: u64,
}

/// An answer as the client gets it. Its `Debug` shows names only.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names as they go out, in their order, repetitions included.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// `{"message": …}`, as API Gateway's own answers are.
    #[must_use]
    pub fn message(status: u16, message: &str) -> Self {
        let body = serde_json::json!({ "message": message }).to_string();
        let json = ("Content-Type".to_owned(), "application/json".to_owned());
        Self {
            status,
            headers: vec![json],
            body: Bytes::from(body),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// What tests of several modules begin with.
#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;

    pub(crate) fn request(method: &str, path: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let host = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com";
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![
                ("Host".to_owned(), host.to_owned()),
                ("User-Agent".to_owned(), "curl/8".to_owned()),
            ],
            body: Bytes::new(),
            source_ip: "192.0.2.1".to_owned(),
            port: 443,
            scheme: "https".to_owned(),
            protocol: "HTTP/1.1".to_owned(),
        }
    }

    pub(crate) fn whereabouts() -> Whereabouts {
        Whereabouts {
            api_id: "a1b2c3d4e5".to_owned(),
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account_id: "123456789012".to_owned(),
            domain_name: "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com".to_owned(),
        }
    }

    pub(crate) fn stamp() -> Stamp {
        Stamp {
            request_id: "NILjoi6FFiAEJ6A=".to_owned(),
            extended_request_id: "NILjoi6FFiAEJ6A=".to_owned(),
            trace_id: "Root=1-67659810-101d2f353e7cd9797a9aa4ba".to_owned(),
            now_ms: 1_644_163_811_849,
        }
    }
}
