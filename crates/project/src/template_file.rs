//! A template on disk, and what it names: other files beside it, and CDK's assets.

use crate::cdk;
use crate::error::ProjectError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use tether_sam::{Files, Unread};

/// What is known of a file: when it was written, and how long it is. None: it is not there.
pub type Glance = Option<(SystemTime, u64)>;

/// A file as it is now.
#[must_use]
pub fn glance(file: &Path) -> Glance {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// A template with the files around it, for [`tether_sam::Surroundings::files`]. It does not print.
pub struct TemplateFile {
    /// The template itself: in a cloud assembly, the one that was chosen.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
    /// Where its relative paths start.
    pub folder: PathBuf,
    /// Local paths by their key in S3, from CDK's asset manifest.
    assets: BTreeMap<String, String>,
    /// It, and what was read of other files, as each was before.
    read: Mutex<BTreeMap<PathBuf, Glance>>,
}

impl TemplateFile {
    /// Reads a template, or the one of a stack in CDK's `cdk.out`.
    ///
    /// # Errors
    /// When it cannot be read; when a folder is no cloud assembly, or holds several stacks and none
    /// of them is named.
    pub fn open(path: &Path, stack: Option<&str>) -> Result<Self, ProjectError> {
        let path = match path.is_dir() {
            true => cdk::template(path, stack)?,
            false => path.to_path_buf(),
        };
        let before = glance(&path);
        let text = std::fs::read_to_string(&path).map_err(|error| ProjectError::NoTemplate {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let folder = absolute.parent().unwrap_or(Path::new(".")).to_path_buf();
        Ok(Self {
            assets: cdk::assets(&path)?,
            read: Mutex::new(BTreeMap::from([(path.clone(), before)])),
            path,
            text,
            folder,
        })
    }

    /// The template, and the files that it has named so far, whose content is part of it: each as
    /// it was before it was read for the first time.
    #[must_use]
    pub fn seen(&self) -> Vec<(PathBuf, Glance)> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = read.iter();
        seen.map(|(path, then)| (path.clone(), *then)).collect()
    }
}

impl Files for TemplateFile {
    fn read(&self, path: &str) -> Result<String, Unread> {
        if path.contains("://") {
            return Err(Unread::Elsewhere("only files here are read".to_owned()));
        }
        let path = self.folder.join(path);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(path.clone()).or_insert_with(|| glance(&path));
        drop(read);
        let text = std::fs::read_to_string(path);
        text.map_err(|error| Unread::Missing(error.to_string()))
    }

    fn asset(&self, key: &str) -> Option<String> {
        self.assets.get(key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_as_it_was_before_it_was_read_first() {
        let folder = tempfile::tempdir().unwrap();
        let (template, part) = (
            folder.path().join("t.yaml"),
            folder.path().join("part.yaml"),
        );
        std::fs::write(&template, "Resources: {}\n").unwrap();
        std::fs::write(&part, "one").unwrap();
        let file = TemplateFile::open(&template, None).unwrap();
        assert_eq!(file.read("part.yaml").unwrap(), "one");
        assert!(file.read("missing.yaml").is_err());
        let before = glance(&part);
        std::fs::write(&part, "another").unwrap();
        std::fs::write(&template, "Resources: {}\n# more\n").unwrap();
        assert_eq!(file.read("part.yaml").unwrap(), "another");

        let seen: BTreeMap<_, _> = file.seen().into_iter().collect();
        assert_eq!(seen[&part], before);
        assert_ne!(seen[&part], glance(&part));
        assert_ne!(seen[&template], glance(&template));
        assert_eq!(seen[&folder.path().join("missing.yaml")], None);
    }
}
