#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::fixtures::{MODULUS, PEM, RSA_PEM, TOKENS};
use super::*;
use crate::rest::answered;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

const ISSUER: &str = "https://issuer.example";
const NOW: u64 = 1_700_000_000_000;

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|it| (*it).to_owned()).collect()
}

fn rsa() -> Keys {
    let set =
        json!({ "keys": [{ "kty": "RSA", "kid": "k1", "use": "sig", "n": MODULUS, "e": "AQAB" }] });
    Keys::from_jwks(set.to_string().as_bytes()).unwrap()
}

fn judge(token: &str, trust: Trust<'_>, scopes: &[&str]) -> Result<Token, TokenError> {
    let rules = Rules {
        issuer: ISSUER,
        audience: &list(&["other", "app"]),
        scopes: &list(scopes),
    };
    verify(token, trust, &rules, NOW)
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token that says so, signed by nobody.
fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(claims))
}

fn good() -> Value {
    json!({ "iss": ISSUER, "aud": "app", "exp": 1_800_000_000, "sub": "alice" })
}

fn but(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn says(claims: &Value) -> Result<Token, TokenError> {
    judge(&unsigned(claims), Trust::Unsigned, &[])
}

#[test]
fn what_openssl_signed_is_verified_by_a_key_set_and_by_both_pems() {
    let keys = [
        rsa(),
        Keys::from_file(PEM).unwrap(),
        Keys::from_pem(RSA_PEM).unwrap(),
    ];
    for (name, token) in TOKENS {
        for keys in &keys {
            let token = judge(token, Trust::Keys(keys, &RSA), &["write", "delete"]).unwrap();
            assert_eq!(token.claims["sub"], "alice", "{name}");
            assert_eq!(token.scopes, ["read", "write"]);
        }
    }
}

#[test]
fn whatever_is_changed_is_somebody_elses() {
    let keys = rsa();
    let trust = Trust::Keys(&keys, &RSA);
    let (_, token) = TOKENS[0];
    let parts: Vec<&str> = token.split('.').collect();
    let forged = format!(
        "{}.{}.{}",
        parts[0],
        encode(&but("sub", json!("root"))),
        parts[2]
    );
    assert_eq!(judge(&forged, trust, &[]), Err(TokenError::Signature));
    let other: Vec<&str> = TOKENS[1].1.split('.').collect();
    let mixed = format!("{}.{}.{}", parts[0], parts[1], other[2]);
    assert_eq!(judge(&mixed, trust, &[]), Err(TokenError::Signature));
    let none = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(judge(&none, trust, &[]), Err(TokenError::Signature));
}

#[test]
fn a_token_cannot_choose_to_be_believed() {
    let keys = rsa();
    let trust = Trust::Keys(&keys, &RSA);
    for alg in ["none", "None", "HS256", "ES256", ""] {
        let head = encode(&json!({ "alg": alg, "kid": "k1" }));
        let token = format!("{head}.{}.", encode(&good()));
        let refused = judge(&token, trust, &[]);
        assert_eq!(refused, Err(TokenError::Algorithm(alg.to_owned())));
    }
    let odd = encode(&json!({ "alg": "a\"\r\nb: c" }));
    let refused = judge(&format!("{odd}.{}.", encode(&good())), trust, &[]);
    assert_eq!(refused, Err(TokenError::Algorithm("abc".to_owned())));
    let head = encode(&json!({ "alg": "RS256", "kid": "k2" }));
    let token = format!("{head}.{}.AA", encode(&good()));
    assert_eq!(judge(&token, trust, &[]), Err(TokenError::UnknownKey));
    let head = encode(&json!({ "alg": "RS256" }));
    let token = format!("{head}.{}.AA", encode(&good()));
    assert_eq!(judge(&token, trust, &[]), Err(TokenError::UnknownKey));
}

/// Keys of elliptic curves are for developers: HTTP APIs do not accept them.
#[test]
fn elliptic_curves_are_verified_where_they_are_accepted() {
    let random = SystemRandom::new();
    let secret = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret.as_ref(), &random);
    let pair = pair.unwrap();
    let point = pair.public_key().as_ref();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "e", "x": part(&point[1..33]), "y": part(&point[33..]) });
    let keys = Keys::from_jwks(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    let head = encode(&json!({ "alg": "ES256", "kid": "e" }));
    let text = format!("{head}.{}", encode(&good()));
    let signature = pair.sign(&random, text.as_bytes()).unwrap();
    let token = format!("{text}.{}", part(signature.as_ref()));
    assert!(judge(&token, Trust::Keys(&keys, &ALL), &[]).is_ok());
    let refused = judge(&token, Trust::Keys(&keys, &RSA), &[]);
    assert_eq!(refused, Err(TokenError::Algorithm("ES256".to_owned())));
    let other = judge(TOKENS[0].1, Trust::Keys(&keys, &ALL), &[]);
    assert_eq!(other, Err(TokenError::UnknownKey));
}

