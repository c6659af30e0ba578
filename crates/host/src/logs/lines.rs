//! Bytes become lines.

use super::{LogLine, Stream};
use std::sync::Arc;

/// Longer lines are cut into several: a process that prints without line ends
/// must not fill memory.
pub(super) const LONGEST_LINE: usize = 64 * 1024;

/// The longest character has so many bytes.
const LONGEST_CHARACTER: usize = 4;

/// One stream of a process: its lines are its own, whatever else is written
/// between two pieces of one.
pub(super) struct Lines {
    stream: Stream,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

/// What its lines are marked with.
#[derive(Clone)]
pub(super) struct Marks {
    pub(super) source: Arc<str>,
    pub(super) request_id: Option<Arc<str>>,
}

impl Lines {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            begun: Vec::new(),
        }
    }

    /// The lines that end in these bytes.
    pub(super) fn take(&mut self, bytes: &[u8], marks: &Marks) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|it| *it == b'\n') {
            let ends = part.last() == Some(&b'\n');
            self.begun.extend_from_slice(part);
            while self.begun.len() > LONGEST_LINE + usize::from(ends) {
                let rest = self.begun.split_off(cut(&self.begun));
                let piece = std::mem::replace(&mut self.begun, rest);
                lines.push(self.line(&piece, marks, true));
            }
            if ends {
                lines.extend(self.end(marks));
            }
        }
        lines
    }

    /// The line that has begun, as if it had ended; none: there is none.
    pub(super) fn end(&mut self, marks: &Marks) -> Option<LogLine> {
        if self.begun.is_empty() {
            return None;
        }
        let mut line = std::mem::take(&mut self.begun);
        while let Some(b'\n' | b'\r') = line.last() {
            line.pop();
        }
        Some(self.line(&line, marks, false))
    }

    fn line(&self, bytes: &[u8], marks: &Marks, is_cut: bool) -> LogLine {
        let (text, raw) = match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), None),
            Err(_) => (
                String::from_utf8_lossy(bytes).into_owned(),
                Some(bytes.into()),
            ),
        };
        LogLine {
            source: Arc::clone(&marks.source),
            text,
            raw,
            stream: self.stream,
            request_id: marks.request_id.clone(),
            at: crate::now(),
            is_cut,
        }
    }
}

/// Where a line is cut: between two characters, if it is text.
fn cut(line: &[u8]) -> usize {
    let begins = |at: &usize| line.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80);
    let mut places = (LONGEST_LINE - LONGEST_CHARACTER + 1..=LONGEST_LINE).rev();
    places.find(begins).unwrap_or(LONGEST_LINE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marks() -> Marks {
        Marks {
            source: "f".into(),
            request_id: None,
        }
    }

    fn texts(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::new(Stream::Stdout);
        let mut found = Vec::new();
        for piece in pieces {
            found.extend(lines.take(piece, &marks()));
        }
        found.extend(lines.end(&marks()));
        found.into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn a_line_may_come_in_pieces_and_may_have_no_end() {
        assert_eq!(
            texts(&[b"on", b"e\ntwo\r", b"\n\nla", b"st"]),
            ["one", "two", "", "last"]
        );
        assert_eq!(texts(&[]), [""; 0]);
    }

    #[test]
    fn what_is_no_text_is_shown_and_kept() {
        let line = Lines::new(Stream::Stderr)
            .take(b"a\xff\0b\n", &marks())
            .remove(0);
        assert_eq!(line.text, "a\u{fffd}\0b");
        assert_eq!(line.raw.as_deref(), Some(&b"a\xff\0b"[..]));
        assert_eq!(line.stream, Stream::Stderr);
    }

    #[test]
    fn a_progress_bar_stays_one_line() {
        assert_eq!(texts(&[b"10%\r20%\r", b"30%\n"]), ["10%\r20%\r30%"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_between_characters() {
        let long = "ä".repeat(LONGEST_LINE);
        let mut lines = Lines::new(Stream::Stdout);
        let mut found = lines.take(format!("x{long}\n").as_bytes(), &marks());
        let cuts: Vec<_> = found.iter().map(|it| (it.text.len(), it.is_cut)).collect();
        assert_eq!(
            cuts,
            [(LONGEST_LINE - 1, true), (LONGEST_LINE, true), (2, false)]
        );
        assert!(found.iter().all(|it| it.raw.is_none()));
        found = lines.take(&[b'y'; LONGEST_LINE], &marks());
        assert!(found.is_empty(), "it may end here");
        found = lines.take(b"\n", &marks());
        assert_eq!((found.len(), found[0].is_cut), (1, false));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_it_comes(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400),
            cuts in proptest::collection::vec(0usize..50, 0..40),
        ) {
            let mut lines = Lines::new(Stream::Stdout);
            let (mut found, mut rest) = (Vec::new(), bytes.as_slice());
            for cut in cuts {
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                found.extend(lines.take(piece, &marks()));
                rest = behind;
            }
            found.extend(lines.take(rest, &marks()));
            found.extend(lines.end(&marks()));
            let as_bytes = |it: &LogLine| it.raw.as_deref().unwrap_or(it.text.as_bytes()).to_vec();
            let mut expected: Vec<Vec<u8>> = bytes.split(|it| *it == b'\n').map(<[u8]>::to_vec).collect();
            if expected.last().is_some_and(Vec::is_empty) {
                expected.pop();
            }
            for line in &mut expected {
                while line.last() == Some(&b'\r') {
                    line.pop();
                }
            }
            prop_assert_eq!(found.iter().map(as_bytes).collect::<Vec<_>>(), expected);
        }
    }
}
