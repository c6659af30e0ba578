//! What a placeholder stands for: a value that was given or its default, through filters.

use crate::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// S3 leaves these as they are in a key
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>).
const NOT_IN_A_KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b' ');

const NOT_IN_A_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const MILLISECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
/// API Gateway's `requestTime`.
const LOG_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// CodeCommit's `eventTime`.
const OFFSET: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000");
const MAIL_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day padding:none] [month repr:short] [year] [hour]:[minute]:[second] +0000"
);
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
/// RabbitMQ's, as Lambda prints it.
const JAVA_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[month repr:short] [day padding:none], [year], [hour repr:12 padding:none]:[minute]:[second] [period]"
);
/// CodeBuild's.
const SHORT_JAVA_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[month repr:short] [day padding:none], [year] [hour repr:12 padding:none]:[minute]:[second] [period]"
);

const AN_OBJECT: &str = "a JSON object of texts";

/// Through one filter.
pub(crate) fn filter(name: &str, filter: &str, value: &Value) -> Result<Value, Error> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let wrong = |wanted| Error::NotTaken {
        name: name.to_owned(),
        wanted,
    };
    let at = || instant(&text).ok_or_else(|| wrong("a time, 2026-11-26T12:00:00Z for example"));
    Ok(match filter {
        "base64" => STANDARD.encode(&text).into(),
        "md5" => md5_of(text.as_bytes()).into(),
        "key" => utf8_percent_encode(&text, NOT_IN_A_KEY)
            .to_string()
            .replace(' ', "+")
            .into(),
        "length" => text.len().into(),
        "number" => serde_json::from_str::<serde_json::Number>(&text)
            .map_err(|_| wrong("a number"))?
            .into(),
        "json" => serde_json::from_str(&text).map_err(|_| wrong("JSON"))?,
        "rooted" => format!("/{}", text.trim_start_matches('/')).into(),
        "unrooted" => text.trim_start_matches('/').into(),
        "text" => text.clone().into(),
        "multi" => many(&object(&text).ok_or_else(|| wrong(AN_OBJECT))?),
        "query" => query(&object(&text).ok_or_else(|| wrong(AN_OBJECT))?).into(),
        "iso" => print(at()?, MILLISECONDS)?,
        "iso-seconds" => print(at()?, SECONDS)?,
        "iso-offset" => print(at()?, OFFSET)?,
        "log-time" => print(at()?, LOG_TIME)?,
        "mail-date" => print(at()?, MAIL_DATE)?,
        "http-date" => print(at()?, HTTP_DATE)?,
        "short-java-date" => print(at()?, SHORT_JAVA_DATE)?,
        "java-date" => print(at()?, JAVA_DATE)?,
        "ms" => milliseconds(at()?).into(),
        "seconds" => at()?.unix_timestamp().into(),
        "decimal-seconds" => decimal_seconds(at()?)?,
        other => return Err(Error::Template(format!("there is no filter {other}"))),
    })
}

/// What a query has; of its values only texts.
fn object(text: &str) -> Option<Map<String, Value>> {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return None;
    };
    fields.values().all(Value::is_string).then_some(fields)
}

fn many(fields: &Map<String, Value>) -> Value {
    let fields = fields.iter();
    fields
        .map(|(name, value)| (name.clone(), Value::Array(vec![value.clone()])))
        .collect::<Map<_, _>>()
        .into()
}

fn query(fields: &Map<String, Value>) -> String {
    let coded = |text: &str| utf8_percent_encode(text, NOT_IN_A_QUERY).to_string();
    let pairs = fields.iter();
    let pairs = pairs.map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        format!("{}={}", coded(name), coded(value))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Kinesis has them so.
fn decimal_seconds(at: OffsetDateTime) -> Result<Value, Error> {
    let text = format!("{}.{:03}", at.unix_timestamp(), at.millisecond());
    serde_json::from_str(&text).map_err(|error| Error::Template(error.to_string()))
}

fn instant(text: &str) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(at.to_offset(time::UtcOffset::UTC))
}

fn milliseconds(at: OffsetDateTime) -> i64 {
    at.unix_timestamp() * 1000 + i64::from(at.millisecond())
}

fn print(at: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> Result<Value, Error> {
    let printed = at.format(format);
    Ok(printed
        .map_err(|error| Error::Template(error.to_string()))?
        .into())
}

/// As text, for the default of `time`.
pub(crate) fn time_of(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let at = at + time::Duration::milliseconds(i64::try_from(ms % 1000).unwrap_or_default());
    at.format(MILLISECONDS).unwrap_or_default()
}

pub(crate) fn md5_of(bytes: &[u8]) -> String {
    Md5::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // A string takes everything.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(by: &str, text: &str) -> Value {
        filter("it", by, &text.into()).unwrap()
    }

    #[test]
    fn a_key_is_written_as_s3_writes_it() {
        let key = filtered("key", "my photos/Zürich (1).jpg");
        assert_eq!(key, "my+photos/Z%C3%BCrich+%281%29.jpg");
    }

    #[test]
    fn a_time_is_written_as_each_service_does() {
        let time = "2026-11-06T13:00:01.25+01:00";
        assert_eq!(filtered("iso", time), "2026-11-06T12:00:01.250Z");
        assert_eq!(filtered("iso-seconds", time), "2026-11-06T12:00:01Z");
        assert_eq!(filtered("log-time", time), "06/Nov/2026:12:00:01 +0000");
        assert_eq!(filtered("iso-offset", time), "2026-11-06T12:00:01.250+0000");
        let mail = "Fri, 6 Nov 2026 12:00:01 +0000";
        assert_eq!(filtered("mail-date", time), mail);
        let http = "Fri, 06 Nov 2026 12:00:01 GMT";
        assert_eq!(filtered("http-date", time), http);
        assert_eq!(filtered("java-date", time), "Nov 6, 2026, 12:00:01 PM");
        let short = "Nov 6, 2026 12:00:01 PM";
        assert_eq!(filtered("short-java-date", time), short);
        let decimal = filtered("decimal-seconds", time).to_string();
        assert_eq!(decimal, "1793966401.25");
        assert_eq!(filtered("ms", time), 1_793_966_401_250_i64);
        assert_eq!(filtered("seconds", time), 1_793_966_401);
        assert_eq!(time_of(1_793_966_401_250), "2026-11-06T12:00:01.250Z");
    }

    #[test]
    fn digests_and_encodings_are_right() {
        assert_eq!(filtered("md5", ""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(filtered("base64", "Hello"), "SGVsbG8=");
        assert_eq!(filtered("length", "Zürich"), 7);
    }

    #[test]
    fn a_query_is_one_value_or_a_list_or_a_text() {
        let given = r#"{"a b": "c&d", "e": ""}"#;
        assert_eq!(filtered("query", given), "a%20b=c%26d&e=");
        assert_eq!(
            filtered("multi", given),
            serde_json::json!({"a b": ["c&d"], "e": [""]})
        );
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_and_not_shown() {
        for by in ["number", "json", "iso", "query", "multi"] {
            let error = filter("it", by, &"se{cret".into()).unwrap_err().to_string();
            assert!(error.starts_with("it must be"), "{error}");
            assert!(!error.contains("cret"), "{error}");
        }
    }
}
