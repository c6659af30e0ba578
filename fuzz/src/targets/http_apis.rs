//! What fronts of HTTP APIs and function URLs read of a client, of a function and of an authorizer.

use crate::promises::{SECRET, does_not_print};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;
use tether_apigw::authorizer::{Answers, Opinion};
use tether_apigw::http::{Request, Stamp, Whereabouts};
use tether_apigw::http_api::{
    Exchange, RequestMappings, RouteKey, Routes, Stages, answer_v1, answer_v2, event_v1, event_v2,
};
use tether_apigw::jwt::{ALL, Keys, Rules, Trust, verify};
use tether_apigw::url::{self, Visit};
use tether_apigw::{InvokeResult, cors, prelude, sigv4};

const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abc/live/GET/pets";

/// A function's answer, however it is read: headers can be sent, and no body is much larger than
/// what it was read from.
pub(crate) fn answer(bytes: &[u8]) {
    let streamed = match prelude::read(bytes) {
        Ok(prelude::Prelude::Whole { head, body_at }) => {
            assert!(body_at <= bytes.len());
            Some(head)
        }
        _ => None,
    };
    let answers = [answer_v1(bytes), answer_v2(bytes), url::answer(bytes)];
    for answer in answers.into_iter().flatten().chain(streamed) {
        assert!((200..=599).contains(&answer.status));
        assert!(answer.body.len() <= 6 * bytes.len() + 16);
        for (name, value) in &answer.headers {
            assert!(http::HeaderName::from_bytes(name.as_bytes()).is_ok());
            assert!(http::HeaderValue::from_bytes(value.as_bytes()).is_ok());
        }
    }
}

/// An authorizer's answer: an opinion does not print, and who is let in was let in by a word.
pub(crate) fn opinion(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for answers in [Answers::Rest, Answers::Http, Answers::Simple] {
        match Opinion::read(&InvokeResult::Answer(bytes), answers) {
            Ok(opinion) => {
                does_not_print(&opinion);
                if opinion.decide(ARN, 0).is_ok() {
                    assert!(text.contains("Allow") || text.contains("true") || text.contains('\\'));
                }
            }
            Err(refused) => assert!(!refused.to_string().contains('\n')),
        }
        let _ = Opinion::read(&InvokeResult::FunctionError(bytes), answers);
    }
}

/// The only token that the key below has signed, whose private half is gone.
pub(crate) const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYXBwIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJhbGljZSIsInNjb3BlIjoicmVhZCB3cml0ZSJ9.t1HSScWmYkoSVSvUkWxVPyKotgwRKRnhASN0f_P5cKb8kTbYK5ynae0-mki617q8cSYWxNe81LSC5I0rUiLrq82lYce4CeHmSjCDywq1RR_pt3H1G9H_xzxFSXOjo__4j8lSrNG-1Wivl6TI_SoAtwGC5PSNHGkDDZLKLwoD06yOU2k8oxg0gADcJ5uWlFNhQBXwDtG9f1viA_NkVCDmkXB6LWXMqBAV7CamXyfbBupxsi7hXuXgTkWzkiXNrnBX2PaiF4Qapx-AlqRCgX_SVyO9hmK-Jv6HunTNGkfzBlYuIrzm-fAZTqkG-Q8PBzs1hlPzE51STMJR9X-v1yhFZw";
const MODULUS: &str = "_JxXCNGRprd3DO2PWKhZ9Jd2ECwluTzzi2lHyevlOiBOfmRojGtuLpTJUBpNtHTXyi3kDcUp33k4ozimyji7g4Oll8wqgvKHCJYPDITLkSOl91_vd-f_DEEE8wSsA7CsR5joH-DPNvUZ9dgWa7x0jLfjOkCZY5cLzvJ7pZ_SzWBhP94ummKey_qY2CxXrQrRzAI72LZrfzNYSQayviDtnH8Yt-vhLOVMK20nV8R_PKZR4Kv2k1HH1VII3w9ycNlO427PFkB36KOP2Do4cvKoMa4XMODm7lZgjk-qvvc98cV0N6KPXPvpE8jaiQM52ZmyZdNSxfl-1aJT0jJiE-3h1w";

