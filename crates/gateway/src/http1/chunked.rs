//! A body in chunks, taken apart
//! (<https://www.rfc-editor.org/rfc/rfc9112#section-7.1>).

use super::head::Malformed;

/// A chunk's size with its extensions, or a trailer.
const LONGEST_LINE: usize = 4096;

/// All trailers together.
const LONGEST_TRAILERS: usize = 64 * 1024;

const WRONG: Malformed = Malformed::Syntax("its chunks are none");

/// Takes a body apart, however it is cut.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    trailers: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// A size is next.
    #[default]
    Size,
    /// So many bytes of a chunk are to come.
    Data(u64),
    /// The line end behind a chunk.
    Behind,
    /// Trailers, up to an empty line. Nobody is shown them.
    Trailers,
    Done,
}

impl Decoder {
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what it can of `bytes`, puts data behind `body`, and says how much it took. The rest
    /// is given again, with more behind it.
    pub(super) fn push(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut taken = 0_usize;
        while !self.is_done() {
            let rest = bytes.get(taken..).unwrap_or_default();
            let step = self.step(rest, body)?;
            if step == 0 {
                break;
            }
            taken = taken.saturating_add(step);
        }
        Ok(taken)
    }

    fn step(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<usize, Malformed> {
        if let State::Data(left) = self.state {
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let data = bytes.get(..most).unwrap_or(bytes);
            body.extend_from_slice(data);
            let left = left.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
            self.state = match left {
                0 => State::Behind,
                left => State::Data(left),
            };
            return Ok(data.len());
        }
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            return if bytes.len() > LONGEST_LINE {
                Err(WRONG)
            } else {
                Ok(0)
            };
        };
        let line = bytes.get(..end).unwrap_or_default();
        self.line(line.strip_suffix(b"\r").unwrap_or(line))?;
        Ok(end.saturating_add(1))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.state = match self.state {
            State::Size => match size(line).ok_or(WRONG)? {
                0 => State::Trailers,
                size => State::Data(size),
            },
            State::Behind if line.is_empty() => State::Size,
            State::Trailers if line.is_empty() => State::Done,
            State::Trailers => {
                self.trailers = self.trailers.saturating_add(line.len());
                if self.trailers > LONGEST_TRAILERS {
                    return Err(Malformed::HeadTooLarge);
                }
                State::Trailers
            }
            State::Behind | State::Data(_) | State::Done => return Err(WRONG),
        };
        Ok(())
    }
}

/// `1f;name=value`
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let hex = (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| hex)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, Vec<u8>, bool), Malformed> {
        let (mut decoder, mut body, mut buffer) = (Decoder::default(), Vec::new(), Vec::new());
        for piece in pieces {
            buffer.extend_from_slice(piece);
            let taken = decoder.push(&buffer, &mut body)?;
            buffer.drain(..taken);
        }
        Ok((body, buffer, decoder.is_done()))
    }

    #[test]
    fn a_body_in_chunks_is_put_together_wherever_it_is_cut() {
        let whole = b"3\r\nabc\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nGET /";
        for at in 0..whole.len() {
            let (one, two) = whole.split_at(at);
            let (body, rest, done) = decode(&[one, two]).unwrap();
            assert_eq!((body.as_slice(), done), (&b"abc0123456789"[..], true));
            assert_eq!(rest, b"GET /", "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let wrong: [&[u8]; 8] = [
            b"\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"0x3\r\nabc\r\n",
            b"+3\r\nabc\r\n",
            b"3\r\nabcd\r\n",
            b"ffffffffffffffffff\r\n",
            &[b'1'; LONGEST_LINE + 1],
        ];
        for bytes in wrong {
            assert_eq!(decode(&[bytes]), Err(WRONG), "{bytes:?}");
        }
        let mut endless = b"0\r\n".to_vec();
        endless.extend(b"a: b\r\n".repeat(LONGEST_TRAILERS));
        assert_eq!(decode(&[&endless]), Err(Malformed::HeadTooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_take_more_than_there_is(
            bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'1'), any::<u8>()], 0..200)
        ) {
            let (mut decoder, mut body) = (Decoder::default(), Vec::new());
            if let Ok(taken) = decoder.push(&bytes, &mut body) {
                prop_assert!(taken <= bytes.len());
                prop_assert!(body.len() <= taken);
            }
        }
    }
}
