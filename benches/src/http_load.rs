//! Who asks over HTTP: prepared bytes on connections that are kept, read no further than it takes
//! to know that the answer is whole. A client that did more would be much of what is measured.

use crate::figures::Times;
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use std::cell::Cell;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is not there after this does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a server that is not there yet.
const LOOK: Duration = Duration::from_micros(500);

/// A slow server is asked less often: its figures are known after this.
const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// What is asked for, and what must be in the answer.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `127.0.0.1:3000`
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) expects: &'static str,
}

/// How it went under load.
pub(crate) struct Load {
    pub(crate) times: Times,
    /// Requests a second.
    pub(crate) rate: f64,
}

struct Connection<'a> {
    asked: &'a Asked,
    request: Vec<u8>,
    stream: Option<TcpStream>,
    read: Vec<u8>,
}

impl<'a> Connection<'a> {
    fn new(asked: &'a Asked) -> Self {
        let (path, authority) = (&asked.path, &asked.authority);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nAccept: */*\r\n\r\n");
        Self {
            asked,
            request: request.into_bytes(),
            stream: None,
            read: Vec::with_capacity(4096),
        }
    }

    /// Asks once; a connection that the server has closed is opened again.
    async fn ask(&mut self) -> Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.asked.authority).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(&self.request).await?;
        self.read.clear();
        let head = loop {
            if let Some(head) = Head::of(&self.read)? {
                break head;
            }
            let read = stream.read_buf(&mut self.read).await?;
            ensure!(read > 0, "the connection ended within an answer's head");
        };
        while !head.is_whole(&self.read) {
            let read = stream.read_buf(&mut self.read).await?;
            if read == 0 {
                ensure!(head.length == Length::ToTheEnd, "an answer was cut");
                break;
            }
        }
        let body = self.read.get(head.ends..).unwrap_or_default();
        if head.status != 200 || !contains(body, self.asked.expects.as_bytes()) {
            bail!("{} {}", head.status, String::from_utf8_lossy(body));
        }
        self.stream = (!head.closes).then_some(stream);
        Ok(())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|it| it == part)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunks,
    ToTheEnd,
}

/// What of an answer's head is needed.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    length: Length,
    closes: bool,
    /// Where the body begins.
    ends: usize,
}

impl Head {
    /// None as long as it is not whole.
    fn of(read: &[u8]) -> Result<Option<Self>> {
        let Some(at) = read.windows(4).position(|it| it == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&read[..at]).context("an answer's head is no text")?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.split(' ').nth(1).and_then(|it| it.parse().ok());
        let mut head = Self {
            status: status.with_context(|| format!("{first} is no answer"))?,
            length: Length::ToTheEnd,
            closes: first.starts_with("HTTP/1.0"),
            ends: at + 4,
        };
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or_default();
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = Length::Known(value.parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.length = Length::Chunks;
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes = value.eq_ignore_ascii_case("close");
            }
        }
        head.closes |= head.length == Length::ToTheEnd;
        Ok(Some(head))
    }

    fn is_whole(&self, read: &[u8]) -> bool {
        match self.length {
            Length::Known(length) => read.len() >= self.ends + length,
            Length::Chunks => read.ends_with(b"0\r\n\r\n"),
            Length::ToTheEnd => false,
        }
    }
}

/// From when it was started to the first answer that is right.
pub(crate) async fn first_answer(asked: &Asked, started: Instant) -> Result<Duration> {
    loop {
        let mut connection = Connection::new(asked);
        match connection.ask().await {
            Ok(()) => return Ok(started.elapsed()),
            Err(error) if started.elapsed() > PATIENCE => {
                return Err(error.context(format!("{} does not answer", asked.authority)));
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Asks this often on so many connections, each again as soon as it has its answer; not for longer
/// than it takes to know how it goes.
pub(crate) async fn run(asked: &Asked, connections: usize, count: usize) -> Result<Load> {
    let (next, began) = (Cell::new(0), Instant::now());
    let call = async || -> Result<Vec<Duration>> {
        let mut connection = Connection::new(asked);
        let mut times = Vec::with_capacity(count / connections);
        while next.get() < count && began.elapsed() < LONG_ENOUGH {
            next.set(next.get() + 1);
            let asked = Instant::now();
            connection.ask().await?;
            times.push(asked.elapsed());
        }
        Ok(times)
    };
    let all = try_join_all((0..connections).map(|_| call())).await?;
    let took = began.elapsed();
    let times = Times::of(all.into_iter().flatten());
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let rate = times.count() as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(Load { times, rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::of(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn an_answer_is_whole_when_its_head_says_so() {
        let known = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        assert!(head(known).is_whole(known.as_bytes()));
        assert!(!head(known).is_whole(&known.as_bytes()[..known.len() - 1]));
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        assert!(head(chunks).is_whole(chunks.as_bytes()));
        assert!(!head(chunks).is_whole(&chunks.as_bytes()[..chunks.len() - 5]));
        assert!(
            Head::of(b"HTTP/1.1 200 OK\r\ncontent-le")
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_connection_is_kept_unless_its_head_says_otherwise() {
        assert!(!head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").closes);
        assert!(head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").closes);
        assert!(head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").closes);
        assert!(head("HTTP/1.1 200 OK\r\n\r\n").closes);
    }
}
