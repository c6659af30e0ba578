//! TypeScript: made into JavaScript by the project's esbuild, as `sam build`
//! does it, or left to a Node that strips types itself.

use super::esbuild::{self, Order};
use super::layers::joined;
use super::machine::{Machine, is_program, upwards};
use super::{BuildFailed, Progress, Source, StartError};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::SystemTime;
use tokio::process::Command;
use tokio::sync::Mutex;

/// What Node takes for TypeScript, in the order in which it is looked for.
const TYPED: [&str; 4] = ["ts", "mts", "cts", "tsx"];
const SCRIPTS: [&str; 3] = ["js", "mjs", "cjs"];

/// Strips types if it is told to
/// (<https://nodejs.org/api/typescript.html#type-stripping>).
const STRIPS_BY_FLAG: (u32, u32) = (22, 6);

/// A function whose code is made into JavaScript before it runs.
#[derive(Clone, Debug)]
pub(super) struct TypeScript {
    code: PathBuf,
    handler: Handler,
    /// The handler's file, as it is written.
    file: PathBuf,
    how: How,
    workshop: Arc<Workshop>,
}

#[derive(Clone, Debug)]
enum How {
    /// Bundled by this program.
    Esbuild { program: PathBuf, order: Order },
    /// Imported as it is.
    Stripped,
}

/// Where JavaScript is laid out, and of what it was made.
#[derive(Debug)]
struct Workshop {
    folder: tempfile::TempDir,
    /// One build at a time.
    last: Mutex<Option<Stamp>>,
    /// Folders of the files that went into the last one.
    inputs: std::sync::Mutex<Vec<PathBuf>>,
    /// Where the last one is.
    out: OnceLock<PathBuf>,
}

/// Files as they were at a build.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// `src/app.handler`
#[derive(Clone, Debug)]
pub(super) struct Handler {
    /// `src/app`
    module: String,
    /// `handler`
    property: String,
}

impl Handler {
    pub(super) fn parse(handler: &str) -> Option<Self> {
        let (folder, base) = match handler.rsplit_once('/') {
            Some((folder, base)) => (Some(folder), base),
            None => (None, handler),
        };
        let (file, property) = base.split_once('.')?;
        let module = folder.map_or(file.to_owned(), |it| format!("{it}/{file}"));
        Some(Self {
            module,
            property: property.to_owned(),
        })
    }

    fn file(&self) -> &str {
        self.module.rsplit('/').next().unwrap_or(&self.module)
    }
}

/// What was found of a handler's file.
pub(super) enum Written {
    /// It runs as it is, or does not exist; why not as TypeScript, if there is some.
    JavaScript(Option<String>),
    /// It has to be made into JavaScript.
    TypeScript(Box<TypeScript>),
}

/// How a handler's file is written.
///
/// # Errors
/// When there is no room for what is made of it.
pub(super) fn find(source: &Source, machine: &Machine) -> Result<Written, StartError> {
    let Some(handler) = Handler::parse(&source.handler) else {
        return Ok(Written::JavaScript(None));
    };
    let by_sam = source.metadata.get("BuildMethod").and_then(Value::as_str) == Some("esbuild");
    let properties = source.metadata.get("BuildProperties");
    let properties = properties.filter(|_| by_sam);
    let entries = esbuild::entry_points(properties, &handler.module, &source.code);
    let typed = with_extension(&source.code, &handler.module, &TYPED);
    let script = with_extension(&source.code, &handler.module, &SCRIPTS);
    let entry = entry_of(&entries, handler.file(), &source.code).filter(|_| by_sam);
    let bundled = entry.or_else(|| script.clone().filter(|_| by_sam));
    let Some(file) = typed.clone().or(bundled) else {
        return Ok(Written::JavaScript(None));
    };
    let program = program(&source.code, machine);
    let how = match (program, script) {
        (Some(program), _) => How::Esbuild {
            program,
            order: match properties {
                Some(properties) => esbuild::as_sam(properties, entries),
                None if by_sam => esbuild::as_sam(&Value::Null, entries),
                None => esbuild::plain(&source.code, &file, &source.runtime),
            },
        },
        (None, Some(script)) => return Ok(Written::JavaScript(beside(&script, typed.as_deref()))),
        (None, None) => How::Stripped,
    };
    Ok(Written::TypeScript(Box::new(TypeScript {
        code: source.code.clone(),
        handler,
        file,
        how,
        workshop: Arc::new(Workshop::open()?),
    })))
}

