//! The messages of a WebSocket server in a stream of bytes
//! (<https://www.rfc-editor.org/rfc/rfc6455#section-5.2>), behind the answer to
//! the HTTP request that asked for it.

/// A longer message passes by unread: what is looked for here is short, a
/// source map in a script's URL included.
const LONGEST_MESSAGE: usize = 8 * 1024 * 1024;

/// An answer to an upgrade is a few lines.
const LONGEST_HEAD: usize = 16 * 1024;

/// A frame's: two bytes, a long length, and no mask.
const LONGEST_FRAME_HEAD: usize = 10;

/// Reads along what a server says.
#[derive(Debug)]
pub(super) struct Messages {
    part: Part,
    /// The frames of the message so far.
    message: Vec<u8>,
    /// It is too long.
    unread: bool,
    longest: usize,
}

/// Where in the stream the next byte belongs.
#[derive(Debug)]
enum Part {
    /// What there is of the answer to the upgrade.
    Upgrade(Vec<u8>),
    /// What there is of a frame's head.
    FrameHead(Vec<u8>),
    Frame {
        kind: Kind,
        missing: u64,
    },
    /// This is a plain answer, or not the protocol.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The last frame of a message.
    Last,
    /// More of it will come.
    First,
    /// A ping, for example: it may stand between two frames of a message.
    Control,
}

impl Messages {
    pub(super) fn new() -> Self {
        Self::up_to(LONGEST_MESSAGE)
    }

    fn up_to(longest: usize) -> Self {
        Self {
            part: Part::Upgrade(Vec::new()),
            message: Vec::new(),
            unread: false,
            longest,
        }
    }

    /// Takes what came, and hands out each message that is complete by it.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            bytes = match &mut self.part {
                Part::Upgrade(_) => self.read_upgrade(bytes),
                Part::FrameHead(_) => self.read_frame_head(bytes),
                Part::Frame { .. } => self.read_frame(bytes),
                Part::Other => return,
            };
            if let Part::Frame { kind, missing: 0 } = self.part {
                self.part = Part::FrameHead(Vec::new());
                if kind == Kind::Last {
                    let message = std::mem::take(&mut self.message);
                    if !std::mem::take(&mut self.unread) {
                        each(&message);
                    }
                }
            }
        }
    }

    /// Whether nothing will be handed out any more.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.part, Part::Other)
    }

    /// Whether the server has agreed to speak in messages.
    pub(super) fn has_begun(&self) -> bool {
        matches!(self.part, Part::FrameHead(_) | Part::Frame { .. })
    }

    /// One line of it. Returns what is behind.
    fn read_upgrade<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Part::Upgrade(head) = &mut self.part else {
            return bytes;
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (now, later) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        if head.len() + now.len() > LONGEST_HEAD {
            self.part = Part::Other;
            return later;
        }
        head.extend_from_slice(now);
        if head.ends_with(b"\r\n\r\n") {
            self.part = if switches_protocols(head) {
                Part::FrameHead(Vec::new())
            } else {
                Part::Other
            };
        }
        later
    }

    /// A byte of it. Returns what is behind.
    fn read_frame_head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (Part::FrameHead(head), Some((byte, later))) = (&mut self.part, bytes.split_first())
        else {
            return bytes;
        };
        head.push(*byte);
        match frame(head) {
            Head::Complete(kind, missing) => self.part = Part::Frame { kind, missing },
            Head::Incomplete if head.len() < LONGEST_FRAME_HEAD => {}
            Head::Incomplete | Head::Odd => self.part = Part::Other,
        }
        later
    }

    /// Returns what is behind.
    fn read_frame<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Part::Frame { kind, missing } = &mut self.part else {
            return bytes;
        };
        let length = usize::try_from(*missing).map_or(bytes.len(), |it| it.min(bytes.len()));
        let (now, later) = bytes.split_at(length);
        *missing -= u64::try_from(length).unwrap_or(*missing);
        if *kind != Kind::Control && !self.unread {
            self.unread = self.message.len() + now.len() > self.longest;
            if self.unread {
                self.message = Vec::new();
            } else {
                self.message.extend_from_slice(now);
            }
        }
        later
    }
}

/// `HTTP/1.1 101 Switching Protocols`
fn switches_protocols(head: &[u8]) -> bool {
    let mut words = head.split(|byte| *byte == b' ');
    words.next().is_some_and(|it| it.starts_with(b"HTTP/1.")) && words.next() == Some(b"101")
}

