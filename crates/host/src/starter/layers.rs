//! What a function finds below `/opt` on Lambda, on this machine: the folders
//! of its layers, by the variables that its language goes by
//! (<https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html>).

use super::Source;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use tether_runtime_api::runtimes::{self, Language};

/// The layers of a function. On Lambda they lie one over the other, the last
/// one on top; here the last one is searched first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    /// The last one first.
    folders: Vec<PathBuf>,
    code: PathBuf,
    runtime: String,
}

/// What of `/opt` reaches code by a variable.
const BY_VARIABLES: [&str; 6] = ["python", "nodejs", "ruby", "java", "bin", "lib"];

impl Layers {
    pub(crate) fn of(source: &Source) -> Self {
        Self {
            folders: source.layers.iter().rev().cloned().collect(),
            code: source.code.clone(),
            runtime: source.runtime.clone(),
        }
    }

    /// What code that names `/opt` itself does not find.
    pub(super) fn notes(&self) -> Vec<String> {
        let layers = self.folders.iter().rev();
        layers
            .filter_map(|layer| {
                let others = others(layer);
                if others.is_empty() {
                    return None;
                }
                let (layer, others) = (layer.display(), others.join(", "));
                Some(format!(
                    "its layer {layer} is not at /opt here: code that names /opt/{others} does not find it"
                ))
            })
            .collect()
    }

    /// Behind the code itself: `sys.path` of Lambda's Python.
    pub(super) fn python(&self) -> Vec<PathBuf> {
        let version = runtimes::version(&self.runtime).unwrap_or("3");
        let mut paths = self.existing(&format!("python/lib/python{version}/site-packages"));
        paths.extend(self.existing("python"));
        paths.extend(self.own(&["py"]));
        paths
    }

    /// `NODE_PATH`; ES modules do not go by it, here or there.
    pub(super) fn node(&self) -> Vec<PathBuf> {
        let major = runtimes::version(&self.runtime).unwrap_or_default();
        let mut paths = self.existing(&format!("nodejs/node{major}/node_modules"));
        paths.extend(self.existing("nodejs/node_modules"));
        paths.extend(self.existing("node_modules"));
        paths.extend(self.own(&["js", "mjs", "cjs"]));
        paths
    }

    /// For all languages: programs and libraries, and Ruby's gems.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        let programs = self.existing("bin");
        if !programs.is_empty() {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let developers = std::env::split_paths(&path);
            variables.extend(joined("PATH", developers.chain(programs)));
        }
        let own = [self.code.join("lib")];
        let libraries = own.into_iter().chain(self.existing("lib"));
        let libraries = libraries.filter(|it| has(it, |name| name.contains(".so")));
        variables.extend(joined("LD_LIBRARY_PATH", libraries));
        if runtimes::Language::of(&self.runtime) == Some(Language::Ruby) {
            let version = runtimes::version(&self.runtime).unwrap_or_default();
            let gems = self.existing(&format!("ruby/gems/{version}.0"));
            variables.extend(joined("GEM_PATH", gems));
            let lib = self.existing("ruby/lib");
            variables.extend(joined("RUBYLIB", lib.into_iter().chain(self.own(&["rb"]))));
        }
        variables
    }

    fn existing(&self, below: &str) -> Vec<PathBuf> {
        let folders = self.folders.iter().map(|it| it.join(below));
        folders.filter(|it| it.is_dir()).collect()
    }

    /// Layers that are a folder of modules, as SAM's build takes them: it puts
    /// them where Lambda wants them.
    fn own(&self, extensions: &[&str]) -> Vec<PathBuf> {
        let is_module = |name: &str| {
            let path = Path::new(name);
            path.extension()
                .and_then(OsStr::to_str)
                .is_some_and(|it| extensions.contains(&it))
        };
        let folders = self.folders.iter();
        folders
            .filter(|it| has(it, is_module) || has_package(it, extensions))
            .cloned()
            .collect()
    }
}

/// A Python package in the layer's own folder.
fn has_package(layer: &Path, extensions: &[&str]) -> bool {
    let entries = std::fs::read_dir(layer).into_iter().flatten().flatten();
    extensions == ["py"]
        && entries
            .into_iter()
            .any(|it| it.path().join("__init__.py").is_file())
}

