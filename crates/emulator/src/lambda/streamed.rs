//! Invocations whose answer is wanted while it is written.

use super::run::{Call, Invoked};
use super::{Lambda, LambdaError, Target};
use std::sync::Arc;
use tether_host::AnswerStream;
use tether_runtime_api::StreamPart;
use tokio::sync::{mpsc, oneshot};

/// What comes of an invocation whose answer may be streamed.
pub(crate) enum Answering {
    /// The function did not stream: an answer all at once, or an error.
    Whole(Invoked),
    /// The function streams its answer, which has begun.
    Begun(Begun),
}

/// An answer that is being written.
pub(crate) struct Begun {
    /// A head, then chunks; the end of the channel is the end of what comes.
    /// Whoever drops it leaves the function to write on.
    pub(crate) parts: mpsc::Receiver<StreamPart>,
    /// How it ended, when `parts` has: as an answer with an empty payload, or
    /// with an error's.
    pub(crate) ended: oneshot::Receiver<Result<Invoked, LambdaError>>,
}

impl Lambda {
    /// Invokes a function and hands its answer out while it is written. A
    /// caller that hangs up does not end the invocation.
    pub(crate) async fn stream(
        self: &Arc<Self>,
        target: Target,
        call: Call,
    ) -> Result<Answering, LambdaError> {
        let stream = call.state.stream();
        let state = call.state.clone();
        let (begun, begins) = oneshot::channel();
        let (into, parts) = mpsc::channel(1);
        let (tell, ended) = oneshot::channel();
        let lambda = Arc::clone(self);
        self.tasks.spawn(async move {
            let run = async {
                let invoked = lambda.run(target, call).await;
                state.end_stream();
                invoked
            };
            let (invoked, ()) = tokio::join!(run, pass(stream, begun, into));
            // Whoever asked may have gone.
            let _ = tell.send(invoked);
        });
        if begins.await.is_ok() {
            return Ok(Answering::Begun(Begun { parts, ended }));
        }
        let gone = |_| LambdaError::Failed("the emulator ends".to_owned());
        ended.await.map_err(gone)?.map(Answering::Whole)
    }
}

/// Passes the parts on, and says when there is one. A reader that has gone does
/// not hold the function up.
async fn pass(
    mut stream: AnswerStream,
    begun: oneshot::Sender<()>,
    into: mpsc::Sender<StreamPart>,
) {
    let mut begun = Some(begun);
    while let Some(part) = stream.next().await {
        if let Some(begun) = begun.take() {
            let _ = begun.send(());
        }
        let _ = into.send(part).await;
    }
}
