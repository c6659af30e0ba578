//! Answers that functions stream.

use crate::desk::Called;
use crate::functions::Streamed;
use crate::http1::{Chunks, Cut};
use crate::sink::{Sink, say};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::http::Answer;
use tether_apigw::http_api::MalformedReply;
use tether_apigw::prelude::{self, Prelude};
use tether_runtime_api::StreamPart;
use tokio::time::{Instant, timeout_at};

/// A stream that is silent for so long is ended
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html>).
const SILENCE: Duration = Duration::from_secs(5 * 60);

/// How a streamed answer begins.
pub(crate) enum Beginning {
    /// With a head of its own; its body is what came with it.
    Head(Answer),
    /// With its body, which is of that type.
    Body {
        content_type: Option<String>,
        first: Bytes,
    },
    /// It has none, because the function failed: Lambda's error payload.
    Error(Bytes),
    /// It should begin with a head and does not.
    Malformed(String),
}

/// Reads the beginning. `always`: whether there must be a head, whatever the content type says.
pub(crate) async fn begin(streamed: &mut Streamed, always: bool) -> Beginning {
    let mut read = Vec::new();
    let mut content_type = None;
    let mut has_prelude = always;
    while let Some(part) = streamed.parts.recv().await {
        match part {
            StreamPart::Head { content_type: own } => {
                has_prelude |= own.as_deref().is_some_and(is_prelude);
                content_type = own;
                if !has_prelude {
                    let first = Bytes::new();
                    return Beginning::Body {
                        content_type,
                        first,
                    };
                }
            }
            StreamPart::Chunk(bytes) => {
                read.extend_from_slice(&bytes);
                match head(&read) {
                    Ok(None) => {}
                    Ok(Some(head)) => return Beginning::Head(head),
                    Err(error) => return Beginning::Malformed(error.to_string()),
                }
            }
        }
    }
    match (&mut streamed.ended).await {
        Ok(Err(error)) => Beginning::Error(error),
        _ if has_prelude => Beginning::Malformed(NO_HEAD.to_owned()),
        _ => Beginning::Body {
            content_type,
            first: Bytes::from(read),
        },
    }
}

/// The head that a whole answer begins with, for callers of a function that does not stream.
pub(crate) fn whole(bytes: &[u8]) -> Beginning {
    match head(bytes) {
        Ok(Some(head)) => Beginning::Head(head),
        Ok(None) => Beginning::Malformed(NO_HEAD.to_owned()),
        Err(error) => Beginning::Malformed(error.to_string()),
    }
}

const NO_HEAD: &str = "the streamed answer does not begin with its HTTP metadata: call awslambda.HttpResponseStream.from, or let the function write them and eight NUL bytes first";

fn head(read: &[u8]) -> Result<Option<Answer>, MalformedReply> {
    Ok(match prelude::read(read)? {
        Prelude::Unfinished => None,
        Prelude::Whole { mut head, body_at } => {
            head.body = Bytes::copy_from_slice(read.get(body_at..).unwrap_or_default());
            Some(head)
        }
    })
}

fn is_prelude(content_type: &str) -> bool {
    let own = content_type.split(';').next().unwrap_or_default();
    own.trim().eq_ignore_ascii_case(prelude::CONTENT_TYPE)
}

/// All of an answer that nobody wanted streamed.
pub(crate) async fn gather(mut streamed: Streamed) -> Called {
    let mut all = Vec::new();
    while let Some(part) = streamed.parts.recv().await {
        if let StreamPart::Chunk(bytes) = part {
            all.extend_from_slice(&bytes);
        }
    }
    match streamed.ended.await {
        Ok(Err(error)) => Called::Error(error),
        _ => Called::Answer(Bytes::from(all)),
    }
}

/// What follows the beginning, for the client.
pub(crate) struct Rest {
    streamed: Option<Streamed>,
    until: Option<Instant>,
    sink: Arc<dyn Sink>,
    whose: String,
}