fn has(folder: &Path, wanted: impl Fn(&str) -> bool) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|it| it.file_name().to_str().is_some_and(&wanted))
}

/// Top-level entries that no variable leads to.
fn others(layer: &Path) -> Vec<String> {
    let sources = ["py", "js", "mjs", "cjs", "ts", "rb"];
    let manifests = [
        "requirements.txt",
        "package.json",
        "package-lock.json",
        "node_modules",
        "Gemfile",
        "Makefile",
        "pyproject.toml",
    ];
    let entries = std::fs::read_dir(layer).into_iter().flatten().flatten();
    let mut others: Vec<String> = entries
        .filter(|it| !it.path().join("__init__.py").is_file())
        .filter_map(|it| it.file_name().into_string().ok())
        .filter(|name| {
            let extension = Path::new(name).extension().and_then(OsStr::to_str);
            !name.starts_with('.')
                && !BY_VARIABLES.contains(&name.as_str())
                && !manifests.contains(&name.as_str())
                && !extension.is_some_and(|it| sources.contains(&it))
        })
        .collect();
    others.sort();
    others
}

/// A variable that lists paths; none without any.
pub(super) fn joined(
    name: &str,
    paths: impl IntoIterator<Item = PathBuf>,
) -> Option<(String, String)> {
    let mut paths = paths.into_iter().peekable();
    paths.peek()?;
    let value = std::env::join_paths(paths).ok()?.into_string().ok()?;
    Some((name.to_owned(), value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn source(root: &Path, runtime: &str) -> Source {
        Source {
            code: root.join("code"),
            runtime: runtime.to_owned(),
            layers: vec![root.join("low"), root.join("high")],
            ..Source::default()
        }
    }

    fn desk(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let file = root.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        root
    }

    fn below(root: &Path, paths: Vec<PathBuf>) -> Vec<String> {
        let strip = |it: PathBuf| it.strip_prefix(root).unwrap().display().to_string();
        paths.into_iter().map(strip).collect()
    }

    #[test]
    fn pythons_layers_are_searched_from_the_last_to_the_first() {
        let root = desk(&[
            "low/python/a.py",
            "low/python/lib/python3.13/site-packages/b.py",
            "low/python/lib/python3.9/site-packages/b.py",
            "high/python/a.py",
            "high/c.py",
        ]);
        let layers = Layers::of(&source(root.path(), "python3.13"));
        assert_eq!(
            below(root.path(), layers.python()),
            [
                "low/python/lib/python3.13/site-packages",
                "high/python",
                "low/python",
                "high",
            ]
        );
        assert!(layers.notes().is_empty(), "{:?}", layers.notes());
    }

    #[test]
    fn nodes_layers_have_a_folder_for_each_version() {
        let root = desk(&[
            "low/nodejs/node_modules/a/index.js",
            "low/nodejs/node22/node_modules/a/index.js",
            "high/nodejs/node_modules/a/index.js",
        ]);
        let layers = Layers::of(&source(root.path(), "nodejs22.x"));
        assert_eq!(
            below(root.path(), layers.node()),
            [
                "low/nodejs/node22/node_modules",
                "high/nodejs/node_modules",
                "low/nodejs/node_modules",
            ]
        );
    }

    #[test]
    fn programs_and_libraries_come_by_variables_and_the_rest_is_told() {
        let root = desk(&[
            "low/bin/convert",
            "low/lib/libmagic.so.1",
            "high/lib/readme.txt",
            "high/etc/config.json",
            "high/extensions/agent",
        ]);
        let layers = Layers::of(&source(root.path(), "provided.al2023"));
        let variables = layers.variables();
        let last = |name: &str| {
            let list = variables.get(name).unwrap();
            std::env::split_paths(list).last().unwrap()
        };
        assert_eq!(last("PATH"), root.path().join("low/bin"));
        assert_eq!(last("LD_LIBRARY_PATH"), root.path().join("low/lib"));
        let notes = layers.notes();
        let [note] = notes.as_slice() else {
            panic!("{notes:?}");
        };
        assert!(note.contains("/opt/etc, extensions"), "{note}");
    }

    #[test]
    fn without_layers_there_is_nothing_to_set() {
        let layers = Layers::of(&Source::default());
        assert!(layers.variables().is_empty());
        assert!(layers.python().is_empty() && layers.node().is_empty());
    }
}
