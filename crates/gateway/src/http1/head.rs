//! A request's head: parsed, never rewritten.

use httparse::{Error, Status};
use std::mem::MaybeUninit;

/// So many headers are read without asking for memory.
const USUAL: usize = 64;

/// More of them are in no head that a gateway takes: AWS's limit of 10,240 bytes is reached before.
const MOST: usize = 2560;

/// A head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    /// `HTTP/1.0`, which knows no chunks.
    pub(super) old: bool,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
    pub(super) expects: bool,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// Why something is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A client that takes this port for one with TLS.
    #[error("a client speaks TLS to a port that does not: use http://, not https://")]
    Tls,
    /// The request line or a header.
    #[error("a request is no HTTP/1.1 ({0}): look at what its client sends")]
    Syntax(&'static str),
    /// More than is read.
    #[error(
        "a request's headers are too many or too long: API Gateway takes 10,240 bytes, so send fewer (cookies of other servers on this host count too)"
    )]
    HeadTooLarge,
    /// The head or the body did not come.
    #[error("a request did not come in time: its client stopped in the middle of it")]
    TooSlow,
}

impl Malformed {
    /// Which status says so. Which one AWS's front chooses is `[inf]`.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Tls | Self::Syntax(_) => 400,
            Self::HeadTooLarge => 431,
            Self::TooSlow => 408,
        }
    }

    /// What clients are told. `[inf]`
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Tls | Self::Syntax(_) => "Bad Request",
            Self::HeadTooLarge => "Request Header Fields Too Large",
            Self::TooSlow => "Request Timeout",
        }
    }
}

/// Reads a head from the beginning of `bytes`, and says how long it was. None: it goes on.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Malformed> {
    if bytes.first() == Some(&0x16) {
        return Err(Malformed::Tls);
    }
    let mut usual = [const { MaybeUninit::uninit() }; USUAL];
    match parse_into(bytes, &mut usual) {
        Err(Error::TooManyHeaders) => {
            let mut many = vec![MaybeUninit::uninit(); MOST];
            finish(parse_into(bytes, &mut many))
        }
        parsed => finish(parsed),
    }
}

type Parsed = Result<Status<(Result<Head, Malformed>, usize)>, Error>;

fn parse_into<'b>(bytes: &'b [u8], headers: &mut [MaybeUninit<httparse::Header<'b>>]) -> Parsed {
    let mut request = httparse::Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, headers)?;
    Ok(match status {
        Status::Partial => Status::Partial,
        Status::Complete(length) => Status::Complete((head(&request), length)),
    })
}

fn finish(parsed: Parsed) -> Result<Option<(Head, usize)>, Malformed> {
    match parsed {
        Ok(Status::Partial) => Ok(None),
        Ok(Status::Complete((head, length))) => Ok(Some((head?, length))),
        Err(Error::TooManyHeaders) => Err(Malformed::HeadTooLarge),
        Err(Error::Version) => Err(Malformed::Syntax("its version is another")),
        Err(Error::Token) => Err(Malformed::Syntax("its request line is none")),
        Err(_) => Err(Malformed::Syntax("a header is none")),
    }
}

fn head(request: &httparse::Request<'_, '_>) -> Result<Head, Malformed> {
    let target = request.path.unwrap_or_default();
    let (path, query) = split(origin_form(target)?);
    let old = request.version == Some(0);
    let facts = Facts::of(request.headers, old)?;
    let named = request.headers.iter();
    let headers = named.map(|it| (it.name.to_owned(), text(it.value)));
    Ok(Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect(),
        old,
        framing: facts.framing(),
        keep_alive: if old { facts.keeps } else { !facts.closes },
        expects: facts.expects && !old,
    })
}

/// The path and query of a target. Clients of proxies send the whole URL
/// (<https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2>).
fn origin_form(target: &str) -> Result<&str, Malformed> {
    if target.starts_with('/') || target == "*" {
        return Ok(target);
    }
    let (_, rest) = target
        .split_once("://")
        .ok_or(Malformed::Syntax("its target is no path"))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    match rest.get(end..) {
        Some(path) if path.starts_with('/') => Ok(path),
        // `http://host?a=b` has a query and no path.
        _ => Ok("/"),
    }
}

fn split(target: &str) -> (&str, &str) {
    // A fragment is never sent by a client that knows what one is.
    let target = target.split('#').next().unwrap_or_default();
    target.split_once('?').unwrap_or((target, ""))
}

/// A value as text: UTF-8 if it is, and else byte by byte, as headers once were. `[inf]`
fn text(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// What headers say about the connection and the body.
#[derive(Default)]
struct Facts {
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    closes: bool,
    keeps: bool,
    expects: bool,
}

impl Facts {
    fn of(headers: &[httparse::Header<'_>], old: bool) -> Result<Self, Malformed> {
        let mut facts = Self::default();
        for header in headers {
            facts.take(header)?;
        }
        // A body with two ends is how requests are smuggled
        // (https://www.rfc-editor.org/rfc/rfc9112#section-6.3).
        if facts.chunked && (old || facts.length.is_some()) {
            return Err(Malformed::Syntax("its body has two lengths"));
        }
        if facts.hosts > 1 || (facts.hosts == 0 && !old) {
            return Err(Malformed::Syntax("it has not one Host header"));
        }
        Ok(facts)
    }

    fn take(&mut self, header: &httparse::Header<'_>) -> Result<(), Malformed> {
        let name = header.name;
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => self.hosts = self.hosts.saturating_add(1),
            6 if name.eq_ignore_ascii_case("expect") => {
                self.expects |= header.value.eq_ignore_ascii_case(b"100-continue");
            }
            10 if name.eq_ignore_ascii_case("connection") => {
                for option in header.value.split(|byte| *byte == b',') {
                    let option = option.trim_ascii();
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.keeps |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if name.eq_ignore_ascii_case("content-length") => {
                let length = decimal(header.value).ok_or(NO_LENGTH)?;
                if self.length.is_some_and(|it| it != length) {
                    return Err(NO_LENGTH);
                }
                self.length = Some(length);
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                if self.chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Malformed::Syntax("its Transfer-Encoding is not chunked"));
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn framing(&self) -> Framing {
        if self.chunked {
            Framing::Chunked
        } else {
            Framing::Length(self.length.unwrap_or(0))
        }
    }
}

const NO_LENGTH: Malformed = Malformed::Syntax("its Content-Length is no number");

/// Digits only: `+5` and `5, 5` are none.
fn decimal(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits)?;
    text.parse().ok()
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
