//! How Node functions are found, started and debugged.

use super::layers::{Layers, joined};
use super::machine::{Machine, absolute, upwards};
use super::typescript::{self, TypeScript, Written};
use super::wish::{NODE, Wish};
use super::{BuildFailed, DebugTarget, Progress, RunsOn, Source, StartCommand, StartError};
use crate::clients::Clients;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tether_runtime_api::runtimes;
use tokio::process::Command;

/// Names the file in which our client tells where its inspector listens.
pub const INSPECTOR: &str = "TETHER_INSPECTOR";

/// Our client's oldest Node.
const OLDEST: u32 = 18;
/// Tells our client to wait for the debugger before it loads the handler.
const WAIT: &str = "TETHER_INSPECTOR_WAIT";

/// A Node function.
#[derive(Clone, Debug)]
pub struct Node {
    clients: Arc<Clients>,
    pub(super) interpreter: PathBuf,
    pub(super) code: PathBuf,
    handler: String,
    runtime: String,
    typescript: Option<Box<TypeScript>>,
    layers: Layers,
    /// What `sam build` installed, where the project has no packages.
    built: Option<PathBuf>,
    /// For people.
    notes: Vec<String>,
}

impl Node {
    pub(super) fn find(source: &Source, clients: &Arc<Clients>) -> Result<Self, StartError> {
        let machine = Machine::this();
        let (interpreter, missed) = find(&source.code, &source.runtime, &machine)?;
        let mut notes: Vec<String> = missed.iter().map(|it| it.note("Node")).collect();
        let typescript = match typescript::find(source, &machine)? {
            Written::JavaScript(note) => {
                notes.extend(note);
                None
            }
            Written::TypeScript(it) => Some(it),
        };
        let layers = Layers::of(source);
        notes.extend(layers.notes());
        Ok(Self {
            clients: Arc::clone(clients),
            interpreter,
            code: source.code.clone(),
            handler: source.handler.clone(),
            runtime: source.runtime.clone(),
            typescript,
            layers,
            built: built(source),
            notes,
        })
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        let version = version(&self.interpreter).await?;
        if let Some(typescript) = &self.typescript {
            typescript.check(&version)?;
        }
        let major = version.split('.').next().unwrap_or_default();
        Ok(RunsOn {
            as_meant: self.runtime == format!("nodejs{major}.x"),
            what: format!("Node {version} ({})", self.interpreter.display()),
        })
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        notes.extend(self.typescript.iter().flat_map(|it| it.notes()));
        if let Some(built) = &self.built {
            let built = built.display();
            notes.push(format!(
                "its code has no node_modules: packages are those of `sam build` ({built})"
            ));
        }
        notes
    }

    pub(super) async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        let Some(typescript) = &self.typescript else {
            return Ok(());
        };
        let packages = self.packages();
        typescript
            .build(&self.interpreter, &packages, progress)
            .await
    }

    pub(super) fn command(&self, debugged: Option<&DebugTarget>) -> StartCommand {
        let mut command = StartCommand {
            program: self.interpreter.clone(),
            arguments: vec!["--enable-source-maps".into()],
            variables: self.layers.variables(),
        };
        command
            .variables
            .extend(joined("NODE_PATH", self.packages()));
        command.variables.extend(self.clients.folder());
        let flags = self.typescript.iter().flat_map(|it| it.arguments());
        command.arguments.extend(flags);
        command.arguments.push(self.clients.node().into());
        match &self.typescript {
            Some(typescript) => command.arguments.extend(typescript.handler()),
            None => command.arguments.push(self.handler.clone().into()),
        }
        if let Some(target) = debugged {
            let endpoints = target.endpoints.display().to_string();
            command.variables.insert(INSPECTOR.to_owned(), endpoints);
            if target.wait {
                command.variables.insert(WAIT.to_owned(), "1".to_owned());
            }
        }
        command
    }

    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let beside = self.typescript.iter().flat_map(|it| it.inputs());
        std::iter::once(self.code.clone()).chain(beside).collect()
    }

    /// Folders of packages that are not the project's own.
    fn packages(&self) -> Vec<PathBuf> {
        let layers = self.layers.node().into_iter();
        layers.chain(self.built.clone()).collect()
    }
}

