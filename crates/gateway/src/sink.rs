//! Who is told what happens.

use std::sync::Arc;
use std::time::Duration;

/// Is told what happens, for a terminal or a log. It is called on the road of requests: whoever
/// has much to do with it, does it elsewhere.
pub trait Sink: Send + Sync {
    /// A request was answered.
    fn answered(&self, access: &Access<'_>);

    /// Something that a developer should know, in one line: what, why, what to do.
    fn notice(&self, line: &str);
}

/// A line of an access log. Queries and headers are not in it: tokens stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<'a> {
    /// The API's logical id.
    pub api: &'a str,
    /// `GET`
    pub method: &'a str,
    /// The path as it was sent.
    pub path: &'a str,
    /// `GET /pets/{id}`; none if no route took it.
    pub route: Option<&'a str>,
    /// The function that answered, by its name or ARN; none if the gateway did, or another server.
    pub function: Option<&'a str>,
    /// The status that was sent.
    pub status: u16,
    /// From the last byte of the request to the answer, of a streamed one to its head.
    pub took: Duration,
}

/// What one part of a gateway says, before whom it concerns.
pub(crate) fn say(sink: &Arc<dyn Sink>, whom: &str, what: &dyn std::fmt::Display) {
    sink.notice(&format!("{whom}: {what}"));
}
