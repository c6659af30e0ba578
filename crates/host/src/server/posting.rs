//! What a runtime posts for an invocation, and how it is read.

use super::heard::Heard;
use super::{Answer, Posted, accepted, refuse, text_header};
use crate::answer_stream::Taker;
use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};
use hyper::body::{Body as _, Incoming};
use std::sync::Arc;
use tether_runtime_api::{
    ErrorObject, MAX_PAYLOAD, MAX_STREAM, Refusal, ResponseMode, StreamPart, header,
};
use tokio::sync::oneshot;

/// The answer to the invocation at hand, while it is posted: nobody else posts
/// one. If it is dropped before it is settled, it was cut short.
pub(super) struct Posting {
    pub(super) request_id: String,
    /// Taken when it is settled.
    pub(super) answer: Option<oneshot::Sender<Posted>>,
    /// Whoever wants it while it is written.
    pub(super) taker: Option<Taker>,
    pub(super) heard: Arc<Heard>,
}

impl Drop for Posting {
    fn drop(&mut self) {
        self.tell(Posted::CutShort);
    }
}

impl Posting {
    /// `POST …/response`
    pub(super) async fn response(mut self, request: Request<Incoming>) -> Answer {
        let content_type = text_header(&request, &http::header::CONTENT_TYPE);
        match (ResponseMode::of(request.headers()), self.taker.take()) {
            (None, _) => {
                let error = ErrorObject::invalid_response_mode(&self.request_id);
                self.tell(error_of_ours(error));
                refuse_after(request, Refusal::InvalidResponseMode, &self.heard).await
            }
            (Some(ResponseMode::Streaming), Some(taker)) => {
                self.stream(request.into_body(), content_type, taker).await
            }
            // Whoever does not ask for a stream gets all of it at the end.
            (Some(_), _) => match read(request, &self.heard).await {
                Ok((body, trailers)) => self.settle(answered(content_type, body, trailers)),
                Err(refusal) => self.refuse(refusal, MAX_PAYLOAD),
            },
        }
    }

    /// `POST …/error`
    pub(super) async fn error(self, request: Request<Incoming>) -> Answer {
        match read_error(request, &self.heard).await {
            Ok(posted) => self.settle(posted),
            Err(refusal) => self.refuse(refusal, MAX_PAYLOAD),
        }
    }

    /// Hands each part on as it comes. The runtime waits for a slow reader; for
    /// one that is gone, it does not.
    async fn stream(
        mut self,
        mut body: Incoming,
        content_type: Option<String>,
        taker: Taker,
    ) -> Answer {
        let heard = Arc::clone(&self.heard);
        let passed = tokio::select! {
            passed = pass_on(&mut body, content_type, taker, &heard) => passed,
            // The deadline has passed; the process may stand at a breakpoint.
            () = self.is_over() => Err(Refusal::InvokeTimeout),
        };
        match passed {
            Ok((content_type, trailers)) => {
                self.settle(answered(content_type, Bytes::new(), trailers))
            }
            Err(refusal) => {
                let answer = self.refuse(refusal, MAX_STREAM);
                let _ = collect(&mut body, 0, &heard).await;
                answer
            }
        }
    }

    /// Waits until nobody waits for the answer any more.
    async fn is_over(&mut self) {
        if let Some(answer) = &mut self.answer {
            answer.closed().await;
        }
    }

    fn settle(mut self, posted: Posted) -> Answer {
        if self.tell(posted) {
            accepted()
        } else {
            refuse(Refusal::InvokeTimeout)
        }
    }

    /// The caller gets an error, and the runtime the refusal.
    fn refuse(mut self, refusal: Refusal, limit: usize) -> Answer {
        if refusal == Refusal::TooLarge {
            self.tell(error_of_ours(ErrorObject::too_large(limit)));
        }
        refuse(refusal)
    }

    /// False: nobody waits for it any more.
    fn tell(&mut self, posted: Posted) -> bool {
        let answer = self.answer.take();
        answer.is_some_and(|it| it.send(posted).is_ok())
    }
}

