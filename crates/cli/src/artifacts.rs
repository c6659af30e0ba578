//! Where the helper stack's template, Lambdas and layers are: within the
//! command, or beside it, whatever folder it runs in.

#[cfg(feature = "embedded")]
mod embedded;

use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The helper stack's folder: `template.yaml`, and `build/` with what
/// `make stack layer` makes.
pub(crate) struct HelperStackFolder {
    path: PathBuf,
    /// Removed when it is dropped.
    #[cfg(feature = "embedded")]
    _unpacked: Option<tempfile::TempDir>,
}

/// Another place to look, before all others.
const VARIABLE: &str = "TETHER_HELPER_STACK";

impl HelperStackFolder {
    /// Takes what is within the command; in a command without it looks beside
    /// it, in `share/tether`, and in the source tree that it was built in.
    pub(crate) fn find() -> Result<Self> {
        let given = std::env::var_os(VARIABLE).map(PathBuf::from);
        #[cfg(feature = "embedded")]
        if given.is_none() {
            let folder = embedded::unpack()?;
            return Ok(Self {
                path: folder.path().to_owned(),
                _unpacked: Some(folder),
            });
        }
        if let Some(path) = given {
            return Self::given(path);
        }
        let command = std::env::current_exe().and_then(|it| it.canonicalize());
        let command = command.unwrap_or_default();
        let mut around = command.ancestors().skip(1).take(4).flat_map(|folder| {
            ["helper-stack", "share/tether/helper-stack"].map(|it| folder.join(it))
        });
        match around.find(|folder| is_whole(folder)) {
            Some(path) => Ok(Self::at(path)),
            None => bail!(
                "the helper stack's Lambdas and layer are not beside {}: run `make stack layer`, or set {VARIABLE} to their folder",
                command.display()
            ),
        }
    }

    /// Whoever names a folder means no other.
    fn given(path: PathBuf) -> Result<Self> {
        if is_whole(&path) {
            return Ok(Self::at(path));
        }
        bail!(
            "{VARIABLE} is {}, where the helper stack's template and built Lambdas are not: name their folder, or unset it",
            path.display()
        )
    }

    fn at(path: PathBuf) -> Self {
        Self {
            path,
            #[cfg(feature = "embedded")]
            _unpacked: None,
        }
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.path.join("template.yaml")
    }

    /// Which layers there are to deploy.
    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        let has = |layer: &str| self.path.join("build").join(layer).is_dir().to_string();
        BTreeMap::from([
            ("WithX86Layer".to_owned(), has("layer-x86_64")),
            ("WithArm64Layer".to_owned(), has("layer-arm64")),
        ])
    }
}

fn is_whole(folder: &Path) -> bool {
    folder.join("template.yaml").is_file() && built(folder)
}

fn built(folder: &Path) -> bool {
    ["authorizer", "connect", "manager"]
        .iter()
        .all(|name| folder.join("build").join(name).join("bootstrap").is_file())
}
