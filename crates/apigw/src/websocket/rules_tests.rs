#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use crate::websocket::fixtures::{connection, handshake, stamp};
use serde_json::json;

const NOW: u64 = 1_795_240_020_123;

/// A connection whose authorizer said this.
fn known(context: &Value) -> Connection {
    Connection {
        authorizer: context.as_object().cloned(),
        ..connection()
    }
}

fn ada() -> Connection {
    known(
        &json!({ "principalId": "ada", "permissions": "room:read, room:write", "exp": "1795240021" }),
    )
}

fn rule(channels: &[&str], actions: &[&str], access: Access, permissions: &[&str]) -> Rule {
    let own = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect();
    Rule {
        name: "the rule".to_owned(),
        channels: own(channels),
        actions: own(actions),
        access,
        permissions: own(permissions),
        then: Then::Close,
    }
}

fn rules(rules: Vec<Rule>) -> Rules {
    Rules {
        channel: Field::parse("$request.body.channel").ok(),
        action: Field::parse("$request.body.action").ok(),
        rules,
        ..Rules::default()
    }
}

fn with_token(message: bool) -> Rules {
    let token = TokenRule {
        connect: IdentitySource::parse("route.request.querystring.token").unwrap(),
        message: message.then(|| Field::parse("$request.body.token").unwrap()),
        expires: Some("exp".to_owned()),
        then: Then::Close,
    };
    Rules {
        token: Some(token),
        ..rules(vec![rule(&["lobby"], &[], Access::Public, &[])])
    }
}

fn said(rules: &Rules, connection: &Connection, body: &Value) -> Result<(), String> {
    let checked = rules.check(connection, &Standing::default(), &body.to_string(), NOW);
    checked.map_err(|it| it.to_string())
}

#[test]
fn without_rules_everything_is_let_through() {
    let none = Rules::default();
    assert_eq!(said(&none, &connection(), &json!({})), Ok(()));
    assert!(
        none.admit(&connection(), &handshake(&[], &[]), &stamp())
            .is_ok()
    );
    let mut bucket = Bucket::full();
    assert!((0..1000).all(|_| none.pace(&mut bucket, None, NOW).is_ok()));
}

#[test]
fn the_first_rule_that_a_message_is_about_decides() {
    let rules = rules(vec![
        rule(&["lobby"], &["say", "read*"], Access::Public, &[]),
        rule(&["lobby"], &[], Access::Closed, &[]),
        rule(&["room-*"], &[], Access::Private, &[]),
    ]);
    let say = |channel: &str, action: &str| {
        let body = json!({ "channel": channel, "action": action });
        said(&rules, &connection(), &body)
    };
    assert_eq!(say("lobby", "say"), Ok(()));
    assert_eq!(say("lobby", "read-all"), Ok(()));
    let closed = "Forbidden by the rule the rule: nobody may";
    assert_eq!(say("lobby", "clear"), Err(closed.to_owned()));
    let private = "Forbidden by the rule the rule: only for clients that an authorizer knows";
    assert_eq!(say("room-1", "say"), Err(private.to_owned()));
    assert_eq!(say("elsewhere", "say"), Ok(()));
    // No channel is no channel of a rule, and no JSON has none.
    assert_eq!(said(&rules, &connection(), &json!("text")), Ok(()));
    let body = json!({ "channel": "room-1" });
    assert_eq!(said(&rules, &ada(), &body), Ok(()));
}

#[test]
fn every_permission_of_an_action_is_held_against_the_context() {
    let write = rule(
        &[],
        &["write"],
        Access::Private,
        &["room:read", "room:write"],
    );
    let delete = rule(
        &[],
        &["delete"],
        Access::Private,
        &["room:read", "room:delete"],
    );
    let rules = rules(vec![write, delete]);
    let act = |connection: &Connection, action: &str| {
        said(&rules, connection, &json!({ "action": action }))
    };
    assert_eq!(act(&ada(), "write"), Ok(()));
    let missing = "Forbidden by the rule the rule: the permission room:delete is missing";
    assert_eq!(act(&ada(), "delete"), Err(missing.to_owned()));
    let eve = known(&json!({ "principalId": "eve" }));
    assert!(act(&eve, "write").is_err());
    let spaced = Rules {
        permissions: Some("scope".to_owned()),
        identity: Some("sub".to_owned()),
        ..rules.clone()
    };
    let bob = known(&json!({ "sub": "bob", "scope": "room:read room:write" }));
    assert_eq!(said(&spaced, &bob, &json!({ "action": "write" })), Ok(()));
}

