//! What time it is at AWS, on a machine whose own clock may be off.
//!
//! A signature is refused when its time is off
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>),
//! and what stands in a table with a time in it is compared with clocks that are
//! right. Each client of the SDK finds out by itself, by a refusal and one more
//! try; that is no help for calls that are made once, nor for records.

use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// Less than this is believed to be right: `Date` has whole seconds, and says
/// nothing about the way.
const TOLERATED: Duration = Duration::from_secs(30);

/// By how much AWS's clock is ahead of this machine's, as its answers say.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// A client whose answers are listened to.
    #[must_use]
    pub fn listen(&self, http: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Listening {
            inner: http,
            clock: self.clone(),
        })
    }

    /// How it stands now, for clients that are made with it. One that went on
    /// listening would change under the SDK's own measurement.
    #[must_use]
    pub fn skew(&self) -> Skew {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let tolerated = Duration::from_millis(ahead.unsigned_abs()) < TOLERATED;
        Skew(if tolerated { 0 } else { ahead })
    }

    fn hear(&self, sent: SystemTime, received: SystemTime, date: &str) {
        let Some(there) = DateTime::from_str(date, Format::HttpDate)
            .ok()
            .and_then(|it| SystemTime::try_from(it).ok())
        else {
            return;
        };
        // Nothing if the clock was set meanwhile.
        let took = received.duration_since(sent).unwrap_or_default();
        let half = took.checked_div(2).unwrap_or_default();
        let here = sent.checked_add(half).unwrap_or(sent);
        let ahead = match there.duration_since(here) {
            Ok(ahead) => millis(ahead),
            Err(behind) => millis(behind.duration()).saturating_neg(),
        };
        self.ahead.store(ahead, Ordering::Relaxed);
    }
}

/// By how much AWS's clock was ahead of this machine's; zero if hardly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew(i64);

impl Skew {
    /// AWS's time, by this machine's.
    #[must_use]
    pub fn apply(self, here: SystemTime) -> SystemTime {
        let by = Duration::from_millis(self.0.unsigned_abs());
        let there = if self.0 < 0 {
            here.checked_sub(by)
        } else {
            here.checked_add(by)
        };
        there.unwrap_or(here)
    }

    /// `5 minutes behind AWS's`; none if this machine's clock is right.
    #[must_use]
    pub fn in_words(self) -> Option<String> {
        let seconds = self.0.unsigned_abs() / 1000;
        let (count, unit) = match seconds {
            0 => return None,
            1..120 => (seconds, "seconds"),
            120..7200 => (seconds.saturating_add(30) / 60, "minutes"),
            7200..172_800 => (seconds.saturating_add(1800) / 3600, "hours"),
            _ => (seconds.saturating_add(43_200) / 86_400, "days"),
        };
        let side = if self.0 < 0 { "ahead of" } else { "behind" };
        Some(format!("{count} {unit} {side} AWS's"))
    }
}

impl TimeSource for Skew {
    fn now(&self) -> SystemTime {
        self.apply(SystemTime::now())
    }
}

#[derive(Debug)]
struct Listening<Inner> {
    inner: Inner,
    clock: Clock,
}

impl HttpClient for Listening<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Listening {
            inner: self.inner.http_connector(settings, components),
            clock: self.clock.clone(),
        })
    }
}

impl HttpConnector for Listening<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let clock = self.clock.clone();
        let sent = SystemTime::now();
        let call = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = call.await?;
            if let Some(date) = answer.headers().get("date") {
                clock.hear(sent, SystemTime::now(), date);
            }
            Ok(answer)
        })
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z
    const THERE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
    const SECONDS: u64 = 1_767_225_600;

    fn heard(here: u64, took: u64) -> Skew {
        let clock = Clock::default();
        let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(here);
        clock.hear(sent, sent + Duration::from_secs(took), THERE);
        clock.skew()
    }

    #[test]
    fn a_clock_that_is_off_is_corrected_by_the_middle_of_the_way() {
        let skew = heard(SECONDS - 301, 2);
        assert_eq!(skew, Skew(300_000));
        let here = SystemTime::UNIX_EPOCH;
        assert_eq!(skew.apply(here), here + Duration::from_secs(300));
        let ahead = heard(SECONDS + 7200, 0);
        assert_eq!(
            ahead.apply(here + Duration::from_secs(7200)),
            SystemTime::UNIX_EPOCH
        );
    }

    #[test]
    fn a_clock_that_is_nearly_right_is_believed() {
        for here in [SECONDS - 29, SECONDS, SECONDS + 29] {
            assert_eq!(heard(here, 0), Skew::default());
        }
        let clock = Clock::default();
        clock.hear(SystemTime::now(), SystemTime::now(), "yesterday");
        assert_eq!(clock.skew(), Skew::default());
    }

    #[test]
    fn it_is_said_in_words() {
        let said = |here| heard(here, 0).in_words();
        assert_eq!(said(SECONDS), None);
        let behind = said(SECONDS - 300);
        assert_eq!(behind.as_deref(), Some("5 minutes behind AWS's"));
        let ahead = said(SECONDS + 3 * 3600);
        assert_eq!(ahead.as_deref(), Some("3 hours ahead of AWS's"));
        assert_eq!(
            said(SECONDS - 40).as_deref(),
            Some("40 seconds behind AWS's")
        );
    }
}
