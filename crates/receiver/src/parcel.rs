//! An event on its way in and an answer on its way out: inside the message, or
//! as chunks in the table.

use bytes::Bytes;
use std::time::Duration;
use tether_host::Settled;
use tether_protocol::message::{Outcome, Reply, ToCloud};
use tether_protocol::{ClaimId, InvocationKey, Packed, Payload, Side, Timestamp, room};
use tether_store::Correlation;

/// The pause before chunks are tried again, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// One invocation's place in the table.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) correlation: Correlation,
    pub(crate) key: InvocationKey,
    pub(crate) claim: ClaimId,
    /// By this machine's clock.
    pub(crate) deadline: Timestamp,
}

impl Place {
    /// The event's bytes.
    ///
    /// # Errors
    /// Why they cannot be read before the deadline.
    pub(crate) async fn open(&self, payload: Payload) -> Result<Bytes, String> {
        let opened = match payload {
            Payload::Stored(stored) => {
                let read = || {
                    self.correlation
                        .read_chunks(&self.key, Side::Request, &stored)
                };
                stored.open(self.persist(read).await?)
            }
            inline => inline.open(),
        };
        opened.map(Bytes::from).map_err(|error| error.to_string())
    }

    /// What to say of an outcome; a large payload is in the table then.
    ///
    /// # Errors
    /// Why it cannot be put there before the deadline.
    pub(crate) async fn outcome(&self, settled: &Settled) -> Result<Outcome, String> {
        let empty = outcome(settled, Payload::Text(String::new()));
        let envelope = ToCloud::Reply(Reply {
            key: self.key.clone(),
            claim_id: self.claim.clone(),
            outcome: empty,
        });
        let envelope = serde_json::to_vec(&envelope).map_or(usize::MAX, |it| it.len());
        let (Ok((_, body)) | Err((_, body))) = settled;
        let payload = match Payload::pack(body, room(envelope)) {
            Packed::Inline(payload) => payload,
            Packed::Large(stored, bytes) => {
                let put = || {
                    self.correlation
                        .put_chunks(&self.key, Side::Reply, &bytes, self.deadline)
                };
                self.persist(put).await?;
                Payload::Stored(stored)
            }
        };
        Ok(outcome(settled, payload))
    }

    /// Again and again until the deadline: a laptop's network comes and goes.
    async fn persist<T, E, Work>(&self, work: impl Fn() -> Work) -> Result<T, String>
    where
        Work: Future<Output = Result<T, E>>,
        E: std::fmt::Display,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            let reason = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error.to_string(),
            };
            if tether_host::now().plus(pause) >= self.deadline {
                return Err(reason);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn outcome(settled: &Settled, payload: Payload) -> Outcome {
    match settled {
        Ok((content_type, _)) => Outcome::Completed {
            payload,
            content_type: content_type.clone(),
        },
        Err((error_type, _)) => Outcome::Failed {
            payload,
            error_type: error_type.clone(),
        },
    }
}

/// Takes back the chunks of an answer that nobody wants.
pub(crate) async fn take_back(correlation: &Correlation, reply: &Reply) {
    let (Outcome::Completed { payload, .. } | Outcome::Failed { payload, .. }) = &reply.outcome;
    if let Payload::Stored(stored) = payload {
        // Their TTL removes what this cannot.
        let _ = correlation
            .remove_chunks(&reply.key, Side::Reply, stored.chunks)
            .await;
    }
}
