//! Functions' lines.

use super::queue::To;
use super::{Form, Output, SOFT, is_plain, put_patiently};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use tether_host::{LogLine, LogSink, Stream};
use tether_runtime_api::log::time_of;

/// One of these is a function's own, the same each time. Red is an error's.
const COLOURS: [AnsiColor; 10] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Magenta,
    AnsiColor::BrightCyan,
    AnsiColor::BrightGreen,
    AnsiColor::BrightYellow,
    AnsiColor::BrightBlue,
    AnsiColor::BrightMagenta,
];

/// Stands behind a line that the next one goes on with.
const GOES_ON: &str = "…";

/// A line for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    event: &'static str,
    function: &'a str,
    line: &'a str,
    stream: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    time: String,
    /// The next one of this stream goes on with this line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

impl Output {
    /// Takes functions' lines.
    pub(crate) fn log_sink(&self) -> LogSink {
        super::queue();
        let printer = self.clone();
        LogSink::new(move |line: LogLine| printer.log(&line)).with_room(super::has_room)
    }

    /// A function's line of output. It may wait until there is room for it.
    pub(crate) fn log(&self, line: &LogLine) {
        match &self.form {
            Form::People => {
                let plain = is_plain();
                put(To::Stderr, line, for_people(line, plain));
            }
            Form::Programs => put(To::Stdout, line, for_programs(line)),
            Form::Launcher(launcher) => {
                let bytes = for_people(line, true);
                launcher.log(String::from_utf8_lossy(&bytes).trim_end());
            }
        }
    }
}

fn put(to: To, line: &LogLine, bytes: Vec<u8>) {
    if line.stream == Stream::Platform {
        return super::put(to, &bytes);
    }
    put_patiently(to, &bytes);
}

fn for_programs(line: &LogLine) -> Vec<u8> {
    let event = Event {
        event: "log",
        function: &line.source,
        line: &line.text,
        stream: line.stream.name(),
        request_id: line.request_id.as_deref(),
        time: time_of(line.at.0),
        cut: line.is_cut,
    };
    let mut bytes = serde_json::to_vec(&event).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// In a pipe, byte for byte what was written; on a terminal, what one would show.
fn for_people(line: &LogLine, plain: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.text.len() + line.source.len() + 32);
    let name = &line.source;
    if plain {
        bytes.extend_from_slice(format!("[{name}] ").as_bytes());
        let written = line.raw.as_deref();
        bytes.extend_from_slice(written.unwrap_or(line.text.as_bytes()));
    } else {
        let colour = colour(name);
        bytes.extend_from_slice(format!("{colour}[{name}]{colour:#} ").as_bytes());
        let text = last_of_progress(&line.text);
        match line.stream {
            Stream::Platform => {
                bytes.extend_from_slice(format!("{SOFT}{text}{SOFT:#}").as_bytes());
            }
            _ => bytes.extend_from_slice(text.as_bytes()),
        }
    }
    if line.is_cut {
        bytes.extend_from_slice(GOES_ON.as_bytes());
    }
    bytes.push(b'\n');
    bytes
}

/// A progress bar writes over itself: what it wrote last. It would write over
/// the function's name as well.
fn last_of_progress(text: &str) -> &str {
    let mut states = text.rsplit('\r');
    states.find(|it| !it.is_empty()).unwrap_or_default()
}

/// FNV-1a: the same on every machine.
fn colour(name: &str) -> Style {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let index = usize::try_from(hash >> 32).unwrap_or_default() % COLOURS.len();
    COLOURS[index].on_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::sync::Arc;
    use tether_protocol::Timestamp;

    fn line(text: &str) -> LogLine {
        LogLine {
            stream: Stream::Stdout,
            at: Timestamp(1_795_680_194_512),
            ..LogLine::platform(&Arc::from("Hello"), text.to_owned())
        }
    }

    fn shown(line: &LogLine, plain: bool) -> String {
        String::from_utf8(for_people(line, plain)).unwrap()
    }

    #[test]
    fn a_pipe_gets_the_bytes_and_a_terminal_what_it_can_show() {
        let line = LogLine {
            raw: Some(b"10%\r\xff".as_slice().into()),
            ..line("10%\r\u{fffd}")
        };
        assert_eq!(for_people(&line, true), b"[Hello] 10%\r\xff\n");
        let colour = colour("Hello");
        let expected = format!("{colour}[Hello]{colour:#} \u{fffd}\n");
        assert_eq!(shown(&line, false), expected);
    }

    #[test]
    fn a_function_has_a_colour_of_its_own_that_stays() {
        assert_eq!(colour("Hello"), colour("Hello"));
        let names: Vec<String> = (0..40).map(|it| format!("Function{it}")).collect();
        let colours: std::collections::HashSet<String> =
            names.iter().map(|it| colour(it).to_string()).collect();
        assert!(colours.len() > COLOURS.len() / 2, "{}", colours.len());
    }

    #[test]
    fn a_piece_of_a_line_is_marked() {
        let piece = LogLine {
            is_cut: true,
            ..line("xx")
        };
        assert_eq!(shown(&piece, true), "[Hello] xx…\n");
        let event: Value = serde_json::from_slice(&for_programs(&piece)).unwrap();
        assert_eq!(event["cut"], true);
    }

    #[test]
    fn programs_know_whose_line_it_is_and_when() {
        let line = LogLine {
            request_id: Some("r-1".into()),
            ..line("\"quoted\"")
        };
        let text = String::from_utf8(for_programs(&line)).unwrap();
        assert_eq!(
            text,
            "{\"event\":\"log\",\"function\":\"Hello\",\"line\":\"\\\"quoted\\\"\",\
             \"stream\":\"stdout\",\"requestId\":\"r-1\",\"time\":\"2026-11-26T08:03:14.512Z\"}\n"
        );
    }

    #[test]
    fn a_progress_bar_shows_its_last_state() {
        for (text, state) in [("a\rb", "b"), ("a\rb\r", "b"), ("\r", ""), ("a", "a")] {
            assert_eq!(last_of_progress(text), state);
        }
    }
}
