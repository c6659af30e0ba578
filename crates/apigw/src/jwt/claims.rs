//! Claims as events carry them: as texts.

use serde_json::{Map, Value};
use time::OffsetDateTime;

/// Of HTTP APIs: numbers and booleans as texts, lists as `[a b]`, objects as JSON; nulls are left
/// out (measured: <https://github.com/floci-io/floci/pull/2011>).
#[must_use]
pub fn http_claims(claims: &Map<String, Value>) -> Map<String, Value> {
    let texts = claims.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::Null => return None,
            Value::Array(list) => {
                let items: Vec<String> = list.iter().map(word).collect();
                format!("[{}]", items.join(" "))
            }
            other => word(other),
        };
        Some((name.clone(), Value::String(text)))
    });
    texts.collect()
}

/// Of REST APIs: lists are joined by commas, and `exp` and `iat` are dates as Java prints them
/// `[inf]`, of captures in `events/testdata` and in questions.
#[must_use]
pub fn rest_claims(claims: &Map<String, Value>) -> Map<String, Value> {
    let texts = claims.iter().filter_map(|(name, value)| {
        let text = match (name.as_str(), value) {
            (_, Value::Null) => return None,
            ("exp" | "iat", Value::Number(seconds)) => {
                date(seconds.as_i64()).unwrap_or_else(|| value.to_string())
            }
            (_, Value::Array(list)) => {
                let items: Vec<String> = list.iter().map(word).collect();
                items.join(",")
            }
            (_, other) => word(other),
        };
        Some((name.clone(), Value::String(text)))
    });
    texts.collect()
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `Tue Jan 22 17:50:19 UTC 2019`
fn date(seconds: Option<i64>) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(seconds?).ok()?;
    Some(format!(
        "{:.3} {:.3} {:02} {:02}:{:02}:{:02} UTC {}",
        at.weekday().to_string(),
        at.month().to_string(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.year()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn claims_are_texts() {
        let claims = map(&json!({
            "sub": "s", "exp": 1_548_179_419, "verified": true, "none": null,
            "cognito:groups": ["admin", "poweruser"], "empty": [], "mixed": [1, "a", { "b": 2 }],
            "address": { "city": "Bonn" },
        }));
        let http = json!({
            "sub": "s", "exp": "1548179419", "verified": "true",
            "cognito:groups": "[admin poweruser]", "empty": "[]", "mixed": "[1 a {\"b\":2}]",
            "address": "{\"city\":\"Bonn\"}",
        });
        assert_eq!(http_claims(&claims), map(&http));
        let rest = json!({
            "sub": "s", "exp": "Tue Jan 22 17:50:19 UTC 2019", "verified": "true",
            "cognito:groups": "admin,poweruser", "empty": "", "mixed": "1,a,{\"b\":2}",
            "address": "{\"city\":\"Bonn\"}",
        });
        assert_eq!(rest_claims(&claims), map(&rest));
    }

    #[test]
    fn a_time_beyond_all_calendars_stays_a_number() {
        let claims = map(&json!({ "exp": u64::MAX, "iat": 1e300 }));
        let texts = map(&json!({ "exp": "18446744073709551615", "iat": "1e300" }));
        let rest = rest_claims(&claims);
        assert_eq!(rest.get("exp"), texts.get("exp"));
        assert_eq!(rest.get("iat").map(Value::is_string), Some(true));
    }
}
