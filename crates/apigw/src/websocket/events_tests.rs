//! Each event has exactly the keys of its capture, and no other.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot read its own event should stop"
)]

use super::fixtures::{connection, handshake, stamp};
use super::*;

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_connect_event_has_headers_and_context_and_neither_message_id_nor_body() {
    let shake = handshake(
        &[
            ("Host", "h"),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("x-odd", "1"),
        ],
        &[],
    );
    let event = connect_event(&connection(), &shake, &stamp());
    assert_eq!(
        keys(&event),
        [
            "headers",
            "multiValueHeaders",
            "requestContext",
            "isBase64Encoded"
        ]
    );
    assert_eq!(event["headers"], json!({ "Host": "h", "x-odd": "1" }));
    assert_eq!(
        event["multiValueHeaders"],
        json!({ "Host": ["h"], "x-odd": ["1"] })
    );
    assert_eq!(event["isBase64Encoded"], json!(false));
    assert_eq!(
        event["requestContext"],
        json!({
            "routeKey": "$connect",
            "eventType": "CONNECT",
            "extendedRequestId": "R1knPH17NjMFftw=",
            "requestTime": "21/Nov/2026:05:47:00 +0000",
            "messageDirection": "IN",
            "stage": "prod",
            "connectedAt": 1_795_240_000_000_u64,
            "requestTimeEpoch": 1_795_240_020_123_u64,
            "identity": { "userAgent": "tests", "sourceIp": "192.0.2.1" },
            "requestId": "R1knPH17NjMFftw=",
            "domainName": "dl7ptocha9.execute-api.eu-west-1.amazonaws.com",
            "connectionId": "R1kmxc2VNjMCFIA=",
            "apiId": "dl7ptocha9",
        })
    );
}

#[test]
fn a_query_appears_in_both_maps_and_only_if_there_is_one() {
    let shake = handshake(&[], &[("room", "a"), ("Room", "x"), ("room", "b c")]);
    let event = connect_event(&connection(), &shake, &stamp());
    assert_eq!(
        event["queryStringParameters"],
        json!({ "room": "b c", "Room": "x" })
    );
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({ "room": ["a", "b c"], "Room": ["x"] })
    );
}

#[test]
fn repeated_headers_are_one_under_their_first_spelling() {
    let shake = handshake(&[("X-Tag", "1"), ("Host", "h"), ("x-tag", "2")], &[]);
    let event = connect_event(&connection(), &shake, &stamp());
    assert_eq!(event["headers"], json!({ "X-Tag": "2", "Host": "h" }));
    assert_eq!(
        event["multiValueHeaders"],
        json!({ "X-Tag": ["1", "2"], "Host": ["h"] })
    );
    assert_eq!(keys(&event["headers"]), ["X-Tag", "Host"]);
}

#[test]
fn a_message_event_has_a_message_id_and_a_body_and_no_headers() {
    let stamp = Stamp {
        message_id: Some("R1knPc2ntjMCFIA=".to_owned()),
        ..stamp()
    };
    let event = message_event(&connection(), "sendmessage", "{\r\n\t\"a\": 1\r\n}", &stamp);
    assert_eq!(keys(&event), ["requestContext", "body", "isBase64Encoded"]);
    assert_eq!(event["body"], json!("{\r\n\t\"a\": 1\r\n}"));
    let context = &event["requestContext"];
    assert_eq!(
        keys(context),
        [
            "routeKey",
            "messageId",
            "eventType",
            "extendedRequestId",
            "requestTime",
            "messageDirection",
            "stage",
            "connectedAt",
            "requestTimeEpoch",
            "identity",
            "requestId",
            "domainName",
            "connectionId",
            "apiId",
        ]
    );
    assert_eq!(
        (&context["routeKey"], &context["eventType"]),
        (&json!("sendmessage"), &json!("MESSAGE"))
    );
    assert_eq!(context["messageId"], json!("R1knPc2ntjMCFIA="));
}

