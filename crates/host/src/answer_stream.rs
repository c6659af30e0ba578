//! An answer while it is written.

use tether_runtime_api::StreamPart;
use tokio::sync::mpsc;

/// A runtime that writes faster than its reader reads waits for it, once so
/// many parts are on their way.
const UNREAD: usize = 4;

/// A streamed answer as it comes, see [`RunState::stream`](crate::RunState::stream).
///
/// It ends with the answer, with the process, or at the deadline: how, is said
/// by what [`Function::run`](crate::Function::run) gives. Whoever drops it
/// leaves the runtime to write on; nobody keeps what it writes then, as on
/// Lambda when the caller has gone.
///
/// Lambda lets no more than 2 MB a second through behind the first 6 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>).
/// That is not imitated: it would teach nothing but patience.
#[derive(Debug)]
pub struct AnswerStream(mpsc::Receiver<StreamPart>);

/// The end at which a streamed answer is put in.
#[derive(Clone, Debug)]
pub(crate) struct Taker(mpsc::Sender<StreamPart>);

/// A stream and its other end.
pub(crate) fn answer_stream() -> (Taker, AnswerStream) {
    let (sender, receiver) = mpsc::channel(UNREAD);
    (Taker(sender), AnswerStream(receiver))
}

impl AnswerStream {
    /// The next part. None: that was all, or nothing was streamed.
    pub async fn next(&mut self) -> Option<StreamPart> {
        self.0.recv().await
    }
}

impl Taker {
    /// Waits until there is room.
    pub(crate) async fn take(&self, part: StreamPart) {
        // The reader may have gone.
        let _ = self.0.send(part).await;
    }
}