#[test]
fn a_token_is_there_at_the_handshake_and_in_each_message() {
    let rules = with_token(true);
    let admit = |connection: &Connection, query: &[(&str, &str)]| {
        rules.admit(connection, &handshake(&[], query), &stamp())
    };
    let refused = admit(&ada(), &[]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Unauthorized by the rule token: the handshake has no query parameter token"
    );
    let standing = admit(&ada(), &[("token", "secret")]).unwrap();
    assert!(!format!("{standing:?}").contains("secret"));
    let say = |body: Value| {
        let checked = rules.check(&ada(), &standing, &body.to_string(), NOW);
        checked.map_err(|it| it.reason)
    };
    assert_eq!(say(json!({ "token": "secret" })), Ok(()));
    assert_eq!(
        say(json!({ "token": "other" })),
        Err("the message's token is not the handshake's".to_owned())
    );
    assert_eq!(say(json!({})), Err("the message has no token".to_owned()));
    // Public is public.
    assert_eq!(say(json!({ "channel": "lobby" })), Ok(()));
}

#[test]
fn a_token_ends_when_the_authorizer_said() {
    let rules = with_token(false);
    let check = |connection: &Connection, now| {
        let checked = rules.check(connection, &Standing::default(), "{}", now);
        checked.map_err(|it| it.reason)
    };
    assert_eq!(check(&ada(), 1_795_240_020_999), Ok(()));
    assert_eq!(
        check(&ada(), 1_795_240_021_000),
        Err("the token has expired".to_owned())
    );
    assert_eq!(
        check(&connection(), NOW),
        Err("the authorizer's context has no exp".to_owned())
    );
    let late = known(&json!({ "exp": 1_000 }));
    let query = handshake(&[], &[("token", "t")]);
    assert!(rules.admit(&late, &query, &stamp()).is_err());
}

#[test]
fn a_connection_and_an_identity_have_a_pace_each() {
    let rules = Rules {
        pace: Some(Pace {
            connection: Some(Limit::per_second(2.0)),
            identity: Some(Limit::per_second(3.0)),
            then: Then::Keep,
        }),
        ..Rules::default()
    };
    let (mut one, mut two, mut ada) = (Bucket::full(), Bucket::full(), Bucket::full());
    let mut say = |bucket: &mut Bucket| {
        let paced = rules.pace(bucket, Some(&mut ada), NOW);
        paced.map_err(|it| it.rule)
    };
    assert_eq!([say(&mut one), say(&mut one)], [Ok(()), Ok(())]);
    assert_eq!(say(&mut one), Err("pace.connection".to_owned()));
    assert_eq!(say(&mut two), Ok(()));
    assert_eq!(say(&mut two), Err("pace.identity".to_owned()));
}

#[test]
fn a_refusal_says_which_rule_to_the_client() {
    let refusal = Refusal {
        message: "Forbidden",
        rule: "admin".to_owned(),
        reason: "nobody may".to_owned(),
        then: Then::Keep,
    };
    assert_eq!(
        refusal.frame("c=", "r="),
        r#"{"message":"Forbidden","rule":"admin","reason":"nobody may","connectionId":"c=","requestId":"r="}"#
    );
}

#[test]
fn a_star_stands_for_anything() {
    for (pattern, text) in [
        ("*", ""),
        ("a*", "a"),
        ("*b", "ab"),
        ("a*c*e", "abcde"),
        ("a*a", "aa"),
    ] {
        assert!(is_like(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("a", "ab"),
        ("a*", "b"),
        ("*b", "abc"),
        ("a*a", "a"),
        ("a*c*e", "abde"),
    ] {
        assert!(!is_like(pattern, text), "{pattern} {text}");
    }
}
