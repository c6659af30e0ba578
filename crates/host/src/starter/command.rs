//! Any command that speaks the Runtime API, and the executable `bootstrap` of an
//! OS-only runtime. The process finds what it needs in `AWS_LAMBDA_RUNTIME_API`,
//! `_HANDLER` and `LAMBDA_TASK_ROOT`; its folder is that of the code.

use super::{
    DebugTarget, DebuggerKind, RunsOn, Source, StartCommand, StartError, java, python, tool,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Options for each JVM that is started by `java`, and for each Node.
const JAVA: &str = "JDK_JAVA_OPTIONS";
const NODE: &str = "NODE_OPTIONS";

/// A command as the developer wrote it.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    pub(super) code: PathBuf,
    program: PathBuf,
    arguments: Vec<OsString>,
    debugger: Option<DebuggerKind>,
}

impl Program {
    /// The command of this function.
    ///
    /// # Errors
    /// When there are no words in it, or its program is not there.
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
            program: program_of(Path::new(program), source)?,
            arguments: arguments.to_vec(),
            debugger: source.debugger,
        })
    }

    /// What Lambda runs on an OS-only runtime, if it is in the code's folder.
    pub(super) fn bootstrap(source: &Source) -> Option<Self> {
        Some(Self {
            name: source.name.clone(),
            code: source.code.clone(),
            program: tool::in_folder(&source.code, "bootstrap")?,
            arguments: Vec::new(),
            debugger: source.debugger,
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

    pub(super) fn debugger(&self) -> Option<DebuggerKind> {
        self.debugger
    }

    pub(super) fn no_debugger(&self) -> StartError {
        StartError::NoDebugger {
            name: self.name.clone(),
            reason: "its command starts no debugger that tether knows: name one as `debugger` in tether.toml".to_owned(),
        }
    }

    pub(super) fn command(&self, debugged: Option<&DebugTarget>) -> StartCommand {
        let debugger = debugged.and_then(|target| self.told_of_its_debugger(target));
        StartCommand {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            variables: debugger.into_iter().collect(),
        }
    }

    /// The variable by which its runtime starts the debugger, wherever in the
    /// command that runtime stands.
    fn told_of_its_debugger(&self, target: &DebugTarget) -> Option<(String, String)> {
        let (name, value) = match self.debugger? {
            // <https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html>
            DebuggerKind::Jdwp if target.wait => {
                (JAVA, java::AGENT.replace("suspend=n", "suspend=y"))
            }
            DebuggerKind::Jdwp => (JAVA, java::AGENT.to_owned()),
            // <https://nodejs.org/api/cli.html#node_optionsoptions>
            DebuggerKind::Node if target.wait => (NODE, "--inspect-brk=127.0.0.1:0".to_owned()),
            DebuggerKind::Node => (NODE, "--inspect=127.0.0.1:0".to_owned()),
            // For a command with `-m debugpy --listen 127.0.0.1:0`.
            DebuggerKind::Debugpy => (python::ENDPOINTS, target.endpoints.display().to_string()),
            DebuggerKind::Native | DebuggerKind::Delve => return None,
        };
        Some((name.to_owned(), value))
    }
}

/// A path is seen from the code's folder, where a process is started; a name
/// stands on the `PATH`.
fn program_of(program: &Path, source: &Source) -> Result<PathBuf, StartError> {
    let name = program
        .to_str()
        .filter(|_| program.components().count() == 1);
    let found = match name {
        Some(name) => tool::find(name, &[]),
        // It may be built before it is started.
        None => return Ok(source.code.join(program)),
    };
    found.ok_or_else(|| StartError::NoProgram {
        function: source.name.clone(),
        program: program.to_path_buf(),
        advice: match source.code.join(program).is_file() {
            true => "to run the file beside the code, write ./ in front of it",
            false => "install it, or correct the command",
        },
    })
}
