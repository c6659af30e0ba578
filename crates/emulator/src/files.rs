//! Takes copies of code, as a deployment does.

use std::io;
use std::path::Path;

/// Folders that no deployment takes along.
const NOT_DEPLOYED: [&str; 6] = [
    ".git",
    ".aws-sam",
    ".venv",
    "venv",
    "__pycache__",
    ".vscode",
];

/// Copies a folder, or one file into a folder. Modes are kept; links are
/// followed, as in a zip.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    if from.is_file() {
        let name = from.file_name().unwrap_or_default();
        return std::fs::copy(from, to.join(name)).map(|_| ());
    }
    let mut folders = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = folders.pop() {
        std::fs::create_dir_all(&to)?;
        for entry in std::fs::read_dir(&from)? {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            if std::fs::metadata(&source)?.is_dir() {
                if !NOT_DEPLOYED.iter().any(|it| entry.file_name() == *it) {
                    folders.push((source, target));
                }
            } else {
                std::fs::copy(&source, &target)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_code_and_not_its_history() {
        let root = tempfile::tempdir().unwrap();
        let from = root.path().join("from");
        std::fs::create_dir_all(from.join("pkg")).unwrap();
        std::fs::create_dir_all(from.join(".git")).unwrap();
        std::fs::write(from.join("pkg/app.py"), "x").unwrap();
        std::fs::write(from.join(".git/HEAD"), "x").unwrap();
        let to = root.path().join("to");
        copy(&from, &to).unwrap();
        assert!(to.join("pkg/app.py").is_file());
        assert!(!to.join(".git").exists());
    }
}
