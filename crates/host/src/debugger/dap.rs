//! What one debugger session does, from the bytes that pass by
//! (<https://microsoft.github.io/debug-adapter-protocol/specification>).

mod frames;

use super::session::{Stop, place as place_of};
use frames::Frames;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use tether_protocol::Timestamp;

/// An editor stops at one thread after the other, and asks a few questions at
/// a time: more than this is no editor.
const MOST_THREADS: usize = 256;
const MOST_QUESTIONS: usize = 256;

/// An editor and a debugger, overheard.
#[derive(Debug)]
pub(super) struct Session {
    from_editor: Frames,
    from_debugger: Frames,
    threads: Threads,
}

/// A thread that stands.
#[derive(Debug)]
struct Stopped {
    stop: Stop,
    /// Counts the stops of a session: an answer is about those that were there
    /// when it was asked for. debugpy answers a step and tells of its end from
    /// two threads, in any order.
    number: u64,
}

#[derive(Debug, Default)]
struct Threads {
    stopped: HashMap<i64, Stopped>,
    stops: u64,
    questions: VecDeque<Question>,
}

#[derive(Debug)]
struct Question {
    seq: i64,
    about: About,
    /// The last stop before it.
    after: u64,
}

#[derive(Clone, Copy, Debug)]
enum About {
    /// These go on.
    GoOn(Which),
    /// Where this thread stands.
    Place(i64),
}

#[derive(Clone, Copy, Debug)]
enum Which {
    All,
    Thread(i64),
}

impl Session {
    pub(super) fn new() -> Self {
        Self {
            from_editor: Frames::new(),
            from_debugger: Frames::new(),
            threads: Threads::default(),
        }
    }

    /// The editor sent this.
    pub(super) fn editor_sent(&mut self, bytes: &[u8]) {
        let threads = &mut self.threads;
        self.from_editor.read(bytes, |frame| {
            if let Ok(message) = serde_json::from_slice(frame) {
                threads.asked(&message);
            }
        });
        self.forget_what_is_not_followed();
    }

    /// The debugger sent this.
    pub(super) fn debugger_sent(&mut self, bytes: &[u8], now: Timestamp) {
        let threads = &mut self.threads;
        self.from_debugger.read(bytes, |frame| {
            if let Ok(message) = serde_json::from_slice(frame) {
                threads.told(&message, now);
            }
        });
        self.forget_what_is_not_followed();
    }

    /// The latest stop that still lasts.
    pub(super) fn stop(&self) -> Option<&Stop> {
        let stopped = self.threads.stopped.values();
        let latest = stopped.max_by_key(|it| it.number);
        latest.map(|it| &it.stop)
    }

    /// Rather no word of a stop than one that has ended.
    fn forget_what_is_not_followed(&mut self) {
        if self.from_editor.is_lost() || self.from_debugger.is_lost() {
            self.threads = Threads::default();
        }
    }
}

/// A message, as far as it matters here.
#[derive(Deserialize)]
struct Message<'a> {
    seq: Option<i64>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    request_seq: Option<i64>,
    success: Option<bool>,
    #[serde(borrow)]
    command: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// The arguments of requests, and the bodies of events and responses.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    thread_id: Option<i64>,
    single_thread: Option<bool>,
    start_frame: Option<i64>,
    reason: Option<String>,
    all_threads_continued: Option<bool>,
    stack_frames: Vec<StackFrame>,
}

#[derive(Deserialize)]
struct StackFrame {
    line: Option<i64>,
    source: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    path: Option<String>,
    name: Option<String>,
}

/// What is odd in it is as if it was not there.
fn details(raw: Option<&RawValue>) -> Details {
    let details = raw.map(|raw| serde_json::from_str(raw.get()));
    details.and_then(Result::ok).unwrap_or_default()
}

