//! The two spellings of a moment in API Gateway's JSON.

use time::OffsetDateTime;

/// `21/Nov/2026:05:47:00 +0000`: the common log format that events carry as
/// `requestTime`, always in UTC
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html>).
pub(crate) fn request_time(epoch_ms: u64) -> String {
    let at = moment(epoch_ms);
    format!(
        "{:02}/{:.3}/{:04}:{:02}:{:02}:{:02} +0000",
        at.day(),
        at.month().to_string(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second(),
    )
}

/// `2026-11-21T05:47:00.123Z`: ISO 8601 with milliseconds, as `@connections` writes it.
pub(crate) fn iso(epoch_ms: u64) -> String {
    let at = moment(epoch_ms);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond(),
    )
}

/// A time past the year 9999 cannot be written in either format. It comes from
/// a broken clock, never from a request, so it becomes the epoch, which shows.
fn moment(epoch_ms: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(epoch_ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both numbers stand in one captured event (aws-lambda-go, websocket disconnect).
    #[test]
    fn the_two_times_of_a_captured_event_agree() {
        assert_eq!(
            request_time(1_705_751_708_326),
            "20/Jan/2024:11:55:08 +0000"
        );
    }

    #[test]
    fn iso_times_have_milliseconds() {
        assert_eq!(iso(1_588_277_433_236), "2020-04-30T20:10:33.236Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_broken_clock_is_the_epoch_and_no_panic() {
        assert_eq!(iso(u64::MAX), iso(0));
    }
}