/// Whoever edits the one and sees the other run should know why.
fn beside(script: &Path, typed: Option<&Path>) -> Option<String> {
    let (script, typed) = (script.display(), typed?.display());
    Some(format!(
        "{script} runs, and not {typed} beside it, because the project has no esbuild: `npm install --save-dev esbuild`"
    ))
}

fn with_extension(code: &Path, module: &str, extensions: &[&str]) -> Option<PathBuf> {
    let mut files = extensions
        .iter()
        .map(|it| code.join(format!("{module}.{it}")));
    files.find(|it| it.is_file())
}

/// esbuild leaves out the folders that all entry points have in common.
fn entry_of(entries: &[String], file: &str, code: &Path) -> Option<PathBuf> {
    let mut paths = entries.iter().map(|it| code.join(it));
    paths.find(|it| it.file_stem().is_some_and(|stem| stem == file) && it.is_file())
}

/// The project's own, wherever a workspace has put it, then that of the PATH.
fn program(code: &Path, machine: &Machine) -> Option<PathBuf> {
    let name = if cfg!(windows) {
        "esbuild.cmd"
    } else {
        "esbuild"
    };
    let own = upwards(code)
        .into_iter()
        .map(|it| it.join("node_modules/.bin").join(name))
        .find(|it| is_program(it));
    own.or_else(|| machine.on_path(&[name]))
}

impl TypeScript {
    /// What our client is told: the handler, and where its JavaScript is.
    pub(super) fn handler(&self) -> [OsString; 2] {
        let out = self.out();
        let built = |module: &str| {
            let mut files = SCRIPTS.iter().map(|it| out.join(format!("{module}.{it}")));
            files.any(|it| it.is_file())
        };
        // As `sam build` names it in the built template.
        let (whole, file) = (self.handler.module.as_str(), self.handler.file());
        let module = if !built(whole) && built(file) {
            file
        } else {
            whole
        };
        let name = format!("{module}.{}", self.handler.property);
        [name.into(), out.into_os_string()]
    }

