use super::super::FaultKind;
use super::super::fixtures::{request, with};
use super::tests::{of, on, post, response};
use super::*;

#[test]
fn bodies_are_converted_as_documented() {
    let convert = |handling, accept: &str, content_type: &str, bytes: &'static [u8]| {
        let mut http = of(Kind::Http);
        let mut all = response("200", None);
        all.content_handling = handling;
        http.responses = vec![all];
        let headers = [("Content-Type".to_owned(), content_type.to_owned())];
        let bytes = Bytes::from_static(bytes);
        let came = Came::Http {
            status: 200,
            headers: &headers,
            body: &bytes,
        };
        let sent = with(request("GET", "/dev/pets/7"), &[("Accept", accept)], "");
        let none = ResponseOverride::default();
        on(sent, &["image/png"], |exchange, binary| {
            answer(&http, exchange, &none, came, binary)
        })
        .map(|answer| answer.body.to_vec())
    };
    let (text, binary) = (
        Some(ContentHandling::ToText),
        Some(ContentHandling::ToBinary),
    );
    let (png, json) = ("image/png", "application/json");
    assert_eq!(convert(None, json, png, b"\xff").unwrap(), b"/w==");
    assert_eq!(convert(None, png, png, b"\xff").unwrap(), b"\xff");
    assert_eq!(convert(text, png, png, b"\xff").unwrap(), b"/w==");
    assert_eq!(convert(binary, json, png, b"\xff").unwrap(), b"\xff");
    assert_eq!(convert(None, json, json, b"{}").unwrap(), b"{}");
    assert_eq!(convert(binary, json, json, b"/w==").unwrap(), b"\xff");
    let fault = convert(binary, json, json, b"{}").unwrap_err();
    assert_eq!(fault.kind, FaultKind::ApiConfigurationError);
}

#[test]
fn a_request_body_is_converted_as_documented() {
    let convert = |handling, content_type: &str, bytes: &'static [u8]| {
        let mut http = of(Kind::Http);
        http.uri = Some("http://example.com".to_owned());
        http.content_handling = handling;
        let mut sent = post("/dev/pets/7", &[("Content-Type", content_type)], "");
        sent.body = Bytes::from_static(bytes);
        let called = on(sent, &["image/png"], |exchange, binary| {
            prepare(&http, exchange, binary)
        });
        match called.map(|it| it.call) {
            Ok(Call::Http { body, .. }) => Ok(body.to_vec()),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => Err(fault.kind),
        }
    };
    let (text, binary) = (
        Some(ContentHandling::ToText),
        Some(ContentHandling::ToBinary),
    );
    assert_eq!(convert(None, "image/png", b"\xff"), Ok(b"\xff".to_vec()));
    assert_eq!(convert(text, "image/png", b"\xff"), Ok(b"/w==".to_vec()));
    assert_eq!(convert(binary, "text/plain", b"/w=="), Ok(b"\xff".to_vec()));
    assert_eq!(
        convert(binary, "text/plain", b"%"),
        Err(FaultKind::ApiConfigurationError)
    );
    assert_eq!(
        convert(None, "text/plain", b"\xff"),
        Ok("\u{fffd}".as_bytes().to_vec())
    );
}
