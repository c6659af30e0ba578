//! Where a line of a generated script comes from
//! (<https://tc39.es/ecma426/>).

use base64::Engine as _;
use serde::Deserialize;

/// A map, as far as its places matter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceMap {
    sources: Vec<Option<String>>,
    mappings: String,
}

/// The source's name and its line, counted from 0, of a place in a script whose
/// map is this, in a `data:` URL; that is how esbuild and TypeScript write it
/// into the script itself. None: it has no source, or no map that can be read.
pub(super) fn source(data_url: &str, line: u64, column: u64) -> Option<(String, u64)> {
    let (about, data) = data_url.strip_prefix("data:")?.split_once(',')?;
    let text = if about.ends_with(";base64") {
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .ok()?
    } else {
        return None;
    };
    let map: SourceMap = serde_json::from_slice(&text).ok()?;
    let (source, line) = place(&map.mappings, line, column)?;
    Some((map.sources.get(source)?.clone()?, line))
}

/// The number of a source and its line. A line of `mappings` ends with `;`, each
/// of its segments with `,`; a segment's numbers are told as differences to
/// those of the one before it.
fn place(mappings: &str, line: u64, column: u64) -> Option<(usize, u64)> {
    let (mut source, mut original) = (0i64, 0i64);
    for (number, segments) in (0u64..).zip(mappings.split(';')) {
        if number > line {
            break;
        }
        let (mut generated, mut found) = (0i64, None);
        for segment in segments.split(',').filter(|it| !it.is_empty()) {
            let numbers = numbers(segment)?;
            generated = generated.checked_add(*numbers.first()?)?;
            if let [_, of_source, of_line, ..] = numbers.as_slice() {
                source = source.checked_add(*of_source)?;
                original = original.checked_add(*of_line)?;
                let reached = u64::try_from(generated).is_ok_and(|it| it <= column);
                if reached || found.is_none() {
                    found = Some((source, original));
                }
            }
        }
        if number == line {
            let (source, original) = found?;
            return Some((source.try_into().ok()?, original.try_into().ok()?));
        }
    }
    None
}

/// Base 64, five bits and one that says that there are more; the lowest bit of
/// all is the sign.
fn numbers(segment: &str) -> Option<Vec<i64>> {
    let (mut numbers, mut number, mut shift) = (Vec::new(), 0i64, 0u32);
    for byte in segment.bytes() {
        let digit = i64::from(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        });
        // No script is longer than that.
        if shift > 40 {
            return None;
        }
        number |= (digit & 31) << shift;
        shift += 5;
        if digit & 32 == 0 {
            let size = number >> 1;
            numbers.push(if number & 1 == 1 { -size } else { size });
            (number, shift) = (0, 0);
        }
    }
    (shift == 0).then_some(numbers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What esbuild 0.28 makes of
    /// ```ts
    /// type Event = { name: string };
    ///
    /// export const handler = async (event: Event) => {
    ///   const name: string = event.name ?? "world";
    ///   return { message: `Hello, ${name}!` };
    /// };
    /// ```
    const ESBUILD: &str = r#"{"version":3,"sources":["../src/app.ts"],"sourcesContent":[null],
        "mappings":"AAEO,MAAM,UAAU,OAAO,UAAiB;AAC7C,QAAM,OAAe,MAAM,QAAQ;AACnC,SAAO,EAAE,SAAS,UAAU,IAAI,IAAI;AACtC;","names":[]}"#;

    fn data_url(map: &str) -> String {
        let data = base64::engine::general_purpose::STANDARD.encode(map);
        format!("data:application/json;base64,{data}")
    }

    #[test]
    fn a_place_in_what_esbuild_wrote_is_found_in_its_source() {
        let url = data_url(ESBUILD);
        let source = |line, column| source(&url, line, column).map(|(_, line)| line);
        assert_eq!(source(0, 0), Some(2));
        assert_eq!(source(1, 2), Some(3));
        assert_eq!(source(1, 40), Some(3));
        assert_eq!(source(2, 2), Some(4));
        assert_eq!(source(3, 0), Some(5));
        assert_eq!(source(4, 0), None);
        assert_eq!(super::source(&url, 2, 2).unwrap().0, "../src/app.ts");
    }

    #[test]
    fn what_is_no_map_has_no_place() {
        for url in [
            "app.js.map",
            "data:application/json,{}",
            "data:application/json;base64,!!!",
            &data_url("{}"),
            &data_url(r#"{"sources":["a.ts"],"mappings":"!"}"#),
            &data_url(r#"{"sources":[],"mappings":"AAAA"}"#),
            &data_url(r#"{"sources":["a.ts"],"mappings":"AADA"}"#),
        ] {
            assert_eq!(source(url, 0, 0), None, "{url}");
        }
    }

    #[test]
    fn numbers_have_signs_and_more_than_one_digit() {
        assert_eq!(numbers("AACA"), Some(vec![0, 0, 1, 0]));
        assert_eq!(numbers("DgB"), Some(vec![-1, 16]));
        assert_eq!(numbers("g"), None);
        assert_eq!(numbers("ggggggggggggggggggA"), None);
    }

    proptest! {
        #[test]
        fn any_mappings_can_be_read(mappings in "[A-Za-z0-9+/,;]{0,200}", line in 0u64..9) {
            let _ = place(&mappings, line, 3);
        }
    }
}
