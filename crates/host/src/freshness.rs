//! Whether code has changed since a process was started.

use std::path::Path;
use std::time::SystemTime;

/// Folders whose files are not the developer's code.
const NOT_CODE: [&str; 10] = [
    ".git",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".aws-sam",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "target",
];

/// A look at more files than this would cost more than it is worth.
const MOST_FILES: usize = 20_000;

/// Whether a file below `root` was written after `since`.
pub(crate) fn changed_since(root: &Path, since: SystemTime) -> bool {
    let mut folders = vec![root.to_path_buf()];
    let mut left = MOST_FILES;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            left = left.saturating_sub(1);
            if left == 0 {
                return false;
            }
            let Ok(about) = entry.metadata() else {
                continue;
            };
            let name = entry.file_name();
            if about.is_dir() {
                if !NOT_CODE.iter().any(|it| name == *it) {
                    folders.push(entry.path());
                }
            } else if about.modified().is_ok_and(|at| at > since) {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_saved_file_is_noticed_and_bytecode_is_not() {
        let root = tempfile::tempdir().unwrap();
        let before = SystemTime::now() - Duration::from_secs(5);
        std::fs::create_dir(root.path().join("__pycache__")).unwrap();
        std::fs::write(root.path().join("__pycache__/app.pyc"), "x").unwrap();
        assert!(!changed_since(root.path(), before));
        std::fs::create_dir(root.path().join("pkg")).unwrap();
        std::fs::write(root.path().join("pkg/app.py"), "x").unwrap();
        assert!(changed_since(root.path(), before));
        assert!(!changed_since(
            root.path(),
            SystemTime::now() + Duration::from_secs(5)
        ));
    }
}
