//! Any command that speaks the Runtime API.

use super::{RunsOn, Source, StartCommand, StartError};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A command as the developer wrote it.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    pub(super) code: PathBuf,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    /// The command of this function.
    ///
    /// # Errors
    /// When there are no words in it.
    pub(super) fn new(source: &Source, command: &[OsString]) -> Result<Self, StartError> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(StartError::Unknown {
                runtime: source.runtime.clone(),
                advice: "its command is empty",
            });
        };
        Ok(Self {
            name: source.name.clone(),
            code: source.code.clone(),
            program: program.into(),
            arguments: arguments.to_vec(),
        })
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn check(&self) -> RunsOn {
        RunsOn {
            what: self.program.display().to_string(),
            as_meant: true,
        }
    }

    pub(super) fn no_debugger(&self) -> StartError {
        StartError::NoDebugger {
            name: self.name.clone(),
            reason: "its command starts no debugger that tether knows".to_owned(),
        }
    }

    pub(super) fn command(&self) -> StartCommand {
        StartCommand {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            ..StartCommand::default()
        }
    }
}
