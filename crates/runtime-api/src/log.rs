//! What Lambda itself says in a function's log, in both of its formats: lines
//! of text
//! (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html>),
//! and JSON objects
//! (<https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>).

use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// How Lambda's own lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `START RequestId: …`
    #[default]
    Text,
    /// `{"time":…,"type":"platform.start",…}`
    Json,
}

impl LogFormat {
    /// As `AWS_LAMBDA_LOG_FORMAT` has it.
    #[must_use]
    pub fn of_variable(value: Option<&str>) -> Self {
        match value {
            Some(value) if value.eq_ignore_ascii_case("json") => Self::Json,
            _ => Self::Text,
        }
    }
}

/// How an invocation ended, as Lambda has it. An error that the runtime posted
/// is the function's affair: Lambda has done what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The runtime posted an answer, or an error.
    Success,
    /// After so long.
    Timeout(Duration),
    /// The runtime ended: `exit status 1`, `signal: killed`.
    Exited(String),
    /// It could not start, by an error of this type.
    InitFailed(String),
}

/// The end of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose.
    pub request_id: String,
    /// From the event handed out to the answer.
    pub duration: Duration,
    /// How long its environment took to start, if this was its first.
    pub init: Option<Duration>,
    /// What it may use, in MB.
    pub memory_mb: u64,
    /// What it has used at most so far, in MB, where that is known.
    pub max_memory_mb: Option<u64>,
    /// How it ended.
    pub status: Status,
}

const EXIT_ERROR: &str = "Runtime.ExitError";

/// The line of an invocation that begins. `now` is epoch milliseconds.
#[must_use]
pub fn start(format: LogFormat, request_id: &str, version: &str, now: u64) -> String {
    match format {
        LogFormat::Text => format!("START RequestId: {request_id} Version: {version}"),
        LogFormat::Json => {
            let record = json!({ "requestId": request_id, "version": version });
            object("platform.start", &record, now)
        }
    }
}

/// The line of a start that was given up after so long; the next one is part of
/// the invocation.
#[must_use]
pub fn init_timed_out(format: LogFormat, took: Duration, now: u64) -> String {
    let took = milliseconds(took);
    match format {
        LogFormat::Text => {
            format!("INIT_REPORT Init Duration: {took:.2} ms\tPhase: init\tStatus: timeout\t")
        }
        LogFormat::Json => {
            let record = json!({
                "initializationType": "on-demand",
                "phase": "init",
                "status": "timeout",
                "metrics": { "durationMs": rounded(took) },
            });
            object("platform.initReport", &record, now)
        }
    }
}

impl Report {
    /// Everything that is said about the end. `now` is epoch milliseconds.
    #[must_use]
    pub fn lines(&self, format: LogFormat, now: u64) -> Vec<String> {
        match format {
            LogFormat::Text => self.text(now),
            LogFormat::Json => self.json(now),
        }
    }

    /// A start is billed like the rest
    /// (<https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/>).
    fn billed_ms(&self) -> u64 {
        let init = self.init.unwrap_or_default();
        let total = self.duration.saturating_add(init).as_nanos();
        u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    fn text(&self, now: u64) -> Vec<String> {
        let id = &self.request_id;
        let error = |kind: &str| format!("Status: error\tError Type: {kind}\t");
        let (mut lines, status) = match &self.status {
            Status::Success => (Vec::new(), String::new()),
            Status::Timeout(after) => {
                let (now, seconds) = (time_of(now), after.as_secs_f64());
                let line = format!("{now} {id} Task timed out after {seconds:.2} seconds");
                (vec![line], "Status: timeout\t".to_owned())
            }
            Status::Exited(how) => {
                let line = format!("RequestId: {id} Error: Runtime exited with error: {how}");
                (vec![line, EXIT_ERROR.to_owned()], error(EXIT_ERROR))
            }
            Status::InitFailed(kind) => (Vec::new(), error(kind)),
        };
        let used = self.max_memory_mb;
        let used = used.map(|it| format!("Max Memory Used: {it} MB\t"));
        let init = self.init.map(milliseconds);
        let init = init.map(|it| format!("Init Duration: {it:.2} ms\t"));
        lines.push(format!("END RequestId: {id}"));
        lines.push(format!(
            "REPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {} ms\t\
             Memory Size: {} MB\t{}{}{status}",
            milliseconds(self.duration),
            self.billed_ms(),
            self.memory_mb,
            used.unwrap_or_default(),
            init.unwrap_or_default(),
        ));
        lines
    }

    /// Lambda's default level has no `platform.runtimeDone` of what went well
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>).
    fn json(&self, now: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let duration = rounded(milliseconds(self.duration));
        let mut metrics = json!({
            "durationMs": duration,
            "billedDurationMs": self.billed_ms(),
            "memorySizeMB": self.memory_mb,
        });
        if let Some(metrics) = metrics.as_object_mut() {
            let used = self.max_memory_mb.map(|it| json!(it));
            let init = self.init.map(|it| json!(rounded(milliseconds(it))));
            metrics.extend(used.map(|it| ("maxMemoryUsedMB".to_owned(), it)));
            metrics.extend(init.map(|it| ("initDurationMs".to_owned(), it)));
        }
        if self.status != Status::Success {
            let metrics = json!({ "durationMs": duration });
            lines.push(object("platform.runtimeDone", &self.record(metrics), now));
        }
        lines.push(object("platform.report", &self.record(metrics), now));
        lines
    }

