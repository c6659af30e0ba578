//! How Python functions are found, started and debugged.

use super::layers::Layers;
use super::machine::{Machine, absolute, is_program};
use super::wish::{PYTHON, Wish};
use super::{DebugTarget, RunsOn, Source, StartCommand, StartError, virtualenv};
use crate::clients::Clients;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tether_runtime_api::runtimes;
use tokio::process::Command;

/// Our client's oldest Python.
const OLDEST: (u32, u32) = (3, 8);

/// A Python function.
#[derive(Clone, Debug)]
pub struct Python {
    clients: Arc<Clients>,
    pub(super) interpreter: PathBuf,
    pub(super) code: PathBuf,
    handler: String,
    runtime: String,
    layers: Layers,
    /// What `sam build` installed, where the project has no virtualenv.
    built: Option<PathBuf>,
    /// What the project asks for, and nobody has installed.
    missed: Option<Wish>,
}

/// An interpreter, and how it was found.
struct Found {
    interpreter: PathBuf,
    in_virtualenv: bool,
    missed: Option<Wish>,
}

impl Python {
    pub(super) fn find(source: &Source, clients: &Arc<Clients>) -> Result<Self, StartError> {
        let found = find(&source.code, &source.runtime, &Machine::this())?;
        let built = source.built.clone().filter(|_| !found.in_virtualenv);
        Ok(Self {
            clients: Arc::clone(clients),
            interpreter: found.interpreter,
            code: source.code.clone(),
            handler: source.handler.clone(),
            runtime: source.runtime.clone(),
            layers: Layers::of(source),
            built: built.filter(|it| it.is_dir()),
            missed: found.missed,
        })
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        let version = version(&self.interpreter).await?;
        Ok(RunsOn {
            as_meant: self.runtime == format!("python{version}"),
            what: format!("Python {version} ({})", self.interpreter.display()),
        })
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.layers.notes();
        notes.extend(self.missed.as_ref().map(|it| it.note("Python")));
        if let Some(built) = &self.built {
            let built = built.display();
            notes.push(format!(
                "its code has no virtualenv: packages are those of `sam build` ({built})"
            ));
        }
        notes
    }

