//! What is signed: the request in one spelling of many.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::digest;
use std::fmt::Write as _;

use crate::http::Request;

/// Everything but what RFC 3986 leaves unreserved.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// Lower-case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut text = String::with_capacity(64);
    for byte in digest.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The canonical requests that a signature may be of: of the path as it stands, and without what is
/// redundant in it.
pub(super) fn requests(request: &Request, signed: &[String], presigned: bool) -> Vec<String> {
    let path = if request.path.is_empty() {
        "/"
    } else {
        &request.path
    };
    let mut paths = vec![path.to_owned(), normal(path)];
    paths.dedup();
    let query = query(&request.query, presigned);
    let headers = headers(request, signed);
    let hash = payload_hash(request);
    let text = |path: &String| {
        // A path is encoded once more than it already is, for every service but S3.
        let path = utf8_percent_encode(path, PATH);
        let names = signed.join(";");
        format!(
            "{}\n{path}\n{query}\n{headers}\n{names}\n{hash}",
            request.method
        )
    };
    paths.iter().map(text).collect()
}

/// A client that says no hash has hashed the body; one that says another than the body's has not
/// sent what it signed.
fn payload_hash(request: &Request) -> String {
    match request.header("x-amz-content-sha256") {
        Some("UNSIGNED-PAYLOAD") => "UNSIGNED-PAYLOAD".to_owned(),
        _ => sha256(&request.body),
    }
}

/// Names and values encoded in one way, in the order of their bytes.
fn query(raw: &str, presigned: bool) -> String {
    let encode = |text: &str| {
        let bytes: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&bytes, COMPONENT).to_string()
    };
    let pairs = raw.split('&').filter(|it| !it.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut pairs: Vec<(String, String)> = pairs
        .map(|(name, value)| (encode(name), encode(value)))
        .filter(|(name, _)| !(presigned && name == "X-Amz-Signature"))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// One line each, also for those that are not there.
fn headers(request: &Request, signed: &[String]) -> String {
    let mut text = String::new();
    for name in signed {
        let named = request
            .headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let values: Vec<String> = named.map(|(_, value)| trimmed(value)).collect();
        let _ = writeln!(text, "{name}:{}", values.join(","));
    }
    text
}

/// Without spaces around it, and with one where there are several.
fn trimmed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without `.`, `..` and empty segments.
fn normal(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let slash = if path.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{slash}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_what_is_redundant() {
        for (path, wanted) in [
            ("/", "/"),
            ("/a/b/", "/a/b/"),
            ("/a//b", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/..", "/"),
            ("//", "/"),
        ] {
            assert_eq!(normal(path), wanted);
        }
    }

    #[test]
    fn a_query_is_sorted_and_encoded_in_one_way() {
        assert_eq!(
            query("b=2&a=%7e&a=1&c&d=a%2fb", false),
            "a=1&a=~&b=2&c=&d=a%2Fb"
        );
        assert_eq!(query("X-Amz-Signature=0&a=1", true), "a=1");
        assert_eq!(query("", false), "");
    }

    #[test]
    fn a_header_is_one_line_with_single_spaces() {
        let mut request = crate::http::fixtures::request("GET", "/");
        for value in ["  a   b ", "c"] {
            request.headers.push(("My-Header".into(), value.into()));
        }
        let names = ["my-header".to_owned(), "none".to_owned()];
        assert_eq!(headers(&request, &names), "my-header:a b,c\nnone:\n");
    }

    #[test]
    fn a_hash_is_in_hexadecimal() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }
}
