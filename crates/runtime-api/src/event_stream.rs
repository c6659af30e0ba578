//! What `InvokeWithResponseStream` answers: events in Amazon's event stream
//! encoding, `application/vnd.amazon.eventstream`
//! (<https://smithy.io/2.0/aws/amazon-eventstream.html>).

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::{Map, Value};

/// The content type of an answer that is such a stream.
pub const EVENT_STREAM_CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// One event has no more of a payload than this: readers refuse events beyond
/// 24 MB, and nobody waits for one that long.
const LONGEST_CHUNK: usize = 1024 * 1024;

/// Total length, length of the headers, and the checksum of the two.
const PRELUDE: u32 = 12;

/// The type of a header's value that is text.
const TEXT: u8 = 7;

/// The last event
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStreamCompleteEvent.html>).
/// It does not print: an error's payload is in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct InvokeComplete {
    /// The type of the function's error, if it was one.
    pub error_code: Option<String>,
    /// The error's payload.
    pub error_details: Option<String>,
    /// The end of the log in base64, if it was asked for.
    pub log_result: Option<String>,
}

impl InvokeComplete {
    /// What there is of it, and an empty object if there is nothing.
    fn to_json(&self) -> Value {
        let members = [
            ("ErrorCode", &self.error_code),
            ("ErrorDetails", &self.error_details),
            ("LogResult", &self.log_result),
        ];
        let given = members
            .into_iter()
            .filter_map(|(name, it)| Some((name.to_owned(), Value::String(it.clone()?))));
        Value::Object(given.collect::<Map<_, _>>())
    }

    /// As it stands at the end of the stream.
    #[must_use]
    pub fn to_event(&self) -> Bytes {
        let payload = self.to_json().to_string();
        // A part of it cannot be read.
        encode("InvokeComplete", "application/json", payload.as_bytes())
    }
}

/// The events of a part of an answer: one, unless it is very long.
pub fn payload_chunks(part: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    let chunks = part.chunks(LONGEST_CHUNK);
    chunks.map(|it| encode("PayloadChunk", "application/octet-stream", it))
}

fn encode(event: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    for (name, value) in [
        (":event-type", event),
        (":content-type", content_type),
        (":message-type", "event"),
    ] {
        headers.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        headers.put_slice(name.as_bytes());
        headers.put_u8(TEXT);
        headers.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        headers.put_slice(value.as_bytes());
    }
    let length = |of: &[u8]| u32::try_from(of.len()).unwrap_or(u32::MAX);
    let total = PRELUDE
        .saturating_add(length(&headers))
        .saturating_add(length(payload))
        .saturating_add(4);
    let mut message = BytesMut::new();
    message.put_u32(total);
    message.put_u32(length(&headers));
    message.put_u32(crc32(&message));
    message.put_slice(&headers);
    message.put_slice(payload);
    message.put_u32(crc32(&message));
    message.freeze()
}

/// CRC-32 as in Ethernet and zip (IEEE 802.3), least significant bit first.
fn crc32(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        let low = usize::from(rest.to_le_bytes()[0] ^ byte);
        // There is one for each byte.
        rest = (rest >> 8) ^ TABLE.get(low).copied().unwrap_or_default();
    }
    !rest
}

const TABLE: [u32; 256] = table();

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "it is worked out when it is compiled, and would fail then"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 {
                (rest >> 1) ^ 0xedb8_8320
            } else {
                rest >> 1
            };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_everybody_knows() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    /// Takes one event apart: headers, payload, and what stands behind it.
    fn decode(bytes: &[u8]) -> (Vec<(String, String)>, Vec<u8>, &[u8]) {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let (total, length) = (number(0) as usize, number(4) as usize);
        assert_eq!(number(8), crc32(&bytes[..8]));
        assert_eq!(number(total - 4), crc32(&bytes[..total - 4]));
        let mut rest = &bytes[12..12 + length];
        let mut headers = Vec::new();
        while let Some((name, after)) = rest.split_first() {
            let (name, after) = after.split_at(usize::from(*name));
            assert_eq!(after[0], TEXT);
            let size = usize::from(u16::from_be_bytes([after[1], after[2]]));
            let text = |it: &[u8]| String::from_utf8(it.to_vec()).unwrap();
            headers.push((text(name), text(&after[3..3 + size])));
            rest = &after[3 + size..];
        }
        let payload = bytes[12 + length..total - 4].to_vec();
        (headers, payload, &bytes[total..])
    }

    #[test]
    fn a_part_of_an_answer_is_an_event_and_a_long_one_several() {
        let event: Vec<Bytes> = payload_chunks(&Bytes::from_static(b"hello")).collect();
        let (headers, payload, rest) = decode(&event[0]);
        let of = |name: &str| headers.iter().find(|(it, _)| it == name).unwrap().1.clone();
        assert_eq!(of(":event-type"), "PayloadChunk");
        assert_eq!(of(":message-type"), "event");
        assert_eq!((payload.as_slice(), rest), (&b"hello"[..], &[][..]));
        let long = Bytes::from(vec![7; 2 * LONGEST_CHUNK + 1]);
        let lengths = payload_chunks(&long).map(|it| decode(&it).1.len());
        let lengths: Vec<usize> = lengths.collect();
        assert_eq!(lengths, [LONGEST_CHUNK, LONGEST_CHUNK, 1]);
    }

    #[test]
    fn the_last_event_says_what_there_is_to_say_and_nothing_else() {
        let (_, payload, _) = decode(&InvokeComplete::default().to_event());
        assert_eq!(payload, b"{}");
        let failed = InvokeComplete {
            error_code: Some("ValueError".to_owned()),
            error_details: Some("{}".to_owned()),
            log_result: None,
        };
        let (_, payload, _) = decode(&failed.to_event());
        let said: Value = serde_json::from_slice(&payload).unwrap();
        let expected = serde_json::json!({ "ErrorCode": "ValueError", "ErrorDetails": "{}" });
        assert_eq!(said, expected);
    }
}
