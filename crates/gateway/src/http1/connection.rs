//! One connection, from its first request to its last answer.

use super::chunked::Decoder;
use super::head::{self, Framing, Head, Malformed};
use super::write::{self, Date, Frame, Manner};
use super::{Chunks, Handler, Limits, Received, Reply, Upgraded};
use bytes::{Buf as _, Bytes, BytesMut};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::http::{Answer, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// Room for a request as most are.
const USUAL: usize = 8 * 1024;

/// A head is tried at each of its parts as long as it is as short as this, and then only at its
/// end: a byte at a time must not cost the square of its length.
const TRIED: usize = 4 * 1024;

/// Larger bodies are not copied behind their head; both go out in one call all the same.
const COPIED: usize = 16 * 1024;

/// After an answer to what was not read to its end, so much more is read and so long: a connection
/// that is closed within a request costs its client the answer.
const LINGER_BYTES: usize = 256 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct Connection<H: ?Sized> {
    pub(super) stream: TcpStream,
    pub(super) handler: Arc<H>,
    pub(super) limits: Limits,
    pub(super) ending: CancellationToken,
    source_ip: String,
    port: u16,
    buffer: BytesMut,
    out: Vec<u8>,
    date: Date,
}

/// Why nothing more can be read.
enum Broken {
    /// The client gets an answer, the last one.
    Malformed(Malformed),
    /// There is nobody to answer.
    Gone,
}

impl From<Malformed> for Broken {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// What follows an answer.
enum Then {
    Next,
    Close,
    /// The client may still be sending.
    Linger,
    Upgrade(Upgraded),
}

const EARLY: Malformed = Malformed::Syntax("it ends in the middle");

impl<H: Handler + ?Sized> Connection<H> {
    pub(super) fn new(
        stream: TcpStream,
        handler: Arc<H>,
        limits: Limits,
        ending: CancellationToken,
    ) -> Self {
        // Answers are written whole; what waits for more would only be late.
        let _ = stream.set_nodelay(true);
        let source_ip = stream.peer_addr();
        let source_ip = source_ip.map_or_else(|_| String::new(), |it| it.ip().to_string());
        let port = stream.local_addr().map_or(0, |it| it.port());
        Self {
            stream,
            handler,
            limits,
            ending,
            source_ip,
            port,
            buffer: BytesMut::with_capacity(USUAL),
            out: Vec::new(),
            date: Date::default(),
        }
    }

    /// Serves until either side has enough.
    pub(super) async fn run(mut self) {
        loop {
            let then = match self.next().await {
                Ok(then) => then,
                Err(Broken::Malformed(why)) => self.refuse(why).await,
                Err(Broken::Gone) => return,
            };
            match then {
                Then::Next => {}
                Then::Close => return self.close().await,
                Then::Linger => return self.linger().await,
                Then::Upgrade(run) => {
                    let read = self.buffer.freeze();
                    return run(self.stream, read).await;
                }
            }
        }
    }

    /// One request and its answer.
    async fn next(&mut self) -> Result<Then, Broken> {
        let Some(head) = self.head().await? else {
            return Ok(Then::Close);
        };
        let body = self.body(&head).await?;
        let too_large = body.is_none();
        let mut manner = Manner {
            no_body: head.method == "HEAD",
            old: head.old,
            keep: head.keep_alive && !too_large,
        };
        let received = Received {
            request: self.request(head, body.unwrap_or_default()),
            too_large,
        };
        let reply = self.handler.answer(received).await;
        manner.keep &= !self.ending.is_cancelled();
        let then = self.reply(reply, manner).await?;
        Ok(match then {
            Then::Close if too_large => Then::Linger,
            then => then,
        })
    }

    fn request(&self, head: Head, body: Bytes) -> Request {
        Request {
            method: head.method,
            path: head.path,
            query: head.query,
            headers: head.headers,
            body,
            source_ip: self.source_ip.clone(),
            port: self.port,
            scheme: "http".to_owned(),
            protocol: if head.old { "HTTP/1.0" } else { "HTTP/1.1" }.to_owned(),
        }
    }

    /// The next head; none if there will be none.
    async fn head(&mut self) -> Result<Option<Head>, Broken> {
        let mut until = Instant::now() + self.limits.idle;
        // A line end before a request line is none of anybody's
        // (https://www.rfc-editor.org/rfc/rfc9112#section-2.2).
        let mut begun = false;
        loop {
            if !begun && !self.buffer.is_empty() {
                begun = true;
                until = Instant::now() + self.limits.head_time;
            }
            if begun
                && self.is_worth_a_try()
                && let Some((head, length)) = head::parse(&self.buffer)?
            {
                self.buffer.advance(length);
                return Ok(Some(head));
            }
            if self.buffer.len() > self.limits.head_bytes {
                return Err(Malformed::HeadTooLarge.into());
            }
            self.buffer.reserve(USUAL / 2);
            let read = tokio::select! {
                biased;
                read = timeout_at(until, self.stream.read_buf(&mut self.buffer)) => read,
                () = self.ending.cancelled() => return Ok(None),
            };
            match read {
                Ok(Ok(0)) if self.buffer.iter().all(u8::is_ascii_whitespace) => return Ok(None),
                Ok(Ok(0)) => return Err(EARLY.into()),
                Ok(read) => read?,
                Err(_) if begun => return Err(Malformed::TooSlow.into()),
                Err(_) => return Ok(None),
            };
        }
    }

    fn is_worth_a_try(&self) -> bool {
        let bytes = &self.buffer[..];
        let ends = |end: &[u8]| bytes.windows(end.len()).any(|it| it == end);
        bytes.len() <= TRIED || ends(b"\n\r\n") || ends(b"\n\n")
    }

    /// A request's body; none if it is too large, and not read then.
    async fn body(&mut self, head: &Head) -> Result<Option<Bytes>, Broken> {
        let most = self.limits.body_bytes;
        let until = Instant::now() + self.limits.body_time;
        match head.framing {
            Framing::Length(0) => Ok(Some(Bytes::new())),
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= most => self.sized(length, head.expects, until).await,
                _ => Ok(None),
            },
            Framing::Chunked => self.chunked(head.expects, until).await,
        }
    }

    async fn sized(
        &mut self,
        length: usize,
        expects: bool,
        until: Instant,
    ) -> Result<Option<Bytes>, Broken> {
        if let Some(body) = self.buffer.get(..length) {
            let body = Bytes::copy_from_slice(body);
            self.buffer.advance(length);
            return Ok(Some(body));
        }
        self.invite(expects).await?;
        let mut body = Vec::with_capacity(length);
        body.extend_from_slice(&self.buffer);
        self.buffer.clear();
        while body.len() < length {
            let left = u64::try_from(length - body.len()).unwrap_or(u64::MAX);
            let mut stream = (&mut self.stream).take(left);
            let read = timeout_at(until, stream.read_buf(&mut body)).await;
            if read.map_err(|_| Malformed::TooSlow)?? == 0 {
                return Err(EARLY.into());
            }
        }
        Ok(Some(Bytes::from(body)))
    }

    async fn chunked(&mut self, expects: bool, until: Instant) -> Result<Option<Bytes>, Broken> {
        let (mut decoder, mut body) = (Decoder::default(), Vec::new());
        if self.buffer.is_empty() {
            self.invite(expects).await?;
        }
        loop {
            let taken = decoder.push(&self.buffer, &mut body)?;
            self.buffer.advance(taken);
            if body.len() > self.limits.body_bytes {
                return Ok(None);
            }
            if decoder.is_done() {
                return Ok(Some(Bytes::from(body)));
            }
            self.buffer.reserve(USUAL);
            let read = timeout_at(until, self.stream.read_buf(&mut self.buffer)).await;
            if read.map_err(|_| Malformed::TooSlow)?? == 0 {
                return Err(EARLY.into());
            }
        }
    }

    /// Asks for the body, if the client waits to be asked.
    async fn invite(&mut self, expects: bool) -> Result<(), Broken> {
        if expects {
            let line = b"HTTP/1.1 100 Continue\r\n\r\n";
            push(&mut self.stream, line, b"", self.limits.stall).await?;
        }
        Ok(())
    }

    async fn refuse(&mut self, why: Malformed) -> Then {
        let answer = self.handler.refuse(why);
        let manner = Manner {
            no_body: false,
            old: false,
            keep: false,
        };
        match self.whole(&answer, manner).await {
            Ok(_) => Then::Linger,
            Err(_) => Then::Close,
        }
    }

    async fn reply(&mut self, reply: Reply, manner: Manner) -> Result<Then, Broken> {
        match reply {
            Reply::Whole(answer) => self.whole(&answer, manner).await,
            Reply::Streamed(answer, chunks) => self.streamed(&answer, chunks, manner).await,
            Reply::Upgrade(answer, run) => {
                self.begin(&answer, Frame::Upgrade, manner);
                push(&mut self.stream, &self.out, b"", self.limits.stall).await?;
                Ok(Then::Upgrade(run))
            }
            Reply::Hangup => Err(Broken::Gone),
        }
    }

    fn begin(&mut self, answer: &Answer, frame: Frame, manner: Manner) {
        self.out.clear();
        write::head(&mut self.out, answer, frame, manner, &mut self.date);
    }

    async fn whole(&mut self, answer: &Answer, manner: Manner) -> Result<Then, Broken> {
        let frame = Frame::whole(answer, manner);
        self.begin(answer, frame, manner);
        let mut body: &[u8] = &answer.body;
        if manner.no_body || frame == Frame::Nothing {
            body = b"";
        }
        if body.len() <= COPIED {
            self.out.extend_from_slice(body);
            body = b"";
        }
        push(&mut self.stream, &self.out, body, self.limits.stall).await?;
        Ok(if manner.keep { Then::Next } else { Then::Close })
    }

    async fn streamed(
        &mut self,
        answer: &Answer,
        mut chunks: Box<dyn Chunks>,
        manner: Manner,
    ) -> Result<Then, Broken> {
        let frame = Frame::streamed(answer, manner);
        self.begin(answer, frame, manner);
        if manner.no_body || frame == Frame::Nothing {
            push(&mut self.stream, &self.out, b"", self.limits.stall).await?;
            return Ok(if manner.keep { Then::Next } else { Then::Close });
        }
        self.frame(&answer.body, frame);
        push(&mut self.stream, &self.out, b"", self.limits.stall).await?;
        while let Some(chunk) = chunks.next().await {
            self.out.clear();
            // Without its last chunk nobody takes it for whole.
            self.frame(&chunk.map_err(|_| Broken::Gone)?, frame);
            push(&mut self.stream, &self.out, b"", self.limits.stall).await?;
        }
        if frame == Frame::Chunked {
            push(&mut self.stream, b"0\r\n\r\n", b"", self.limits.stall).await?;
        }
        let next = manner.keep && frame == Frame::Chunked;
        Ok(if next { Then::Next } else { Then::Close })
    }

    fn frame(&mut self, data: &[u8], frame: Frame) {
        match frame {
            // An empty chunk would be the last one.
            _ if data.is_empty() => {}
            Frame::Chunked => write::chunk(&mut self.out, data),
            _ => self.out.extend_from_slice(data),
        }
    }

    async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Says that no more is coming, and reads what still does.
    async fn linger(mut self) {
        let _ = self.stream.shutdown().await;
        let until = Instant::now() + LINGER;
        let mut left = LINGER_BYTES;
        loop {
            self.buffer.clear();
            self.buffer.reserve(USUAL);
            let read = tokio::select! {
                read = timeout_at(until, self.stream.read_buf(&mut self.buffer)) => read,
                () = self.ending.cancelled() => return,
            };
            match read {
                Ok(Ok(read)) if read > 0 && read < left => left -= read,
                _ => return,
            }
        }
    }
}

/// Writes both, in one call if the socket takes it.
async fn push(stream: &mut TcpStream, head: &[u8], body: &[u8], stall: Duration) -> io::Result<()> {
    let mut parts = [IoSlice::new(head), IoSlice::new(body)];
    let mut parts = &mut parts[..];
    // Empty parts at the front go.
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        let written = timeout(stall, stream.write_vectored(parts)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut parts, written);
    }
    Ok(())
}
