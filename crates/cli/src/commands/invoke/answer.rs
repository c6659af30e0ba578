//! The answer: alone on stdout, byte for byte, as it comes; or one object for
//! programs.

use super::Outcome;
use crate::output::Output;
use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;
use tether_host::Settled;
use tether_runtime_api::{ErrorObject, Prelude, PreludeReader, StreamPart};
use tokio::sync::{mpsc, oneshot};

/// What there is to say besides.
#[derive(Default)]
pub(super) struct About {
    pub(super) function: String,
    pub(super) request_id: Option<String>,
    /// Of the handler.
    pub(super) duration: Option<Duration>,
    pub(super) memory_mb: Option<u32>,
}

/// Prints one answer.
pub(super) struct Printer {
    output: Output,
    writer: Writer,
    /// A part of it has come.
    begun: bool,
    content_type: Option<String>,
    /// While its HTTP metadata is read.
    prelude: Option<PreludeReader>,
    http: Option<Prelude>,
    ends_line: bool,
}

impl About {
    pub(super) fn of(function: &str) -> Self {
        Self {
            function: function.to_owned(),
            ..Self::default()
        }
    }
}

impl Printer {
    pub(super) fn new(output: &Output) -> Self {
        let writer = if output.is_json() {
            Writer::Keeps(BytesMut::new())
        } else {
            Writer::to_stdout()
        };
        Self {
            output: output.clone(),
            writer,
            begun: false,
            content_type: None,
            prelude: None,
            http: None,
            ends_line: true,
        }
    }

    /// A part of an answer that is streamed.
    pub(super) async fn take(&mut self, part: StreamPart) {
        match part {
            StreamPart::Head { content_type } => self.begin(content_type),
            StreamPart::Chunk(chunk) => self.chunk(chunk).await,
        }
    }

    fn begin(&mut self, content_type: Option<String>) {
        self.begun = true;
        if PreludeReader::is_for(content_type.as_deref()) {
            self.prelude = Some(PreludeReader::default());
        }
        self.content_type = content_type;
    }

    async fn chunk(&mut self, chunk: Bytes) {
        let Some(mut reader) = self.prelude.take() else {
            return self.write(chunk).await;
        };
        match reader.push(&chunk) {
            Ok(None) => self.prelude = Some(reader),
            Ok(Some((prelude, body))) => {
                self.output.say(&for_people(&prelude));
                self.http = Some(prelude);
                self.write(body).await;
            }
            Err(error) => self.as_it_is(reader, &error.to_string()).await,
        }
    }

    /// What should begin with HTTP metadata and does not.
    async fn as_it_is(&mut self, reader: PreludeReader, why: &str) {
        self.output
            .notice(&format!("{why}: what follows is all of it"));
        self.write(Bytes::from(reader.into_read())).await;
    }

    async fn write(&mut self, bytes: Bytes) {
        if let Some(last) = bytes.last() {
            self.ends_line = *last == b'\n';
            self.writer.write(bytes).await;
        }
    }

    /// How it ended. A buffered answer comes now.
    pub(super) async fn ends(mut self, settled: Settled, about: &About) -> Outcome {
        let streamed = self.begun;
        let failed = match settled {
            Ok((content_type, body)) => {
                if !streamed {
                    self.begin(content_type);
                    self.chunk(body).await;
                }
                None
            }
            Err((kind, body)) => Some(error_body(kind, body)),
        };
        if let Some(reader) = self.prelude.take() {
            let why = "the answer ends within its HTTP metadata";
            self.as_it_is(reader, why).await;
        }
        let outcome = if failed.is_some() {
            Outcome::Failed
        } else {
            Outcome::Answered
        };
        if let Some(error) = &failed {
            if streamed {
                let error = String::from_utf8_lossy(error);
                self.output
                    .say(&format!("the answer was cut short by an error: {error}"));
            } else if !self.output.is_json() {
                self.write(error.clone()).await;
            }
        }
        self.finish(failed, streamed, about).await;
        outcome
    }

    async fn finish(self, failed: Option<Bytes>, streamed: bool, about: &About) {
        let kept = match self.writer {
            Writer::Keeps(kept) => kept,
            writer @ Writer::Writes { .. } => {
                return writer.finish(!self.ends_line).await;
            }
        };
        let answer = Answer {
            event: "answer",
            function: &about.function,
            request_id: about.request_id.as_deref(),
            failed: failed.is_some(),
            error: failed.as_deref().map(Content::of),
            content_type: self.content_type.as_deref(),
            streamed,
            http: self.http.as_ref().map(for_programs),
            // An error has no answer, but for what was streamed before it.
            answer: (failed.is_none() || !kept.is_empty()).then(|| Content::of(&kept)),
            duration_ms: about.duration.map(milliseconds),
            memory_size_mb: about.memory_mb,
        };
        self.output.object(&answer);
    }
}

