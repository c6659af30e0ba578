use super::*;
use serde_json::{Value, json};
use std::cell::RefCell;

/// Takes every step, or none for the same fault; keeps a list of the steps.
#[derive(Default)]
struct Fake {
    fault: Option<Fault>,
    steps: RefCell<Vec<String>>,
}

impl Fake {
    fn failing(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    fn step(&self, step: String) -> Result<(), Fault> {
        self.steps.borrow_mut().push(step);
        self.fault.clone().map_or(Ok(()), Err)
    }
}

const NOW: Timestamp = Timestamp(1_700_000_000_000);

impl Cloud for Fake {
    fn now(&self) -> Timestamp {
        NOW
    }
    async fn activate(&self, caller: Caller<'_>) -> Result<(), Fault> {
        self.step(format!("activate {} {}", caller.session, caller.connection))
    }
    async fn renew(&self, caller: Caller<'_>) -> Result<(), Fault> {
        self.step(format!("renew {} {}", caller.session, caller.connection))
    }
    async fn disconnect(&self, caller: Caller<'_>) -> Result<(), Fault> {
        self.step(format!(
            "disconnect {} {}",
            caller.session, caller.connection
        ))
    }
    async fn close(&self, caller: Caller<'_>) -> Result<(), Fault> {
        self.step(format!("close {}", caller.session))
    }
    async fn answer(&self, session: &SessionId, reply: &Reply) -> Result<(), Fault> {
        self.step(format!("answer {session} {}", reply.key.request_id))
    }
    async fn instrument(&self, session: &SessionId) -> Result<(), Fault> {
        self.step(format!("instrument {session}"))
    }
}

fn gone() -> Fault {
    Fault::Condition("it is gone".into())
}

fn failed() -> Fault {
    Fault::Failed("no network".into())
}

async fn route(fake: &Fake, route_key: &str, body: Option<&Value>) -> Value {
    let event = json!({
        "requestContext": {
            "routeKey": route_key, "connectionId": "c=", "authorizer": {"sessionId": "s-1"},
        },
        "body": body.map(Value::to_string),
    });
    let event = serde_json::from_value(event).unwrap();
    serde_json::to_value(handle(fake, event).await).unwrap()
}

async fn say(fake: &Fake, message: Value) -> ToLaptop {
    let answer = route(fake, "$default", Some(&message)).await;
    assert_eq!(answer["statusCode"], 200);
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

fn reply() -> Value {
    json!({
        "type": "reply", "key": {"requestId": "r-1", "nonce": "n"}, "claimId": "k",
        "outcome": {"status": "completed", "payload": {"text": "card 4111"}},
    })
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_that_was_closed_since_the_authorizer_looked_is_not_let_in() {
    let fake = Fake::default();
    assert_eq!(
        route(&fake, "$connect", None).await,
        json!({"statusCode": 200})
    );
    assert_eq!(*fake.steps.borrow(), ["activate s-1 c="]);
    let answer = route(&Fake::failing(gone()), "$connect", None).await;
    assert_eq!(answer, json!({"statusCode": 403}));
    let answer = route(&Fake::failing(failed()), "$connect", None).await;
    assert_eq!(answer, json!({"statusCode": 500}));
}

#[tokio::test(flavor = "current_thread")]
async fn a_connection_without_a_session_gets_nowhere() {
    let fake = Fake::default();
    for route_key in ["$connect", "$disconnect", "$default"] {
        let event = json!({"requestContext": {"routeKey": route_key, "connectionId": "c="}});
        let answer = handle(&fake, serde_json::from_value(event).unwrap()).await;
        assert_eq!(answer, Answer::status(403));
    }
    assert!(fake.steps.borrow().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_disconnect_is_fine_whoever_has_the_session_by_now() {
    for fake in [
        Fake::default(),
        Fake::failing(gone()),
        Fake::failing(failed()),
    ] {
        assert_eq!(
            route(&fake, "$disconnect", None).await,
            json!({"statusCode": 200})
        );
        assert_eq!(*fake.steps.borrow(), ["disconnect s-1 c="]);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn hello_starts_the_manager_only_when_asked_and_is_welcomed_in_our_version() {
    let fake = Fake::default();
    let welcome = ToLaptop::Welcome(Welcome {
        version: PROTOCOL_VERSION,
        session_id: SessionId::new("s-1"),
        now: Some(NOW),
    });
    let answer = say(&fake, json!({"type": "hello", "version": 1})).await;
    assert_eq!(answer, welcome);
    assert!(fake.steps.borrow().is_empty());
    let hello = json!({"type": "hello", "version": 99, "instrument": true, "mood": "good"});
    assert_eq!(say(&fake, hello.clone()).await, welcome);
    assert_eq!(*fake.steps.borrow(), ["instrument s-1"]);
    let ToLaptop::Problem(problem) = say(&Fake::failing(failed()), hello).await else {
        panic!("welcomed although nothing is instrumented");
    };
    assert!(problem.reason.contains("no network"), "{}", problem.reason);
}

#[tokio::test(flavor = "current_thread")]
async fn a_goodbye_closes_the_session() {
    let message = json!({"type": "goodbye"});
    let fake = Fake::default();
    let answer = say(&fake, message.clone()).await;
    assert!(matches!(answer, ToLaptop::SessionEnded(_)));
    assert_eq!(*fake.steps.borrow(), ["close s-1"]);
    let answer = say(&Fake::failing(failed()), message).await;
    assert!(matches!(answer, ToLaptop::Problem(_)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_keep_alive_is_answered_with_what_the_lease_is() {
    let message = json!({"type": "keepAlive"});
    let fake = Fake::default();
    let alive = ToLaptop::Alive(Alive { now: Some(NOW) });
    assert_eq!(say(&fake, message.clone()).await, alive);
    assert_eq!(*fake.steps.borrow(), ["renew s-1 c="]);
    let answer = say(&Fake::failing(gone()), message.clone()).await;
    assert!(matches!(answer, ToLaptop::SessionEnded(_)));
    // The session may well live: a failed call says nothing of it.
    let answer = say(&Fake::failing(failed()), message).await;
    assert!(matches!(answer, ToLaptop::Problem(_)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_reply_is_stored_or_refused_or_to_be_sent_again() {
    let fake = Fake::default();
    let ToLaptop::Stored(key) = say(&fake, reply()).await else {
        panic!("not stored");
    };
    assert_eq!(key.request_id, "r-1");
    assert_eq!(*fake.steps.borrow(), ["answer s-1 r-1"]);
    let ToLaptop::Refused(refused) = say(&Fake::failing(gone()), reply()).await else {
        panic!("not refused");
    };
    assert_eq!((refused.key, refused.reason.as_str()), (key, "it is gone"));
    let ToLaptop::Problem(problem) = say(&Fake::failing(failed()), reply()).await else {
        panic!("a reply was given up");
    };
    assert!(problem.reason.contains("r-1") && problem.reason.contains("send it again"));
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_be_read_is_a_problem_and_never_echoed() {
    let fake = Fake::default();
    for message in [
        json!({"type": "dance"}),
        json!({"type": "reply", "key": "card 4111"}),
    ] {
        let ToLaptop::Problem(problem) = say(&fake, message).await else {
            panic!("not a problem");
        };
        assert!(!problem.reason.contains("4111"), "{}", problem.reason);
    }
    assert!(fake.steps.borrow().is_empty());
}
