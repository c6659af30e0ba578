//! The Runtime API: paths, headers, errors.

use crate::promises::{is_written_and_read, texts};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tether_runtime_api::{ErrorObject, Invocation, Route, header, verb};

/// `POST /2018-06-01/runtime/invocation/…`
pub(crate) fn route(bytes: &[u8]) {
    let Some(space) = bytes.iter().position(|it| *it == b' ') else {
        return;
    };
    let (method, path) = bytes.split_at(space);
    let (Ok(method), Ok(uri)) = (Method::from_bytes(method), Uri::try_from(&path[1..])) else {
        return;
    };
    let route = Route::of(&method, uri.path());
    let request = match &route {
        Route::Next => verb::next("h:1"),
        Route::Response(id) => verb::response("h:1", id, Some(id), Some(id), body()),
        Route::Error(id) => verb::error("h:1", id, Some(id), Some(id), body()),
        _ => return,
    };
    // An id may be one that no header takes; a path it came out of takes it back.
    if let Ok(request) = request {
        assert_eq!(Route::of(request.method(), request.uri().path()), route);
    }
}

fn body() -> bytes::Bytes {
    bytes::Bytes::from_static(b"{}")
}

/// `name: value` in lines.
pub(crate) fn headers(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut pairs = Vec::new();
    for line in bytes.split(|it| *it == b'\n') {
        let Some(colon) = line.iter().position(|it| *it == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        pairs.push((
            name.escape_ascii().to_string(),
            value.escape_ascii().to_string(),
        ));
        let (name, value) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.try_append(name, value).unwrap();
        }
    }
    if let Ok(read) = Invocation::from_headers(&headers) {
        assert_eq!(
            Invocation::from_headers(&read.to_headers()).as_ref(),
            Ok(&read)
        );
    }
    let borrowed = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    if let Ok(read) = Invocation::from_pairs(borrowed) {
        let written = read.to_pairs();
        let again = written
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(Invocation::from_pairs(again).as_ref(), Ok(&read));
        assert!(read.to_headers().contains_key(header::DEADLINE));
    }
    strips_only_what_it_should(headers);
}

fn strips_only_what_it_should(headers: HeaderMap) {
    let mut stripped = headers.clone();
    header::strip_hop_by_hop(&mut stripped);
    for (name, _) in &headers {
        let gone = header::HOP_BY_HOP.contains(&name.as_str());
        assert_eq!(stripped.contains_key(name), !gone, "{name}");
    }
}

pub(crate) fn error_object(bytes: &[u8]) {
    for text in texts(bytes) {
        if let Ok(error) = serde_json::from_str::<ErrorObject>(&text) {
            is_written_and_read(&error, text.len(), |it| serde_json::from_str(it).ok());
            assert_eq!(error.to_bytes(), serde_json::to_vec(&error).unwrap());
        }
    }
}
