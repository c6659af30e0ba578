//! Zips that are the same whenever and wherever they are made: whether
//! something is to be uploaded is decided by their content.

use std::io::{Cursor, Write as _};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// One executable at the root of an archive. Lambda wants it executable by
/// everybody
/// (<https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html>).
///
/// # Errors
/// When the content is too much for an archive.
pub(crate) fn of_executable(name: &str, content: &[u8]) -> Result<Vec<u8>, ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, options)?;
    writer.write_all(content)?;
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn an_archive_holds_one_executable_at_its_root() {
        let zip = of_executable("bootstrap", b"\x7fELF and so on").unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut file = archive.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), "bootstrap");
        assert_eq!(file.unix_mode().map(|it| it & 0o777), Some(0o755));
        assert_eq!(file.last_modified(), Some(DateTime::default()));
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fELF and so on");
    }

    #[test]
    fn the_same_content_makes_the_same_archive() {
        let of = |content: &[u8]| of_executable("bootstrap", content).unwrap();
        assert_eq!(of(b"one"), of(b"one"));
        assert_ne!(of(b"one"), of(b"two"));
    }
}
