//! The output of a process in the background: to the command that started it
//! until it serves, and into its log.

use super::{to_stderr, to_stdout};
use crate::attached::new_log;
use crate::background::{Told, close_stdout, stderr_to};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use time::OffsetDateTime;

/// A log that is larger becomes the one before, and a new one is begun.
const LARGEST_LOG: usize = 8 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Launcher {
    /// Stderr goes there, once it is known.
    log: OnceLock<PathBuf>,
    /// Bytes in it.
    written: Mutex<usize>,
    /// The command that started this process has heard enough.
    served: AtomicBool,
}

impl Launcher {
    pub(super) fn log_to(&self, log: &Path) {
        let _ = self.log.set(log.to_owned());
    }

    /// Where this process is and how it ends, for both.
    pub(super) fn whereabouts(&self, stack: &str, ready: &mut Value) -> String {
        let (pid, log) = (std::process::id(), self.log.get());
        ready["pid"] = json!(pid);
        ready["log"] = json!(log);
        let log = log.map(|it| it.display().to_string()).unwrap_or_default();
        format!(
            "`tether detach --stack-name {stack}` ends process {pid} and restores; its log is {log}"
        )
    }

    fn write(&self, lines: &[String]) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written > LARGEST_LOG {
            *written = 0;
            // Otherwise it goes on as it was.
            if let Some(log) = self.log.get()
                && let Ok(log) = new_log(log)
            {
                let _ = stderr_to(&log);
            }
        }
        let now = now();
        for line in lines.iter().flat_map(|it| it.lines()) {
            let line = format!("{now} {line}");
            to_stderr(&line);
            *written += line.len() + 1;
        }
    }

    /// A function's line. There may be many: a file takes them all at once.
    pub(super) fn log(&self, line: &str) {
        if self.log.get().is_some() {
            self.write(&[line.to_owned()]);
        }
    }

    pub(super) fn tell(&self, lines: Vec<String>, event: Value) {
        if self.log.get().is_some() {
            self.write(&lines);
        }
        if self.served.load(Ordering::Relaxed) {
            return;
        }
        let ready = event["event"] == "ready";
        let told = Told {
            lines,
            event,
            log: self.log.get().cloned(),
        };
        to_stdout(&serde_json::to_string(&told).unwrap_or_default());
        if ready {
            self.served.store(true, Ordering::Relaxed);
            super::flush();
            close_stdout();
        }
    }
}

/// To the second, in UTC.
fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let (date, time) = (now.date(), now.time());
    format!(
        "{date}T{:02}:{:02}:{:02}Z",
        time.hour(),
        time.minute(),
        time.second()
    )
}
