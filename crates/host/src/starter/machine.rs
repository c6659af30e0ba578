//! The developer's machine, as far as it says where tools are.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Variables and folders of the developer, read once.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    variables: HashMap<String, OsString>,
}

impl Machine {
    /// This one.
    pub(super) fn this() -> Self {
        let named = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            Some((name, value))
        });
        Self {
            variables: named.collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn of<const N: usize>(variables: [(&str, &Path); N]) -> Self {
        let own = |(name, value): (&str, &Path)| (name.to_owned(), value.into());
        Self {
            variables: variables.map(own).into(),
        }
    }

    /// A variable that is not empty, as a path.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then(|| value.into())
    }

    /// The developer's own folder.
    pub(super) fn home(&self) -> Option<PathBuf> {
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.path(home)
    }

    /// A variable's folder, or one below the developer's own.
    pub(super) fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let given = self.path(variable);
        given.or_else(|| Some(self.home()?.join(below_home)))
    }

    /// Where programs keep data
    /// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
    pub(super) fn data(&self) -> Option<PathBuf> {
        self.folder("XDG_DATA_HOME", ".local/share")
    }

    /// The folders of the PATH, in order.
    pub(super) fn search_path(&self) -> Vec<PathBuf> {
        let path = self.variables.get("PATH").cloned().unwrap_or_default();
        std::env::split_paths(&path)
            .filter(|folder| !folder.as_os_str().is_empty())
            .collect()
    }

    /// The first of the PATH with one of these names.
    pub(super) fn on_path(&self, names: &[&str]) -> Option<PathBuf> {
        let folders = self.search_path();
        let mut candidates = folders
            .iter()
            .flat_map(|folder| names.iter().map(|name| folder.join(name)));
        candidates.find(|it| is_program(it))
    }
}

/// Whether this could be started.
pub(super) fn is_program(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let about = file.metadata();
        about.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        file.is_file()
    }
}

/// A path from the root, for a process in another folder. A virtualenv's
/// interpreter is a link, and stays one.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// The folder of the code and those above it, the nearest first.
pub(super) fn upwards(code: &Path) -> Vec<PathBuf> {
    let code = absolute(code.to_path_buf());
    code.ancestors().map(Path::to_path_buf).collect()
}
