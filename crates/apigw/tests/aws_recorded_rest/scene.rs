//! The recordings, requests as the recording client sent them, and what counts as equal.

use bytes::Bytes;
use serde_json::Value;
use std::path::Path;
use tether_apigw::http::{Request, Stamp, Whereabouts};
use tether_apigw::rest::{Exchange, Identity, Matched, Method, Routes, Stage, take_stage};

/// One test's recording; none if there are none here.
pub(crate) fn recording(file: &str, test: &str) -> Option<Value> {
    // Beside the repository, or beside one of its working trees.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = here
        .ancestors()
        .map(|place| place.join("shared/data/aws-recorded"));
    let Some(text) = places.find_map(|place| std::fs::read_to_string(place.join(file)).ok()) else {
        eprintln!("skipped: there is no shared/data/aws-recorded/{file} beside the repository");
        return None;
    };
    let recordings: Value = serde_json::from_str(&text).unwrap();
    let mut tests = recordings.as_object().unwrap().iter();
    let (_, found) = tests.find(|(name, _)| name.ends_with(test)).unwrap();
    Some(found["recorded-content"].clone())
}

/// A request of Python's `requests`, which adds headers of its own.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let length = body.len().to_string();
    let mut all = vec![
        ("Host", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Connection", "keep-alive"),
    ];
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("accept"))
    {
        all.push(("Accept", "*/*"));
    }
    all.extend(headers);
    if !body.is_empty() {
        all.push(("Content-Length", &length));
    }
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: all.into_iter().map(own).collect(),
        body: Bytes::from(body.to_owned()),
        source_ip: "192.0.2.7".to_owned(),
        port: 443,
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
    }
}

/// An API of one stage and what of it an exchange borrows.
pub(crate) struct Scene {
    pub(crate) at: Whereabouts,
    pub(crate) stamp: Stamp,
    pub(crate) stage: Stage,
    pub(crate) routes: Routes,
}

impl Scene {
    pub(crate) fn new(stage: &str, methods: &[(&str, &str)]) -> Self {
        let method = |(method, path): &(&str, &str)| Method {
            method: (*method).to_owned(),
            path: (*path).to_owned(),
            resource_id: "2gxmpl".to_owned(),
            operation_name: None,
        };
        Self {
            at: Whereabouts {
                api_id: "a1b2c3d4e5".to_owned(),
                partition: "aws".to_owned(),
                region: "us-east-1".to_owned(),
                account_id: "111111111111".to_owned(),
                domain_name: "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com".to_owned(),
            },
            stamp: Stamp {
                request_id: "77375676-4b79-853a-f982-474efe180000".to_owned(),
                extended_request_id: "JKJaXmPLvHcESHA=".to_owned(),
                trace_id: "Root=1-67659810-101d2f353e7cd9797a9aa4ba".to_owned(),
                now_ms: 1_705_751_708_326,
            },
            stage: Stage {
                name: stage.to_owned(),
                variables: [].into(),
                deployment_id: "k2ua1z".to_owned(),
            },
            routes: Routes::new(methods.iter().map(method).collect()),
        }
    }

    pub(crate) fn exchange<'a>(&'a self, request: &'a Request) -> Exchange<'a> {
        let (_, path) = take_stage(&request.path, [self.stage.name.as_str()]).unwrap();
        let matched: Option<Matched<'_>> = self.routes.find(&request.method, path.inner);
        assert!(matched.is_some(), "{}", request.path);
        Exchange {
            request,
            at: &self.at,
            stamp: &self.stamp,
            stage: &self.stage,
            path,
            matched,
            authorizer: None,
            identity: Identity::default(),
            key: None,
        }
    }
}

/// Headers that CloudFront and the network add, before an API and behind it.
fn is_of_the_edge(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let whole = [
        "via",
        "x-amz-cf-id",
        "x-amz-cf-pop",
        "x-cache",
        "connection",
        "date",
    ];
    whole.contains(&name.as_str()) || name.starts_with("cloudfront-")
}

/// Compares what was recorded with what is ours. `<…>` is something that is never the same twice;
/// a text that is JSON was recorded as that.
pub(crate) fn assert_same(recorded: &Value, ours: &Value, at: &str) {
    match (recorded, ours) {
        (Value::String(text), _) if text.starts_with('<') && text.ends_with('>') => {
            assert!(
                !ours.is_null(),
                "{at}: {recorded} was recorded, and ours is null"
            );
        }
        (Value::Object(recorded), Value::Object(ours)) => {
            let keys = recorded.keys().filter(|key| !is_of_the_edge(key));
            let mut keys: Vec<&String> = keys.collect();
            let mut own: Vec<&String> = ours.keys().collect();
            keys.sort();
            own.sort();
            assert_eq!(keys, own, "{at}");
            for key in keys {
                assert_same(&recorded[key], &ours[key], &format!("{at}.{key}"));
            }
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            assert_eq!(recorded.len(), ours.len(), "{at}");
            for (index, (recorded, ours)) in recorded.iter().zip(ours).enumerate() {
                assert_same(recorded, ours, &format!("{at}[{index}]"));
            }
        }
        (Value::Object(_) | Value::Array(_), Value::String(text)) => {
            let parsed: Value = serde_json::from_str(text).unwrap();
            assert_same(recorded, &parsed, at);
        }
        _ => assert_eq!(recorded, ours, "{at}"),
    }
}
