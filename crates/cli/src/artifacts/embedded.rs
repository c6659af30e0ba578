//! The helper stack within the command: see `build.rs`.

use anyhow::{Context as _, Result};
use std::io::Cursor;
use tempfile::TempDir;

const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/helper-stack.zip"));

/// Into a folder of its own, that nobody else may enter.
pub(super) fn unpack() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("tether-").tempdir();
    let folder = folder.context("no temporary folder can be made: set TMPDIR to one that can")?;
    zip::ZipArchive::new(Cursor::new(ARCHIVE))
        .and_then(|mut archive| archive.extract(folder.path()))
        .with_context(|| {
            format!(
                "the helper stack cannot be unpacked into {}: make room there, or set TMPDIR to another folder",
                folder.path().display()
            )
        })?;
    Ok(folder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_can_be_installed_and_goes_when_it_is_not_needed() {
        let folder = unpack().unwrap();
        let path = folder.path().to_owned();
        assert!(super::super::built(&path));
        tether_installer::Artifacts::read(&path, None).unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
