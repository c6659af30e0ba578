//! Bodies in events: text, or base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whether HTTP APIs and function URLs give a body of that type as text. Measured on AWS: all of
/// `text/*` and these three, and nothing else, so that forms are base64 as well as a body without a
/// type (<https://github.com/ministackorg/ministack/pull/766>; of function URLs a multipart form is
/// recorded, in LocalStack's `test_lambda_url_form_payload`).
pub(crate) fn is_text(content_type: Option<&str>) -> bool {
    let media_type = content_type.unwrap_or_default().split(';').next();
    let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/")
        || matches!(
            media_type.as_str(),
            "application/json" | "application/xml" | "application/javascript"
        )
}

/// A body as events carry it, and whether it is base64; none for no body. What is no UTF-8 cannot
/// be text, whatever its type says `[inf]`.
pub(crate) fn body(content_type: Option<&str>, bytes: &[u8]) -> Option<(String, bool)> {
    if bytes.is_empty() {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text(content_type) => Some((text.to_owned(), false)),
        _ => Some((STANDARD.encode(bytes), true)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_what_aws_takes_for_text() {
        for text in [
            "text/plain",
            "text/html; charset=utf-8",
            "application/json",
            "Application/JSON;charset=UTF-8",
            "application/xml",
            "application/javascript",
        ] {
            assert!(is_text(Some(text)), "{text}");
        }
        for binary in [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/octet-stream",
            "image/svg+xml",
            "application/problem+json",
            "",
        ] {
            assert!(!is_text(Some(binary)), "{binary}");
        }
        assert!(!is_text(None));
    }

    #[test]
    fn no_body_is_neither_text_nor_base64() {
        assert_eq!(body(Some("text/plain"), b""), None);
        assert_eq!(body(None, b""), None);
        let bytes = body(Some("text/plain"), b"\xff");
        assert_eq!(bytes, Some(("/w==".to_owned(), true)));
    }

    proptest! {
        #[test]
        fn a_body_comes_back_as_it_was(bytes in prop::collection::vec(any::<u8>(), 1..64), text in any::<bool>()) {
            let (carried, base64) = body(text.then_some("text/plain"), &bytes).unwrap();
            let back = if base64 { STANDARD.decode(carried).unwrap() } else { carried.into_bytes() };
            prop_assert_eq!(back, bytes);
        }
    }
}
