//! What is seen of a session, from the messages of one.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn framed(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Session {
    fn ask(&mut self, seq: i64, command: &str, arguments: Value) {
        let message =
            json!({"seq": seq, "type": "request", "command": command, "arguments": arguments});
        self.editor_sent(&framed(&message));
    }

    fn event(&mut self, at: u64, event: &str, body: Value) {
        let message = json!({"seq": 1, "type": "event", "event": event, "body": body});
        self.debugger_sent(&framed(&message), Timestamp(at));
    }

    fn answer(&mut self, seq: i64, command: &str, success: bool, body: Value) {
        let message = json!({
            "seq": 1, "type": "response", "request_seq": seq, "success": success,
            "command": command, "body": body,
        });
        self.debugger_sent(&framed(&message), Timestamp(0));
    }

    fn stopped(&mut self, at: u64, thread: i64, reason: &str) {
        let body = json!({"reason": reason, "threadId": thread, "allThreadsStopped": true});
        self.event(at, "stopped", body);
    }

    /// How, since when, where.
    fn seen(&self) -> Option<(&'static str, u64, Option<&str>)> {
        let stop = self.stop()?;
        Some((stop.how, stop.since.0, stop.place.as_deref()))
    }
}

fn stack(path: &str, line: i64) -> Value {
    json!({"stackFrames": [
        {"id": 1, "name": "handler", "line": line, "column": 1, "source": {"path": path}},
        {"id": 2, "name": "serve", "line": 60, "column": 1, "source": {"path": "/x/other.py"}},
    ], "totalFrames": 2})
}

const AT_A_BREAKPOINT: &str = "stopped at a breakpoint";

#[test]
fn a_breakpoint_a_step_and_going_on_are_seen() {
    let mut session = Session::new();
    assert_eq!(session.seen(), None);
    session.stopped(100, 1, "breakpoint");
    assert_eq!(session.seen(), Some((AT_A_BREAKPOINT, 100, None)));
    session.ask(5, "stackTrace", json!({"threadId": 1}));
    session.answer(5, "stackTrace", true, stack("/code/app.py", 7));
    assert_eq!(
        session.seen(),
        Some((AT_A_BREAKPOINT, 100, Some("app.py:7")))
    );

    session.ask(6, "next", json!({"threadId": 1}));
    assert!(session.seen().is_some(), "the step has not begun");
    session.answer(6, "next", true, json!({}));
    assert_eq!(session.seen(), None);
    session.stopped(200, 1, "step");
    assert_eq!(session.seen(), Some(("stopped after a step", 200, None)));

    session.ask(7, "continue", json!({"threadId": 1}));
    session.answer(7, "continue", true, json!({"allThreadsContinued": true}));
    assert_eq!(session.seen(), None);
}

#[test]
fn the_end_of_a_step_may_be_told_before_its_answer() {
    let mut session = Session::new();
    session.stopped(100, 1, "breakpoint");
    session.ask(1, "stepIn", json!({"threadId": 1}));
    session.stopped(200, 1, "step");
    session.answer(1, "stepIn", true, json!({}));
    assert_eq!(session.seen(), Some(("stopped after a step", 200, None)));
}

#[test]
fn a_place_that_was_asked_for_before_the_last_stop_is_not_its_place() {
    let mut session = Session::new();
    session.stopped(100, 1, "breakpoint");
    session.ask(
        1,
        "stackTrace",
        json!({"threadId": 1, "startFrame": 0, "levels": 1}),
    );
    session.stopped(200, 1, "step");
    session.answer(1, "stackTrace", true, stack("/code/app.py", 7));
    assert_eq!(session.seen(), Some(("stopped after a step", 200, None)));
}

#[test]
fn the_lower_frames_of_a_stack_are_no_place() {
    let mut session = Session::new();
    session.stopped(100, 1, "breakpoint");
    session.ask(1, "stackTrace", json!({"threadId": 1, "startFrame": 1}));
    session.answer(1, "stackTrace", true, stack("/code/app.py", 7));
    session.ask(2, "stackTrace", json!({"threadId": 2}));
    session.answer(2, "stackTrace", true, stack("/code/app.py", 7));
    assert_eq!(session.seen(), Some((AT_A_BREAKPOINT, 100, None)));
}

