//! The law of the wire: every message and record that was ever shipped is read
//! for ever, and what is written today is what stands in its golden file.
//!
//! A new message gets a file by `UPDATE_GOLDEN=1 cargo test -p tether-protocol`;
//! files of messages that were shipped are only read, never edited.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tether_protocol::config::Config;
use tether_protocol::message::{
    Alive, Hello, Invoke, ManagerAnswer, ManagerRequest, Outcome, Progress, ProgressState, Reason,
    Refused, Reply, ToCloud, ToLaptop, Warning, Welcome,
};
use tether_protocol::records::{
    HeadRecord, InvocationStatus, JournalRecord, SessionRecord, SessionStatus, VariableChange,
    WhenOffline,
};
use tether_protocol::{
    ClaimId, ConnectionId, InvocationKey, Nonce, PROTOCOL_VERSION, Payload, Secret, SessionId,
    Stored, Timestamp, TokenHash,
};

fn check<T: Serialize + DeserializeOwned>(name: &str, value: &T) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.json"));
    let written = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !path.exists() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &written).unwrap();
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(written, golden, "{name}: what is written has changed");
    let read: T = serde_json::from_str(&golden).unwrap();
    let again = serde_json::to_string_pretty(&read).unwrap() + "\n";
    assert_eq!(
        again, golden,
        "{name}: what is read is not what was written"
    );
    // A newer version may add fields.
    let mut newer: serde_json::Value = serde_json::from_str(&golden).unwrap();
    if let Some(fields) = newer.as_object_mut() {
        fields.insert("OfAVersionToCome".into(), serde_json::json!({ "a": [1] }));
        let read: T = serde_json::from_value(newer).unwrap();
        assert_eq!(serde_json::to_string_pretty(&read).unwrap() + "\n", golden);
    }
}

fn key() -> InvocationKey {
    InvocationKey {
        request_id: "8f2e6c1a-0000-4000-8000-000000000001".into(),
        nonce: Nonce::new("00112233445566778899aabb"),
    }
}

fn stored() -> Payload {
    Payload::Stored(Stored {
        chunks: 2,
        size: 400_000,
        zstd: true,
    })
}

const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:hello";

#[test]
fn messages_to_the_cloud() {
    let hello = Hello {
        version: PROTOCOL_VERSION,
        instrument: true,
    };
    check("to-cloud-hello", &ToCloud::Hello(hello));
    check("to-cloud-keep-alive", &ToCloud::KeepAlive);
    check("to-cloud-goodbye", &ToCloud::Goodbye);
    let reply = |outcome| {
        ToCloud::Reply(Reply {
            key: key(),
            claim_id: ClaimId::new("c1"),
            outcome,
        })
    };
    let completed = Outcome::Completed {
        payload: Payload::seal("{\"größe\": 1}".as_bytes()),
        content_type: Some("application/json".into()),
    };
    check("to-cloud-reply-completed", &reply(completed));
    let failed = Outcome::Failed {
        payload: Payload::seal(b"{\"errorType\":\"KeyError\"}"),
        error_type: Some("KeyError".into()),
    };
    check("to-cloud-reply-failed", &reply(failed));
    let binary = Outcome::Completed {
        payload: Payload::seal(&[0xff, 0x00]),
        content_type: None,
    };
    check("to-cloud-reply-binary", &reply(binary));
    let with = |payload| {
        reply(Outcome::Completed {
            payload,
            content_type: None,
        })
    };
    check(
        "to-cloud-reply-zstd",
        &with(Payload::Zstd("KLUv/Q==".into())),
    );
    check("to-cloud-reply-stored", &with(stored()));
}

#[test]
fn messages_to_the_laptop() {
    let welcome = Welcome {
        version: PROTOCOL_VERSION,
        session_id: SessionId::new("s1"),
        now: None,
    };
    check("to-laptop-welcome", &ToLaptop::Welcome(welcome.clone()));
    let now = Some(Timestamp(1_700_000_000_000));
    let timed = Welcome { now, ..welcome };
    check("to-laptop-welcome-with-time", &ToLaptop::Welcome(timed));
    check("to-laptop-alive", &ToLaptop::Alive(Alive::default()));
    check("to-laptop-alive-with-time", &ToLaptop::Alive(Alive { now }));
    check("to-laptop-ready", &ToLaptop::Ready);
    let reason = || Reason::new("why");
    check("to-laptop-session-ended", &ToLaptop::SessionEnded(reason()));
    check("to-laptop-problem", &ToLaptop::Problem(reason()));
    check("to-laptop-stored", &ToLaptop::Stored(key()));
    let refused = Refused {
        key: key(),
        reason: "why".into(),
    };
    check("to-laptop-refused", &ToLaptop::Refused(refused));
    check("to-laptop-progress", &ToLaptop::Progress(progress()));
    let warning = Warning {
        function_arn: ARN.into(),
        detail: "callers through its alias live do not reach your laptop".into(),
    };
    check("to-laptop-warning", &ToLaptop::Warning(warning));
    let invoke = Invoke {
        key: key(),
        function_arn: ARN.into(),
        environment_id: "e1".into(),
        headers: Secret::new(vec![(
            "lambda-runtime-deadline-ms".into(),
            "1700000003000".into(),
        )]),
        deadline: Timestamp(1_700_000_003_000),
        payload: Payload::seal(b"{\"name\": \"Ada\"}"),
        environment: Secret::new(BTreeMap::from([("GREETING".into(), "Hello".into())])),
        received_at: Timestamp(1_700_000_000_000),
        posted_at: Timestamp(1_700_000_000_001),
    };
    let large = Invoke {
        payload: stored(),
        ..invoke.clone()
    };
    check("to-laptop-invoke", &ToLaptop::Invoke(Box::new(invoke)));
    check(
        "to-laptop-invoke-stored",
        &ToLaptop::Invoke(Box::new(large)),
    );
}

