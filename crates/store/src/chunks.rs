//! Large payloads: chunks beside the head item.

use crate::client::{Item, StoreError, failed, text};
use crate::correlation::{Correlation, ttl};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use std::collections::BTreeMap;
use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::constants::{CHUNK_BYTES, CHUNKS_AT_ONCE, MOST_CHUNKS};
use tether_protocol::{InvocationKey, Side, Stored, Timestamp};
use tokio::time::Instant;

/// The attribute that holds the bytes.
const DATA: &str = "Data";

/// The pause before what failed is tried again, doubled each time: a table that
/// is throttled, a laptop whose network comes and goes.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Correlation {
    /// Writes a large payload: again and again what did not get there, until it
    /// is refused or patience ends. Writing it twice is the same as once.
    ///
    /// # Errors
    /// Why it is not all there; some chunks may stand then.
    pub async fn put_chunks(
        &self,
        key: &InvocationKey,
        side: Side,
        bytes: &[u8],
        deadline: Timestamp,
        patience: Duration,
    ) -> Result<(), StoreError> {
        let all: BTreeMap<u32, &[u8]> = (0..).zip(bytes.chunks(CHUNK_BYTES)).collect();
        let write = |index: u32| {
            let chunk = all.get(&index).copied().unwrap_or_default();
            self.put_chunk(key, side, index, chunk, deadline).boxed()
        };
        self.persist(all.keys().copied().collect(), patience, write)
            .await?;
        Ok(())
    }

    /// Reads a large payload, consistently, in the same way: its bytes as they
    /// were stored.
    ///
    /// # Errors
    /// When a chunk is missing or cannot be read before patience ends.
    pub async fn read_chunks(
        &self,
        key: &InvocationKey,
        side: Side,
        stored: &Stored,
        patience: Duration,
    ) -> Result<Vec<u8>, StoreError> {
        self.believable(stored)?;
        let read = |index: u32| self.read_chunk(key, side, index).boxed();
        let chunks = self
            .persist((0..stored.chunks).collect(), patience, read)
            .await?;
        Ok(chunks.into_values().flatten().collect())
    }

    /// Removes a large payload; its TTL removes what this cannot.
    ///
    /// # Errors
    /// When the table cannot be reached.
    pub async fn remove_chunks(
        &self,
        key: &InvocationKey,
        side: Side,
        count: u32,
    ) -> Result<(), StoreError> {
        stream::iter(0..count.min(MOST_CHUNKS))
            .map(|index| self.remove_item(key, chunk_key(key, side, index)).boxed())
            .buffer_unordered(CHUNKS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Does the work for each chunk, some at a time, and again for those that
    /// failed in passing.
    async fn persist<'a, T>(
        &self,
        mut missing: Vec<u32>,
        patience: Duration,
        work: impl Fn(u32) -> futures_util::future::BoxFuture<'a, Result<T, StoreError>>,
    ) -> Result<BTreeMap<u32, T>, StoreError> {
        let until = after(Instant::now(), patience);
        let mut done = BTreeMap::new();
        let mut pause = FIRST_PAUSE;
        loop {
            let mut failed = Vec::new();
            let mut last = None;
            let tries: Vec<_> = missing
                .iter()
                .map(|&index| work(index).map(move |result| (index, result)).boxed())
                .collect();
            let mut tries = stream::iter(tries).buffer_unordered(CHUNKS_AT_ONCE);
            loop {
                match tokio::time::timeout_at(until, tries.next()).await {
                    Ok(Some((index, Ok(value)))) => {
                        done.insert(index, value);
                    }
                    Ok(Some((index, Err(error)))) if error.is_passing() => {
                        failed.push(index);
                        last = Some(error);
                    }
                    Ok(Some((_, Err(error)))) => return Err(error),
                    Ok(None) => break,
                    Err(_) => return Err(last.unwrap_or_else(|| self.too_slow(patience))),
                }
            }
            match last {
                Some(error) if after(Instant::now(), pause) >= until => return Err(error),
                Some(_) => tokio::time::sleep(pause).await,
                None => return Ok(done),
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            missing = failed;
        }
    }

    /// The number came over the wire, and room is made for so many.
    fn believable(&self, stored: &Stored) -> Result<(), StoreError> {
        if stored.chunks <= MOST_CHUNKS {
            return Ok(());
        }
        Err(StoreError::Row {
            table: self.table.clone(),
            reason: format!(
                "a payload of {} chunks, and the largest has {MOST_CHUNKS}",
                stored.chunks
            ),
        })
    }

    fn too_slow(&self, patience: Duration) -> StoreError {
        StoreError::Call {
            table: self.table.clone(),
            failure: Failure {
                code: String::new(),
                message: format!("it took more than {} ms", patience.as_millis()),
                status: None,
                outcome_unknown: true,
            },
        }
    }

    async fn put_chunk(
        &self,
        key: &InvocationKey,
        side: Side,
        index: u32,
        chunk: &[u8],
        deadline: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = chunk_key(key, side, index);
        item.insert(DATA.to_owned(), AttributeValue::B(Blob::new(chunk)));
        let seconds = ttl(deadline).to_string();
        item.insert("TTL".to_owned(), AttributeValue::N(seconds));
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| failed(&self.table, &key.request_id, error))?;
        Ok(())
    }

    async fn read_chunk(
        &self,
        key: &InvocationKey,
        side: Side,
        index: u32,
    ) -> Result<Vec<u8>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(chunk_key(key, side, index)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed(&self.table, &key.request_id, error))?;
        let data = answer.item.and_then(|mut item| item.remove(DATA));
        match data {
            Some(AttributeValue::B(blob)) => Ok(blob.into_inner()),
            _ => Err(StoreError::Row {
                table: self.table.clone(),
                reason: format!("chunk {index} of a payload is missing"),
            }),
        }
    }
}

/// That moment, `span` later; thirty years are for ever, and fit into any clock.
fn after(moment: Instant, span: Duration) -> Instant {
    let for_ever = Duration::from_secs(30 * 365 * 24 * 3600);
    moment.checked_add(span.min(for_ever)).unwrap_or(moment)
}

fn chunk_key(key: &InvocationKey, side: Side, index: u32) -> Item {
    let (request_id, part) = key.chunk_key(side, index);
    Item::from([
        ("RequestId".to_owned(), text(request_id)),
        ("Part".to_owned(), text(part)),
    ])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::config::BehaviorVersion;
    use tether_protocol::Nonce;

    #[tokio::test]
    async fn no_room_is_made_for_chunks_that_nobody_wrote() {
        let config = aws_types::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        let correlation = Correlation::new(&config, "Debugger");
        let key = InvocationKey {
            request_id: "r".to_owned(),
            nonce: Nonce::new("n"),
        };
        for chunks in [MOST_CHUNKS + 1, u32::MAX] {
            let stored = Stored {
                chunks,
                size: u64::MAX,
                zstd: true,
            };
            let read = correlation.read_chunks(&key, Side::Reply, &stored, Duration::MAX);
            let error = read.await.unwrap_err();
            assert!(error.to_string().contains("the largest has 17"), "{error}");
        }
    }

    #[test]
    fn a_wait_without_end_is_no_overflow() {
        let now = Instant::now();
        assert!(after(now, Duration::MAX) > after(now, LONGEST_PAUSE));
    }
}