#[test]
fn a_token_is_of_its_issuer_and_for_its_audience() {
    assert!(says(&good()).is_ok());
    assert_eq!(
        says(&but("iss", json!("https://issuer.example/"))),
        Err(TokenError::Issuer)
    );
    assert_eq!(says(&without("iss")), Err(TokenError::Issuer));
    assert!(says(&but("aud", json!(["x", "app"]))).is_ok());
    for aud in [json!("x"), json!(["x"]), json!([]), json!(7)] {
        assert_eq!(says(&but("aud", aud)), Err(TokenError::Audience));
    }
    // What `client_id` says counts only without `aud`.
    let mut claims = without("aud");
    assert_eq!(says(&claims), Err(TokenError::Audience));
    claims["client_id"] = json!("app");
    assert!(says(&claims).is_ok());
    claims["aud"] = json!("x");
    assert_eq!(says(&claims), Err(TokenError::Audience));
}

#[test]
fn a_token_is_of_its_time() {
    let now = NOW / 1000;
    for exp in [
        json!(now),
        json!(now - 1),
        json!(0),
        json!(-1),
        json!("1800000000"),
        json!(null),
    ] {
        assert_eq!(says(&but("exp", exp)), Err(TokenError::Expired));
    }
    assert_eq!(says(&without("exp")), Err(TokenError::Expired));
    assert!(says(&but("exp", json!(now + 1))).is_ok());
    for name in ["nbf", "iat"] {
        assert!(says(&but(name, json!(now))).is_ok());
        assert_eq!(says(&but(name, json!(now + 1))), Err(TokenError::NotYet));
        assert_eq!(says(&but(name, json!("soon"))), Err(TokenError::NotYet));
    }
}

#[test]
fn a_route_asks_for_one_of_its_scopes() {
    let judged = |claims: &Value| judge(&unsigned(claims), Trust::Unsigned, &["a", "b"]);
    for claims in [
        but("scope", json!("x b")),
        but("scp", json!("a")),
        but("scp", json!(["x", "a"])),
    ] {
        assert!(judged(&claims).is_ok());
    }
    for claims in [
        good(),
        but("scope", json!("ab")),
        but("scp", json!([])),
        but("scope", json!(1)),
    ] {
        assert_eq!(judged(&claims), Err(TokenError::Scope));
    }
}

#[test]
fn what_is_no_token_is_named() {
    let judged = |token: &str| judge(token, Trust::Unsigned, &[]);
    assert_eq!(judged(""), Err(TokenError::Missing));
    for token in ["token", "a.b", "a.b.c.d"] {
        assert_eq!(judged(token), Err(TokenError::Segments));
    }
    for token in ["a.b.c", "..", "e30.x.", "e30.W10."] {
        assert_eq!(judged(token), Err(TokenError::Malformed), "{token}");
    }
    assert_eq!(bearer("Bearer abc"), "abc");
    assert_eq!(bearer(" bearer  abc "), "abc");
    assert_eq!(bearer("abc"), "abc");
    assert_eq!(bearer("Basic abc"), "Basic abc");
}