#[test]
fn a_place_is_named_by_the_file_alone_and_in_one_line() {
    let long = format!("{}.py", "x".repeat(200));
    for (path, place) in [
        ("C:\\code\\app.py", Some("app.py:7")),
        ("/code/a\nb.py", Some("ab.py:7")),
        ("app.py", Some("app.py:7")),
        ("/code/", None),
        (&long, Some(&*format!("{}:7", "x".repeat(100)))),
    ] {
        let mut session = Session::new();
        session.stopped(1, 1, "breakpoint");
        session.ask(1, "stackTrace", json!({"threadId": 1}));
        session.answer(1, "stackTrace", true, stack(path, 7));
        assert_eq!(session.seen(), Some((AT_A_BREAKPOINT, 1, place)));
    }
}

#[test]
fn one_thread_may_go_on_and_another_one_stay() {
    let mut session = Session::new();
    session.stopped(100, 1, "breakpoint");
    session.stopped(200, 2, "exception");
    assert_eq!(session.seen(), Some(("stopped at an exception", 200, None)));
    session.ask(1, "continue", json!({"threadId": 2, "singleThread": true}));
    session.answer(1, "continue", true, json!({"allThreadsContinued": false}));
    assert_eq!(session.seen(), Some((AT_A_BREAKPOINT, 100, None)));
    session.stopped(300, 2, "pause");
    session.ask(2, "next", json!({"threadId": 2, "singleThread": true}));
    session.answer(2, "next", true, json!({}));
    assert_eq!(session.seen(), Some((AT_A_BREAKPOINT, 100, None)));
    let body = json!({"threadId": 1, "allThreadsContinued": false});
    session.event(0, "continued", body);
    assert_eq!(session.seen(), None);
}

#[test]
fn whatever_ends_a_stop_is_seen() {
    let ends = [
        ("continued", json!({"threadId": 9})),
        (
            "continued",
            json!({"threadId": 9, "allThreadsContinued": true}),
        ),
        ("thread", json!({"reason": "exited", "threadId": 1})),
        ("terminated", Value::Null),
        ("exited", json!({"exitCode": 1})),
    ];
    for (event, body) in ends {
        let mut session = Session::new();
        session.stopped(100, 1, "breakpoint");
        session.event(0, event, body);
        assert_eq!(session.seen(), None, "{event}");
    }
    let mut session = Session::new();
    session.stopped(100, 1, "breakpoint");
    session.ask(1, "disconnect", json!({"terminateDebuggee": false}));
    session.answer(1, "disconnect", true, Value::Null);
    assert_eq!(session.seen(), None);
}

#[test]
fn what_does_not_end_a_stop_is_no_end() {
    let mut session = Session::new();
    session.stopped(100, 1, "breakpoint");
    session.ask(1, "continue", json!({"threadId": 1}));
    session.answer(1, "continue", false, Value::Null);
    session.answer(7, "continue", true, json!({}));
    session.event(0, "thread", json!({"reason": "started", "threadId": 1}));
    session.event(
        0,
        "continued",
        json!({"threadId": 9, "allThreadsContinued": false}),
    );
    session.event(0, "output", json!({"output": "continued"}));
    for odd in ["{", "[]", "null", r#"{"type": 1}"#, r#"{"type": "event"}"#] {
        let odd = format!("Content-Length: {}\r\n\r\n{odd}", odd.len());
        session.debugger_sent(odd.as_bytes(), Timestamp(0));
        session.editor_sent(odd.as_bytes());
    }
    assert_eq!(session.seen(), Some((AT_A_BREAKPOINT, 100, None)));
}

#[test]
fn a_stream_that_cannot_be_followed_is_no_stop_for_ever() {
    let mut session = Session::new();
    session.stopped(100, 1, "breakpoint");
    session.editor_sent(b"not a header\n\n");
    assert_eq!(session.seen(), None);
    session.stopped(200, 1, "breakpoint");
    assert_eq!(session.seen(), None, "its end would not be seen");
}

