//! How Node functions are found, started and debugged.

use super::{DebugTarget, RunsOn, Source, StartCommand, StartError};
use crate::clients::Clients;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Command;

/// Names the file in which our client tells where its inspector listens.
pub const INSPECTOR: &str = "TETHER_INSPECTOR";

/// A Node function.
#[derive(Clone, Debug)]
pub struct Node {
    clients: Arc<Clients>,
    pub(super) interpreter: PathBuf,
    pub(super) code: PathBuf,
    handler: String,
    runtime: String,
}

impl Node {
    pub(super) fn find(source: &Source, clients: &Arc<Clients>) -> Result<Self, StartError> {
        Ok(Self {
            clients: Arc::clone(clients),
            interpreter: interpreter(&source.code)?,
            code: source.code.clone(),
            handler: source.handler.clone(),
            runtime: source.runtime.clone(),
        })
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        let version = version(&self.interpreter).await?;
        let major = version.split('.').next().unwrap_or_default();
        Ok(RunsOn {
            as_meant: self.runtime == format!("nodejs{major}.x"),
            what: format!("Node {version} ({})", self.interpreter.display()),
        })
    }

    pub(super) fn command(&self, debugged: Option<&DebugTarget>) -> StartCommand {
        let mut command = StartCommand {
            program: self.interpreter.clone(),
            arguments: vec![
                "--enable-source-maps".into(),
                self.clients.node().into(),
                self.handler.clone().into(),
            ],
            ..StartCommand::default()
        };
        if let Some(target) = debugged {
            let endpoints = target.endpoints.display().to_string();
            command.variables.insert(INSPECTOR.to_owned(), endpoints);
        }
        command
    }
}

/// The project's own Node: that of the PATH.
///
/// # Errors
/// When there is none.
pub fn interpreter(code: &Path) -> Result<PathBuf, StartError> {
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        // It is started in another folder.
        .map(|found| std::path::absolute(&found).unwrap_or(found))
        .ok_or_else(|| StartError::NoNode {
            project: code.to_path_buf(),
        })
}

/// `22.11.0`, as the interpreter says it.
///
/// # Errors
/// When it does not run.
pub async fn version(interpreter: &Path) -> Result<String, StartError> {
    let broken = |reason: String| StartError::Broken {
        program: interpreter.to_path_buf(),
        reason,
        advice: "install Node anew",
    };
    let output = Command::new(interpreter)
        .args(["-p", "process.versions.node"])
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| broken(error.to_string()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(broken(
            words.lines().last().unwrap_or("no message").to_owned(),
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
