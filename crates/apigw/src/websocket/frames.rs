//! WebSocket frames, as the server's side has them: what a client's bytes
//! amount to, and the bytes that a client gets.
//!
//! Bytes go in as they come, in pieces of any size; whole messages come out. A
//! connection on which nothing is on its way holds no buffer, and of a frame
//! that is too large nothing but its header is read.
//!
//! <https://www.rfc-editor.org/rfc/rfc6455#section-5>

use super::limits::{CLOSE_TOO_BIG, close_code};

/// Close code for bytes that are no WebSocket frames.
const CLOSE_PROTOCOL: u16 = 1002;
/// Close code for text that is not UTF-8.
const CLOSE_NOT_TEXT: u16 = 1007;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The longest payload of a control frame.
const CONTROL_BYTES: usize = 125;
/// Two bytes, eight of length, four of mask.
const HEADER_BYTES: usize = 14;

/// Something whole that a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A message.
    Text(String),
    /// It wants to hear this back: [`pong`].
    Ping(Vec<u8>),
    /// It answers a ping, or is just alive.
    Pong,
    /// It closes, with code and reason, or with neither.
    Close(Option<(u16, String)>),
}

/// What ends a connection: the close frame's code and reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct Violation {
    /// `1009`
    pub code: u16,
    /// `Message too big`
    pub reason: &'static str,
}

const BROKEN: Violation = Violation {
    code: CLOSE_PROTOCOL,
    reason: "Protocol error",
};
const NOT_TEXT: Violation = Violation {
    code: CLOSE_NOT_TEXT,
    reason: "Not UTF-8",
};

/// Puts a client's frames together.
#[derive(Debug, Default)]
pub struct FrameReader {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    frame: Option<Frame>,
    /// Of the frames of this message so far.
    message: Vec<u8>,
    /// A control frame may stand between those of a message.
    control: Vec<u8>,
    /// Whether a message has begun and not ended.
    in_message: bool,
}

/// The frame whose payload is being read.
#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: u8,
    is_last: bool,
    mask: [u8; 4],
    read: usize,
    length: usize,
}

impl FrameReader {
    /// Takes one thing from the beginning of `bytes`, which is shortened by what was read;
    /// `None` when they are used up.
    ///
    /// # Errors
    /// Why the connection has to be closed; nothing can be read after that.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Incoming>, Violation> {
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.header(bytes)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            let frame = self.payload(frame, bytes);
            if frame.read < frame.length {
                self.frame = Some(frame);
                return Ok(None);
            }
            self.frame = None;
            if let Some(incoming) = self.whole(frame)? {
                return Ok(Some(incoming));
            }
        }
    }

    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, Violation> {
        loop {
            let needed = header_length(self.header.get(..self.header_bytes).unwrap_or_default());
            if self.header_bytes == needed {
                break;
            }
            let Some((first, rest)) = bytes.split_first() else {
                return Ok(None);
            };
            if let Some(slot) = self.header.get_mut(self.header_bytes) {
                *slot = *first;
            }
            self.header_bytes += 1;
            *bytes = rest;
        }
        let header = self.header;
        let length = self.header_bytes;
        self.header_bytes = 0;
        let frame = parse_header(header.get(..length).unwrap_or_default())?;
        self.admit(&frame)?;
        Ok(Some(frame))
    }

    /// Whether a frame may come here, and be so long.
    fn admit(&mut self, frame: &Frame) -> Result<(), Violation> {
        match frame.opcode {
            CLOSE | PING | PONG if frame.is_last && frame.length <= CONTROL_BYTES => return Ok(()),
            TEXT | BINARY if !self.in_message => {}
            CONTINUATION if self.in_message => {}
            _ => return Err(BROKEN),
        }
        let message = self.message.len().saturating_add(frame.length);
        match close_code(frame.opcode == BINARY, frame.length, message) {
            None => {
                self.in_message = true;
                Ok(())
            }
            Some(CLOSE_TOO_BIG) => Err(Violation {
                code: CLOSE_TOO_BIG,
                reason: "Message too big",
            }),
            Some(code) => Err(Violation {
                code,
                reason: "Only text",
            }),
        }
    }

    /// Reads what is there of a payload.
    fn payload(&mut self, mut frame: Frame, bytes: &mut &[u8]) -> Frame {
        let wanted = (frame.length - frame.read).min(bytes.len());
        let (here, rest) = bytes.split_at(wanted);
        let into = if frame.opcode >= CLOSE {
            &mut self.control
        } else {
            &mut self.message
        };
        let masked = here
            .iter()
            .zip(frame.mask.iter().cycle().skip(frame.read % 4));
        into.extend(masked.map(|(byte, mask)| byte ^ mask));
        frame.read += wanted;
        *bytes = rest;
        frame
    }

    /// What a frame that is complete completes.
    fn whole(&mut self, frame: Frame) -> Result<Option<Incoming>, Violation> {
        match frame.opcode {
            PING => Ok(Some(Incoming::Ping(std::mem::take(&mut self.control)))),
            PONG => {
                self.control = Vec::new();
                Ok(Some(Incoming::Pong))
            }
            CLOSE => closed(&std::mem::take(&mut self.control)).map(Some),
            _ if frame.is_last => {
                self.in_message = false;
                let text = String::from_utf8(std::mem::take(&mut self.message));
                text.map(|it| Some(Incoming::Text(it)))
                    .map_err(|_| NOT_TEXT)
            }
            _ => Ok(None),
        }
    }
}

