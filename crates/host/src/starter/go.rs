//! Go functions: the project's `go` builds their `package main` into a folder
//! of ours, and what it made speaks the Runtime API.
//!
//! * [`module`] finds the package, and what it is made of.

mod module;

use super::build::{BuildTool, Built, Stream};
use super::{BuildFailed, Progress, RunsOn, Source, StartCommand, StartError, tool};
use module::Module;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::OnceCell;

/// A function's package, and how it is built.
#[derive(Debug)]
pub struct Go {
    go: PathBuf,
    module: Module,
    debugged: bool,
    sources: OnceCell<Vec<PathBuf>>,
    /// What is built goes there.
    folder: tempfile::TempDir,
    builds: AtomicU64,
    built: Built,
}

impl Go {
    /// Whether there is Go in the code's folder.
    pub(super) fn is_in(code: &Path) -> bool {
        code.join("go.mod").is_file() || module::has_go_files(code)
    }

    pub(super) fn find(source: &Source) -> Result<Self, StartError> {
        let go = tool::find("go", &folders()).ok_or_else(|| StartError::NoTool {
            tool: "go",
            function: source.name.clone(),
            install: "install Go (https://go.dev/dl; Debian: golang-go), or put go on the PATH",
        })?;
        Ok(Self {
            go,
            module: Module::find(source)?,
            debugged: source.debugged,
            sources: OnceCell::new(),
            folder: tempfile::Builder::new().prefix("tether-go-").tempdir()?,
            builds: AtomicU64::new(0),
            built: Built::default(),
        })
    }

    /// The module: what is run is not there before the first build.
    pub(super) fn program(&self) -> &Path {
        &self.module.root
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        let version = self.ask(&self.module.root, &["env", "GOVERSION"]).await;
        let version = version.map_err(|reason| StartError::Broken {
            program: self.go.clone(),
            reason,
            advice: "install Go anew (https://go.dev/dl)",
        })?;
        Ok(RunsOn {
            what: format!("{} ({})", version.trim(), self.go.display()),
            as_meant: true,
        })
    }

    /// What was built last.
    pub(super) fn executable(&self) -> Option<PathBuf> {
        self.built.product()
    }

    pub(super) fn command(&self) -> StartCommand {
        StartCommand {
            program: self.executable().unwrap_or_default(),
            ..StartCommand::default()
        }
    }

    /// The folders of its module and of those on this machine that it is made of.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        match self.sources.get() {
            Some(sources) => sources.clone(),
            None => vec![self.module.root.clone()],
        }
    }

    pub(super) async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        let sources = self.sources.get_or_init(|| self.look_for_sources()).await;
        self.built.again(sources, self.go_build(progress)).await
    }

    /// A process may still run what was built before: each build has a file of
    /// its own.
    async fn go_build(&self, progress: &Progress) -> Result<PathBuf, BuildFailed> {
        let before = self.builds.fetch_add(1, Ordering::Relaxed);
        let place = |number: u64| {
            let ending = std::env::consts::EXE_SUFFIX;
            self.folder
                .path()
                .join(format!("bootstrap-{number}{ending}"))
        };
        let output = place(before + 1);
        let mut tool = self.tool(&self.module.code).arguments(["build", "-o"]);
        tool = tool.arguments([&output]);
        if self.debugged {
            // Without it, variables are optimized away and lines are skipped.
            tool = tool.arguments(["-gcflags=all=-N -l"]);
        }
        tool = tool.arguments([&self.module.package]);
        tool.run_shown(progress, is_error).await?;
        // Where it cannot be removed, it goes with the folder.
        let _ = std::fs::remove_file(place(before));
        Ok(output)
    }

    /// go in a folder, for this machine: the developer's shell may have been
    /// made to build for Lambda's.
    fn tool(&self, folder: &Path) -> BuildTool {
        let mut tool = BuildTool::new(&self.go, folder);
        tool.variables = vec![("GOOS", None), ("GOARCH", None)];
        tool
    }

    async fn ask(&self, folder: &Path, words: &[&str]) -> Result<String, String> {
        let (mut answer, mut last) = (String::new(), String::new());
        let tool = self
            .tool(folder)
            .arguments(words.iter().map(OsString::from));
        let succeeded = tool.run(|stream, line| match stream {
            Stream::Out => {
                answer.push_str(line);
                answer.push('\n');
            }
            Stream::Err => line.clone_into(&mut last),
        });
        match succeeded.await {
            Ok(true) => Ok(answer),
            Ok(false) => Err(last),
            Err(failed) => Err(failed.message),
        }
    }

    /// What go says of them; where it says nothing, its own module.
    async fn look_for_sources(&self) -> Vec<PathBuf> {
        let root = &self.module.root;
        let replaced = self.ask(root, &["mod", "edit", "-json"]).await;
        let work = self.ask(root, &["env", "GOWORK"]).await.unwrap_or_default();
        let work = Path::new(work.trim()).parent().filter(|it| it.is_dir());
        let used = match work {
            Some(folder) => self.ask(folder, &["work", "edit", "-json"]).await.ok(),
            None => None,
        };
        let mut folders = vec![root.clone()];
        if let Ok(json) = replaced {
            folders.extend(module::replaced(&json, root));
        }
        if let (Some(folder), Some(json)) = (work, used) {
            folders.extend(module::used(&json, folder));
        }
        module::outermost(folders)
    }
}

/// Its first complaint: not what it downloads, nor which package it speaks of.
fn is_error(line: &str) -> bool {
    !line.trim().is_empty()
        && !line.starts_with('#')
        && !["go: downloading ", "go: finding "]
            .iter()
            .any(|it| line.starts_with(it))
}

/// Where installers put it.
fn folders() -> Vec<PathBuf> {
    let root = std::env::var_os("GOROOT").map(|it| Path::new(&it).join("bin"));
    let fixed = [
        "/usr/local/go/bin",
        "/usr/lib/go/bin",
        "/opt/homebrew/bin",
        "/snap/bin",
        "C:\\Program Files\\Go\\bin",
    ];
    root.into_iter().chain(fixed.map(PathBuf::from)).collect()
}

#[cfg(test)]
mod tests;