impl Threads {
    fn asked(&mut self, message: &Message<'_>) {
        let (Some(seq), Some(command)) = (message.seq, message.command.as_deref()) else {
            return;
        };
        let arguments = || details(message.arguments);
        let about = match (message.kind.as_ref(), command) {
            ("request", "continue") => {
                About::GoOn(arguments().thread_id.map_or(Which::All, Which::Thread))
            }
            ("request", "next" | "stepIn" | "stepOut" | "stepBack" | "reverseContinue") => {
                match arguments() {
                    Details {
                        thread_id: Some(thread),
                        single_thread: Some(true),
                        ..
                    } => About::GoOn(Which::Thread(thread)),
                    _ => About::GoOn(Which::All),
                }
            }
            ("request", "disconnect") => About::GoOn(Which::All),
            ("request", "stackTrace") => match arguments() {
                Details {
                    thread_id: Some(thread),
                    start_frame: None | Some(0),
                    ..
                } => About::Place(thread),
                _ => return,
            },
            _ => return,
        };
        if self.questions.len() == MOST_QUESTIONS {
            self.questions.pop_front();
        }
        self.questions.push_back(Question {
            seq,
            about,
            after: self.stops,
        });
    }

    fn told(&mut self, message: &Message<'_>, now: Timestamp) {
        match (message.kind.as_ref(), message.event.as_deref()) {
            ("event", Some("stopped")) => self.stopped(details(message.body), now),
            ("event", Some("continued")) => {
                let body = details(message.body);
                let which = which(body.thread_id, body.all_threads_continued);
                self.go_on(which, self.stops);
            }
            ("event", Some("thread")) => {
                let body = details(message.body);
                if let (Some("exited"), Some(thread)) = (body.reason.as_deref(), body.thread_id) {
                    self.go_on(Which::Thread(thread), self.stops);
                }
            }
            ("event", Some("terminated" | "exited")) => self.go_on(Which::All, self.stops),
            ("response", _) => self.answered(message),
            _ => {}
        }
    }

    fn stopped(&mut self, body: Details, now: Timestamp) {
        // Not every debugger names one.
        let thread = body.thread_id.unwrap_or_default();
        if self.stopped.len() >= MOST_THREADS && !self.stopped.contains_key(&thread) {
            return;
        }
        self.stops += 1;
        let stop = Stop {
            how: how(body.reason.as_deref()),
            since: now,
            place: None,
        };
        let number = self.stops;
        self.stopped.insert(thread, Stopped { stop, number });
    }

    fn answered(&mut self, message: &Message<'_>) {
        let asked = message.request_seq;
        let Some(index) = self.questions.iter().position(|it| Some(it.seq) == asked) else {
            return;
        };
        let Some(Question { about, after, .. }) = self.questions.remove(index) else {
            return;
        };
        if message.success == Some(false) {
            return;
        }
        match about {
            About::GoOn(Which::Thread(thread))
                if message.command.as_deref() == Some("continue") =>
            {
                let all = details(message.body).all_threads_continued;
                self.go_on(which(Some(thread), all), after);
            }
            About::GoOn(which) => self.go_on(which, after),
            About::Place(thread) => {
                let place = place(&details(message.body));
                let stopped = self.stopped.get_mut(&thread);
                // A stop since then is somewhere else.
                if let Some(stopped) = stopped.filter(|it| it.number <= after) {
                    stopped.stop.place = place;
                }
            }
        }
    }

    /// The stops up to this one are over.
    fn go_on(&mut self, which: Which, up_to: u64) {
        self.stopped.retain(|thread, stopped| {
            let meant = match which {
                Which::All => true,
                Which::Thread(other) => other == *thread,
            };
            !meant || stopped.number > up_to
        });
    }
}

/// Unless it says otherwise, all of them.
fn which(thread: Option<i64>, all: Option<bool>) -> Which {
    match (thread, all) {
        (Some(thread), Some(false)) => Which::Thread(thread),
        _ => Which::All,
    }
}

fn how(reason: Option<&str>) -> &'static str {
    match reason {
        Some(
            "breakpoint" | "function breakpoint" | "data breakpoint" | "instruction breakpoint",
        ) => "stopped at a breakpoint",
        Some("step") => "stopped after a step",
        Some("exception") => "stopped at an exception",
        Some("pause") => "paused",
        _ => "stopped by its debugger",
    }
}

/// `app.py:7`, by the frame on top.
fn place(body: &Details) -> Option<String> {
    let frame = body.stack_frames.first()?;
    let (line, source) = (frame.line?, frame.source.as_ref()?);
    place_of(source.path.as_deref().or(source.name.as_deref())?, line)
}

#[cfg(test)]
mod tests;