#[test]
fn a_peer_that_asks_without_end_fills_no_memory() {
    let mut session = Session::new();
    for number in 0..2000 {
        session.ask(number, "stackTrace", json!({"threadId": number}));
        session.stopped(1, number, "breakpoint");
    }
    assert_eq!(session.threads.questions.len(), MOST_QUESTIONS);
    assert_eq!(session.threads.stopped.len(), MOST_THREADS);
}

/// What passes by in a session, and in which direction.
fn anything() -> impl Strategy<Value = (bool, Value)> {
    let thread = 0..3i64;
    let seq = 0..6i64;
    let bodies = (thread, any::<Option<bool>>(), any::<bool>()).prop_map(|(thread, all, named)| {
        let mut body = json!({"reason": "breakpoint", "allThreadsContinued": all});
        if named {
            body["threadId"] = json!(thread);
        }
        body["stackFrames"] = stack("/code/app.py", thread)["stackFrames"].clone();
        body
    });
    let commands = prop::sample::select(vec!["continue", "next", "stackTrace", "disconnect"]);
    let events = prop::sample::select(vec!["stopped", "stopped", "continued", "thread", "exited"]);
    (0..3, seq, commands, events, bodies).prop_map(|(kind, seq, command, event, body)| match kind {
        0 => (
            true,
            json!({"seq": seq, "type": "request", "command": command, "arguments": body}),
        ),
        1 => (
            false,
            json!({"type": "response", "request_seq": seq, "command": command, "body": body}),
        ),
        _ => (
            false,
            json!({"type": "event", "event": event, "body": body}),
        ),
    })
}

proptest! {
    #[test]
    fn a_session_is_seen_the_same_byte_by_byte(
        messages in prop::collection::vec(anything(), 0..30),
    ) {
        let (mut whole, mut bytewise) = (Session::new(), Session::new());
        for (number, (of_editor, message)) in (0..).zip(&messages) {
            let bytes = framed(message);
            if *of_editor {
                whole.editor_sent(&bytes);
                bytes.chunks(1).for_each(|it| bytewise.editor_sent(it));
            } else {
                whole.debugger_sent(&bytes, Timestamp(number));
                bytes.chunks(1).for_each(|it| bytewise.debugger_sent(it, Timestamp(number)));
            }
            prop_assert_eq!(whole.stop(), bytewise.stop());
        }
    }

    #[test]
    fn no_stop_outlives_the_process(messages in prop::collection::vec(anything(), 0..30)) {
        let mut session = Session::new();
        for (of_editor, message) in &messages {
            if *of_editor {
                session.editor_sent(&framed(message));
            } else {
                session.debugger_sent(&framed(message), Timestamp(1));
            }
        }
        session.event(2, "terminated", json!({}));
        prop_assert_eq!(session.seen(), None);
    }
}

/// An editor (`>`) and debugpy 1.8 (`<`): a breakpoint, a step, going on, a
/// pause, and the end; what is not about threads was left out.
const DEBUGPY: &str = include_str!("debugpy.txt");

#[test]
fn debugpy_is_understood() {
    let (mut session, mut seen) = (Session::new(), vec![None]);
    for (at, line) in (0..).zip(DEBUGPY.lines()) {
        let (from, body) = line.split_once(' ').unwrap();
        let bytes = framed(&serde_json::from_str(body).unwrap());
        match from {
            ">" => session.editor_sent(&bytes),
            _ => session.debugger_sent(&bytes, Timestamp(at)),
        }
        let stop = session.stop();
        let stop =
            stop.map(|stop| format!("{} {}", stop.how, stop.place.clone().unwrap_or_default()));
        if seen.last() != Some(&stop) {
            seen.push(stop);
        }
    }
    let seen: Vec<_> = seen
        .iter()
        .map(|it| it.as_deref().unwrap_or("runs"))
        .collect();
    let all = [
        "runs",
        "stopped at a breakpoint ",
        "stopped at a breakpoint app.py:6",
        "runs",
        "stopped after a step ",
        "stopped after a step app.py:7",
        "runs",
        "paused ",
        "runs",
    ];
    assert_eq!(seen, all);
}
