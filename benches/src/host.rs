//! One function behind the host, in a process of its own, so that memory and
//! descriptors are the host's: invoked again and again, its code saved now and
//! then, and a line printed each time.

use crate::proc_fs;
use crate::say;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tether_host::{
    Clients, Function, LogSink, RunState, Source, Starter, Stream, Watcher, WorkingCopy,
};
use tether_protocol::{Environment, Secret};
use tether_runtime_api::Invocation;
use tokio::task::JoinSet;

/// A save before each of these, but for the first.
pub(crate) const SAVE_EVERY: usize = 500;
/// Memory and descriptors are told after each of these.
pub(crate) const TOLD_EVERY: usize = 1000;

/// Longer than any of these takes.
const TIME: Duration = Duration::from_secs(60);
/// The answer is out: what is tidied up after it takes this long at most.
const REST: Duration = Duration::from_millis(200);
/// Processes that were told to end are gone by then.
const TO_END: Duration = Duration::from_secs(10);

const PYTHON: &str = r#"
VERSION = 0


def handler(event, context):
    print(event["n"])
    return {"n": event["n"], "version": VERSION}
"#;

const NODE: &str = r#"
const VERSION = 0;

exports.handler = async (event) => {
  console.log(event.n);
  return { n: event.n, version: VERSION };
};
"#;

/// What is run, and how often.
#[derive(Debug, Args)]
pub(crate) struct Job {
    #[arg(long)]
    pub(crate) language: Language,
    /// An empty one.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    #[arg(long)]
    pub(crate) invocations: usize,
}

/// Whose client runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Python,
    Node,
}

impl Language {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    /// Runtime, file and what is in it.
    fn project(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Python => ("python3.13", "app.py", PYTHON),
            Self::Node => ("nodejs22.x", "app.js", NODE),
        }
    }
}

/// Tells events on stdout, the last one is `done`.
pub(crate) fn run(job: &Job) -> Result<()> {
    // As in the command.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(job))
}

async fn serve(job: &Job) -> Result<()> {
    let printed = Arc::new(AtomicUsize::new(0));
    save(job, 0)?;
    let starter = starter(job)?;
    let runs_on = starter.check().await?.what;
    let watcher = Watcher::new(Arc::new(|note: String| say::progress(&note)));
    let function = Function::new(working_copy(job, starter), sink(&printed)).watched(&watcher);
    let function = Arc::new(function);
    let mut keeper = JoinSet::new();
    let kept = Arc::clone(&function);
    keeper.spawn(async move { kept.keep_fresh().await });
    let mut measured = Measured::of(job.invocations);
    tell_use(0).await?;
    for number in 0..job.invocations {
        measured.one(job, &function, number).await?;
        if (number + 1) % TOLD_EVERY == 0 {
            tell_use(number + 1).await?;
        }
    }
    keeper.shutdown().await;
    function.stop().await;
    let printed = printed.load(Ordering::Relaxed);
    say::result(&measured.done(&runs_on, printed, left().await).to_string());
    Ok(())
}

fn starter(job: &Job) -> Result<Starter> {
    let source = Source {
        name: job.language.name().to_owned(),
        code: job.folder.clone(),
        handler: "app.handler".to_owned(),
        runtime: job.language.project().0.to_owned(),
        ..Source::default()
    };
    Ok(Starter::find(&source, &Arc::new(Clients::write()?))?)
}

fn working_copy(job: &Job, starter: Starter) -> WorkingCopy {
    WorkingCopy {
        name: job.language.name().to_owned(),
        code: job.folder.clone(),
        handler: "app.handler".to_owned(),
        starter,
        debugger: None,
    }
}

/// Counts what the process prints; the lines of Lambda's are told and dropped.
fn sink(printed: &Arc<AtomicUsize>) -> LogSink {
    let printed = Arc::clone(printed);
    LogSink::new(move |line| {
        if line.stream == Stream::Stdout {
            printed.fetch_add(1, Ordering::Relaxed);
        }
    })
}

/// As editors do: whole, by a rename.
fn save(job: &Job, version: usize) -> Result<()> {
    let (_, file, source) = job.language.project();
    let source = source.replacen('0', &version.to_string(), 1);
    let beside = tempfile::NamedTempFile::new_in(parent(&job.folder)?)?;
    std::fs::write(beside.path(), source)?;
    beside.persist(job.folder.join(file))?;
    Ok(())
}

fn parent(folder: &Path) -> Result<&Path> {
    folder.parent().context("the folder is the root")
}

/// Times by kind.
struct Measured {
    /// From the call to the answer, without a save before it.
    steady: Vec<Duration>,
    /// From the save to the answer of the new code.
    saved: Vec<Duration>,
}

impl Measured {
    fn of(invocations: usize) -> Self {
        // Written to, so that it is resident from the beginning.
        let mut steady = vec![Duration::MAX; invocations];
        steady.clear();
        Self {
            steady,
            saved: Vec::new(),
        }
    }

    async fn one(&mut self, job: &Job, function: &Function, number: usize) -> Result<()> {
        let version = number / SAVE_EVERY;
        let is_first = number.is_multiple_of(SAVE_EVERY);
        let began = Instant::now();
        if is_first && version > 0 {
            save(job, version)?;
        }
        let answer = invoke(function, number).await?;
        let took = began.elapsed();
        let expected = json!({ "n": number, "version": version });
        ensure!(answer == expected, "{answer} instead of {expected}");
        match (is_first, version) {
            (false, _) => self.steady.push(took),
            (true, 0) => {}
            (true, _) => self.saved.push(took),
        }
        Ok(())
    }

    fn done(&self, runs_on: &str, printed: usize, left: usize) -> Value {
        let nanos = |times: &[Duration]| -> Vec<u64> {
            let times = times.iter().map(Duration::as_nanos);
            times.filter_map(|it| u64::try_from(it).ok()).collect()
        };
        json!({
            "event": "done",
            "runsOn": runs_on,
            "steadyNanos": nanos(&self.steady),
            "savedNanos": nanos(&self.saved),
            "printed": printed,
            "processesLeft": left,
        })
    }
}

async fn invoke(function: &Function, number: usize) -> Result<Value> {
    let invocation = Invocation {
        request_id: format!("r-{number}"),
        deadline_ms: tether_host::now().plus(TIME).0,
        ..Invocation::default()
    };
    let variables: Environment = Secret::new(BTreeMap::new());
    let event = Bytes::from(json!({ "n": number }).to_string());
    let state = RunState::new();
    let ran = function.run(None, "only", &variables, invocation, event, &state);
    match ran.await.ended.settle("", TIME.as_secs_f64()) {
        Ok((_, body)) => Ok(serde_json::from_slice(&body)?),
        Err((_, body)) => anyhow::bail!("{}", String::from_utf8_lossy(&body)),
    }
}

async fn tell_use(invocations: usize) -> Result<()> {
    tokio::time::sleep(REST).await;
    let own = own()?;
    let event = json!({
        "event": format!("after {invocations}"),
        "residentBytes": proc_fs::memory(own)?.resident,
        "descriptors": proc_fs::descriptors(own)?,
        "processes": proc_fs::descendants(own).len(),
    });
    say::result(&event.to_string());
    Ok(())
}

/// Processes that are still there at the end, zombies included.
async fn left() -> usize {
    let own = own().unwrap_or_default();
    let began = Instant::now();
    loop {
        let left = proc_fs::descendants(own).len();
        if left == 0 || began.elapsed() > TO_END {
            return left;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn own() -> Result<i32> {
    Ok(i32::try_from(std::process::id())?)
}
