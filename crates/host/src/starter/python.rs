//! How Python functions are found, started and debugged.

use super::{DebugTarget, RunsOn, Source, StartCommand, StartError};
use crate::clients::Clients;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Command;

/// A Python function.
#[derive(Clone, Debug)]
pub struct Python {
    clients: Arc<Clients>,
    pub(super) interpreter: PathBuf,
    pub(super) code: PathBuf,
    handler: String,
    runtime: String,
}

impl Python {
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
        Ok(RunsOn {
            as_meant: self.runtime == format!("python{version}"),
            what: format!("Python {version} ({})", self.interpreter.display()),
        })
    }

    /// Under a debugger, it takes a free port.
    pub(super) fn command(&self, debugged: Option<&DebugTarget>) -> StartCommand {
        let mut command = StartCommand {
            program: self.interpreter.clone(),
            ..StartCommand::default()
        };
        let variable = |name: &str, value: String| (name.to_owned(), value);
        // Bytecode is told from its source by second and size: a quick save of
        // the same length would run what was there before.
        command
            .variables
            .extend([variable("PYTHONDONTWRITEBYTECODE", "1".to_owned())]);
        if let Some(target) = debugged {
            // Frozen modules would hide breakpoints in the standard library.
            for word in ["-Xfrozen_modules=off", "-m", "debugpy"] {
                command.arguments.push(word.into());
            }
            command
                .arguments
                .extend(["--listen".into(), "127.0.0.1:0".into()]);
            command.variables.extend([
                variable(ENDPOINTS, target.endpoints.display().to_string()),
                // debugpy would warn of it at each start.
                variable("PYDEVD_DISABLE_FILE_VALIDATION", "1".to_owned()),
            ]);
        }
        command.arguments.push(self.clients.python().into());
        command.arguments.push(self.handler.clone().into());
        command
    }
}

/// The project's own interpreter: the virtualenv nearest to the code, then the
/// activated one, then `python3` of the PATH.
///
/// # Errors
/// When there is none.
pub fn interpreter(code: &Path) -> Result<PathBuf, StartError> {
    let nearest = code
        .ancestors()
        .flat_map(|folder| [folder.join(".venv"), folder.join("venv")]);
    let activated = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let virtualenvs = nearest.chain(activated).map(|it| in_virtualenv(&it));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .flat_map(|folder| PATH_NAMES.map(|name| folder.join(name)))
        .collect::<Vec<_>>();
    virtualenvs
        .chain(on_path)
        .find(|candidate| candidate.is_file())
        // It is started in another folder. A virtualenv's is a link, and stays one.
        .map(|found| std::path::absolute(&found).unwrap_or(found))
        .ok_or_else(|| StartError::NoPython {
            project: code.to_path_buf(),
        })
}

#[cfg(windows)]
const PATH_NAMES: [&str; 2] = ["python.exe", "python3.exe"];
#[cfg(not(windows))]
const PATH_NAMES: [&str; 2] = ["python3", "python"];

fn in_virtualenv(folder: &Path) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts").join("python.exe")
    } else {
        folder.join("bin").join("python")
    }
}

/// `3.13`, as the interpreter says it.
///
/// # Errors
/// When it does not run.
pub async fn version(interpreter: &Path) -> Result<String, StartError> {
    let script = "import sys; print('%d.%d' % sys.version_info[:2])";
    run(interpreter, script).await
}

async fn run(interpreter: &Path, script: &str) -> Result<String, StartError> {
    let broken = |reason: String| StartError::Broken {
        program: interpreter.to_path_buf(),
        reason,
        advice: "repair or recreate its virtualenv",
    };
    let output = Command::new(interpreter)
        .args(["-c", script])
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

/// Makes sure that the debugger can start.
///
/// # Errors
/// When debugpy is missing.
pub async fn check_debugger(interpreter: &Path) -> Result<(), StartError> {
    match run(interpreter, "import debugpy").await {
        Ok(_) => Ok(()),
        Err(_) => Err(StartError::NoDebugpy {
            interpreter: interpreter.to_path_buf(),
        }),
    }
}

/// debugpy writes the addresses that it listens at into the file that this
/// variable names
/// (<https://github.com/microsoft/debugpy/blob/main/src/debugpy/adapter/__main__.py>).
const ENDPOINTS: &str = "DEBUGPY_ADAPTER_ENDPOINTS";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_nearest_virtualenv_is_the_projects_own() {
        let root = tempfile::tempdir().unwrap();
        let code = root.path().join("src/hello");
        std::fs::create_dir_all(&code).unwrap();
        let bin = root.path().join(".venv/bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join("python"), "").unwrap();
        assert_eq!(interpreter(&code).unwrap(), bin.join("python"));
    }

    #[test]
    fn an_interpreter_is_found_from_any_folder() {
        // Of a virtualenv in this repository, where there is one.
        let found = interpreter(Path::new("../../examples")).unwrap();
        assert!(found.is_absolute(), "{}", found.display());
    }
}