/// The first line is a token, the rest a key file. Nobody gets in but by the one signature that
/// there is, and nothing is said of what stands in a token.
pub(crate) fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (token, file) = text.split_once('\n').unwrap_or((text, ""));
    let rules = Rules {
        issuer: "https://issuer.example",
        audience: &[],
        scopes: &[],
    };
    let jwk = serde_json::json!({ "keys": [{ "kty": "RSA", "n": MODULUS, "e": "AQAB" }] });
    let keys = Keys::from_jwks(jwk.to_string().as_bytes()).unwrap();
    let now = 1_700_000_000_000;
    match verify(token, Trust::Keys(&keys, &ALL), &rules, now) {
        Ok(_) => assert_eq!(
            token.rsplit_once('.').map(|it| it.0),
            TOKEN.rsplit_once('.').map(|it| it.0)
        ),
        Err(error) => {
            let answer = error.http(&[]);
            assert!(
                answer
                    .headers
                    .iter()
                    .all(|(_, value)| !value.contains(SECRET))
            );
        }
    }
    if let Ok(token) = verify(token, Trust::Unsigned, &rules, now) {
        does_not_print(&token);
    }
    if let Err(error) = Keys::from_file(file) {
        assert!(!error.to_string().is_empty());
    }
}

/// A request line, headers, an empty line and a body.
fn request(bytes: &[u8]) -> Request {
    let end = bytes.windows(2).position(|it| it == b"\n\n");
    let (head, body) = end.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 2..]));
    let head = String::from_utf8_lossy(head);
    let (line, headers) = head.split_once('\n').unwrap_or((&head, ""));
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = headers.lines().filter_map(|it| it.split_once(": "));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        body: Bytes::copy_from_slice(body),
        source_ip: "192.0.2.1".to_owned(),
        port: 443,
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
    }
}

/// A request: every event has all of its body, and whoever did not know the secret has not signed.
pub(crate) fn visit(bytes: &[u8]) {
    let request = request(bytes);
    for event in events(&request) {
        let body = match (&event["body"], &event["isBase64Encoded"]) {
            (Value::String(text), Value::Bool(true)) => STANDARD.decode(text).unwrap(),
            (Value::String(text), _) => text.clone().into_bytes(),
            _ => Vec::new(),
        };
        assert_eq!(body, request.body);
    }
    if let Ok(signature) = sigv4::read(&request) {
        does_not_print(&signature);
        let _ = signature.check("execute-api", "eu-west-1", 1_767_225_600_000);
        let verified = signature.verify(&request, "nobody knows this");
        assert!(verified.is_err());
    }
    let everything = cors::Cors {
        allow_origins: vec!["https://*".to_owned()],
        ..cors::Cors::default()
    };
    if let Some(answer) = cors::preflight(&everything, cors::Side::HttpApi, &request) {
        assert!(
            answer
                .headers
                .iter()
                .all(|(_, value)| !value.contains(['\r', '\n']))
        );
    }
}

fn events(request: &Request) -> Vec<Value> {
    let whereabouts = Whereabouts {
        api_id: "abc".to_owned(),
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        account_id: "123456789012".to_owned(),
        domain_name: "abc.example".to_owned(),
    };
    let stamp = Stamp {
        request_id: "r=".to_owned(),
        extended_request_id: "r=".to_owned(),
        trace_id: "Root=1-0-0".to_owned(),
        now_ms: 1_700_000_000_000,
    };
    let keys = ["$default", "ANY /{proxy+}", "GET /pets/{id}"];
    let keys: Vec<RouteKey> = keys.iter().map(|it| RouteKey::parse(it).unwrap()).collect();
    let stages = Stages::new(["$default".to_owned(), "live".to_owned()]);
    let found = stages.find(&request.path).unwrap();
    let matched = Routes::new(keys.clone()).select(&request.method, &found.path);
    let matched = matched.unwrap();
    let none = BTreeMap::new();
    let exchange = Exchange {
        request,
        whereabouts: &whereabouts,
        stamp: &stamp,
        stage: found.name,
        stage_variables: &none,
        route: &keys[matched.index],
        path_parameters: &matched.path_parameters,
        caller: None,
    };
    let visit = Visit {
        request,
        whereabouts: &whereabouts,
        stamp: &stamp,
        caller: None,
    };
    mapped(&exchange);
    vec![event_v2(&exchange), event_v1(&exchange), url::event(&visit)]
}

/// The body says how the request is mapped; no value ends a header early.
fn mapped(exchange: &Exchange<'_>) {
    let Ok(parameters) = serde_json::from_slice(&exchange.request.body) else {
        return;
    };
    if let Ok(mappings) = RequestMappings::parse(&parameters) {
        let sent = exchange.request.headers.len();
        let changed = mappings.apply(exchange);
        let added = changed.headers.iter().skip(sent);
        assert!(
            added
                .into_iter()
                .all(|(_, value)| !value.contains(['\r', '\n']))
        );
    }
}
