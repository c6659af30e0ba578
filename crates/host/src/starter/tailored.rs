//! A language's starter with what the developer says besides (`tether.toml`),
//! and with the function's layers where the language has nothing more to say of
//! them.

use super::build::{BuildTool, Built};
use super::layers::Layers;
use super::{BuildFailed, Progress, Source, StartCommand, Starter, tool};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tether_protocol::Environment;

/// What is added to a starter.
#[derive(Debug)]
pub struct Tailored {
    pub(super) starter: Starter,
    code: PathBuf,
    build: Option<Vec<OsString>>,
    built: Built,
    watch: Vec<PathBuf>,
    ignore: Vec<String>,
    variables: Environment,
    layers: Option<Layers>,
}

impl Tailored {
    /// The starter itself, where nothing is said.
    pub(super) fn around(starter: Starter, source: &Source) -> Option<Self> {
        // Python and Node have more places in them.
        let has_own = matches!(starter, Starter::Python(_) | Starter::Node(_));
        let layers = (!has_own && !source.layers.is_empty()).then(|| Layers::of(source));
        let said = source.build.is_some()
            || !source.watch.is_empty()
            || !source.ignore.is_empty()
            || !source.variables.expose().is_empty()
            || layers.is_some();
        said.then(|| Self {
            starter,
            code: source.code.clone(),
            build: source.build.clone(),
            built: Built::default(),
            watch: source.watch.clone(),
            ignore: source.ignore.clone(),
            variables: source.variables.clone(),
            layers,
        })
    }

    /// The developer's own build, and then the language's.
    pub(super) async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        if let Some(words) = &self.build {
            let build = self.own_build(words, progress);
            self.built.again(&self.watched(), build).await?;
        }
        Box::pin(self.starter.build(progress)).await
    }

    async fn own_build(
        &self,
        words: &[OsString],
        progress: &Progress,
    ) -> Result<PathBuf, BuildFailed> {
        let Some((program, arguments)) = words.split_first() else {
            return Ok(self.code.clone());
        };
        let program = program_of(program, &self.code)?;
        let tool = BuildTool::new(&program, &self.code).arguments(arguments.iter().cloned());
        tool.run_shown(progress, |line| line.contains("error"))
            .await?;
        Ok(self.code.clone())
    }

    pub(super) fn command(&self, mut command: StartCommand) -> StartCommand {
        let of_layers = self.layers.iter().flat_map(Layers::variables);
        command.variables.extend(of_layers);
        let more = self.variables.expose().clone();
        command.variables.extend(more);
        command
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.starter.notes();
        notes.extend(self.layers.iter().flat_map(Layers::notes));
        notes
    }

    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let mut folders = self.starter.watched();
        folders.extend(self.watch.iter().cloned());
        folders
    }

    pub(super) fn ignored(&self) -> Vec<String> {
        let mut patterns = self.starter.ignored();
        patterns.extend(self.ignore.iter().cloned());
        patterns
    }
}

/// A name is looked for on the `PATH`, a path is seen from the code's folder.
fn program_of(program: &OsString, code: &Path) -> Result<PathBuf, BuildFailed> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return Ok(code.join(path));
    }
    let found = path.to_str().and_then(|name| tool::find(name, &[]));
    found.ok_or_else(|| {
        BuildFailed::new(format!(
            "{} is not on the PATH: install it, or correct `build` in tether.toml",
            path.display()
        ))
    })
}
