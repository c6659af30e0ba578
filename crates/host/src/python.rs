//! How Python functions are found, started and debugged.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Our Runtime API client: plain Python, so that a user needs nothing but an
/// interpreter, and a debugger sees plain code.
const CLIENT: &str = include_str!("clients/tether_runtime.py");

/// Why a Python function cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum PythonError {
    /// Nothing found.
    #[error(
        "no Python interpreter for {project}: create a virtualenv there (`python3 -m venv .venv`) or put python3 on the PATH"
    )]
    NoInterpreter {
        /// The code's folder.
        project: PathBuf,
    },
    /// It does not run.
    #[error("{interpreter} does not run ({reason}): repair or recreate its virtualenv")]
    Broken {
        /// Which.
        interpreter: PathBuf,
        /// Why.
        reason: String,
    },
    /// The debugger is not there.
    #[error("debugpy is missing in {interpreter}: run `{interpreter} -m pip install debugpy`")]
    NoDebugpy {
        /// Which.
        interpreter: PathBuf,
    },
    /// The debugger's port is taken.
    #[error(
        "port {port} for {function}'s debugger is in use: end what listens there, or choose another with --debug-port"
    )]
    PortInUse {
        /// Which.
        port: u16,
        /// Whose.
        function: String,
    },
    /// A debugger's port that cannot be had for another reason.
    #[error(
        "port {port} for the debugger of {function} cannot be listened at ({reason}): choose another with --debug-port"
    )]
    Port {
        /// Which.
        port: u16,
        /// Whose.
        function: String,
        /// Why.
        reason: String,
    },
    /// The client could not be written.
    #[error(
        "the Python client cannot be written to {folder} ({reason}): make room there, or set TMPDIR to another folder"
    )]
    NotWritten {
        /// Where temporary files go.
        folder: PathBuf,
        /// Why.
        reason: std::io::ErrorKind,
    },
    /// The machine refuses something.
    #[error("no local process can be prepared: {0}")]
    Client(#[from] std::io::Error),
}

/// The client, as a file for as long as this lives.
#[derive(Debug)]
pub struct Client {
    folder: tempfile::TempDir,
}

impl Client {
    /// Writes the client.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn write() -> Result<Self, PythonError> {
        let written = || {
            let folder = tempfile::Builder::new()
                .prefix("tether-python-")
                .tempdir()?;
            std::fs::write(folder.path().join("tether_runtime.py"), CLIENT)?;
            Ok(Self { folder })
        };
        written().map_err(|error: std::io::Error| PythonError::NotWritten {
            folder: std::env::temp_dir(),
            // Its own words may name a folder that has never been.
            reason: error.kind(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("tether_runtime.py")
    }
}

/// Where an editor finds the debugger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debugger {
    /// `127.0.0.1`
    pub host: String,
    /// A stable port for each function; 0 takes a free one.
    pub port: u16,
}

/// The project's own interpreter: the virtualenv nearest to the code, then the
/// activated one, then `python3` of the PATH.
///
/// # Errors
/// When there is none.
pub fn interpreter(code: &Path) -> Result<PathBuf, PythonError> {
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
        .ok_or_else(|| PythonError::NoInterpreter {
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
pub async fn version(interpreter: &Path) -> Result<String, PythonError> {
    let script = "import sys; print('%d.%d' % sys.version_info[:2])";
    run(interpreter, script).await
}

async fn run(interpreter: &Path, script: &str) -> Result<String, PythonError> {
    let broken = |reason: String| PythonError::Broken {
        interpreter: interpreter.to_path_buf(),
        reason,
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
pub async fn check_debugger(interpreter: &Path) -> Result<(), PythonError> {
    match run(interpreter, "import debugpy").await {
        Ok(_) => Ok(()),
        Err(_) => Err(PythonError::NoDebugpy {
            interpreter: interpreter.to_path_buf(),
        }),
    }
}

/// debugpy writes the addresses that it listens at into the file that this
/// variable names
/// (<https://github.com/microsoft/debugpy/blob/main/src/debugpy/adapter/__main__.py>).
pub(crate) const ENDPOINTS: &str = "DEBUGPY_ADAPTER_ENDPOINTS";

/// The arguments behind the interpreter. Under a debugger, it takes a free port.
#[must_use]
pub fn arguments(client: &Path, handler: &str, debugged: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    if debugged {
        // Frozen modules would hide breakpoints in the standard library.
        for word in ["-Xfrozen_modules=off", "-m", "debugpy"] {
            arguments.push(word.into());
        }
        arguments.extend(["--listen".into(), "127.0.0.1:0".into()]);
    }
    arguments.push(client.into());
    arguments.push(handler.into());
    arguments
}

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
