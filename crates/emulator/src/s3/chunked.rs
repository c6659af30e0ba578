//! Bodies in chunks with signatures and trailing checksums: what SDKs send by
//! default. Neither is verified here
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>).

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

const BROKEN: &str = "The request body terminated unexpectedly";

/// Whether the body comes in chunks.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    let has = |name: &str, word: &str| {
        let value = headers.get(name).and_then(|it| it.to_str().ok());
        value.is_some_and(|it| it.contains(word))
    };
    has("x-amz-content-sha256", "STREAMING-") || has(CONTENT_ENCODING.as_str(), "aws-chunked")
}

/// The body itself.
pub(super) fn decode(headers: &HeaderMap, body: Bytes) -> Result<Bytes, &'static str> {
    if !is_chunked(headers) {
        return Ok(body);
    }
    let content = content(body)?;
    let expected = headers.get("x-amz-decoded-content-length");
    let expected = expected.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    match expected {
        Some(expected) if expected != content.len() => Err(BROKEN),
        _ => Ok(content),
    }
}

/// `SIZE[;chunk-signature=…]\r\n…\r\n`, the last one of size 0; then trailers.
fn content(body: Bytes) -> Result<Bytes, &'static str> {
    let mut rest = body;
    let mut content = BytesMut::new();
    loop {
        let end = rest.windows(2).position(|it| it == b"\r\n").ok_or(BROKEN)?;
        let line = rest.split_to(end);
        let size = line.split(|it| *it == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size).map_err(|_| BROKEN)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| BROKEN)?;
        if size == 0 {
            return Ok(content.freeze());
        }
        let chunk = rest.get(2..).and_then(|it| it.get(..size)).ok_or(BROKEN)?;
        content.extend_from_slice(chunk);
        let behind = size.saturating_add(4);
        if rest.get(size + 2..behind) != Some(b"\r\n") {
            return Err(BROKEN);
        }
        let _ = rest.split_to(behind);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn decoded(body: &'static str, length: &'static str) -> Result<Bytes, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "aws-chunked".parse().unwrap());
        headers.insert("x-amz-decoded-content-length", length.parse().unwrap());
        decode(&headers, Bytes::from(body))
    }

    #[test]
    fn chunks_become_one_body() {
        let signed = "4;chunk-signature=0\r\nabcd\r\n2\r\n\r\n\r\n0;chunk-signature=0\r\n\r\n";
        assert_eq!(decoded(signed, "6").unwrap(), "abcd\r\n");
        let trailing = "a\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(decoded(trailing, "10").unwrap(), "0123456789");
        assert_eq!(decoded("0\r\n\r\n", "0").unwrap(), "");
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for body in [
            "",
            "4",
            "4\r\nab",
            "4\r\nabcd",
            "4\r\nabcdxx",
            "4\r\nabcd\r\n",
            "x\r\n\r\n",
            "ffffffffffffffff\r\nab\r\n",
        ] {
            assert_eq!(decoded(body, "4"), Err(BROKEN), "{body:?}");
        }
        assert_eq!(decoded("1\r\na\r\n0\r\n\r\n", "2"), Err(BROKEN));
    }

    #[test]
    fn a_plain_body_is_left_alone() {
        let body = Bytes::from("4\r\nabcd");
        assert_eq!(decode(&HeaderMap::new(), body.clone()), Ok(body));
    }
}
