//! A process of tether's, whose events are read as they come, and whose end is
//! certain: also on Ctrl-C, and when the bench itself fails.

use crate::proc_fs::{self, Stat};
use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What takes longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// After a signal, before the next one.
const TO_END: Duration = Duration::from_secs(5);

/// Last words that are shown when something goes wrong.
const LAST_WORDS: usize = 12;

/// Running, or ended and not dropped yet.
pub(crate) struct Process {
    name: &'static str,
    pub(crate) pid: i32,
    child: Child,
    said: Arc<Said>,
    readers: Vec<JoinHandle<()>>,
    pub(crate) started: Instant,
}

/// What it said so far.
#[derive(Default)]
struct Said {
    lines: Mutex<Lines>,
    news: Notify,
}

#[derive(Default)]
struct Lines {
    events: Vec<Value>,
    last_words: VecDeque<String>,
    ended: bool,
}

impl Said {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, line: String) {
        {
            let mut lines = self.lines();
            let event = line.starts_with("{\"event\":");
            let event: Option<Value> = event.then(|| serde_json::from_str(&line).ok()).flatten();
            match event {
                // One for each line of a function's log is too many to keep.
                Some(event) if event["event"] != "log" => lines.events.push(event),
                _ => {
                    lines.last_words.push_back(line);
                    if lines.last_words.len() > LAST_WORDS {
                        lines.last_words.pop_front();
                    }
                }
            }
        }
        self.news.notify_waiters();
    }
}

impl Process {
    /// Starts it in a process group of its own: a Ctrl-C on the terminal is
    /// the bench's, which then ends everything in order.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
        folder: &Path,
    ) -> Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let pid = child.id().context("it has ended already")?;
        let said = Arc::new(Said::default());
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(tokio::spawn(read(stdout, Arc::clone(&said), true)));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(tokio::spawn(read(stderr, Arc::clone(&said), false)));
        }
        Ok(Self {
            name,
            pid: i32::try_from(pid)?,
            child,
            said,
            readers,
            started,
        })
    }

    /// The first event of this kind.
    pub(crate) async fn wait_for(&self, kind: &str) -> Result<Value> {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let news = self.said.news.notified();
                tokio::pin!(news);
                // From here on no news is missed.
                news.as_mut().enable();
                {
                    let lines = self.said.lines();
                    if let Some(event) = lines.events.iter().find(|it| it["event"] == kind) {
                        return Some(event.clone());
                    }
                    if lines.ended {
                        return None;
                    }
                }
                news.await;
            }
        });
        match found.await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => bail!(
                "{} has ended without its `{kind}`: {}",
                self.name,
                self.last_words()
            ),
            Err(_) => bail!(
                "{} has no `{kind}` within {} s: {}",
                self.name,
                PATIENCE.as_secs(),
                self.last_words()
            ),
        }
    }

    /// The events of this kind since the last call of this, or the start.
    pub(crate) fn take_events(&self, kind: &str) -> Vec<Value> {
        let mut lines = self.said.lines();
        let (taken, left) = std::mem::take(&mut lines.events)
            .into_iter()
            .partition(|it| it["event"] == kind);
        lines.events = left;
        taken
    }

    fn last_words(&self) -> String {
        let lines = self.said.lines();
        let words: Vec<&str> = lines.last_words.iter().map(String::as_str).collect();
        words.join(" | ")
    }

    /// Signals, and waits for its end: how long that takes.
    pub(crate) async fn end(mut self, signal: Signal) -> Result<Duration> {
        let began = Instant::now();
        self.signal(signal);
        let status = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .with_context(|| format!("{} does not end: {}", self.name, self.last_words()))??;
        let took = began.elapsed();
        if !status.success() {
            bail!("{} ended with {status}: {}", self.name, self.last_words());
        }
        Ok(took)
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for its end while nothing else can run.
    fn ends_within(&mut self, time: Duration, left: &mut Vec<Stat>) -> bool {
        let until = Instant::now() + time;
        loop {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            left.extend(proc_fs::descendants(self.pid));
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Makes whatever is left behind by a process of ours a child of ours: an
/// emulator that is killed cannot end its functions itself.
pub(crate) fn adopt_orphans() -> Result<()> {
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own)).context("orphans cannot be adopted")
}

/// Ends what is left; what ends as it should leaves nothing.
pub(crate) fn end_orphans() {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    for stat in proc_fs::descendants(own) {
        if let Some(pid) = Pid::from_raw(stat.pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut left = Vec::new();
        if matches!(self.child.try_wait(), Ok(None)) {
            left = proc_fs::descendants(self.pid);
            // tether ends gently at the first one, and at once at the second.
            for signal in [Signal::TERM, Signal::TERM, Signal::KILL] {
                self.signal(signal);
                if self.ends_within(TO_END, &mut left) {
                    break;
                }
            }
        }
        for stat in left {
            let same = proc_fs::stat(stat.pid).is_some_and(|it| it.started == stat.started);
            if let Some(pid) = Pid::from_raw(stat.pid).filter(|_| same) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        for reader in &self.readers {
            reader.abort();
        }
    }
}

async fn read(stream: impl AsyncRead + Unpin, said: Arc<Said>, is_last: bool) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        said.take(line);
    }
    if is_last {
        said.lines().ended = true;
        said.news.notify_waiters();
    }
}
