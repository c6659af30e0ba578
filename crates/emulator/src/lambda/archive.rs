//! Code and layers that come as a zip in a request.

use super::error::LambdaError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::io::Cursor;
use std::path::PathBuf;

/// Code and all layers, unzipped
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const UNZIPPED: u64 = 250 * 1024 * 1024;

/// A zip file.
pub(crate) struct Archive(Bytes);

/// Reads the base64 of a `ZipFile`.
pub(crate) fn read(member: Option<&Value>) -> Result<Archive, LambdaError> {
    let Some(text) = member.and_then(Value::as_str) else {
        let message = "Please provide a source for function code.".to_owned();
        return Err(LambdaError::InvalidParameter(message));
    };
    let bytes = STANDARD.decode(text).map_err(|_| no_zip())?;
    Ok(Archive(Bytes::from(bytes)))
}

impl From<Bytes> for Archive {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

fn no_zip() -> LambdaError {
    LambdaError::InvalidParameter(
        "Could not unzip uploaded file. Please check your file, then try to upload again."
            .to_owned(),
    )
}

impl Archive {
    pub(crate) fn sha256(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.0))
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.len() as u64
    }

    /// Unpacks it into a new folder, with its files' modes.
    pub(crate) async fn unpack(self, to: PathBuf) -> Result<(), LambdaError> {
        let unpacking = tokio::task::spawn_blocking(move || unpack(&self.0, &to));
        let unpacked = unpacking.await;
        unpacked.map_err(|error| LambdaError::Failed(error.to_string()))?
    }
}

fn unpack(bytes: &[u8], to: &PathBuf) -> Result<(), LambdaError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| no_zip())?;
    let mut unzipped = 0u64;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|_| no_zip())?;
        unzipped = unzipped.saturating_add(file.size());
        // No file outside the folder.
        if file.enclosed_name().is_none() {
            return Err(no_zip());
        }
    }
    if unzipped > UNZIPPED {
        return Err(LambdaError::InvalidParameter(format!(
            "Unzipped size must be smaller than {UNZIPPED} bytes"
        )));
    }
    std::fs::create_dir_all(to).map_err(|error| LambdaError::Failed(error.to_string()))?;
    archive.extract(to).map_err(|_| no_zip())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use std::io::Write as _;
    use zip::write::SimpleFileOptions;

    fn zipped(name: &str) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let mode = SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file(name, mode).unwrap();
        writer.write_all(b"x").unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_zip_becomes_files_and_nothing_outside_its_folder() {
        let root = tempfile::tempdir().unwrap();
        unpack(&zipped("bin/tool"), &root.path().join("good")).unwrap();
        let file = root.path().join("good/bin/tool");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o755);
        }
        assert_eq!(std::fs::read(file).unwrap(), b"x");
        assert!(unpack(&zipped("../evil"), &root.path().join("bad")).is_err());
        assert!(!root.path().join("evil").exists());
        assert!(unpack(b"no zip", &root.path().join("none")).is_err());
    }
}
