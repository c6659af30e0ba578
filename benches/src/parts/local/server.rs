//! A server of anybody's, that is asked on a port which was free a moment ago.

use crate::http_load::Asked;
use crate::proc_fs;
use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// After a signal, before the next one.
const TO_END: Duration = Duration::from_secs(5);

const PATIENCE: Duration = Duration::from_secs(60);

/// How it is started. `{port}` and `{other}` in an argument or a variable are free ports.
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) folder: PathBuf,
    /// What is asked for; with a deployment beside it, that says it.
    pub(super) path: String,
    /// A program that puts the function into it.
    pub(super) beside: Option<Beside>,
    pub(super) is_ours: bool,
}

/// It gets the port, the function's folder, and a file for the path, and makes the file `loaded`
/// beside that when it waits for the server.
pub(super) struct Beside {
    pub(super) program: PathBuf,
    pub(super) script: PathBuf,
}

/// One that runs.
pub(super) struct Server {
    child: Child,
    pid: i32,
    pub(super) asked: Asked,
    pub(super) started: Instant,
    said: PathBuf,
    _deployment: Option<Child>,
    _folder: tempfile::TempDir,
}

impl Launch {
    pub(super) async fn start(&self) -> Result<Server> {
        let folder = tempfile::Builder::new().prefix("tether-bench-").tempdir()?;
        let (port, other) = (free_port()?, free_port()?);
        let filled = |text: &String| {
            let text = text.replace("{port}", &port.to_string());
            text.replace("{other}", &other.to_string())
        };
        let path = folder.path().join("path");
        let deployment = match &self.beside {
            Some(beside) => Some(self.deploy(beside, port, &path).await?),
            None => None,
        };
        let said = folder.path().join("said");
        let out = File::create(&said)?;
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(filled))
            .env_clear()
            .envs(self.environment.iter().map(|(name, it)| (name, filled(it))))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .kill_on_drop(true);
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let pid = i32::try_from(child.id().context("it has ended already")?)?;
        let path = match &self.beside {
            Some(_) => appears(&path).await?,
            None => self.path.clone(),
        };
        Ok(Server {
            child,
            pid,
            asked: Asked {
                authority: format!("127.0.0.1:{port}"),
                path,
                expects: "Hello, world!",
            },
            started,
            said,
            _deployment: deployment,
            _folder: folder,
        })
    }

    /// Loaded, and waiting for the server.
    async fn deploy(&self, beside: &Beside, port: u16, path: &Path) -> Result<Child> {
        let deployment = Command::new(&beside.program)
            .arg(&beside.script)
            .arg(port.to_string())
            .args([&self.folder, path])
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        appears(&path.with_file_name("loaded")).await?;
        Ok(deployment)
    }
}

/// What stands in a file that another process writes: there is no event for that.
async fn appears(file: &Path) -> Result<String> {
    let began = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return Ok(text);
        }
        let name = file.display();
        anyhow::ensure!(began.elapsed() < PATIENCE, "{name} does not come");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

impl Server {
    /// Of the process itself, and of all that it has started.
    pub(super) fn memory(&self) -> Result<(u64, u64)> {
        let own = proc_fs::memory(self.pid)?.resident;
        let children = proc_fs::descendants(self.pid);
        // One that has just ended has none.
        let children = children
            .iter()
            .filter_map(|it| proc_fs::memory(it.pid).ok());
        Ok((own, children.map(|it| it.resident).sum()))
    }

    /// Why it may not answer.
    pub(super) fn last_words(&self) -> String {
        let said = std::fs::read_to_string(&self.said).unwrap_or_default();
        let lines: Vec<&str> = said.lines().rev().take(8).collect();
        let last: Vec<&str> = lines.into_iter().rev().collect();
        format!("it said last: {}", last.join(" | "))
    }

    /// As Ctrl-C on a terminal, and then for certain.
    pub(super) async fn end(mut self) {
        for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
            self.signal(signal);
            let ended = tokio::time::timeout(TO_END, self.child.wait()).await;
            if ended.is_ok() {
                break;
            }
        }
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.pid) {
            // Nobody may be left in it.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
