//! An event on its way in and an answer on its way out: inside the message, or
//! as chunks in the table.

use bytes::Bytes;
use std::time::Duration;
use tether_host::Settled;
use tether_protocol::message::{Outcome, Reply, ToCloud};
use tether_protocol::{ClaimId, InvocationKey, Packed, Payload, Side, Stored, Timestamp, room};
use tether_store::Correlation;

/// One invocation's place in the table.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) correlation: Correlation,
    pub(crate) key: InvocationKey,
    pub(crate) claim: ClaimId,
    /// By the cloud's clock, as what stands in the table is kept.
    pub(crate) deadline: Timestamp,
    /// By this machine's clock.
    pub(crate) local_deadline: Timestamp,
}

/// A reply without its payload: a name and ids. What the runtime adds is short.
const MOST_ENVELOPE: usize = 16 * 1024;

/// An answer that could not be put into the table.
pub(crate) enum NotStored {
    /// The table says no, and will go on saying so.
    Refused(String),
    /// The deadline came first.
    TooLate(String),
}

impl Place {
    /// The event's bytes.
    ///
    /// # Errors
    /// Why they cannot be read before the deadline.
    pub(crate) async fn open(&self, payload: Payload) -> Result<Bytes, String> {
        let opened = match payload {
            Payload::Stored(stored) => {
                let read = self.correlation.read_chunks(
                    &self.key,
                    Side::Request,
                    &stored,
                    self.time_left(),
                );
                stored.open(read.await.map_err(|error| error.to_string())?)
            }
            inline => inline.open(),
        };
        opened.map(Bytes::from).map_err(|error| error.to_string())
    }

    /// What to say of an outcome; a large payload is in the table then.
    ///
    /// # Errors
    /// Why it is not there.
    pub(crate) async fn outcome(&self, settled: &Settled) -> Result<Outcome, NotStored> {
        let empty = outcome(settled, Payload::Text(String::new()));
        let envelope = ToCloud::Reply(Reply {
            key: self.key.clone(),
            claim_id: self.claim.clone(),
            outcome: empty,
        });
        let envelope = serde_json::to_vec(&envelope).map_or(usize::MAX, |it| it.len());
        if envelope > MOST_ENVELOPE {
            let reason = format!("its content type or error type has {envelope} bytes");
            return Err(NotStored::Refused(reason));
        }
        let (Ok((_, body)) | Err((_, body))) = settled;
        let payload = match Payload::pack(body, room(envelope)) {
            Packed::Inline(payload) => payload,
            Packed::Large(stored, bytes) => {
                self.store(&stored, &bytes).await?;
                Payload::Stored(stored)
            }
        };
        Ok(outcome(settled, payload))
    }

    async fn store(&self, stored: &Stored, bytes: &[u8]) -> Result<(), NotStored> {
        let put = self.correlation.put_chunks(
            &self.key,
            Side::Reply,
            bytes,
            self.deadline,
            self.time_left(),
        );
        let Err(error) = put.await else {
            return Ok(());
        };
        // Their TTL removes what this cannot.
        let _ = self
            .correlation
            .remove_chunks(&self.key, Side::Reply, stored.chunks)
            .await;
        Err(if error.is_passing() {
            NotStored::TooLate(error.to_string())
        } else {
            NotStored::Refused(error.to_string())
        })
    }

    fn time_left(&self) -> Duration {
        self.local_deadline.since(tether_host::now())
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
