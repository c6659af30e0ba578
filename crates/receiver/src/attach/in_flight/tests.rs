use super::*;
use aws_types::SdkConfig;
use std::path::PathBuf;
use std::sync::Arc;
use tether_host::{Clients, Function, LogSink, RunState, Source, Starter, WorkingCopy};
use tether_protocol::serve::{Ran, Taking};
use tether_protocol::{ClaimId, Secret, SessionId};
use tether_store::Correlation;

fn invoke(nonce: &str) -> Box<Invoke> {
    let text = serde_json::json!({
        "key": { "requestId": "r", "nonce": nonce },
        "functionArn": "arn", "environmentId": "e", "headers": [], "deadline": 1,
        "payload": { "text": "{}" }, "environment": {}, "receivedAt": 1, "postedAt": 1,
    });
    serde_json::from_value(text).unwrap()
}

fn key(nonce: &str) -> InvocationKey {
    invoke(nonce).key
}

fn job(nonce: &str) -> Job {
    let source = Source {
        code: PathBuf::from("."),
        runtime: "python3.13".to_owned(),
        ..Source::default()
    };
    let copy = WorkingCopy {
        name: "Hello".to_owned(),
        code: PathBuf::from("."),
        handler: "app.handler".to_owned(),
        starter: Starter::find(&source, &Arc::new(Clients::write().unwrap())).unwrap(),
        debugger: None,
    };
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .build();
    let later = tether_host::now().plus(std::time::Duration::from_secs(60));
    Job {
        key: key(nonce),
        function: Arc::new(Function::new(copy, LogSink::new(|_| {}))),
        correlation: Correlation::new(&config, "D"),
        session: SessionId::new("s"),
        claim: ClaimId::new("c"),
        local: Secret::default(),
        deadline: later,
        local_deadline: later,
        state: RunState::new(),
    }
}

fn begin(in_flight: &mut InFlight, nonce: &str, declines: bool) {
    let job = job(nonce);
    let (serve, _) = Serve::start(job.local_deadline, declines);
    let hops = Hops::default();
    in_flight.begin(Running::new(
        "Hello".to_owned(),
        job,
        invoke(nonce),
        serve,
        hops,
    ));
}

/// It runs, ends, and its reply was sent.
fn replied(in_flight: &mut InFlight, nonce: &str) {
    let key = key(nonce);
    in_flight.handle(&key, Event::Claimed(Taking::Won));
    in_flight.keep(&mut answer(nonce));
    let actions = in_flight.handle(&key, Event::Ran(Ran::Answered));
    assert!(actions.contains(&Action::Send(Word::Outcome)));
    assert!(in_flight.word(&key, Word::Outcome).is_some());
}

fn answer(nonce: &str) -> News {
    News {
        key: key(nonce),
        event: None,
        hops: Hops::default(),
        detail: String::new(),
        said: Some(job(nonce).crashed("a test")),
    }
}

#[test]
fn what_is_left_to_the_deployed_code_is_not_waited_for() {
    let mut in_flight = InFlight::default();
    begin(&mut in_flight, "runs", false);
    begin(&mut in_flight, "declines", true);
    assert_eq!(in_flight.unfinished(), 1);
    in_flight.ended(&key("runs"), Finish::Elsewhere, Timestamp(1));
    assert_eq!(in_flight.unfinished(), 0);
    assert_eq!(in_flight.keys(), [key("declines")]);
}

#[test]
fn by_another_connection_each_reply_is_sent_again_once() {
    let mut in_flight = InFlight::default();
    for nonce in ["1", "2", "runs"] {
        begin(&mut in_flight, nonce, false);
    }
    for nonce in ["1", "2"] {
        replied(&mut in_flight, nonce);
    }
    assert!(!in_flight.is_any_again());
    for nonce in ["1", "2", "runs"] {
        for action in in_flight.handle(&key(nonce), Event::Reconnected) {
            if let Action::Send(word) = action {
                // It waits for room, behind what is new.
                assert!(in_flight.word(&key(nonce), word).is_none());
            }
        }
    }
    let again = [in_flight.next_again(), in_flight.next_again()];
    let mut again = again.map(|it| it.unwrap().key.nonce.to_string());
    again.sort();
    assert_eq!(again, ["1", "2"]);
    assert!(in_flight.next_again().is_none());
}

#[test]
fn the_first_word_counts_and_what_comes_after_it_is_taken_back() {
    let mut in_flight = InFlight::default();
    begin(&mut in_flight, "1", false);
    in_flight.handle(&key("1"), Event::Claimed(Taking::Won));
    let actions = in_flight.handle(&key("1"), Event::Interrupted);
    assert!(actions.contains(&Action::Send(Word::Interrupted)));
    let sent = in_flight.word(&key("1"), Word::Interrupted).unwrap();
    assert_eq!(
        in_flight.keep(&mut answer("1")).map(|it| it.key),
        Some(key("1"))
    );
    let (report, unwanted) = in_flight
        .ended(&key("1"), Finish::Delivered, Timestamp(1))
        .unwrap();
    assert!(matches!(report, Report::Invocation { detail, .. } if detail == "Tether.Detached"));
    assert!(unwanted.is_none());
    assert_eq!(sent.key, key("1"));
    // One that is over wants nothing.
    assert!(in_flight.keep(&mut answer("1")).is_some());
}

#[test]
fn attempts_are_woken_up_in_time_and_once() {
    let mut in_flight = InFlight::default();
    for (nonce, at) in [("1", 100), ("2", 200)] {
        begin(&mut in_flight, nonce, false);
        in_flight.wake(&key(nonce), Timestamp(at));
    }
    assert_eq!(in_flight.next_wake(), Some(Timestamp(100)));
    assert_eq!(in_flight.due(Timestamp(150)), [key("1")]);
    assert_eq!(in_flight.next_wake(), Some(Timestamp(200)));
    assert!(in_flight.due(Timestamp(150)).is_empty());
}