/// How long a header is, by as much of it as is known.
fn header_length(header: &[u8]) -> usize {
    match header.get(1).map(|it| it & 0x7f) {
        None => 2,
        Some(127) => 14,
        Some(126) => 8,
        Some(_) => 6,
    }
}

/// Clients mask their payload, and nobody agreed on extensions.
fn parse_header(header: &[u8]) -> Result<Frame, Violation> {
    let (Some([first, second]), Some(mask)) = (
        header.first_chunk::<2>().copied(),
        header.last_chunk::<4>().copied(),
    ) else {
        return Err(BROKEN);
    };
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(BROKEN);
    }
    let length = match second & 0x7f {
        short @ 0..=125 => u64::from(short),
        _ => header
            .get(2..header.len() - 4)
            .unwrap_or_default()
            .iter()
            .fold(0, |length, byte| (length << 8) | u64::from(*byte)),
    };
    Ok(Frame {
        opcode: first & 0x0f,
        is_last: first & 0x80 != 0,
        mask,
        read: 0,
        length: usize::try_from(length).unwrap_or(usize::MAX),
    })
}

fn closed(payload: &[u8]) -> Result<Incoming, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(Incoming::Close(None))
        } else {
            Err(BROKEN)
        };
    };
    let code = u16::from_be_bytes(*code);
    // https://www.rfc-editor.org/rfc/rfc6455#section-7.4: the others are no codes of a frame.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(BROKEN);
    }
    let reason = std::str::from_utf8(reason).map_err(|_| NOT_TEXT)?;
    Ok(Incoming::Close(Some((code, reason.to_owned()))))
}

/// A message, in one frame.
pub fn text(into: &mut Vec<u8>, message: &[u8]) {
    frame(into, TEXT, message);
}

/// The answer to a ping.
pub fn pong(into: &mut Vec<u8>, payload: &[u8]) {
    frame(into, PONG, payload);
}

/// The last frame; a reason of more than 123 bytes is cut.
pub fn close(into: &mut Vec<u8>, code: u16, reason: &str) {
    let mut payload = code.to_be_bytes().to_vec();
    let mut end = reason.len().min(CONTROL_BYTES - payload.len());
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    payload.extend(reason.bytes().take(end));
    frame(into, CLOSE, &payload);
}

/// A close frame without a code, for a client that sent none.
pub fn close_without_code(into: &mut Vec<u8>) {
    frame(into, CLOSE, &[]);
}

fn frame(into: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    into.reserve(payload.len() + 10);
    into.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..=125), _) => into.push(short),
        (_, Ok(length)) => {
            into.push(126);
            into.extend(length.to_be_bytes());
        }
        _ => {
            into.push(127);
            into.extend((payload.len() as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(payload);
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
