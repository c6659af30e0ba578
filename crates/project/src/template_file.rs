//! A template on disk, and what it names: other files beside it, and CDK's assets.

use crate::cdk;
use crate::error::ProjectError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tether_sam::{Files, Unread};

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
    /// What was read of other files.
    read: Mutex<BTreeSet<PathBuf>>,
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
        let text = std::fs::read_to_string(&path).map_err(|error| ProjectError::NoTemplate {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let folder = absolute.parent().unwrap_or(Path::new(".")).to_path_buf();
        Ok(Self {
            assets: cdk::assets(&path)?,
            path,
            text,
            folder,
            read: Mutex::default(),
        })
    }

    /// The files that the template has named so far, and whose content is part of it.
    #[must_use]
    pub fn named(&self) -> Vec<PathBuf> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.iter().cloned().collect()
    }
}

impl Files for TemplateFile {
    fn read(&self, path: &str) -> Result<String, Unread> {
        if path.contains("://") {
            return Err(Unread::Elsewhere("only files here are read".to_owned()));
        }
        let path = self.folder.join(path);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(path.clone());
        drop(read);
        let text = std::fs::read_to_string(path);
        text.map_err(|error| Unread::Missing(error.to_string()))
    }

    fn asset(&self, key: &str) -> Option<String> {
        self.assets.get(key).cloned()
    }
}
