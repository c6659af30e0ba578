//! Runs build tools: their words go to people as they come, and the first
//! error stays for the invocations that cannot be answered.

use super::{BuildFailed, Progress};
use crate::freshness::{self, Fingerprint};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

/// A tool has ended: its last words are waited for so long.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A build tool, about to run, in the developer's own environment.
#[derive(Debug)]
pub(super) struct BuildTool {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) directory: PathBuf,
    /// Variables that it gets, or, without a value, does not get.
    pub(super) variables: Vec<(&'static str, Option<OsString>)>,
}

/// What was built last, and from which sources.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// Builds of one function wait for each other.
    of: tokio::sync::Mutex<Option<Sources>>,
    product: Mutex<Option<PathBuf>>,
}

/// Folders and files at one moment.
type Sources = Vec<(Fingerprint, Option<(u64, SystemTime)>)>;

impl Built {
    /// Builds, unless these sources were built already and what was made of
    /// them is still there. A build that fails leaves nothing to be run.
    pub(super) async fn again(
        &self,
        sources: &[PathBuf],
        build: impl Future<Output = Result<PathBuf, BuildFailed>>,
    ) -> Result<(), BuildFailed> {
        let mut of = self.of.lock().await;
        let now = sources.iter().map(|it| look_at(it)).collect();
        let is_there = self.product().is_some_and(|it| it.exists());
        if is_there && of.as_ref() == Some(&now) {
            return Ok(());
        }
        *of = None;
        self.set(None);
        let product = build.await?;
        self.set(Some(product));
        *of = Some(now);
        Ok(())
    }

    /// What was built last.
    pub(super) fn product(&self) -> Option<PathBuf> {
        let product = self.product.lock().unwrap_or_else(PoisonError::into_inner);
        product.clone()
    }

    fn set(&self, product: Option<PathBuf>) {
        *self.product.lock().unwrap_or_else(PoisonError::into_inner) = product;
    }
}

fn look_at(path: &Path) -> (Fingerprint, Option<(u64, SystemTime)>) {
    let file = path.metadata().ok().filter(std::fs::Metadata::is_file);
    let file = file.and_then(|it| Some((it.len(), it.modified().ok()?)));
    (freshness::look(&[path.to_path_buf()], &[]).code, file)
}

/// Whether people see colours: the build's lines end up in one of the two.
pub(super) fn in_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal()
}

/// Where a line of its output comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

impl BuildTool {
    pub(super) fn new(program: &Path, directory: &Path) -> Self {
        Self {
            program: program.to_path_buf(),
            arguments: Vec::new(),
            directory: directory.to_path_buf(),
            variables: Vec::new(),
        }
    }

    pub(super) fn arguments<S: Into<OsString>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Runs it to its end, and hands out its lines. It ends with whatever it
    /// started when this is dropped.
    pub(super) async fn run(
        &self,
        mut hear: impl FnMut(Stream, &str),
    ) -> Result<bool, BuildFailed> {
        let started = |error: std::io::Error| {
            BuildFailed::new(format!(
                "{} cannot be started ({error})",
                self.program.display()
            ))
        };
        let mut child = self.command().spawn().map_err(started)?;
        let mut unfinished = Unfinished(child.id());
        let mut out = Lines::of(child.stdout.take());
        let mut err = Lines::of(child.stderr.take());
        let (mut status, mut last_words) = (None, None);
        loop {
            // Tools leave servers behind (sccache, Gradle's daemon), which may
            // keep the pipes open, and go on writing.
            let silent = async {
                match last_words {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                line = out.next(), if !out.ended => if let Some(line) = line {
                    hear(Stream::Out, &line);
                },
                line = err.next(), if !err.ended => if let Some(line) = line {
                    hear(Stream::Err, &line);
                },
                ended = child.wait(), if status.is_none() => {
                    status = Some(ended.map_err(started)?);
                    last_words = Some(tokio::time::Instant::now() + LAST_WORDS);
                    unfinished.0 = None;
                }
                () = silent => break,
            }
            if out.ended && err.ended && status.is_some() {
                break;
            }
        }
        Ok(status.is_some_and(|it| it.success()))
    }

    /// Runs it for people to see; the first line that `is_error` tells what was
    /// wrong, else its last one.
    pub(super) async fn run_shown(
        &self,
        progress: &Progress,
        is_error: impl Fn(&str) -> bool,
    ) -> Result<(), BuildFailed> {
        let (mut first, mut last) = (None, String::new());
        let succeeded = self.run(|_, line| {
            progress(line);
            let plain = plain(line);
            if first.is_none() && is_error(&plain) {
                first = Some(plain.clone());
            }
            if !plain.trim().is_empty() {
                last = plain;
            }
        });
        match succeeded.await? {
            true => Ok(()),
            false => Err(BuildFailed::new(first.unwrap_or(last))),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

/// A tool that nobody waits for any more ends, with what it started; one that
/// has ended may leave a server. After `kill -9` it goes on to its own end,
/// which it has.
struct Unfinished(Option<u32>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.0.take()
            && let Some(pid) = i32::try_from(id)
                .ok()
                .and_then(rustix::process::Pid::from_raw)
        {
            // It leads the group, and has not been waited for.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Lines of a stream, whatever bytes they are made of.
struct Lines<R> {
    stream: Option<BufReader<R>>,
    /// A line that has begun stays when the other stream was faster.
    line: Vec<u8>,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn of(stream: Option<R>) -> Self {
        Self {
            ended: stream.is_none(),
            stream: stream.map(BufReader::new),
            line: Vec::new(),
        }
    }

    async fn next(&mut self) -> Option<String> {
        let stream = self.stream.as_mut()?;
        // It keeps what it has read in `line` when it is dropped in between.
        let read = stream.read_until(b'\n', &mut self.line).await;
        if !matches!(read, Ok(count) if count > 0) {
            self.ended = true;
        }
        if self.line.is_empty() {
            return None;
        }
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        Some(line.trim_end_matches(['\n', '\r']).to_owned())
    }
}

/// A line without its colours (`ESC [ … m`).
pub(super) fn plain(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|it: char| it.is_ascii_alphabetic());
        plain.push_str(end.and_then(|end| part.get(end + 1..)).unwrap_or_default());
    }
    plain
}

#[cfg(test)]
mod tests;
