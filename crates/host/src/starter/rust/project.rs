//! Which binary of a cargo project is a function's.

use crate::starter::{Source, StartError};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What `cargo metadata --no-deps` says.
#[derive(Debug, Deserialize)]
pub(super) struct Workspace {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    manifest_path: PathBuf,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    default_run: Option<String>,
}

/// Something that cargo builds.
#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    #[serde(default)]
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    path: Option<PathBuf>,
}

/// A binary of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    pub(super) name: String,
    pub(super) manifest: PathBuf,
}

impl Target {
    pub(super) fn is_binary(&self) -> bool {
        self.kind.iter().any(|it| it == "bin")
    }
}

impl Package {
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }

    fn binaries(&self) -> impl Iterator<Item = Binary> {
        let binaries = self.targets.iter().filter(|it| it.is_binary());
        binaries.map(|it| Binary {
            name: it.name.clone(),
            manifest: self.manifest_path.clone(),
        })
    }
}

impl Workspace {
    /// The one that the template names (`wanted`), that `cargo lambda` built
    /// into this folder, that is called as the handler, that `cargo run` would
    /// run, or the only one there is: of the project's own package, before
    /// others of its workspace.
    pub(super) fn binary(
        &self,
        project: &Path,
        source: &Source,
        wanted: Option<&str>,
    ) -> Result<Binary, StartError> {
        let own = self.package_in(project);
        let own_binaries: Vec<_> = own.iter().flat_map(|it| it.binaries()).collect();
        let all: Vec<_> = self.packages.iter().flat_map(Package::binaries).collect();
        let nearest = match own_binaries.is_empty() {
            true => &all,
            false => &own_binaries,
        };
        let named = |name: &str| {
            let mut candidates = own_binaries.iter().chain(&all);
            candidates.find(|it| it.name == name).cloned()
        };
        let built = source.code.file_name().and_then(|it| it.to_str());
        let built = built.filter(|_| source.code != project);
        let default = own.and_then(|it| it.default_run.as_deref());
        let found = match (wanted, nearest.as_slice()) {
            (Some(wanted), _) => named(wanted),
            (None, [only]) => Some(only.clone()),
            (None, _) => [built, Some(source.handler.as_str()), default]
                .into_iter()
                .flatten()
                .find_map(named),
        };
        found.ok_or_else(|| StartError::Project {
            function: source.name.clone(),
            project: project.to_path_buf(),
            reason: candidates(wanted, nearest, &all),
            remedy: "name one as Metadata.BuildProperties.Binary of the function in the template",
        })
    }

    fn package_in(&self, folder: &Path) -> Option<&Package> {
        let folder = real(folder);
        let mut packages = self.packages.iter();
        packages.find(|it| real(it.folder()) == folder)
    }

    /// Where cargo puts it, unless its configuration names another target than
    /// this machine.
    pub(super) fn executable(&self, binary: &Binary) -> PathBuf {
        let file = format!("{}{}", binary.name, std::env::consts::EXE_SUFFIX);
        self.target_directory.join("debug").join(file)
    }

    /// The folders of its package and of what that is made of here, and the
    /// files of the workspace that say how.
    pub(super) fn sources(&self, binary: &Binary) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        let mut next: Vec<_> = binary.manifest.parent().into_iter().collect();
        while let Some(folder) = next.pop() {
            if folders.iter().any(|it| it == folder) {
                continue;
            }
            folders.push(folder.to_path_buf());
            let package = self.packages.iter().find(|it| it.folder() == folder);
            let dependencies = package.iter().flat_map(|it| &it.dependencies);
            next.extend(dependencies.filter_map(|it| it.path.as_deref()));
        }
        let root = ["Cargo.toml", "Cargo.lock"].map(|it| self.workspace_root.join(it));
        let outside = |file: &PathBuf| !folders.iter().any(|it| file.starts_with(it));
        let root: Vec<_> = root.into_iter().filter(outside).collect();
        folders.extend(root);
        folders
    }
}

fn candidates(wanted: Option<&str>, nearest: &[Binary], all: &[Binary]) -> String {
    let names = |of: &[Binary]| {
        let names: Vec<_> = of.iter().map(|it| it.name.as_str()).collect();
        names.join(", ")
    };
    match (wanted, nearest) {
        (_, []) => "it has no binary (src/main.rs, or a [[bin]] in Cargo.toml)".to_owned(),
        (Some(wanted), _) => format!("it has no binary {wanted}, but {}", names(all)),
        (None, several) => format!("it has several binaries: {}", names(several)),
    }
}

/// cargo writes a folder as it was asked for, or without its links.
fn real(folder: &Path) -> PathBuf {
    folder
        .canonicalize()
        .unwrap_or_else(|_| folder.to_path_buf())
}