    fn record(&self, metrics: Value) -> Value {
        let (status, kind) = match &self.status {
            Status::Success => ("success", None),
            Status::Timeout(_) => ("timeout", None),
            Status::Exited(_) => ("error", Some(EXIT_ERROR)),
            Status::InitFailed(kind) => ("error", Some(kind.as_str())),
        };
        let mut record = json!({
            "requestId": self.request_id,
            "metrics": metrics,
            "status": status,
        });
        if let (Some(record), Some(kind)) = (record.as_object_mut(), kind) {
            record.insert("errorType".to_owned(), json!(kind));
        }
        record
    }
}

fn object(kind: &str, record: &Value, now: u64) -> String {
    json!({ "time": time_of(now), "type": kind, "record": record }).to_string()
}

/// `2026-11-26T08:03:14.512Z`
#[must_use]
pub fn time_of(epoch_ms: u64) -> String {
    let seconds = i64::try_from(epoch_ms / 1000).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = time.to_hms();
    let (date, millis) = (time.date(), epoch_ms % 1000);
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// To what Lambda says of a duration.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_680_194_512;

    fn report(status: Status) -> Report {
        Report {
            request_id: "r-1".to_owned(),
            duration: Duration::from_micros(12_345),
            init: None,
            memory_mb: 128,
            max_memory_mb: Some(31),
            status,
        }
    }

    fn json(lines: &[String]) -> Vec<Value> {
        let parsed = lines.iter().map(|it| serde_json::from_str(it));
        parsed.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_good_end_is_two_lines() {
        assert_eq!(
            start(LogFormat::Text, "r-1", "$LATEST", NOW),
            "START RequestId: r-1 Version: $LATEST"
        );
        assert_eq!(
            report(Status::Success).lines(LogFormat::Text, NOW),
            [
                "END RequestId: r-1",
                "REPORT RequestId: r-1\tDuration: 12.35 ms\tBilled Duration: 13 ms\t\
                 Memory Size: 128 MB\tMax Memory Used: 31 MB\t",
            ]
        );
    }

    #[test]
    fn a_start_is_told_and_billed_and_memory_only_where_it_is_known() {
        let report = Report {
            init: Some(Duration::from_micros(100_700)),
            max_memory_mb: None,
            ..report(Status::Success)
        };
        let lines = report.lines(LogFormat::Text, NOW);
        assert_eq!(
            lines[1],
            "REPORT RequestId: r-1\tDuration: 12.35 ms\tBilled Duration: 114 ms\t\
             Memory Size: 128 MB\tInit Duration: 100.70 ms\t"
        );
    }

    #[test]
    fn a_bad_end_says_how() {
        let timeout = report(Status::Timeout(Duration::from_secs(3)));
        let lines = timeout.lines(LogFormat::Text, NOW);
        assert_eq!(
            lines[0],
            "2026-11-26T08:03:14.512Z r-1 Task timed out after 3.00 seconds"
        );
        assert!(lines[2].ends_with("31 MB\tStatus: timeout\t"), "{lines:?}");
        let exited = report(Status::Exited("exit status 3".to_owned()));
        let lines = exited.lines(LogFormat::Text, NOW);
        assert_eq!(
            lines[..3],
            [
                "RequestId: r-1 Error: Runtime exited with error: exit status 3",
                "Runtime.ExitError",
                "END RequestId: r-1",
            ]
        );
        assert!(lines[3].ends_with("Status: error\tError Type: Runtime.ExitError\t"));
        let failed = report(Status::InitFailed("Runtime.ImportModuleError".to_owned()));
        let lines = failed.lines(LogFormat::Text, NOW);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with("Status: error\tError Type: Runtime.ImportModuleError\t"));
    }

    #[test]
    fn objects_have_the_shapes_of_aws_telemetry() {
        let line = start(LogFormat::Json, "r-1", "$LATEST", NOW);
        let time = "2026-11-26T08:03:14.512Z";
        assert_eq!(
            json(&[line]),
            [json!({
                "time": time,
                "type": "platform.start",
                "record": { "requestId": "r-1", "version": "$LATEST" },
            })]
        );
        let good = Report {
            init: Some(Duration::from_millis(100)),
            ..report(Status::Success)
        };
        let metrics = json!({
            "durationMs": 12.345,
            "billedDurationMs": 113,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 31,
            "initDurationMs": 100.0,
        });
        let record = json!({ "requestId": "r-1", "metrics": metrics, "status": "success" });
        assert_eq!(
            json(&good.lines(LogFormat::Json, NOW)),
            [json!({ "time": time, "type": "platform.report", "record": record })]
        );
        let bad = report(Status::Exited("signal: killed".to_owned()));
        let bad = json(&bad.lines(LogFormat::Json, NOW));
        assert_eq!(bad[0]["type"], "platform.runtimeDone");
        assert_eq!(bad[1]["record"]["status"], "error");
        assert_eq!(bad[1]["record"]["errorType"], "Runtime.ExitError");
    }

    #[test]
    fn a_start_that_was_given_up_is_told_in_both_formats() {
        let took = Duration::from_millis(10_008);
        assert_eq!(
            init_timed_out(LogFormat::Text, took, NOW),
            "INIT_REPORT Init Duration: 10008.00 ms\tPhase: init\tStatus: timeout\t"
        );
        let object = json(&[init_timed_out(LogFormat::Json, took, NOW)]);
        assert_eq!(object[0]["record"]["status"], "timeout");
    }

    #[test]
    fn the_format_is_json_only_where_the_variable_says_so() {
        assert_eq!(LogFormat::of_variable(Some("JSON")), LogFormat::Json);
        assert_eq!(LogFormat::of_variable(Some("Text")), LogFormat::Text);
        assert_eq!(LogFormat::of_variable(None), LogFormat::Text);
    }

    #[test]
    fn any_time_can_be_written() {
        assert_eq!(time_of(0), "1970-01-01T00:00:00.000Z");
        assert!(time_of(u64::MAX).starts_with("1970-01-01T00:00:00."));
    }
}
