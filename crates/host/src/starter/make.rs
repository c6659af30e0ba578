//! Functions on an OS-only runtime that are built by a Makefile, as SAM does it
//! (`BuildMethod: makefile`): the target `build-LOGICAL_ID` puts what Lambda
//! would run into the folder `ARTIFACTS_DIR`, `bootstrap` among it.
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-custom-runtimes.html>

use super::build::{BuildTool, Built};
use super::{BuildFailed, Progress, RunsOn, Source, StartCommand, StartError, tool};
use std::path::{Path, PathBuf};

/// A function's Makefile.
#[derive(Debug)]
pub struct Make {
    make: PathBuf,
    name: String,
    code: PathBuf,
    artifacts: tempfile::TempDir,
    built: Built,
}

impl Make {
    pub(super) fn find(source: &Source) -> Result<Self, StartError> {
        let make = tool::find("make", &[]).ok_or_else(|| StartError::NoTool {
            tool: "make",
            function: source.name.clone(),
            install: "install it (Debian: make), or put it on the PATH",
        })?;
        Ok(Self {
            make,
            name: source.name.clone(),
            code: source.code.clone(),
            artifacts: tempfile::Builder::new().prefix("tether-make-").tempdir()?,
            built: Built::default(),
        })
    }

    pub(super) fn program(&self) -> &Path {
        &self.code
    }

    pub(super) fn check(&self) -> RunsOn {
        RunsOn {
            what: format!("what {} makes", self.make.display()),
            as_meant: true,
        }
    }

    pub(super) fn watched(&self) -> Vec<PathBuf> {
        vec![self.code.clone()]
    }

    pub(super) async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        self.built.again(&self.watched(), self.make(progress)).await
    }

    async fn make(&self, progress: &Progress) -> Result<PathBuf, BuildFailed> {
        let mut tool =
            BuildTool::new(&self.make, &self.code).arguments([format!("build-{}", self.name)]);
        let artifacts = self.artifacts.path();
        tool.variables = vec![("ARTIFACTS_DIR", Some(artifacts.into()))];
        tool.run_shown(progress, |line| {
            line.contains("error") || line.contains("***")
        })
        .await?;
        tool::in_folder(artifacts, "bootstrap").ok_or_else(|| {
            BuildFailed::new(format!(
                "make build-{} puts no executable bootstrap into ARTIFACTS_DIR",
                self.name
            ))
        })
    }

    pub(super) fn command(&self) -> StartCommand {
        StartCommand {
            program: self.built.product().unwrap_or_default(),
            ..StartCommand::default()
        }
    }
}
