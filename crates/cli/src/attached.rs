//! Who is attached from this machine: one process for each stack, found by
//! its file in the user's state folder.
//!
//! The process holds a lock for as long as it lives, however it ends; the file
//! beside it says who it is.

mod process;

use crate::ending::Asked;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
pub(crate) use process::ask;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tether_receiver::{Account, HelperStack};

/// What stands in a file's name as something else; the dot is ours.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// How soon the end of a process is noticed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Which stack of which account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stack {
    account: String,
    region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    stack: String,
}

impl Stack {
    pub(crate) fn of(account: &Account, helper: &HelperStack, stack: &str) -> Self {
        Self {
            account: helper.account().to_owned(),
            region: account.region.clone(),
            endpoint: account.endpoint_url().map(str::to_owned),
            stack: stack.to_owned(),
        }
    }

    /// The same for the same stack, another one for another:
    /// `000000000000.us-east-1.app.127-0-0-1-3100`
    fn file_stem(&self) -> String {
        let parts = [&self.account, &self.region, &self.stack];
        let parts = parts.map(|it| utf8_percent_encode(it, UNSAFE).to_string());
        let endpoint = self.endpoint.as_deref().map(file_name_of);
        parts
            .into_iter()
            .chain(endpoint)
            .collect::<Vec<_>>()
            .join(".")
    }
}

/// `127-0-0-1-3100` of `http://127.0.0.1:3100/`
fn file_name_of(endpoint: &str) -> String {
    let (_, host) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let host = host.trim_end_matches('/').replace(['.', ':'], "-");
    utf8_percent_encode(&host, UNSAFE).to_string()
}

/// An attach process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    #[serde(flatten)]
    stack: Stack,
    pub(crate) pid: u32,
    /// With the pid, it names one process: pids are used again.
    process_started: String,
    #[serde(default)]
    pub(crate) session_id: Option<String>,
    #[serde(default)]
    pub(crate) log: Option<PathBuf>,
    /// Epoch milliseconds.
    started_at: u64,
}

impl Record {
    fn is_alive(&self) -> bool {
        process::started(self.pid).as_ref() == Some(&self.process_started)
    }

    /// Asks it to end.
    pub(crate) fn ask(&self, asked: Asked) {
        if self.is_alive() {
            process::ask(self.pid, asked);
        }
    }
}

/// That this process is the one attached to a stack; given up when it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    files: Files,
    record: Record,
    left_session: Option<String>,
    _lock: File,
}

/// Why it cannot be taken.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// Another process is; none: somebody is just starting, or ending.
    Taken(Option<Box<Record>>),
    /// The folder cannot be written.
    Failed(std::io::Error),
}

impl From<std::io::Error> for NotTaken {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Presence {
    /// Takes it for as long as this is kept.
    pub(crate) fn take(stack: Stack) -> Result<Self, NotTaken> {
        let folder = folder()?;
        make_folder(&folder)?;
        let files = Files::of(&folder, &stack);
        let lock = private().create(true).open(&files.lock)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(NotTaken::Taken(files.living().map(Box::new)));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let pid = std::process::id();
        // Whoever wrote this did not live to remove it: the lock is ours.
        let left_session = read(&files.record).and_then(|it| it.session_id);
        let presence = Self {
            left_session,
            record: Record {
                stack,
                pid,
                process_started: process::started(pid).unwrap_or_default(),
                session_id: None,
                log: None,
                started_at: tether_host::now().0,
            },
            files,
            _lock: lock,
        };
        presence.write()?;
        Ok(presence)
    }

    /// The session of a process that is gone, and that nobody has ended.
    pub(crate) fn left_session(&self) -> Option<String> {
        self.left_session.clone()
    }

    /// An empty log, for this run alone.
    pub(crate) fn open_log(&mut self) -> std::io::Result<File> {
        let log = new_log(&self.files.log)?;
        self.record.log = Some(self.files.log.clone());
        self.write()?;
        Ok(log)
    }

    pub(crate) fn log(&self) -> Option<&Path> {
        self.record.log.as_deref()
    }

    /// It serves under this session.
    pub(crate) fn serves(&mut self, session_id: &str) {
        self.record.session_id = Some(session_id.to_owned());
        // `status` shows less; nothing else depends on it.
        let _ = self.write();
    }

    /// Whole, by a rename: others read it at any time.
    fn write(&self) -> std::io::Result<()> {
        let beside = self.files.record.with_extension("json.new");
        let text = serde_json::to_vec(&self.record)?;
        let mut file = private().create(true).truncate(true).open(&beside)?;
        std::io::Write::write_all(&mut file, &text)?;
        std::fs::rename(&beside, &self.files.record)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // One that stays says a process that is gone: nobody believes it.
        let _ = std::fs::remove_file(&self.files.record);
    }
}

#[derive(Debug)]
struct Files {
    lock: PathBuf,
    record: PathBuf,
    log: PathBuf,
}

impl Files {
    fn of(folder: &Path, stack: &Stack) -> Self {
        let stem = stack.file_stem();
        Self {
            lock: folder.join(format!("{stem}.lock")),
            record: folder.join(format!("{stem}.json")),
            log: folder.join(format!("{stem}.log")),
        }
    }

