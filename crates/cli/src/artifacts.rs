//! Where the helper stack's template, Lambdas and layers are: beside the
//! command, whatever folder it runs in.

use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The helper stack's folder: `template.yaml`, and `build/` with what
/// `make stack layer` makes.
pub(crate) struct HelperStackFolder(PathBuf);

/// Another place to look, before all others.
const VARIABLE: &str = "TETHER_HELPER_STACK";

impl HelperStackFolder {
    /// Looks beside the command, in `share/tether`, and in the source tree that
    /// the command was built in.
    pub(crate) fn find() -> Result<Self> {
        let given = std::env::var_os(VARIABLE).map(PathBuf::from);
        let command = std::env::current_exe().and_then(|it| it.canonicalize());
        let command = command.unwrap_or_default();
        let around = command.ancestors().skip(1).take(4).flat_map(|folder| {
            ["helper-stack", "share/tether/helper-stack"].map(|it| folder.join(it))
        });
        let found = given
            .into_iter()
            .chain(around)
            .find(|folder| folder.join("template.yaml").is_file() && built(folder));
        match found {
            Some(folder) => Ok(Self(folder)),
            None => bail!(
                "the helper stack's Lambdas and layer are not beside {}: run `make stack layer`, set {VARIABLE} to their folder, or pass --no-helper-stack",
                command.display()
            ),
        }
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.0.join("template.yaml")
    }

    /// Which layers there are to deploy.
    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        let has = |layer: &str| self.0.join("build").join(layer).is_dir().to_string();
        BTreeMap::from([
            ("WithX86Layer".to_owned(), has("layer-x86_64")),
            ("WithArm64Layer".to_owned(), has("layer-arm64")),
        ])
    }
}

fn built(folder: &Path) -> bool {
    ["authorizer", "connect", "manager"]
        .iter()
        .all(|name| folder.join("build").join(name).join("bootstrap").is_file())
}
