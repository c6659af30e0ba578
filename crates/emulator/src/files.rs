//! Takes copies of code, as a deployment does.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
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

/// What stands for the SHA-256 of a folder that was never a zip, and its size:
/// another one when a file is added, removed or written.
pub(crate) fn fingerprint(root: &Path) -> io::Result<(String, u64)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let about = std::fs::metadata(entry.path())?;
            if about.is_file() {
                let inside = entry.path();
                let inside = inside.strip_prefix(root).unwrap_or(&inside);
                let line = format!("{} {:?}\n", inside.display(), about.modified().ok());
                files.push((line, about.len()));
            } else if !NOT_DEPLOYED.iter().any(|it| entry.file_name() == *it) {
                folders.push(entry.path());
            }
        }
    }
    files.sort();
    let mut digest = Sha256::new();
    for (line, size) in &files {
        digest.update(line);
        digest.update(size.to_be_bytes());
    }
    let digest = base64::engine::general_purpose::STANDARD.encode(digest.finalize());
    Ok((digest, files.iter().map(|(_, size)| size).sum()))
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
        let (first, size) = fingerprint(&from).unwrap();
        assert_eq!(size, 1);
        std::fs::write(from.join("pkg/new.py"), "y").unwrap();
        assert_ne!(fingerprint(&from).unwrap(), (first, 2));
    }
}
