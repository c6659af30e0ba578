//! Whether code has changed since a process was started.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

/// Folders whose files are not the developer's code.
const NOT_CODE: [&str; 3] = ["venv", "node_modules", "target"];

/// Endings of files that editors and processes leave beside code.
const NOT_SAVED: [&str; 5] = ["~", ".swp", ".pyc", ".log", ".tmp"];

/// A look at more files than this would cost more than it is worth.
const MOST_FILES: usize = 20_000;

/// The code below a folder at one moment: which files, when written, how long.
/// An older file that takes a newer one's place is a change as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(root: &Path) -> Self {
        let mut folders = vec![root.to_path_buf()];
        let (mut left, mut sum) = (MOST_FILES, 0u64);
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let Ok(about) = entry.metadata() else {
                    continue;
                };
                if is_nobodys(&name) || left == 0 {
                    continue;
                }
                left -= 1;
                if about.is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let mut hasher = DefaultHasher::new();
                entry.path().hash(&mut hasher);
                about.len().hash(&mut hasher);
                about.modified().ok().hash(&mut hasher);
                // Whatever the order of the folder.
                sum = sum.wrapping_add(hasher.finish());
            }
        }
        Self(sum)
    }
}

fn is_nobodys(name: &str) -> bool {
    name.starts_with(['.', '#'])
        || name.starts_with("__pycache__")
        || NOT_CODE.contains(&name)
        || NOT_SAVED.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_a_developer_does_is_noticed_and_what_tools_leave_is_not() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let now = || Fingerprint::of(root.path());
        fs::create_dir_all(at("pkg/__pycache__")).unwrap();
        fs::write(at("pkg/app.py"), "one").unwrap();
        let first = now();
        assert_eq!(first, now());

        fs::write(at("pkg/__pycache__/app.pyc"), "x").unwrap();
        fs::write(at(".app.py.swp"), "x").unwrap();
        fs::write(at("run.log"), "x").unwrap();
        assert_eq!(first, now());

        // Of the same length, and older.
        let old = fs::metadata(at("pkg/app.py")).unwrap().modified().unwrap();
        let file = fs::File::create(at("pkg/app.py")).unwrap();
        file.set_modified(old - std::time::Duration::from_secs(86_400))
            .unwrap();
        fs::write(at("pkg/new.py"), "x").unwrap();
        let second = now();
        assert_ne!(first, second);
        fs::remove_file(at("pkg/new.py")).unwrap();
        assert_ne!(second, now());
    }
}