/// An error of a stream may have no body but its type.
fn error_body(kind: Option<String>, body: Bytes) -> Bytes {
    match kind {
        Some(kind) if body.is_empty() => Bytes::from(ErrorObject::new(kind, "").to_bytes()),
        _ => body,
    }
}

fn for_people(prelude: &Prelude) -> String {
    let headers = prelude.headers.iter();
    let headers = headers.map(|(name, value)| format!("{name}: {value}"));
    let cookies = prelude.cookies.iter().map(|it| format!("set-cookie: {it}"));
    let head = format!("HTTP {}", prelude.status_code);
    let lines: Vec<String> = std::iter::once(head)
        .chain(headers)
        .chain(cookies)
        .collect();
    lines.join("\n")
}

fn for_programs(prelude: &Prelude) -> Value {
    let headers = prelude.headers.iter();
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "statusCode": prelude.status_code,
        "headers": headers,
        "cookies": prelude.cookies,
    })
}

/// As a `REPORT` line says it, to a hundredth.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// The object for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    event: &'static str,
    function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    streamed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_size_mb: Option<u32>,
}

/// Bytes as JSON has room for them: what is JSON, as it is; other text, and
/// other bytes, so that they cannot be taken for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    Json(Box<RawValue>),
    Text(String),
    Base64(String),
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Base64(base64::engine::general_purpose::STANDARD.encode(bytes));
        };
        // An object a line: a line's end stands only between JSON's words.
        match RawValue::from_string(text.replace(['\n', '\r'], "")) {
            Ok(json) if serde_json::from_str::<&RawValue>(text).is_ok() => Self::Json(json),
            _ => Self::Text(text.to_owned()),
        }
    }
}

/// Where the bytes go.
enum Writer {
    /// To the end, for programs.
    Keeps(BytesMut),
    /// To stdout, in a thread of its own: whoever reads there may take their
    /// time, and Ctrl-C does not wait for them.
    Writes {
        parts: mpsc::Sender<Bytes>,
        done: oneshot::Receiver<()>,
    },
}

impl Writer {
    fn to_stdout() -> Self {
        let (parts, mut to_write) = mpsc::channel::<Bytes>(1);
        let (is_done, done) = oneshot::channel();
        std::thread::spawn(move || {
            let mut stdout = std::io::stdout().lock();
            while let Some(part) = to_write.blocking_recv() {
                // Nobody may be there to read it: the function goes on.
                let written = stdout.write_all(&part).and_then(|()| stdout.flush());
                if written.is_err() {
                    break;
                }
            }
            let _ = is_done.send(());
        });
        Self::Writes { parts, done }
    }

    async fn write(&mut self, bytes: Bytes) {
        match self {
            Self::Keeps(kept) => kept.extend_from_slice(&bytes),
            Self::Writes { parts, .. } => {
                let _ = parts.send(bytes).await;
            }
        }
    }

    /// Waits until all is written. On a terminal, what follows begins a line.
    async fn finish(self, within_line: bool) {
        if let Self::Writes { parts, done } = self {
            if within_line && std::io::stdout().is_terminal() {
                let _ = parts.send(Bytes::from_static(b"\n")).await;
            }
            drop(parts);
            let _ = done.await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_stays_as_it_is_on_one_line() {
        for (bytes, expected) in [
            (
                &b"{\"a\":\n 1.50,\r\n \"b\": [1e999]}"[..],
                r#"{"json":{"a": 1.50, "b": [1e999]}}"#,
            ),
            (b"\"text\"", r#"{"json":"text"}"#),
            (b"plain", r#"{"text":"plain"}"#),
            (b"\"a\nb\"", r#"{"text":"\"a\nb\""}"#),
            (b"", r#"{"text":""}"#),
            (b"\xff\x00", r#"{"base64":"/wA="}"#),
        ] {
            assert_eq!(
                serde_json::to_string(&Content::of(bytes)).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn durations_have_two_decimals() {
        assert_eq!(milliseconds(Duration::from_micros(1_234)), 1.23);
        assert_eq!(milliseconds(Duration::ZERO), 0.0);
    }
}
