//! What is installed: the template, and zips of what was built for it.

use crate::error::Error;
use crate::zips;
use std::path::{Path, PathBuf};

/// A processor architecture, as Lambda names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// `x86_64`
    X86,
    /// `arm64`
    Arm64,
}

impl Architecture {
    const ALL: [Self; 2] = [Self::X86, Self::Arm64];

    /// Lambda's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// Reads Lambda's name of it.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What an executable was built for, by the head of its file
    /// (<https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>).
    fn of_executable(content: &[u8]) -> Option<Self> {
        match (content.get(..4)?, content.get(18..20)?) {
            (b"\x7fELF", [0x3e, 0]) => Some(Self::X86),
            (b"\x7fELF", [0xb7, 0]) => Some(Self::Arm64),
            _ => None,
        }
    }
}

/// The helper Lambdas.
const FUNCTIONS: [&str; 3] = ["authorizer", "connect", "manager"];

/// The template and everything that it needs.
#[derive(Clone, Debug)]
pub struct Artifacts {
    pub(crate) template: String,
    pub(crate) packages: Vec<Package>,
    pub(crate) architecture: Architecture,
    pub(crate) layers: Vec<Architecture>,
}

/// A zip to upload.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    /// Where the template looks for its content: `build/manager/`.
    pub(crate) path: String,
    /// `manager`
    pub(crate) name: String,
    pub(crate) zip: Vec<u8>,
}

impl Artifacts {
    /// Reads the helper stack's folder: `template.yaml`, and `build/` with what
    /// `make stack layer` makes.
    ///
    /// # Errors
    /// When something is missing, or was built for another architecture.
    pub fn read(folder: &Path, wanted: Option<Architecture>) -> Result<Self, Error> {
        let template = folder.join("template.yaml");
        let text = std::fs::read_to_string(&template);
        let text = text.map_err(|error| Error::artifact(&template, error))?;
        let build = folder.join("build");
        let executables = FUNCTIONS.map(|name| function(&build, name, wanted));
        let mut packages = Vec::new();
        let mut built = None;
        for (name, executable) in FUNCTIONS.into_iter().zip(executables) {
            let (architecture, content) = executable?;
            if *built.get_or_insert(architecture) != architecture {
                let mixed = "it was built for another architecture than the others";
                return Err(Error::artifact(build.join(name), mixed));
            }
            packages.push(package(name, "bootstrap", &content)?);
        }
        let mut layers = Vec::new();
        for architecture in Architecture::ALL {
            let name = format!("layer-{}", architecture.name());
            let file = build.join(&name).join("tether-bootstrap");
            if file.is_file() {
                packages.push(package(&name, "tether-bootstrap", &read(&file)?)?);
                layers.push(architecture);
            }
        }
        if layers.is_empty() {
            return Err(Error::NoLayer);
        }
        Ok(Self {
            template: text,
            packages,
            architecture: built.unwrap_or(Architecture::X86),
            layers,
        })
    }

    /// The package of a local path; for a layer that was not built any other:
    /// its condition is false, but the transform wants a URI.
    pub(crate) fn package_at(&self, path: &str) -> Option<&Package> {
        let its = self.packages.iter().find(|it| it.path == path);
        let is_layer = path.starts_with("build/layer-");
        its.or_else(|| self.packages.last().filter(|_| is_layer))
    }
}

/// A helper Lambda's executable, of the wanted architecture or of the one that
/// there is.
fn function(
    build: &Path,
    name: &str,
    wanted: Option<Architecture>,
) -> Result<(Architecture, Vec<u8>), Error> {
    let usual = build.join(name).join("bootstrap");
    let beside = Architecture::ALL
        .into_iter()
        .filter(|it| wanted.is_none_or(|wanted| wanted == *it))
        .map(|it| build.join(it.name()).join(name).join("bootstrap"));
    let there: Vec<PathBuf> = std::iter::once(usual.clone())
        .chain(beside)
        .filter(|it| it.is_file())
        .collect();
    let mut built = Vec::new();
    for file in there {
        let content = read(&file)?;
        let Some(architecture) = Architecture::of_executable(&content) else {
            return Err(Error::artifact(file, "it is no executable for Lambda"));
        };
        if wanted.is_none_or(|it| it == architecture) {
            return Ok((architecture, content));
        }
        built.push(architecture.name());
    }
    match wanted {
        Some(wanted) if !built.is_empty() => Err(Error::Architecture {
            wanted: wanted.name(),
            built: built.join(", "),
        }),
        _ => Err(Error::artifact(usual, "it does not exist")),
    }
}

fn package(name: &str, executable: &str, content: &[u8]) -> Result<Package, Error> {
    let zip = zips::of_executable(executable, content);
    Ok(Package {
        path: format!("build/{name}/"),
        name: name.to_owned(),
        zip: zip.map_err(|error| Error::artifact(name, error))?,
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|error| Error::artifact(file, error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn executable(machine: u8) -> Vec<u8> {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(18, 0);
        head.extend([machine, 0]);
        head
    }

    fn put(folder: &Path, path: &str, content: &[u8]) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn built(machine: u8) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "template.yaml", b"Description: x\n");
        for name in FUNCTIONS {
            put(
                folder.path(),
                &format!("build/{name}/bootstrap"),
                &executable(machine),
            );
        }
        let layer = "build/layer-arm64/tether-bootstrap";
        put(folder.path(), layer, &executable(0xb7));
        folder
    }

    #[test]
    fn what_was_built_is_what_is_installed() {
        let folder = built(0x3e);
        let artifacts = Artifacts::read(folder.path(), None).unwrap();
        assert_eq!(artifacts.architecture, Architecture::X86);
        assert_eq!(artifacts.layers, [Architecture::Arm64]);
        let paths: Vec<_> = artifacts.packages.iter().map(|it| &*it.path).collect();
        let expected = [
            "build/authorizer/",
            "build/connect/",
            "build/manager/",
            "build/layer-arm64/",
        ];
        assert_eq!(paths, expected);
        // A layer that was not built has a URI all the same, a function has not.
        assert!(artifacts.package_at("build/layer-x86_64/").is_some());
        assert!(artifacts.package_at("build/other/").is_none());
    }

    #[test]
    fn another_architecture_is_looked_for_beside_it() {
        let folder = built(0x3e);
        let arm = Some(Architecture::Arm64);
        let error = Artifacts::read(folder.path(), arm).unwrap_err().to_string();
        assert!(
            error.contains("not built for arm64: there are those for x86_64"),
            "{error}"
        );
        for name in FUNCTIONS {
            let path = format!("build/arm64/{name}/bootstrap");
            put(folder.path(), &path, &executable(0xb7));
        }
        let artifacts = Artifacts::read(folder.path(), arm).unwrap();
        assert_eq!(artifacts.architecture, Architecture::Arm64);
        let usual = Artifacts::read(folder.path(), None).unwrap();
        assert_eq!(usual.architecture, Architecture::X86);
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = built(0x3e);
        std::fs::remove_file(folder.path().join("build/connect/bootstrap")).unwrap();
        let error = Artifacts::read(folder.path(), None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("connect") && error.contains("make stack layer"),
            "{error}"
        );
        let folder = built(0x3e);
        std::fs::remove_dir_all(folder.path().join("build/layer-arm64")).unwrap();
        let error = Artifacts::read(folder.path(), None).unwrap_err();
        assert!(matches!(error, Error::NoLayer));
    }
}
