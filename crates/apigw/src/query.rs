//! The query string of a request: decoded, and added to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The pairs of a raw query string (without `?`), decoded, in their order.
///
/// `+` is a space and `%2B` a plus, as recorded against AWS for REST APIs; a
/// name without `=` has an empty value. Bytes that are not UTF-8 become U+FFFD,
/// because events are JSON text.
#[must_use]
pub fn decode(raw: &str) -> Vec<(String, String)> {
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (component(name), component(value))
        })
        .collect()
}

/// Adds a pair to a URL.
pub(crate) fn append(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.extend(utf8_percent_encode(name, UNRESERVED));
    url.push('=');
    url.extend(utf8_percent_encode(value, UNRESERVED));
}

fn component(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn plus_is_a_space_and_an_encoded_plus_is_a_plus() {
        assert_eq!(decode("q=a+b%2Bc"), vec![pair("q", "a b+c")]);
    }

    #[test]
    fn order_and_repetition_are_kept() {
        let pairs = vec![pair("b", "2"), pair("a", "1"), pair("b", "3=4")];
        assert_eq!(decode("b=2&a=1&&b=3=4"), pairs);
    }

    #[test]
    fn a_name_alone_has_an_empty_value() {
        assert_eq!(decode("flag"), vec![pair("flag", "")]);
        assert!(decode("").is_empty());
    }
}