enum Head {
    Incomplete,
    Complete(Kind, u64),
    /// Compressed or masked: no inspector sends that unless it is asked to.
    Odd,
}

fn frame(head: &[u8]) -> Head {
    let [first, second, rest @ ..] = head else {
        return Head::Incomplete;
    };
    if first & 0x70 != 0 || second & 0x80 != 0 {
        return Head::Odd;
    }
    let kind = match (first & 0x08 != 0, first & 0x80 != 0) {
        (true, _) => Kind::Control,
        (false, true) => Kind::Last,
        (false, false) => Kind::First,
    };
    let length = match (second & 0x7f, rest) {
        (126, [high, low]) => u64::from(u16::from_be_bytes([*high, *low])),
        (127, [a, b, c, d, e, f, g, h]) => u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
        (126 | 127, _) => return Head::Incomplete,
        (short, _) => u64::from(short),
    };
    Head::Complete(kind, length)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UPGRADE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    fn framed(first: u8, body: &[u8]) -> Vec<u8> {
        let mut framed = vec![first];
        match body.len() {
            short @ 0..126 => framed.push(u8::try_from(short).unwrap()),
            long if long < 65_536 => {
                framed.push(126);
                framed.extend(u16::try_from(long).unwrap().to_be_bytes());
            }
            longer => {
                framed.push(127);
                framed.extend(u64::try_from(longer).unwrap().to_be_bytes());
            }
        }
        framed.extend_from_slice(body);
        framed
    }

    /// What is handed out of these parts of a stream, and whether it is lost.
    fn messages<'a>(
        longest: usize,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<Vec<u8>>, bool) {
        let (mut messages, mut found) = (Messages::up_to(longest), Vec::new());
        for part in parts {
            messages.read(part, |message| found.push(message.to_vec()));
        }
        (found, messages.is_lost())
    }

    #[test]
    fn frames_of_every_length_are_one_message_together_and_a_ping_is_none() {
        let long = vec![b'x'; 70_000];
        let stream = [
            UPGRADE.to_vec(),
            framed(0x01, b"one, "),
            framed(0x89, b"ping"),
            framed(0x00, b""),
            framed(0x80, b"two"),
            framed(0x81, &vec![b'y'; 300]),
            framed(0x81, &long),
        ]
        .concat();
        let (found, lost) = messages(100_000, [stream.as_slice()]);
        assert_eq!(found, [b"one, two".to_vec(), vec![b'y'; 300], long]);
        assert!(!lost);
    }

    #[test]
    fn a_message_too_long_passes_by_and_the_next_one_is_read() {
        let stream = [
            UPGRADE.to_vec(),
            framed(0x01, b"1234"),
            framed(0x00, b"5"),
            framed(0x80, b"6"),
            framed(0x81, b"1234"),
        ]
        .concat();
        assert_eq!(
            messages(4, [stream.as_slice()]),
            (vec![b"1234".to_vec()], false)
        );
    }

    #[test]
    fn what_is_no_websocket_is_not_read_any_more() {
        let endless = vec![b'x'; LONGEST_HEAD + 1];
        let odd: [&[u8]; 5] = [
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 404 101\r\n\r\n",
            &[UPGRADE, b"\xc1\x00"].concat(),
            &[UPGRADE, b"\x81\x81"].concat(),
            &endless,
        ];
        for odd in odd {
            let stream = [odd, &framed(0x81, b"{}")].concat();
            assert_eq!(messages(9, [stream.as_slice()]), (vec![], true));
        }
    }

    proptest! {
        #[test]
        fn messages_are_the_same_wherever_the_stream_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let frames = bodies.iter().flat_map(|it| framed(0x82, it));
            let stream: Vec<u8> = UPGRADE.iter().copied().chain(frames).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|it| it.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|it| &stream[it[0]..it[1]]);
            let short: Vec<_> = bodies.into_iter().filter(|it| it.len() <= 200).collect();
            prop_assert_eq!(messages(200, parts), (short, false));
        }

        #[test]
        fn any_bytes_can_be_read_and_little_of_them_is_held(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..80),
        ) {
            let mut messages = Messages::up_to(64);
            messages.read(UPGRADE, |_| {});
            for part in &parts {
                messages.read(part, |message| assert!(message.len() <= 64));
                prop_assert!(messages.message.len() <= 64);
            }
        }
    }
}
