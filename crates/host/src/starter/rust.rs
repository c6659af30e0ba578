//! Rust functions, as `cargo lambda` and SAM (`rust-cargolambda`) build them:
//! cargo builds one binary for each function, in its dev profile, and says
//! where it is.
//!
//! * [`project`] finds out which binary is a function's.

mod project;

use super::build::{BuildTool, Built, Stream, in_colours, plain};
use super::{BuildFailed, Progress, RunsOn, Source, StartCommand, StartError, tool};
use project::{Binary, Workspace};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// A function's binary, and how it is built.
#[derive(Debug)]
pub struct Rust {
    cargo: PathBuf,
    project: PathBuf,
    source: Source,
    chosen: OnceCell<Chosen>,
    built: Built,
}

#[derive(Debug)]
struct Chosen {
    binary: Binary,
    executable: PathBuf,
    sources: Vec<PathBuf>,
}

impl Rust {
    /// Whether the code's folder is a cargo project, or what `cargo lambda
    /// build` made of one (`target/lambda/NAME`): its folder then.
    pub(super) fn project(code: &Path) -> Option<PathBuf> {
        let named = |depth: usize| code.ancestors().nth(depth).and_then(Path::file_name);
        let is_built =
            named(1).is_some_and(|it| it == "lambda") && named(2).is_some_and(|it| it == "target");
        let above = code.ancestors().nth(3).filter(|_| is_built);
        let mut folders = std::iter::once(code).chain(above);
        let found = folders.find(|it| it.join("Cargo.toml").is_file());
        found.map(Path::to_path_buf)
    }

    /// Finds cargo. Which binary is meant, cargo says later.
    pub(super) fn find(source: &Source, project: PathBuf) -> Result<Self, StartError> {
        let folders: Vec<_> = tool::at_home(".cargo/bin").into_iter().collect();
        let cargo = tool::find("cargo", &folders).ok_or_else(|| StartError::NoTool {
            tool: "cargo",
            function: source.name.clone(),
            install: "install Rust (https://rustup.rs), or put cargo on the PATH",
        })?;
        Ok(Self {
            cargo,
            project,
            source: source.clone(),
            chosen: OnceCell::new(),
            built: Built::default(),
        })
    }

    /// The project: what is run is not there before the first build.
    pub(super) fn program(&self) -> &Path {
        &self.project
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        let name = &self.chosen().await?.binary.name;
        Ok(RunsOn {
            what: format!("{name}, built by {}", self.cargo.display()),
            as_meant: true,
        })
    }

    /// Where cargo will put the binary.
    pub(super) async fn will_be(&self) -> Result<PathBuf, StartError> {
        Ok(self.chosen().await?.executable.clone())
    }

    /// Where cargo put the binary last.
    pub(super) fn executable(&self) -> Option<PathBuf> {
        self.built.product()
    }

    pub(super) fn command(&self) -> StartCommand {
        StartCommand {
            program: self.executable().unwrap_or_default(),
            ..StartCommand::default()
        }
    }