#[test]
fn a_disconnect_event_has_four_fixed_headers_and_the_close_frame() {
    let event = disconnect_event(&connection(), NO_STATUS_CODE, NO_STATUS_REASON, &stamp());
    assert_eq!(
        keys(&event),
        [
            "headers",
            "multiValueHeaders",
            "requestContext",
            "isBase64Encoded"
        ]
    );
    let host = "dl7ptocha9.execute-api.eu-west-1.amazonaws.com";
    assert_eq!(
        event["headers"],
        json!({ "Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "" })
    );
    assert_eq!(
        event["multiValueHeaders"],
        json!({ "Host": [host], "x-api-key": [""], "X-Forwarded-For": [""], "x-restapi": [""] })
    );
    let context = &event["requestContext"];
    assert_eq!(
        keys(context),
        [
            "routeKey",
            "disconnectStatusCode",
            "eventType",
            "extendedRequestId",
            "requestTime",
            "messageDirection",
            "disconnectReason",
            "stage",
            "connectedAt",
            "requestTimeEpoch",
            "identity",
            "requestId",
            "domainName",
            "connectionId",
            "apiId",
        ]
    );
    assert_eq!(context["disconnectStatusCode"], json!(1005));
    assert_eq!(
        context["disconnectReason"],
        json!("Client-side close frame status not set")
    );
    assert_eq!(
        (&context["routeKey"], &context["eventType"]),
        (&json!("$disconnect"), &json!("DISCONNECT"))
    );
}

#[test]
fn an_authorizer_event_has_empty_stage_variables_and_no_path_parameters() {
    let shake = handshake(
        &[
            ("Host", "h"),
            ("connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("HeaderAuth1", "v"),
        ],
        &[],
    );
    let arn = method_arn(
        "aws",
        "eu-west-1",
        "123456789012",
        "dl7ptocha9",
        "prod",
        "$connect",
    );
    assert_eq!(
        arn,
        "arn:aws:execute-api:eu-west-1:123456789012:dl7ptocha9/prod/$connect"
    );
    let mut connection = connection();
    connection.authorizer = Some(Map::new());
    let event = authorizer_event(&connection, &shake, &arn, &stamp());
    assert_eq!(
        keys(&event),
        [
            "type",
            "methodArn",
            "headers",
            "multiValueHeaders",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "stageVariables",
            "requestContext",
        ]
    );
    assert_eq!(event["type"], json!("REQUEST"));
    assert_eq!(event["methodArn"], json!(arn));
    assert_eq!(event["stageVariables"], json!({}));
    assert_eq!(
        event["headers"],
        json!({
            "Connection": "upgrade", "content-length": "0", "Host": "h", "Upgrade": "websocket", "HeaderAuth1": "v",
        })
    );
    assert_eq!(event["requestContext"].get("authorizer"), None);
    assert_eq!(event["requestContext"]["routeKey"], json!("$connect"));
}

#[test]
fn the_authorizers_context_comes_back_in_every_later_event() {
    let mut connection = connection();
    let authorizer = json!({ "tenant": "t", "principalId": "me", "integrationLatency": 21 });
    connection.authorizer = authorizer.as_object().cloned();
    let events = [
        connect_event(&connection, &Handshake::default(), &stamp()),
        message_event(&connection, "$default", "", &stamp()),
        disconnect_event(&connection, 1001, "", &stamp()),
    ];
    for event in events {
        assert_eq!(event["requestContext"]["authorizer"], authorizer);
    }
}

#[test]
fn stage_variables_are_there_if_the_stage_has_some() {
    let mut connection = connection();
    connection
        .stage_variables
        .insert("table".to_owned(), "dev".to_owned());
    for event in [
        connect_event(&connection, &Handshake::default(), &stamp()),
        message_event(&connection, "$default", "", &stamp()),
        disconnect_event(&connection, 1001, "", &stamp()),
        authorizer_event(&connection, &Handshake::default(), "arn", &stamp()),
    ] {
        assert_eq!(event["stageVariables"], json!({ "table": "dev" }));
    }
}

#[test]
fn the_identity_has_a_user_agent_only_if_one_was_sent() {
    let mut connection = connection();
    connection.user_agent = None;
    let event = message_event(&connection, "$default", "", &stamp());
    assert_eq!(
        event["requestContext"]["identity"],
        json!({ "sourceIp": "192.0.2.1" })
    );
}

#[test]
fn request_id_and_extended_request_id_are_one_and_connected_at_stays() {
    let later = Stamp {
        request_id: "DGSykF8qIAMFljQ=".to_owned(),
        message_id: None,
        now_ms: 1_795_240_999_000,
    };
    let event = message_event(&connection(), "$default", "", &later);
    let context = &event["requestContext"];
    assert_eq!(context["requestId"], context["extendedRequestId"]);
    assert_eq!(context["connectedAt"], json!(1_795_240_000_000_u64));
    assert_eq!(context["requestTimeEpoch"], json!(1_795_240_999_000_u64));
}

#[test]
fn the_front_adds_its_headers_and_believes_no_claim() {
    let mut shake = handshake(&[("Host", "h"), ("x-forwarded-for", "10.0.0.1")], &[]);
    shake.forward(&Forwarded {
        source_ip: "192.0.2.1".to_owned(),
        port: 443,
        proto: "https".to_owned(),
        trace_id: "Root=1-0-0".to_owned(),
    });
    let event = connect_event(&connection(), &shake, &stamp());
    assert_eq!(
        event["headers"],
        json!({
            "Host": "h", "X-Amzn-Trace-Id": "Root=1-0-0", "X-Forwarded-For": "192.0.2.1",
            "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
        })
    );
}

#[test]
fn a_handshake_does_not_print_its_secrets() {
    let shake = handshake(&[("Authorization", "hunter2")], &[("token", "hunter3")]);
    let printed = format!("{shake:?}");
    assert!(
        printed.contains("Authorization") && printed.contains("token"),
        "{printed}"
    );
    assert!(!printed.contains("hunter"), "{printed}");
}