    fn living(&self) -> Option<Record> {
        read(&self.record).filter(Record::is_alive)
    }
}

/// The process that is attached to a stack, if it lives.
pub(crate) fn find(stack: &Stack) -> Option<Record> {
    Files::of(&folder().ok()?, stack).living()
}

/// All that live.
pub(crate) fn all() -> Vec<Record> {
    let entries = folder().and_then(std::fs::read_dir);
    let Ok(entries) = entries else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|it| it.path());
    let records = paths.filter(|it| it.extension().is_some_and(|it| it == "json"));
    let records = records.filter_map(|it| read(&it));
    records.filter(Record::is_alive).collect()
}

/// Comes back when this process is not attached any more, and clears what it
/// has left if it was killed.
///
/// # Errors
/// When the lock cannot be opened.
pub(crate) async fn ended(record: &Record) -> std::io::Result<()> {
    let files = Files::of(&folder()?, &record.stack);
    loop {
        let was_alive = record.is_alive();
        // A lock that another process has taken meanwhile says nothing about
        // this one.
        let lock = private().create(true).open(&files.lock)?;
        match lock.try_lock() {
            Ok(()) => {
                let _ = std::fs::remove_file(&files.record);
                return Ok(());
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
            Err(std::fs::TryLockError::WouldBlock) if !was_alive => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) => {}
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Removes what no process needs any more of the stacks of an account: there
/// is nothing to attach by.
pub(crate) fn forget(account: &str, region: &str, endpoint: Option<&str>) {
    let Ok(folder) = folder() else {
        return;
    };
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return;
    };
    let names = entries
        .flatten()
        .filter_map(|it| it.file_name().into_string().ok());
    for name in names.collect::<Vec<_>>() {
        let Some(stem) = name.strip_suffix(".lock") else {
            continue;
        };
        // `account.region.stack`, and behind it the endpoint
        let mut parts = stem.split('.');
        let place = [parts.next(), parts.next()] == [Some(account), Some(region)];
        let there = parts.nth(1).map(str::to_owned) == endpoint.map(file_name_of);
        if place && there {
            forget_one(&folder, stem);
        }
    }
    // Only if it is empty.
    let _ = std::fs::remove_dir(&folder);
}

/// Unless a process holds its lock.
fn forget_one(folder: &Path, stem: &str) {
    let lock = folder.join(format!("{stem}.lock"));
    let Ok(held) = private().open(&lock) else {
        return;
    };
    if held.try_lock().is_err() {
        return;
    }
    for ending in ["json", "log", "log.old", "lock"] {
        // What is left is small, and nobody believes it.
        let _ = std::fs::remove_file(folder.join(format!("{stem}.{ending}")));
    }
}

/// An empty log; the one before it is kept beside it, and no other.
pub(crate) fn new_log(log: &Path) -> std::io::Result<File> {
    match std::fs::rename(log, log.with_extension("log.old")) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private().create(true).append(true).open(log)
}

fn read(record: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(record).ok()?).ok()
}

/// Logs show what functions print: they are nobody else's business.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Why nothing can be remembered, for people: where, why, what to do.
pub(crate) fn cannot_be_written(reason: &std::io::Error) -> String {
    let folder = folder().map_or_else(|_| String::new(), |it| format!(" {}", it.display()));
    format!(
        "the state folder{folder} cannot be written ({reason}): make room in it, and see whose it is"
    )
}

/// Where the platform keeps what a program remembers
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
fn folder() -> std::io::Result<PathBuf> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).map(PathBuf::from);
        value.filter(|it| it.is_absolute())
    };
    let state = if cfg!(target_os = "macos") {
        variable("HOME").map(|it| it.join("Library/Application Support"))
    } else if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))
    };
    let missing = || std::io::Error::new(ErrorKind::NotFound, "HOME is not set");
    Ok(state.ok_or_else(missing)?.join("tether"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn stack(stack: &str, endpoint: Option<&str>) -> Stack {
        Stack {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: endpoint.map(str::to_owned),
            stack: stack.to_owned(),
        }
    }

    #[test]
    fn each_stack_has_a_file_of_its_own_whose_name_a_file_may_have() {
        let all = [
            stack("app", None),
            stack("app", Some("http://127.0.0.1:3100")),
            stack("app", Some("http://127.0.0.1:3101")),
            stack("app.http", None),
            stack("arn:aws:cloudformation:us-east-1:1:stack/app/x", None),
        ];
        let stems: std::collections::HashSet<_> = all.iter().map(Stack::file_stem).collect();
        assert_eq!(stems.len(), all.len());
        assert!(stems.iter().all(|it| !it.contains(['/', '\\', ':'])));
    }

    #[test]
    fn the_log_before_is_kept_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("app.log");
        for said in ["first", "second", "third"] {
            std::io::Write::write_all(&mut new_log(&log).unwrap(), said.as_bytes()).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("app.log.old"), read("app.log")),
            ("second".into(), "third".into())
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_pid_that_is_used_again_is_another_process() {
        let pid = std::process::id();
        let mut record = Record {
            stack: stack("app", None),
            pid,
            process_started: process::started(pid).unwrap(),
            session_id: None,
            log: None,
            started_at: 0,
        };
        assert!(record.is_alive());
        record.process_started.push('0');
        assert!(!record.is_alive());
    }
}