    /// Under a debugger, it takes a free port.
    pub(super) fn command(&self, debugged: Option<&DebugTarget>) -> StartCommand {
        let mut command = StartCommand {
            program: self.interpreter.clone(),
            variables: self.layers.variables(),
            ..StartCommand::default()
        };
        let variable = |name: &str, value: String| (name.to_owned(), value);
        // Bytecode is told from its source by second and size: a quick save of
        // the same length would run what was there before.
        command
            .variables
            .extend([variable("PYTHONDONTWRITEBYTECODE", "1".to_owned())]);
        command.variables.extend(self.clients.folder());
        let mut paths = self.layers.python();
        paths.extend(self.built.clone());
        command
            .variables
            .extend(super::layers::joined("PYTHONPATH", paths));
        let waits = debugged.is_some_and(|it| it.wait).then(|| "1".to_owned());
        command.variables.extend(waits.map(|it| variable(WAIT, it)));
        if let Some((host, port)) = debugged.and_then(|it| it.editor.as_ref()) {
            command
                .variables
                .extend([variable(PYCHARM, format!("{host}:{port}"))]);
        } else if let Some(target) = debugged {
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

/// The project's own interpreter: that of its virtualenv, of the version that
/// a file of it asks for, or of the PATH.
///
/// # Errors
/// When there is none, or a virtualenv is broken.
pub fn interpreter(code: &Path) -> Result<PathBuf, StartError> {
    find(code, "", &Machine::this()).map(|it| it.interpreter)
}

fn find(code: &Path, runtime: &str, machine: &Machine) -> Result<Found, StartError> {
    let found = |interpreter, in_virtualenv, missed| Found {
        interpreter: absolute(interpreter),
        in_virtualenv,
        missed,
    };
    if let Some(interpreter) = virtualenv::find(code, machine)? {
        return Ok(found(interpreter, true, None));
    }
    let wish = PYTHON.wish(code);
    if let Some(interpreter) = wish.as_ref().and_then(|it| PYTHON.installed(it, machine)) {
        return Ok(found(interpreter, false, None));
    }
    let version = runtimes::version(runtime);
    if let Some(interpreter) = on_path(version, machine) {
        return Ok(found(interpreter, false, wish));
    }
    // Editors are started without what a shell's start files add to the PATH.
    let of_runtime = version.and_then(|it| PYTHON.installed(&Wish::version(it), machine));
    match of_runtime {
        Some(interpreter) => Ok(found(interpreter, false, wish)),
        None => Err(StartError::NoPython {
            project: code.to_path_buf(),
        }),
    }
}

/// The first folder of the PATH that has a Python decides, and there the
/// runtime's version, if it has one.
fn on_path(version: Option<&str>, machine: &Machine) -> Option<PathBuf> {
    let exact = version.map(|it| format!("python{it}"));
    machine.search_path().into_iter().find_map(|folder| {
        // pyenv has a shim for each version, chosen or not.
        let is_shims = folder.ends_with("shims");
        let exact = exact.as_deref().filter(|_| !is_shims);
        let usual = PATH_NAMES.map(|name| folder.join(name));
        let usual = usual.into_iter().find(|it| is_program(it))?;
        let exact = exact.map(|it| folder.join(it)).filter(|it| is_program(it));
        Some(exact.unwrap_or(usual))
    })
}

#[cfg(windows)]
const PATH_NAMES: [&str; 2] = ["python.exe", "python3.exe"];
#[cfg(not(windows))]
const PATH_NAMES: [&str; 2] = ["python3", "python"];

/// `3.13`, as the interpreter says it.
///
/// # Errors
/// When it does not run, or is too old for our client.
pub async fn version(interpreter: &Path) -> Result<String, StartError> {
    let script = "import sys; print('%d.%d' % sys.version_info[:2])";
    let version = run(interpreter, script).await?;
    let mut numbers = version.split('.').map(|it| it.parse().unwrap_or(0));
    let numbers = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    if numbers < OLDEST {
        return Err(StartError::TooOld {
            program: interpreter.to_path_buf(),
            version: format!("Python {version}"),
            oldest: "3.8",
            advice: "make a virtualenv of a newer one beside the code (`python3 -m venv .venv`)",
        });
    }
    Ok(version)
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
/// When debugpy is missing, or PyCharm's own.
pub async fn check_debugger(interpreter: &Path, of_pycharm: bool) -> Result<(), StartError> {
    let (module, package) = if of_pycharm {
        ("pydevd_pycharm", "pydevd-pycharm")
    } else {
        ("debugpy", "debugpy")
    };
    // Not imported: PyCharm's takes a second.
    let script = format!(
        "import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)"
    );
    match run(interpreter, &script).await {
        Ok(_) => Ok(()),
        Err(_) => Err(StartError::NoPythonDebugger {
            package,
            interpreter: interpreter.to_path_buf(),
        }),
    }
}

/// Tells our client to wait for the debugger before it loads the handler.
const WAIT: &str = "TETHER_DEBUGGER_WAIT";

/// Tells our client where PyCharm's debug server listens.
const PYCHARM: &str = "TETHER_PYCHARM";

/// debugpy writes the addresses that it listens at into the file that this
/// variable names
/// (<https://github.com/microsoft/debugpy/blob/main/src/debugpy/adapter/__main__.py>).
pub(super) const ENDPOINTS: &str = "DEBUGPY_ADAPTER_ENDPOINTS";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_found_from_any_folder() {
        // Of a virtualenv in this repository, where there is one.
        let found = interpreter(Path::new("../../examples")).unwrap();
        assert!(found.is_absolute(), "{}", found.display());
    }

    #[cfg(unix)]
    fn program(file: &Path, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, script).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn the_first_folder_of_the_path_decides_and_there_the_runtimes_version() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in [
            "shims/python3.13",
            "shims/python3",
            "bin/python3.13",
            "bin/python3",
        ] {
            program(&at(name), "");
        }
        std::fs::create_dir_all(at("empty")).unwrap();
        let found = |folders: &[&str], runtime| {
            let path = std::env::join_paths(folders.iter().map(|it| at(it))).unwrap();
            let machine = Machine::of([("PATH", Path::new(&path))]);
            find(root.path(), runtime, &machine).unwrap().interpreter
        };
        assert_eq!(found(&["empty", "bin"], "python3.13"), at("bin/python3.13"));
        assert_eq!(found(&["bin"], "python3.12"), at("bin/python3"));
        assert_eq!(found(&["shims", "bin"], "python3.13"), at("shims/python3"));
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn an_interpreter_that_is_too_old_or_broken_is_named_in_one_line() {
        let root = tempfile::tempdir().unwrap();
        let python = root.path().join("python");
        program(&python, "#!/bin/sh\necho 3.7\n");
        let error = version(&python).await.unwrap_err().to_string();
        assert!(
            error.contains("is Python 3.7, and tether needs 3.8"),
            "{error}"
        );
        program(
            &python,
            "#!/bin/sh\necho first >&2; echo no libpython >&2; exit 1\n",
        );
        let error = version(&python).await.unwrap_err().to_string();
        assert!(error.contains("does not run (no libpython)"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
