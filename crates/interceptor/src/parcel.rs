//! An event on its way out and an answer on its way in: inside the message and
//! the head item, or as chunks in the table.

use crate::access::Layer;
use crate::now;
use crate::settings::Settings;
use crate::upstream::Event;
use bytes::Bytes;
use std::time::Duration;
use tether_protocol::constants::{STORE_WAIT, share_of};
use tether_protocol::message::{Invoke, ToLaptop};
use tether_protocol::records::HeadRecord;
use tether_protocol::{InvocationKey, Packed, Payload, Secret, Side, Timestamp, room};
use tether_store::{Correlation, StoreError};

/// An event ready to be posted.
pub(crate) struct Parcel {
    /// The message.
    pub(crate) message: String,
    /// Chunks of the event in the table.
    pub(crate) chunks: u32,
}

/// Makes a message of an event; a large one is in the table then.
///
/// # Errors
/// How many chunks may stand in the table, and why they are not all there.
pub(crate) async fn pack(
    layer: &Layer,
    settings: &Settings,
    event: &Event,
    key: &InvocationKey,
    environment_id: &str,
    received_at: Timestamp,
) -> Result<Parcel, (u32, String)> {
    let mut invoke = envelope(settings, event, key, environment_id, received_at);
    let envelope = message(&invoke);
    let (payload, chunks) = match Payload::pack(&event.payload, room(envelope.len())) {
        Packed::Inline(payload) => (payload, 0),
        Packed::Large(stored, bytes) => {
            let chunks = stored.chunks;
            store(layer, key, &bytes, invoke.deadline)
                .await
                .map_err(|reason| (chunks, reason))?;
            (Payload::Stored(stored), chunks)
        }
    };
    invoke.payload = payload;
    invoke.posted_at = now();
    Ok(Parcel {
        message: message(&invoke),
        chunks,
    })
}

async fn store(
    layer: &Layer,
    key: &InvocationKey,
    bytes: &[u8],
    deadline: Timestamp,
) -> Result<(), String> {
    let patience = STORE_WAIT.min(share_of(deadline.since(now())));
    let correlation = layer.clients().correlation;
    let stored = correlation.put_chunks(key, Side::Request, bytes, deadline, patience);
    stored
        .await
        .map_err(|error| format!("its {} bytes could not be stored: {error}", bytes.len()))
}

fn envelope(
    settings: &Settings,
    event: &Event,
    key: &InvocationKey,
    environment_id: &str,
    received_at: Timestamp,
) -> Invoke {
    Invoke {
        key: key.clone(),
        function_arn: unqualified(&event.invocation.function_arn).to_owned(),
        environment_id: environment_id.to_owned(),
        headers: Secret::new(event.invocation.to_pairs()),
        deadline: Timestamp(event.invocation.deadline_ms),
        payload: Payload::Text(String::new()),
        environment: settings.travelling.clone(),
        received_at,
        posted_at: now(),
    }
}

fn message(invoke: &Invoke) -> String {
    let message = ToLaptop::Invoke(Box::new(invoke.clone()));
    serde_json::to_string(&message).unwrap_or_default()
}

/// `arn:…:function:name` without a version or alias behind it.
fn unqualified(arn: &str) -> &str {
    match arn.match_indices(':').nth(6) {
        Some((end, _)) => arn.get(..end).unwrap_or(arn),
        None => arn,
    }
}

/// The bytes of an answer, and how many chunks of it stand in the table; none:
/// they cannot be read in time.
pub(crate) async fn open(
    correlation: &Correlation,
    key: &InvocationKey,
    record: &mut HeadRecord,
    answer_by: Timestamp,
) -> (Option<Bytes>, u32) {
    let Some(Payload::Stored(stored)) = &record.response else {
        let bytes = record.response.take().and_then(|it| it.open().ok());
        return (bytes.map(Bytes::from), 0);
    };
    let patience = answer_by.since(now()).max(LAST_READ);
    let read = correlation.read_chunks(key, Side::Reply, stored, patience);
    let bytes = match read.await {
        Ok(bytes) => stored.open(bytes).ok().map(Bytes::from),
        Err(_) => None,
    };
    (bytes, stored.chunks)
}

/// An answer that is there at the last moment is worth this much of the margin
/// before the deadline.
const LAST_READ: Duration = Duration::from_millis(200);

/// Removing a record may take this long: the next event waits meanwhile. The
/// record's TTL does the rest.
const TIDYING: Duration = Duration::from_millis(200);

/// The same, where chunks stand in the table as well.
const TIDYING_CHUNKS: Duration = Duration::from_secs(2);

/// What an attempt has left in the table.
#[derive(Clone, Debug)]
pub(crate) struct Remains {
    pub(crate) key: InvocationKey,
    /// Whether the head item is to go: it may have to stay as a mark.
    pub(crate) head: bool,
    pub(crate) request_chunks: u32,
    pub(crate) reply_chunks: u32,
}

impl Remains {
    /// Removes it, as far as time allows: what outlives the deadline is a
    /// timeout to Lambda, although the caller has its answer.
    pub(crate) async fn remove(self, correlation: &Correlation, deadline: Timestamp) {
        let chunks = self.request_chunks > 0 || self.reply_chunks > 0;
        let patience = if chunks { TIDYING_CHUNKS } else { TIDYING };
        // Half of what is left.
        let left = deadline.since(now()).checked_div(2).unwrap_or_default();
        let patience = patience.min(left);
        let _ = tokio::time::timeout(patience, self.remove_all(correlation)).await;
    }

    async fn remove_all(&self, correlation: &Correlation) -> Result<(), StoreError> {
        let head = async {
            if self.head {
                correlation.remove(&self.key).await
            } else {
                Ok(())
            }
        };
        let (head, request, reply) = tokio::join!(
            head,
            correlation.remove_chunks(&self.key, Side::Request, self.request_chunks),
            correlation.remove_chunks(&self.key, Side::Reply, self.reply_chunks),
        );
        head.and(request).and(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qualifier_is_cut_off() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:hello";
        assert_eq!(unqualified(arn), arn);
        assert_eq!(unqualified(&format!("{arn}:live")), arn);
    }
}