fn built(source: &Source) -> Option<PathBuf> {
    let folders = upwards(&source.code);
    if folders.iter().any(|it| it.join("node_modules").is_dir()) {
        return None;
    }
    let built = source.built.as_ref()?.join("node_modules");
    built.is_dir().then_some(built)
}

/// The project's own Node: of the version that a file of it asks for, or that
/// of the PATH.
///
/// # Errors
/// When there is none.
pub fn interpreter(code: &Path) -> Result<PathBuf, StartError> {
    find(code, "", &Machine::this()).map(|it| it.0)
}

fn find(
    code: &Path,
    runtime: &str,
    machine: &Machine,
) -> Result<(PathBuf, Option<Wish>), StartError> {
    let wish = NODE.wish(code);
    let (binding, fit) = match wish {
        Some(wish) if wish.binding => (Some(wish), None),
        fit => (None, fit),
    };
    if let Some(node) = binding.as_ref().and_then(|it| NODE.installed(it, machine)) {
        return Ok((absolute(node), None));
    }
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    // Editors are started without what a shell's start files add to the PATH.
    let of_runtime = runtimes::version(runtime).map(Wish::version);
    let default = Wish::version("default");
    let node = machine
        .on_path(&[name])
        .or_else(|| NODE.installed(fit.as_ref()?, machine))
        .or_else(|| NODE.installed(of_runtime.as_ref()?, machine))
        .or_else(|| NODE.installed(&default, machine));
    match node {
        Some(node) => Ok((absolute(node), binding)),
        None => Err(StartError::NoNode {
            project: code.to_path_buf(),
        }),
    }
}

/// `22.11.0`, as the interpreter says it.
///
/// # Errors
/// When it does not run, or is too old for our client.
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
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major: u32 = version
        .split('.')
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or_default();
    if major < OLDEST {
        return Err(StartError::TooOld {
            program: interpreter.to_path_buf(),
            version: format!("Node {version}"),
            oldest: "18",
            advice: "install a newer one, and name it in the project's .nvmrc",
        });
    }
    Ok(version)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#[cfg(unix)]
mod tests {
    use super::*;

    fn program(file: &Path, script: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, script).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file.to_path_buf()
    }

    #[test]
    fn a_version_that_the_project_asks_for_comes_before_the_path() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let on_path = program(&at("bin/node"), "");
        let of_nvm = program(&at(".nvm/versions/node/v22.1.0/bin/node"), "");
        let (home, bin) = (root.path(), at("bin"));
        let machine = Machine::of([("HOME", home), ("PATH", bin.as_path())]);
        let found = || find(&at("code"), "nodejs22.x", &machine).unwrap();
        assert_eq!(found(), (on_path.clone(), None));
        std::fs::create_dir(at("code")).unwrap();
        std::fs::write(at("code/.nvmrc"), "22").unwrap();
        assert_eq!(found(), (of_nvm.clone(), None));
        std::fs::write(at("code/.nvmrc"), "20").unwrap();
        let (node, missed) = found();
        assert_eq!(node, on_path);
        assert!(
            missed
                .unwrap()
                .note("Node")
                .contains(".nvmrc asks for Node 20")
        );
        std::fs::remove_file(on_path).unwrap();
        assert_eq!(found().0, of_nvm);
    }

    #[tokio::test]
    async fn a_node_that_is_too_old_is_named_in_one_line() {
        let root = tempfile::tempdir().unwrap();
        let node = program(&root.path().join("node"), "#!/bin/sh\necho 16.20.2\n");
        let error = version(&node).await.unwrap_err().to_string();
        assert!(
            error.contains("is Node 16.20.2, and tether needs 18"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}