    /// The sources of the binary; before cargo was asked, its whole project.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        match self.chosen.get() {
            Some(chosen) => chosen.sources.clone(),
            None => vec![self.project.clone()],
        }
    }

    pub(super) async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        let chosen = self.chosen().await;
        let chosen = chosen.map_err(|error| BuildFailed::new(error.to_string()))?;
        let build = self.cargo_build(&chosen.binary, progress);
        self.built.again(&chosen.sources, build).await
    }

    async fn chosen(&self) -> Result<&Chosen, StartError> {
        let choose = async || {
            let workspace = self.workspace().await?;
            let wanted = self.source.metadata.pointer("/BuildProperties/Binary");
            let wanted = wanted.and_then(|it| it.as_str());
            let binary = workspace.binary(&self.project, &self.source, wanted)?;
            Ok(Chosen {
                executable: workspace.executable(&binary),
                sources: workspace.sources(&binary),
                binary,
            })
        };
        self.chosen.get_or_try_init(choose).await
    }

    async fn cargo_build(
        &self,
        binary: &Binary,
        progress: &Progress,
    ) -> Result<PathBuf, BuildFailed> {
        let mut heard = Heard::of(binary);
        let tool = self.tool(binary);
        let succeeded = tool.run(|stream, line| {
            if let Some(said) = heard.line(stream, line) {
                said.lines().for_each(|it| progress(it));
            }
        });
        match (succeeded.await?, heard.executable) {
            (true, Some(executable)) => Ok(executable),
            _ => Err(BuildFailed::new(heard.error.unwrap_or_else(|| {
                format!("cargo does not build {} and does not say why", binary.name)
            }))),
        }
    }

    fn tool(&self, binary: &Binary) -> BuildTool {
        let (format, colour) = match in_colours() {
            true => ("json-diagnostic-rendered-ansi", "always"),
            false => ("json", "never"),
        };
        let directory = binary.manifest.parent().unwrap_or(&self.project);
        let manifest: OsString = binary.manifest.clone().into();
        BuildTool::new(&self.cargo, directory)
            .arguments(["build", "--message-format", format, "--color", colour])
            .arguments(["--manifest-path".into(), manifest])
            .arguments(["--bin", &binary.name])
    }

    async fn workspace(&self) -> Result<Workspace, StartError> {
        let manifest: OsString = self.project.join("Cargo.toml").into();
        let tool = BuildTool::new(&self.cargo, &self.project)
            .arguments(["metadata", "--no-deps", "--format-version", "1"])
            .arguments(["--color", "never"])
            .arguments(["--manifest-path".into(), manifest]);
        let (mut json, mut error) = (String::new(), None);
        let succeeded = tool.run(|stream, line| match stream {
            Stream::Out => json.push_str(line),
            Stream::Err => _ = error.get_or_insert_with(|| plain(line)),
        });
        let reason = match succeeded.await {
            Ok(true) => match serde_json::from_str(&json) {
                Ok(workspace) => return Ok(workspace),
                Err(error) => error.to_string(),
            },
            Ok(false) => error.unwrap_or_default(),
            Err(failed) => failed.message,
        };
        Err(StartError::Project {
            function: self.source.name.clone(),
            project: self.project.clone(),
            reason: format!(
                "cargo cannot read it ({})",
                reason.trim_start_matches("error: ")
            ),
            remedy: "see `cargo metadata` there",
        })
    }
}

/// What cargo said so far.
struct Heard<'a> {
    binary: &'a Binary,
    executable: Option<PathBuf>,
    error: Option<String>,
}

/// A line of cargo's own.
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>
#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Said {
    #[serde(rename = "compiler-artifact")]
    Artifact {
        target: project::Target,
        executable: Option<PathBuf>,
    },
    #[serde(rename = "compiler-message")]
    Diagnostic { message: Diagnostic },
    #[serde(other)]
    Other,
}

/// <https://doc.rust-lang.org/rustc/json.html#diagnostics>
#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    rendered: Option<String>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u64,
    column_start: u64,
    is_primary: bool,
}

impl<'a> Heard<'a> {
    fn of(binary: &'a Binary) -> Self {
        Self {
            binary,
            executable: None,
            error: None,
        }
    }

    /// What people are shown of it.
    fn line(&mut self, stream: Stream, line: &str) -> Option<String> {
        let message = match stream {
            Stream::Out => serde_json::from_str(line).ok(),
            Stream::Err => None,
        };
        match message {
            // What a build script or cargo itself prints.
            None => {
                let plain = plain(line);
                if self.error.is_none() && plain.starts_with("error") {
                    self.error = Some(plain.trim_start_matches("error: ").to_owned());
                }
                Some(line.to_owned())
            }
            Some(Said::Artifact { target, executable }) => {
                if target.is_binary() && target.name == self.binary.name {
                    self.executable = executable.or(self.executable.take());
                }
                None
            }
            Some(Said::Diagnostic { message }) => {
                if self.error.is_none() && message.level.starts_with("error") {
                    self.error = Some(message.in_one_line());
                }
                message.rendered
            }
            Some(Said::Other) => None,
        }
    }
}

impl Diagnostic {
    /// `src/main.rs:3:5: cannot find value …`
    fn in_one_line(&self) -> String {
        let message = self.message.lines().next().unwrap_or_default();
        match self.spans.iter().find(|it| it.is_primary) {
            Some(Span {
                file_name,
                line_start,
                column_start,
                ..
            }) => format!("{file_name}:{line_start}:{column_start}: {message}"),
            None => message.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
