//! Large payloads: chunks beside the head item.

use crate::client::{Item, StoreError, failed, text};
use crate::correlation::{Correlation, ttl};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use tether_protocol::constants::{CHUNK_BYTES, CHUNKS_AT_ONCE};
use tether_protocol::{InvocationKey, Side, Stored, Timestamp};

/// The attribute that holds the bytes.
const DATA: &str = "Data";

impl Correlation {
    /// Writes a large payload. Writing it twice is the same as once.
    ///
    /// # Errors
    /// When the table cannot be reached; some chunks may stand then.
    pub async fn put_chunks(
        &self,
        key: &InvocationKey,
        side: Side,
        bytes: &[u8],
        deadline: Timestamp,
    ) -> Result<(), StoreError> {
        let chunks = (0u32..).zip(bytes.chunks(CHUNK_BYTES));
        // Boxed: the compiler loses the lifetimes of a closure's future otherwise.
        let writes =
            chunks.map(|(index, chunk)| self.put_chunk(key, side, index, chunk, deadline).boxed());
        let writes: Vec<_> = writes.collect();
        stream::iter(writes)
            .buffer_unordered(CHUNKS_AT_ONCE)
            .try_collect()
            .await
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

    /// Reads a large payload, consistently: its bytes as they were stored.
    ///
    /// # Errors
    /// When a chunk is missing or the table cannot be reached.
    pub async fn read_chunks(
        &self,
        key: &InvocationKey,
        side: Side,
        stored: &Stored,
    ) -> Result<Vec<u8>, StoreError> {
        let mut chunks = stream::iter(0..stored.chunks)
            .map(|index| self.read_chunk(key, side, index).boxed())
            .buffered(CHUNKS_AT_ONCE);
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
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
        stream::iter(0..count)
            .map(|index| self.remove_item(key, chunk_key(key, side, index)).boxed())
            .buffer_unordered(CHUNKS_AT_ONCE)
            .try_collect()
            .await
    }
}

fn chunk_key(key: &InvocationKey, side: Side, index: u32) -> Item {
    Item::from([
        ("RequestId".to_owned(), text(&key.request_id)),
        ("Part".to_owned(), text(key.chunk_part(side, index))),
    ])
}