#[test]
fn http_apis_say_why_in_a_header() {
    let said = |error: &TokenError, scopes: &[&str]| {
        let answer = error.http(&list(scopes));
        let named = answer
            .headers
            .iter()
            .find(|(name, _)| name == "www-authenticate");
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.status, body, named.unwrap().1.clone())
    };
    let (status, body, header) = said(&TokenError::Audience, &[]);
    assert_eq!(
        (status, body.as_str()),
        (401, r#"{"message":"Unauthorized"}"#)
    );
    // As the developer guide prints it.
    let wanted = r#"Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience""#;
    assert_eq!(header, wanted);
    let (status, body, header) = said(&TokenError::Scope, &["a", "b"]);
    assert_eq!((status, body.as_str()), (403, r#"{"message":"Forbidden"}"#));
    assert!(header.starts_with(r#"Bearer scope="a b" error="insufficient_scope""#));
    assert_eq!(said(&TokenError::Missing, &[]).2, "Bearer");
}

#[test]
fn claims_and_scopes_become_a_caller() {
    let token = says(&but("scope", json!("a b"))).unwrap();
    let scopes = |route: &[&str]| match token.http_caller(&list(route)) {
        Caller::Jwt { scopes, claims } => (scopes, claims["exp"].clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(scopes(&[]), (None, json!("1800000000")));
    assert_eq!(
        scopes(&["b"]),
        (Some(list(&["a", "b"])), json!("1800000000"))
    );
    let Caller::Cognito { claims } = token.cognito_caller() else {
        panic!()
    };
    assert_eq!(claims["exp"], "Fri Jan 15 08:00:00 UTC 2027");
}

#[test]
fn cognito_wants_an_identity_token_or_scopes() {
    let pool = cognito_issuer("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_abc");
    let pool = pool.unwrap();
    assert_eq!(
        pool,
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
    );
    for arn in [
        "",
        "arn:aws:cognito-idp:eu-west-1",
        "arn:aws:s3:eu-west-1:1:userpool/x",
        "arn:aws:cognito-idp:r:1:userpool/",
    ] {
        assert_eq!(cognito_issuer(arn), None, "{arn}");
    }
    let judged = |token_use: &str, scopes: &[&str], issuer: &str| {
        let claims =
            json!({ "iss": issuer, "exp": 1_800_000_000, "token_use": token_use, "scope": "a" });
        let issuers = [pool.clone()];
        verify_cognito(
            &unsigned(&claims),
            Trust::Unsigned,
            &issuers,
            &list(scopes),
            NOW,
        )
    };
    assert!(judged("id", &[], &pool).is_ok());
    assert_eq!(judged("access", &[], &pool), Err(TokenError::Use("id")));
    assert!(judged("access", &["a"], &pool).is_ok());
    assert_eq!(judged("id", &["a"], &pool), Err(TokenError::Use("access")));
    assert_eq!(judged("access", &["b"], &pool), Err(TokenError::Scope));
    assert_eq!(judged("id", &[], "https://else"), Err(TokenError::Issuer));
}

#[test]
fn rest_apis_say_no_more_than_that_a_token_has_expired() {
    let said = |error: &TokenError| {
        let answer = answered(&error.fault("Pool"));
        (
            answer.status,
            String::from_utf8_lossy(&answer.body).into_owned(),
        )
    };
    let unauthorized = (401, r#"{"message":"Unauthorized"}"#.to_owned());
    for error in [
        TokenError::Missing,
        TokenError::Scope,
        TokenError::Signature,
    ] {
        assert_eq!(said(&error), unauthorized);
    }
    let expired = (
        401,
        r#"{"message":"The incoming token has expired"}"#.to_owned(),
    );
    assert_eq!(said(&TokenError::Expired), expired);
    let reason = TokenError::Expired.fault("Pool").to_string();
    assert_eq!(reason, "Pool: the token has expired");
}

#[test]
fn what_is_no_key_is_named() {
    let jwks = |json: &str| Keys::from_file(json).unwrap_err();
    assert_eq!(jwks("{}"), KeyError::KeySet);
    assert_eq!(jwks("{"), KeyError::KeySet);
    for key in [
        r#"{"kty":"oct","k":"AA"}"#,
        r#"{"kty":"RSA","n":"!"}"#,
        r#"{"kty":"RSA","n":"AA","e":"AQAB","use":"enc"}"#,
        r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
    ] {
        assert_eq!(
            jwks(&format!(r#"{{"keys":[{key}]}}"#)),
            KeyError::Empty,
            "{key}"
        );
    }
    assert_eq!(jwks("nonsense"), KeyError::Pem);
    assert_eq!(jwks(&PEM.replace("-----END", "END")), KeyError::Pem);
    let private = PEM.replace("PUBLIC KEY", "PRIVATE KEY");
    assert_eq!(jwks(&private), KeyError::OtherPem("private key".to_owned()));
    // Ed25519
    let other = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAc0soW2wXOex5UYGRAA5aOMVo8swIHl0ujRsyiuaPfaY=\n-----END PUBLIC KEY-----";
    assert_eq!(jwks(other), KeyError::Unsupported);
    for pem in [
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPO3g1Y/SyQmrLDdaUzQ3KG3X1zXa\nvENfgp55WvICh/QnolURg56uYu75j8vGugQJtYxyQKbHYnd57Y+2l+Y0Pw==\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEFZwVDEU1KI8uPNxOGFOVyWaOor4NZ7nN\n7uQJ7gHz5QHj/abpOVZy2IOuuHvYqj4knPXAgKpksaN0pOm+Ye6TRtpmPf9UkYdY\nO77xfs6pk4HvJPEw7lHtsqjovkNl45rn\n-----END PUBLIC KEY-----",
    ] {
        assert!(Keys::from_pem(pem).is_ok());
    }
}

#[test]
fn tokens_do_not_print() {
    assert_eq!(format!("{:?}", says(&good()).unwrap()), "Token { .. }");
}

proptest! {
    #[test]
    fn no_token_and_no_key_is_too_strange(
        token in "[a-zA-Z0-9._=-]{0,60}", text in "\\PC{0,60}",
        bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let keys = rsa();
        for trust in [Trust::Unsigned, Trust::Keys(&keys, &ALL)] {
            let _ = judge(&token, trust, &[]);
            let _ = judge(&text, trust, &[]);
        }
        let _ = Keys::from_file(&text);
        let _ = Keys::from_jwks(&bytes);
        let _ = der::public_key(&bytes);
        let _ = der::rsa_key(&bytes);
        let base64 = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let _ = Keys::from_pem(&format!("-----BEGIN PUBLIC KEY-----{base64}-----END PUBLIC KEY-----"));
    }

    #[test]
    fn claims_of_any_shape_are_texts(number in any::<f64>(), text in "\\PC{0,10}", flag in any::<bool>()) {
        let claims = json!({ "a": [number, text, flag], "exp": number, "b": { "c": text } });
        let claims = claims.as_object().unwrap();
        for texts in [http_claims(claims), rest_claims(claims)] {
            prop_assert!(texts.values().all(Value::is_string));
        }
    }
}
