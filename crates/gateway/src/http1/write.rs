//! An answer's head as bytes.

use http::StatusCode;
use std::fmt::Write as _;
use std::io::Write as _;
use tether_apigw::http::Answer;
use time::OffsetDateTime;

/// How an answer is sent on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// To `HEAD`: all but the body.
    pub(super) no_body: bool,
    /// To `HTTP/1.0`.
    pub(super) old: bool,
    /// Whether another request may follow.
    pub(super) keep: bool,
}

/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Length(usize),
    Chunked,
    /// Where the connection ends.
    Close,
    /// It has none, and nothing is said about one.
    Nothing,
    /// Other bytes than HTTP's follow.
    Upgrade,
}

impl Frame {
    /// How a body of that length goes out.
    pub(super) fn whole(answer: &Answer, manner: Manner) -> Self {
        if is_bodiless(answer.status) {
            return Self::Nothing;
        }
        // What a body would be as long as is for the one to say who leaves it out.
        let declared = manner.no_body && answer.body.is_empty();
        let declared = declared.then(|| declared_length(answer)).flatten();
        Self::Length(declared.unwrap_or(answer.body.len()))
    }

    /// How a body of a length that nobody knows goes out.
    pub(super) fn streamed(answer: &Answer, manner: Manner) -> Self {
        if is_bodiless(answer.status) {
            Self::Nothing
        } else if manner.old {
            Self::Close
        } else {
            Self::Chunked
        }
    }
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1>
fn is_bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

fn declared_length(answer: &Answer) -> Option<usize> {
    let named = |name: &str| name.eq_ignore_ascii_case("content-length");
    let length = answer.headers.iter().find(|(name, _)| named(name));
    length.and_then(|(_, value)| value.parse().ok())
}

/// Writes status line and headers. The connection and the body's end are ours to tell, and what
/// cannot be a header is left out: a line end within one would begin another.
pub(super) fn head(
    out: &mut Vec<u8>,
    answer: &Answer,
    frame: Frame,
    manner: Manner,
    date: &mut Date,
) {
    status_line(out, answer.status);
    let dated = |(name, _): &(String, String)| name.eq_ignore_ascii_case("date");
    if !answer.headers.iter().any(dated) {
        field(out, "Date", date.now());
    }
    match frame {
        Frame::Length(length) => {
            let _ = write!(out, "Content-Length: {length}\r\n");
        }
        Frame::Chunked => field(out, "Transfer-Encoding", "chunked"),
        Frame::Close | Frame::Nothing | Frame::Upgrade => {}
    }
    if frame != Frame::Upgrade {
        let keep = manner.keep && frame != Frame::Close;
        field(out, "Connection", if keep { "keep-alive" } else { "close" });
    }
    for (name, value) in &answer.headers {
        if is_header(name, value) && (frame == Frame::Upgrade || !is_ours(name)) {
            field(out, name, value);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A chunk and its frame.
pub(super) fn chunk(out: &mut Vec<u8>, data: &[u8]) {
    let _ = write!(out, "{:x}\r\n", data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

fn status_line(out: &mut Vec<u8>, status: u16) {
    // What is no status is the fault of whoever is behind us.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    let reason = status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn is_ours(name: &str) -> bool {
    const OURS: [&str; 5] = [
        "connection",
        "content-length",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
    ];
    OURS.iter().any(|it| it.eq_ignore_ascii_case(name))
}

fn is_header(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let broken = |byte: u8| matches!(byte, b'\r' | b'\n' | 0);
    !name.is_empty() && name.bytes().all(token) && !value.bytes().any(broken)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, written once a second.
#[derive(Debug, Default)]
pub(super) struct Date {
    second: i64,
    text: String,
}

impl Date {
    fn now(&mut self) -> &str {
        self.at(OffsetDateTime::now_utc())
    }

    fn at(&mut self, now: OffsetDateTime) -> &str {
        if self.second != now.unix_timestamp() || self.text.is_empty() {
            self.second = now.unix_timestamp();
            self.text.clear();
            let (weekday, month) = (now.weekday().to_string(), now.month().to_string());
            let (year, day) = (now.year(), now.day());
            let (hour, minute, second) = (now.hour(), now.minute(), now.second());
            let _ = write!(
                self.text,
                "{weekday:.3}, {day:02} {month:.3} {year} {hour:02}:{minute:02}:{second:02} GMT"
            );
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const PLAIN: Manner = Manner {
        no_body: false,
        old: false,
        keep: true,
    };

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Answer {
            status,
            headers: headers.iter().map(owned).collect(),
            body: Bytes::from_static(b"body"),
        }
    }

    fn written(answer: &Answer, frame: Frame, manner: Manner) -> String {
        let mut out = Vec::new();
        head(&mut out, answer, frame, manner, &mut Date::default());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_date_is_written_as_http_writes_it() {
        let mut date = Date::default();
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        assert_eq!(date.at(at(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(at(784_111_778)), "Sun, 06 Nov 1994 08:49:38 GMT");
    }

    #[test]
    fn names_keep_their_case_and_what_is_no_header_goes() {
        let answer = answer(
            200,
            &[
                ("X-tEst", "1"),
                ("a b", "x"),
                ("", "x"),
                ("x", "a\r\nset-cookie: b"),
                ("connection", "upgrade"),
                ("Content-length", "99"),
                ("Date", "today"),
            ],
        );
        let frame = Frame::whole(&answer, PLAIN);
        let expected = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\nX-tEst: 1\r\nDate: today\r\n\r\n";
        assert_eq!(written(&answer, frame, PLAIN), expected);
    }

    #[test]
    fn a_status_that_is_none_is_a_bad_gateway() {
        assert!(written(&answer(0, &[]), Frame::Nothing, PLAIN).starts_with("HTTP/1.1 502 Bad"));
        assert!(written(&answer(299, &[]), Frame::Nothing, PLAIN).starts_with("HTTP/1.1 299 \r\n"));
    }

    #[test]
    fn a_body_is_framed_as_the_client_understands_it() {
        let old = Manner { old: true, ..PLAIN };
        let no_body = Manner {
            no_body: true,
            ..PLAIN
        };
        let whole = answer(200, &[("content-length", "9")]);
        let mut empty = whole.clone();
        empty.body = Bytes::new();
        assert_eq!(Frame::whole(&whole, PLAIN), Frame::Length(4));
        assert_eq!(Frame::whole(&empty, PLAIN), Frame::Length(0));
        assert_eq!(Frame::whole(&empty, no_body), Frame::Length(9));
        assert_eq!(Frame::whole(&answer(204, &[]), PLAIN), Frame::Nothing);
        assert_eq!(Frame::streamed(&whole, PLAIN), Frame::Chunked);
        assert_eq!(Frame::streamed(&whole, old), Frame::Close);
        assert_eq!(Frame::streamed(&answer(304, &[]), PLAIN), Frame::Nothing);
        assert!(written(&whole, Frame::Close, PLAIN).contains("Connection: close\r\n"));
    }
}
