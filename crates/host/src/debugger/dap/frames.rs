//! The frames of the Debug Adapter Protocol in a stream of bytes
//! (<https://microsoft.github.io/debug-adapter-protocol/overview#base-protocol>).

/// A longer frame passes by unread: what is looked for here is short, the
/// stack of a deep recursion included.
const LONGEST_FRAME: usize = 4 * 1024 * 1024;

/// A header is a line or two.
const LONGEST_HEADER: usize = 4096;

/// Reads along in one direction of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    part: Part,
    longest: usize,
}

/// Where in the stream the next byte belongs.
#[derive(Debug)]
enum Part {
    /// What there is of the header.
    Header(Vec<u8>),
    /// What there is of the frame, and how much of it is still to come.
    Frame { begun: Vec<u8>, missing: usize },
    /// Still to come of a frame that is too long.
    Unread(usize),
    /// This is not the protocol: where its frames begin is not known any more.
    Lost,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self::up_to(LONGEST_FRAME)
    }

    fn up_to(longest: usize) -> Self {
        Self {
            part: Part::Header(Vec::new()),
            longest,
        }
    }

    /// Takes what came, and hands out each frame that is complete by it.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            bytes = match &mut self.part {
                Part::Header(_) => self.read_header(bytes),
                Part::Frame { begun, missing } => {
                    let (now, later) = bytes.split_at(bytes.len().min(*missing));
                    begun.extend_from_slice(now);
                    *missing -= now.len();
                    later
                }
                Part::Unread(missing) => {
                    let (now, later) = bytes.split_at(bytes.len().min(*missing));
                    *missing -= now.len();
                    later
                }
                Part::Lost => return,
            };
            self.hand_out(&mut each);
        }
    }

    /// Whether nothing will be handed out any more.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.part, Part::Lost)
    }

    /// One line of it. Returns what is behind.
    fn read_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Part::Header(header) = &mut self.part else {
            return bytes;
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (now, later) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        if header.len() + now.len() > LONGEST_HEADER {
            self.part = Part::Lost;
            return later;
        }
        header.extend_from_slice(now);
        if header.ends_with(b"\n\r\n") || header.ends_with(b"\n\n") {
            self.part = match content_length(header) {
                Some(length) if length > self.longest => Part::Unread(length),
                Some(length) => Part::Frame {
                    begun: Vec::new(),
                    missing: length,
                },
                None => Part::Lost,
            };
        }
        later
    }

    fn hand_out(&mut self, each: &mut impl FnMut(&[u8])) {
        match &self.part {
            Part::Frame { begun, missing: 0 } => each(begun),
            Part::Unread(0) => {}
            _ => return,
        }
        self.part = Part::Header(Vec::new());
    }
}

fn content_length(header: &[u8]) -> Option<usize> {
    let header = std::str::from_utf8(header).ok()?;
    let fields = header.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"));
    lengths.next()?.1.trim().parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is handed out of these parts of a stream, and whether it is lost.
    fn frames<'a>(
        longest: usize,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<Vec<u8>>, bool) {
        let (mut frames, mut found) = (Frames::up_to(longest), Vec::new());
        for part in parts {
            frames.read(part, |frame| found.push(frame.to_vec()));
        }
        (found, frames.is_lost())
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut framed = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        framed.extend_from_slice(body);
        framed
    }

    #[test]
    fn a_frame_too_long_passes_by_and_the_next_one_is_read() {
        let stream = [framed(b"12345"), framed(b"1234"), framed(b"")].concat();
        let (found, lost) = frames(4, [stream.as_slice()]);
        assert_eq!(found, [b"1234".to_vec(), vec![]]);
        assert!(!lost);
    }

    #[test]
    fn other_fields_and_another_case_are_a_header_as_well() {
        let stream = b"Content-Type: x\r\ncontent-length:2\r\n\r\n{}";
        assert_eq!(
            frames(9, [stream.as_slice()]),
            (vec![b"{}".to_vec()], false)
        );
    }

    #[test]
    fn what_is_not_the_protocol_is_not_read_any_more() {
        let endless = vec![b'x'; LONGEST_HEADER + 1];
        let odd: [&[u8]; 5] = [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"Content-Length: many\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"\xff\xfe: 1\r\n\r\n",
            &endless,
        ];
        for odd in odd {
            let stream = [odd, &framed(b"{}")].concat();
            assert_eq!(frames(9, [stream.as_slice()]), (vec![], true));
        }
    }

    proptest! {
        #[test]
        fn frames_are_the_same_wherever_the_stream_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|it| framed(it)).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|it| it.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|it| &stream[it[0]..it[1]]);
            let short: Vec<_> = bodies.into_iter().filter(|it| it.len() <= 20).collect();
            prop_assert_eq!(frames(20, parts), (short, false));
        }

        #[test]
        fn any_bytes_can_be_read_and_little_of_them_is_held(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..80),
        ) {
            let mut frames = Frames::up_to(64);
            for part in &parts {
                frames.read(part, |frame| assert!(frame.len() <= 64));
                let held = match &frames.part {
                    Part::Header(header) => header.len(),
                    Part::Frame { begun, .. } => begun.len(),
                    Part::Unread(_) | Part::Lost => 0,
                };
                prop_assert!(held <= LONGEST_HEADER);
            }
        }
    }
}
