//! What is seen of a session, from the messages of one.

use super::*;
use serde_json::{Value, json};

impl Session {
    fn upgraded() -> Self {
        let mut session = Self::new();
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        session.debugger_sent(answer, Timestamp(0));
        session
    }

    fn tell(&mut self, at: u64, message: &Value) {
        let message = message.to_string();
        let length = u64::try_from(message.len()).unwrap();
        let frame = [
            &[0x81, 127],
            length.to_be_bytes().as_slice(),
            message.as_bytes(),
        ]
        .concat();
        self.debugger_sent(&frame, Timestamp(at));
    }

    fn parsed(&mut self, id: &str, url: &str, map: &str) {
        let params = json!({"scriptId": id, "url": url, "sourceMapURL": map, "length": 9});
        self.tell(
            0,
            &json!({"method": "Debugger.scriptParsed", "params": params}),
        );
    }

    fn paused(&mut self, at: u64, reason: &str, hit: &[&str], script: &str) {
        let location = json!({"scriptId": script, "lineNumber": 6, "columnNumber": 4});
        // Node's own words; it leaves the URL empty.
        let frame = json!({"functionName": "handler", "location": location, "url": ""});
        let params = json!({"callFrames": [frame], "reason": reason, "hitBreakpoints": hit});
        self.tell(at, &json!({"method": "Debugger.paused", "params": params}));
    }

    /// How, since when, where.
    fn seen(&self) -> Option<(&'static str, u64, Option<&str>)> {
        let stop = self.stop()?;
        Some((stop.how, stop.since.0, stop.place.as_deref()))
    }
}

#[test]
fn a_stop_is_known_with_its_place_until_it_is_over() {
    let mut session = Session::upgraded();
    session.parsed("42", "file:///code/app.mjs", "");
    assert_eq!(session.seen(), None);
    session.paused(5, "other", &["2:6:0:app.mjs"], "42");
    let place = Some("app.mjs:7");
    assert_eq!(session.seen(), Some(("stopped at a breakpoint", 5, place)));
    session.tell(6, &json!({"id": 3, "result": {}}));
    assert!(session.seen().is_some());
    session.tell(7, &json!({"method": "Debugger.resumed", "params": {}}));
    assert_eq!(session.seen(), None);
}

#[test]
fn reasons_are_told_apart_as_far_as_node_does() {
    let mut session = Session::upgraded();
    for (reason, hit, said) in [
        ("step", vec![], "stopped after a step"),
        ("exception", vec![], "stopped at an exception"),
        ("promiseRejection", vec![], "stopped at an exception"),
        ("other", vec!["1"], "stopped at a breakpoint"),
        ("other", vec![], "stopped by its debugger"),
        ("Break on start", vec![], "stopped by its debugger"),
    ] {
        session.paused(1, reason, &hit, "7");
        assert_eq!(session.seen(), Some((said, 1, None)));
    }
}

#[test]
fn a_place_in_generated_code_is_told_by_its_source() {
    use base64::Engine as _;
    // The seventh line comes from the third one of the source.
    let map = r#"{"version":3,"sources":["../../src/app.ts"],"mappings":";;;;;;AAEA"}"#;
    let data = base64::engine::general_purpose::STANDARD.encode(map);
    let mut session = Session::upgraded();
    session.parsed(
        "1",
        "file:///out/app.mjs",
        &format!("data:application/json;base64,{data}"),
    );
    session.paused(1, "other", &["1"], "1");
    let place = Some("app.ts:3");
    assert_eq!(session.seen(), Some(("stopped at a breakpoint", 1, place)));
}

#[test]
fn a_worker_that_goes_on_takes_no_other_stop_with_it() {
    let mut session = Session::upgraded();
    session.paused(1, "other", &["1"], "1");
    let worker = json!({"method": "Debugger.paused", "params": {}, "sessionId": "w"});
    session.tell(2, &worker);
    assert_eq!(session.seen(), Some(("stopped by its debugger", 2, None)));
    session.tell(3, &json!({"method": "Debugger.resumed", "sessionId": "w"}));
    assert_eq!(session.seen(), Some(("stopped at a breakpoint", 1, None)));
}

#[test]
fn an_answer_that_is_no_websocket_says_nothing() {
    let mut session = Session::new();
    let list = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]";
    session.debugger_sent(list, Timestamp(1));
    session.paused(1, "other", &["1"], "1");
    assert_eq!(session.seen(), None);
}