    /// Node's own arguments.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        match self.how {
            How::Esbuild { .. } => vec![],
            How::Stripped => [
                "--experimental-strip-types",
                "--no-warnings=ExperimentalWarning",
            ]
            .map(OsString::from)
            .into(),
        }
    }

    /// Whether this Node can run it.
    pub(super) fn check(&self, version: &str) -> Result<(), StartError> {
        let mut numbers = version.split('.').map(|it| it.parse().unwrap_or(0));
        let numbers = (
            numbers.next().unwrap_or_default(),
            numbers.next().unwrap_or_default(),
        );
        match self.how {
            How::Stripped if numbers < STRIPS_BY_FLAG => Err(StartError::NoTypeScript {
                file: self.file.clone(),
                node: format!("Node {version}"),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        match &self.how {
            How::Esbuild { order, .. } => order.notes.clone(),
            How::Stripped => vec![format!(
                "{} runs without a build, by Node's own type stripping: install esbuild for enums, tsconfig's paths, and imports without an extension",
                self.file.display()
            )],
        }
    }

    /// Folders beside the code's own that went into the last build.
    pub(super) fn inputs(&self) -> Vec<PathBuf> {
        let inputs = self.workshop.inputs.lock();
        inputs.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes JavaScript of what was saved, unless it was made of the same.
    pub(super) async fn build(
        &self,
        node: &Path,
        node_path: &[PathBuf],
        progress: &Progress,
    ) -> Result<(), BuildFailed> {
        let mut last = self.workshop.last.lock().await;
        if last.as_ref().is_some_and(is_current) {
            return Ok(());
        }
        *last = None;
        match &self.how {
            How::Stripped => self.lay_stub().map_err(|error| self.no_room(&error))?,
            How::Esbuild { program, order } => {
                let inputs = self
                    .bundle(program, order, node, node_path, progress)
                    .await?;
                *last = Some(stamp(&inputs));
                self.remember(&inputs);
            }
        }
        Ok(())
    }

    async fn bundle(
        &self,
        program: &Path,
        order: &Order,
        node: &Path,
        node_path: &[PathBuf],
        progress: &Progress,
    ) -> Result<Vec<PathBuf>, BuildFailed> {
        let out = self.lay_out().map_err(|error| self.no_room(&error))?;
        let report = self.workshop.folder.path().join("inputs.json");
        let mut command = Command::new(program);
        command
            .args(order.arguments(&out, &report))
            .current_dir(&self.code)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        // Its script is run by a Node of the PATH.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = node
            .parent()
            .map(Path::to_path_buf)
            .into_iter()
            .chain(std::env::split_paths(&path));
        command.envs(joined("PATH", path));
        command.envs(joined("NODE_PATH", node_path.to_vec()));
        let output = command.output().await.map_err(|error| BuildFailed {
            message: format!("{} cannot be started ({error})", program.display()),
        })?;
        let said = String::from_utf8_lossy(&output.stderr);
        for line in said.lines().filter(|it| !it.trim().is_empty()) {
            progress(line);
        }
        if !output.status.success() {
            return Err(BuildFailed {
                message: esbuild::first_error(&said)
                    .unwrap_or_else(|| format!("esbuild ended with {}", output.status)),
            });
        }
        Ok(esbuild::inputs(&report, &self.code))
    }

    fn no_room(&self, error: &std::io::Error) -> BuildFailed {
        let folder = self.workshop.folder.path().display();
        BuildFailed {
            message: format!("{folder} cannot be written ({error})"),
        }
    }

    fn out(&self) -> PathBuf {
        let folder = || self.workshop.folder.path().to_path_buf();
        self.workshop.out.get().cloned().unwrap_or_else(folder)
    }

    /// A folder from which packages are found as from the code's own folder:
    /// one in the other, each with its `node_modules`.
    fn lay_out(&self) -> std::io::Result<PathBuf> {
        let mut at = self.workshop.folder.path().to_path_buf();
        let folders = upwards(&self.code);
        for folder in folders.iter().rev() {
            let packages = folder.join("node_modules");
            if !packages.is_dir() {
                continue;
            }
            at.push("in");
            std::fs::create_dir_all(&at)?;
            link(&packages, &at.join("node_modules"))?;
        }
        at.push("out");
        std::fs::create_dir_all(&at)?;
        // Packages that are installed later make it another one.
        Ok(self.workshop.out.get_or_init(|| at).clone())
    }

    /// A module that exports what the code's own does.
    fn lay_stub(&self) -> std::io::Result<()> {
        let out = self.workshop.out.get_or_init(|| {
            let folder = self.workshop.folder.path();
            folder.join("out")
        });
        let stub = out.join(format!("{}.mjs", self.handler.module));
        if let Some(folder) = stub.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let url = file_url(&self.file);
        let text = format!(
            "import * as code from \"{url}\";\nexport * from \"{url}\";\nexport default code.default;\n"
        );
        std::fs::write(stub, text)
    }

    fn remember(&self, inputs: &[PathBuf]) {
        let mut folders: Vec<PathBuf> = inputs
            .iter()
            .filter(|it| !it.starts_with(&self.code))
            .filter(|it| {
                !it.components()
                    .any(|part| part.as_os_str() == "node_modules")
            })
            .filter_map(|it| it.parent().map(Path::to_path_buf))
            .collect();
        folders.sort();
        folders.dedup();
        let mut known = self.workshop.inputs.lock();
        match &mut known {
            Ok(known) => **known = folders,
            Err(poisoned) => **poisoned.get_mut() = folders,
        }
    }
}

impl Workshop {
    fn open() -> Result<Self, StartError> {
        let folder = tempfile::Builder::new()
            .prefix("tether-typescript-")
            .tempdir()
            .and_then(|folder| {
                // Whatever package the temporary folder is in, this is none of it.
                std::fs::write(folder.path().join("package.json"), "{}")?;
                Ok(folder)
            })
            .map_err(|error| StartError::NotWritten {
                folder: std::env::temp_dir(),
                reason: error.kind(),
            })?;
        Ok(Self {
            folder,
            last: Mutex::default(),
            inputs: std::sync::Mutex::default(),
            out: OnceLock::new(),
        })
    }
}

fn stamp(files: &[PathBuf]) -> Stamp {
    let of = |file: &PathBuf| {
        let about = file.metadata().ok();
        let length = about.as_ref().map_or(0, std::fs::Metadata::len);
        (
            file.clone(),
            length,
            about.and_then(|it| it.modified().ok()),
        )
    };
    files.iter().map(of).collect()
}

fn is_current(stamped: &Stamp) -> bool {
    let files: Vec<_> = stamped.iter().map(|it| it.0.clone()).collect();
    !files.is_empty() && stamp(&files) == *stamped
}

fn link(packages: &Path, at: &Path) -> std::io::Result<()> {
    if at.symlink_metadata().is_ok() {
        return Ok(());
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(packages, at)
    }
    #[cfg(windows)]
    {
        std::os::windows::fs::symlink_dir(packages, at)
    }
}

/// <https://url.spec.whatwg.org/#file-state>: what is not plain is encoded.
fn file_url(file: &Path) -> String {
    let text = file.to_string_lossy().replace('\\', "/");
    let mut url = String::from(if text.starts_with('/') {
        "file://"
    } else {
        "file:///"
    });
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~:@".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests;