fn progress() -> Progress {
    Progress {
        function_arn: ARN.into(),
        state: ProgressState::Skipped,
        detail: "it is a container image".into(),
    }
}

#[test]
fn requests_to_the_manager() {
    let session_id = SessionId::new("s1");
    let instrument = ManagerRequest::Instrument {
        session_id: session_id.clone(),
    };
    check("manager-instrument", &instrument);
    let restore = ManagerRequest::Restore {
        session_id: session_id.clone(),
    };
    check("manager-restore", &restore);
    check("manager-check", &ManagerRequest::Check { session_id });
    let stack = ManagerRequest::RestoreStack {
        stack_name: "app".into(),
    };
    check("manager-restore-stack", &stack);
    check("manager-sweep", &ManagerRequest::Sweep);
    let answer = ManagerAnswer {
        functions: vec![progress()],
    };
    check("manager-answer", &answer);
}

#[test]
fn the_record_of_a_session() {
    let session = SessionRecord {
        session_id: SessionId::new("s1"),
        connection_id: Some(ConnectionId::new("R1koeHsUtjMFbRw=")),
        connected_at: None,
        status: SessionStatus::Active,
        ttl: 1_700_000_690,
        stack_name: "app".into(),
        token_hash: TokenHash::of(&Secret::new("t".into())),
        lease_until: Timestamp(1_700_000_090_000),
        created_at: Timestamp(1_700_000_000_000),
        owner: "ada@laptop".into(),
        functions: vec![ARN.into()],
        timeout: Some(900),
        take_over: false,
        when_offline: WhenOffline::Passthrough,
    };
    check("record-session", &session);
    let failing = SessionRecord {
        when_offline: WhenOffline::Fail,
        ..session.clone()
    };
    check("record-session-failing-offline", &failing);
    let connected = SessionRecord {
        connected_at: Some(Timestamp(1_700_000_000_500)),
        ..session
    };
    check("record-session-connected-at", &connected);
}

#[test]
fn the_head_of_an_attempt() {
    let head = HeadRecord {
        request_id: key().request_id,
        part: key().head_part(),
        session_id: SessionId::new("s1"),
        connection_id: None,
        status: InvocationStatus::Failed,
        claim_id: Some(ClaimId::new("c1")),
        response_code: Some(500),
        response: Some(Payload::seal(b"{}")),
        content_type: None,
        error: Some("KeyError".into()),
        local_state: None,
        deadline: Timestamp(1_700_000_003_000),
        ttl: 1_700_003_603,
    };
    check("record-head", &head);
    let told = HeadRecord {
        status: InvocationStatus::Expired,
        response_code: None,
        response: None,
        error: None,
        local_state: Some("stopped at a breakpoint for 28 s (app.py:7)".into()),
        ..head
    };
    check("record-head-with-local-state", &told);
}

#[test]
fn the_record_of_a_changed_function() {
    let change = VariableChange {
        before: None,
        after: "s1".into(),
    };
    let journal = JournalRecord {
        function_arn: ARN.into(),
        session_id: SessionId::new("s1"),
        stack_name: "app".into(),
        owner: "ada@laptop".into(),
        changed_at: Timestamp(1_700_000_000_000),
        layer: "arn:aws:lambda:eu-west-1:123456789012:layer:tether-x86-64:1".into(),
        variables: BTreeMap::from([("DEBUGGER_SESSION_ID".into(), change)]),
        timeout: Some((3, 900)),
    };
    check("record-journal", &journal);
}

#[test]
fn the_variable_that_the_bootstrap_reads() {
    let config = Config {
        layer_role: "arn:aws:iam::123456789012:role/layer".into(),
        external_id: "x".into(),
        sessions_table: "S".into(),
        debugger_table: "D".into(),
        connections_url: "https://a.execute-api.eu-west-1.amazonaws.com/live".into(),
        timeout: 3,
        wrapper: Some("/opt/own".into()),
        attached_timeout: None,
    };
    check("variable-config", &config);
    let with_timeout = Config {
        attached_timeout: Some(900),
        ..config
    };
    check("variable-config-attached-timeout", &with_timeout);
}