/// What is behind a streamed body: its content type and trailers.
type Passed = (Option<String>, Option<HeaderMap>);

async fn pass_on(
    body: &mut Incoming,
    content_type: Option<String>,
    taker: Taker,
    heard: &Heard,
) -> Result<Passed, Refusal> {
    let (mut left, mut trailers) = (MAX_STREAM, None);
    let head = StreamPart::Head {
        content_type: content_type.clone(),
    };
    heard.hand_on(head, &taker).await;
    while let Some(frame) = heard.next(body).await {
        match frame.map_err(|_| Refusal::Truncated)?.into_data() {
            Ok(data) if data.len() > left => {
                hand_on(data.slice(..left), &taker, heard).await;
                return Err(Refusal::TooLarge);
            }
            Ok(data) => {
                left -= data.len();
                hand_on(data, &taker, heard).await;
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok((content_type, trailers))
}

async fn hand_on(chunk: Bytes, taker: &Taker, heard: &Heard) {
    if !chunk.is_empty() {
        heard.hand_on(StreamPart::Chunk(chunk), taker).await;
    }
}

/// A streamed answer that failed half way says so in its trailers.
fn answered(content_type: Option<String>, body: Bytes, trailers: Option<HeaderMap>) -> Posted {
    let failed = trailers.as_ref().and_then(|it| it.get(header::ERROR_TYPE));
    match failed {
        Some(kind) => Posted::Error {
            error_type: Some(String::from_utf8_lossy(kind.as_bytes()).into_owned()),
            body: streamed_error(trailers.as_ref()),
        },
        None => Posted::Response { content_type, body },
    }
}

/// The error's body stands in a trailer, in base64.
fn streamed_error(trailers: Option<&HeaderMap>) -> Bytes {
    let body = trailers.and_then(|it| it.get("lambda-runtime-function-error-body"));
    let body = body.and_then(|it| base64::engine::general_purpose::STANDARD.decode(it).ok());
    Bytes::from(body.unwrap_or_default())
}

fn error_of_ours(error: ErrorObject) -> Posted {
    Posted::Error {
        body: Bytes::from(error.to_bytes()),
        error_type: Some(error.error_type),
    }
}

type Read = (Bytes, Option<HeaderMap>);

/// What is too large is read all the same, as far as this: a connection that
/// is closed within a request costs its client the answer.
const MOST_READ: usize = 4 * MAX_PAYLOAD;

async fn read(request: Request<Incoming>, heard: &Heard) -> Result<Read, Refusal> {
    collect(&mut request.into_body(), MAX_PAYLOAD, heard).await
}

/// Keeps as much as `limit`.
async fn collect(incoming: &mut Incoming, limit: usize, heard: &Heard) -> Result<Read, Refusal> {
    let (mut total, mut trailers) = (0, None);
    let expected = incoming.size_hint().exact().unwrap_or_default();
    let room = usize::try_from(expected).unwrap_or_default();
    let mut body = BytesMut::with_capacity(room.min(limit));
    while let Some(frame) = heard.next(incoming).await {
        let frame = frame.map_err(|_| Refusal::Truncated)?;
        match frame.into_data() {
            Ok(data) => {
                total += data.len();
                if total <= limit {
                    body.extend_from_slice(&data);
                } else if total > MOST_READ {
                    return Err(Refusal::TooLarge);
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    if total > limit {
        return Err(Refusal::TooLarge);
    }
    Ok((body.freeze(), trailers))
}

pub(super) async fn refuse_after(
    request: Request<Incoming>,
    refusal: Refusal,
    heard: &Heard,
) -> Answer {
    // Whatever it is, it is read; see above.
    let _ = read(request, heard).await;
    refuse(refusal)
}

pub(super) async fn read_error(
    request: Request<Incoming>,
    heard: &Heard,
) -> Result<Posted, Refusal> {
    let kind = text_header(&request, &header::ERROR_TYPE);
    let (body, _) = read(request, heard).await?;
    Ok(Posted::Error {
        error_type: kind,
        body,
    })
}
