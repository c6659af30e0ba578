//! What clients of a WebSocket API send.

use tether_apigw::websocket::frames::{self, FrameReader, Incoming, Violation};
use tether_apigw::websocket::limits::MESSAGE_BYTES;

/// What bytes amount to, until they end or break a rule.
type Read = (Vec<Incoming>, Option<Violation>);

/// It makes no difference in which pieces bytes come, nothing is made larger than it may be, and
/// what goes back is a frame.
pub(crate) fn sent_by_a_client(bytes: &[u8]) {
    let whole = read_in(bytes, bytes.len().max(1));
    let sizes: &[usize] = match bytes.len() {
        0..4096 => &[1, 2, 3, 7],
        _ => &[4093],
    };
    for &size in sizes {
        assert_eq!(read_in(bytes, size), whole, "in pieces of {size}");
    }
    let (incoming, violation) = whole;
    for it in &incoming {
        check(it);
    }
    if let Some(Violation { code, reason }) = violation {
        assert!(matches!(code, 1002 | 1003 | 1007 | 1009), "{code}");
        let mut written = Vec::new();
        frames::close(&mut written, code, reason);
        is_a_frame(&written, &[&code.to_be_bytes(), reason.as_bytes()].concat());
    }
}

fn read_in(bytes: &[u8], size: usize) -> Read {
    let (mut reader, mut all) = (FrameReader::default(), Vec::new());
    for mut piece in bytes.chunks(size) {
        loop {
            let before = piece.len();
            match reader.next(&mut piece) {
                Ok(Some(incoming)) => all.push(incoming),
                Ok(None) => break,
                Err(violation) => return (all, Some(violation)),
            }
            assert!(piece.len() < before, "something came of nothing");
        }
        assert!(piece.is_empty());
    }
    (all, None)
}

fn check(incoming: &Incoming) {
    let mut written = Vec::new();
    match incoming {
        Incoming::Text(text) => {
            assert!(text.len() <= MESSAGE_BYTES, "{}", text.len());
            frames::text(&mut written, text.as_bytes());
            is_a_frame(&written, text.as_bytes());
        }
        Incoming::Ping(payload) => {
            frames::pong(&mut written, payload);
            is_a_frame(&written, payload);
        }
        Incoming::Pong | Incoming::Close(None) => {}
        Incoming::Close(Some((code, reason))) => {
            frames::close(&mut written, *code, reason);
            is_a_frame(&written, &[&code.to_be_bytes(), reason.as_bytes()].concat());
        }
    }
}

/// One frame, unmasked, with this payload: a client's own reader would see it so.
fn is_a_frame(written: &[u8], payload: &[u8]) {
    assert_eq!(written[0] & 0xf0, 0x80);
    let header = match written[1] {
        127 => 10,
        126 => 4,
        short => {
            assert_eq!(usize::from(short), payload.len());
            2
        }
    };
    assert_eq!(&written[header..], payload);
}