impl Rest {
    /// `until`: when the integration has had its time. `whose`: what notices begin with.
    pub(crate) fn new(
        streamed: Streamed,
        until: Option<Instant>,
        sink: Arc<dyn Sink>,
        whose: String,
    ) -> Self {
        Self {
            streamed: Some(streamed),
            until,
            sink,
            whose,
        }
    }

    fn cut(&self, why: &str) -> Result<Bytes, Cut> {
        say(&self.sink, &self.whose, &why);
        Err(Cut)
    }
}

#[async_trait]
impl Chunks for Rest {
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        let silence = Instant::now() + SILENCE;
        let until = self.until.map_or(silence, |it| it.min(silence));
        loop {
            let streamed = self.streamed.as_mut()?;
            match timeout_at(until, streamed.parts.recv()).await {
                Err(_) => {
                    self.streamed = None;
                    return Some(self.cut(
                        "a streamed answer took longer than the integration may, and was cut: write sooner, or give the integration more time",
                    ));
                }
                Ok(Some(StreamPart::Head { .. })) => {}
                Ok(Some(StreamPart::Chunk(bytes))) => return Some(Ok(bytes)),
                Ok(None) => {
                    let streamed = self.streamed.take()?;
                    return match streamed.ended.await {
                        Ok(Err(_)) => Some(self.cut(
                            "the function failed in the middle of its answer, which was cut: see its log",
                        )),
                        _ => None,
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::{mpsc, oneshot};

    fn stream(parts: &[StreamPart], ended: Result<(), Bytes>) -> Streamed {
        let (sender, receiver) = mpsc::channel(parts.len().max(1));
        for part in parts {
            sender.try_send(part.clone()).unwrap();
        }
        let (tell, told) = oneshot::channel();
        tell.send(ended).unwrap();
        Streamed {
            parts: receiver,
            ended: told,
        }
    }

    fn chunk(bytes: &[u8]) -> StreamPart {
        StreamPart::Chunk(Bytes::copy_from_slice(bytes))
    }

    fn of_type(content_type: &str) -> StreamPart {
        StreamPart::Head {
            content_type: Some(content_type.to_owned()),
        }
    }

    #[tokio::test]
    async fn a_head_is_read_wherever_it_is_cut() {
        let all = b"{\"statusCode\":201,\"headers\":{\"x-a\":\"b\"}}\0\0\0\0\0\0\0\0body";
        for at in 1..all.len() {
            let (one, two) = all.split_at(at);
            let parts = [of_type(prelude::CONTENT_TYPE), chunk(one), chunk(two)];
            let mut streamed = stream(&parts, Ok(()));
            let Beginning::Head(head) = begin(&mut streamed, false).await else {
                panic!("no head, cut at {at}");
            };
            assert_eq!(head.status, 201);
            let rest = match gather(streamed).await {
                Called::Answer(rest) => rest,
                _ => panic!("it failed"),
            };
            assert_eq!([head.body, rest].concat(), b"body", "cut at {at}");
        }
    }

    #[tokio::test]
    async fn without_a_head_the_body_begins_at_once_or_the_answer_is_malformed() {
        let parts = [of_type("text/plain"), chunk(b"hi")];
        let Beginning::Body { content_type, .. } = begin(&mut stream(&parts, Ok(())), false).await
        else {
            panic!("no body");
        };
        assert_eq!(content_type.as_deref(), Some("text/plain"));
        let begun = begin(&mut stream(&parts, Ok(())), true).await;
        assert!(matches!(begun, Beginning::Malformed(_)));
        assert!(matches!(whole(b"{}"), Beginning::Malformed(_)));
    }

    #[tokio::test]
    async fn a_function_that_fails_first_is_an_error() {
        let error = Bytes::from_static(b"{}");
        let parts = [of_type(prelude::CONTENT_TYPE)];
        let begun = begin(&mut stream(&parts, Err(error.clone())), false).await;
        assert!(matches!(begun, Beginning::Error(it) if it == error));
    }
}
