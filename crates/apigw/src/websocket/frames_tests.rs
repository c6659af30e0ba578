use super::*;
use crate::websocket::limits::{FRAME_BYTES, MESSAGE_BYTES};
use proptest::prelude::*;

const MASK: [u8; 4] = [1, 2, 3, 250];

/// A frame as a client writes it.
fn sent(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame(&mut bytes, 0, payload);
    bytes[0] = first;
    bytes[1] |= 0x80;
    let length = bytes.len() - payload.len();
    let masked = payload.iter().zip(MASK.iter().cycle());
    let masked: Vec<u8> = masked.map(|(byte, mask)| byte ^ mask).collect();
    bytes.truncate(length);
    bytes.extend(MASK);
    bytes.extend(masked);
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<Incoming>, Violation> {
    read_in(bytes, bytes.len().max(1))
}

/// In pieces of that size.
fn read_in(bytes: &[u8], size: usize) -> Result<Vec<Incoming>, Violation> {
    let mut reader = FrameReader::default();
    let mut all = Vec::new();
    for mut piece in bytes.chunks(size) {
        while let Some(incoming) = reader.next(&mut piece)? {
            all.push(incoming);
        }
        assert!(piece.is_empty());
    }
    Ok(all)
}

fn text_of(text: &str) -> Incoming {
    Incoming::Text(text.to_owned())
}

fn code_of(read: Result<Vec<Incoming>, Violation>) -> Option<u16> {
    read.err().map(|it| it.code)
}

#[test]
fn a_message_comes_in_one_frame_or_in_many_with_pings_between() {
    assert_eq!(read(&sent(0x81, b"hello")), Ok(vec![text_of("hello")]));
    let parts = [
        sent(0x01, b"hel"),
        sent(0x89, b"?"),
        sent(0x00, b"l"),
        sent(0x80, b"o"),
        sent(0x8a, b""),
    ];
    assert_eq!(
        read(&parts.concat()),
        Ok(vec![
            Incoming::Ping(b"?".to_vec()),
            text_of("hello"),
            Incoming::Pong
        ])
    );
}

#[test]
fn lengths_of_all_three_forms_are_read() {
    for length in [0, 125, 126, 32 * 1024] {
        let text = "x".repeat(length);
        assert_eq!(read(&sent(0x81, text.as_bytes())), Ok(vec![text_of(&text)]));
    }
}

#[test]
fn what_is_too_large_is_known_by_its_header() {
    let header = |bytes: Vec<u8>| bytes.get(..14).map(<[u8]>::to_vec).unwrap_or_default();
    let large = sent(0x81, &vec![b'x'; FRAME_BYTES + 1]);
    assert_eq!(code_of(read(&header(large))), Some(1009));
    let endless = [vec![0x81, 0xff], vec![0xff; 8], MASK.to_vec()].concat();
    assert_eq!(code_of(read(&endless)), Some(1009));
    let mut most = vec![sent(0x01, &vec![b'x'; FRAME_BYTES])];
    most.resize(
        MESSAGE_BYTES / FRAME_BYTES,
        sent(0x00, &vec![b'x'; FRAME_BYTES]),
    );
    assert_eq!(read(&most.concat()), Ok(vec![]));
    let ended = [most.concat(), sent(0x80, b"")].concat();
    assert_eq!(read(&ended), Ok(vec![text_of(&"x".repeat(MESSAGE_BYTES))]));
    let more = [most.concat(), sent(0x80, b"x")].concat();
    assert_eq!(code_of(read(&more)), Some(1009));
}

#[test]
fn binary_frames_and_broken_text_have_codes_of_their_own() {
    assert_eq!(code_of(read(&sent(0x82, b"x"))), Some(1003));
    assert_eq!(code_of(read(&sent(0x81, b"\xff"))), Some(1007));
    // A character may be split between frames.
    let split = [sent(0x01, b"\xc3"), sent(0x80, b"\xa4")].concat();
    assert_eq!(read(&split), Ok(vec![text_of("ä")]));
}

#[test]
fn what_is_no_frame_here_is_a_protocol_error() {
    let mut unmasked = sent(0x81, b"x");
    unmasked[1] &= 0x7f;
    let broken = [
        sent(0xc1, b"x"),
        sent(0x83, b"x"),
        sent(0x8b, b""),
        sent(0x80, b"x"),
        sent(0x09, b""),
        sent(0x89, &[0; 126]),
        [sent(0x01, b"x"), sent(0x81, b"x")].concat(),
        sent(0x88, b"x"),
        sent(0x88, &1005u16.to_be_bytes()),
        sent(0x88, &5000u16.to_be_bytes()),
        [unmasked, vec![0; 8]].concat(),
    ];
    for bytes in broken {
        assert_eq!(code_of(read(&bytes)), Some(1002), "{bytes:?}");
    }
}

#[test]
fn a_client_closes_with_a_code_or_without() {
    assert_eq!(read(&sent(0x88, b"")), Ok(vec![Incoming::Close(None)]));
    let bye = [4001u16.to_be_bytes().as_slice(), b"bye"].concat();
    assert_eq!(
        read(&sent(0x88, &bye)),
        Ok(vec![Incoming::Close(Some((4001, "bye".to_owned())))])
    );
    let broken = [1000u16.to_be_bytes().as_slice(), b"\xff"].concat();
    assert_eq!(code_of(read(&sent(0x88, &broken))), Some(1007));
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let mut bytes = Vec::new();
    close(&mut bytes, 1001, &"ä".repeat(100));
    assert_eq!(bytes.len(), 2 + 2 + 122);
    assert_eq!(bytes.get(..4), Some([0x88, 124, 3, 233].as_slice()));
}

proptest! {
    #[test]
    fn how_bytes_are_cut_does_not_matter(
        texts in prop::collection::vec("[a-zä]{0,300}", 1..5),
        size in 1usize..400,
    ) {
        let frames: Vec<u8> = texts.iter().flat_map(|it| sent(0x81, it.as_bytes())).collect();
        let all: Vec<Incoming> = texts.iter().map(|it| text_of(it)).collect();
        prop_assert_eq!(read_in(&frames, size), Ok(all));
    }

    #[test]
    fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let whole = read(&bytes);
        prop_assert_eq!(read_in(&bytes, 1).ok(), whole.ok());
    }
}
