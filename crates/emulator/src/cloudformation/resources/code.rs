//! Code of functions and layers: from a folder, from S3, or from the template.

use super::{Hands, problem};
use crate::cloudformation::rights;
use crate::files;
use crate::lambda::Archive;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use tether_sam::{Code, Resource};

/// A copy of code. It never changes.
#[derive(Clone)]
pub(in crate::cloudformation) struct Content {
    /// Where it lies.
    pub(super) root: PathBuf,
    /// What it was copied from: the interpreter is found beside it.
    pub(super) source: PathBuf,
    pub(super) sha256: String,
    pub(super) size: u64,
}

impl Hands<'_> {
    /// Takes a copy of code, as a deployment does.
    pub(super) async fn take(
        &self,
        resource: &Resource,
        property: &str,
        code: &Code,
        to: &Path,
    ) -> Result<Content, String> {
        if self.cloud.options.working_copies.is_some() {
            return Ok(self.in_place(code));
        }
        match code {
            Code::Path(path) => self.of_folder(resource, property, path, to),
            Code::Inline(text) => self.inline(text, to),
            Code::Remote(url) => self.of_s3(resource, property, url, to).await,
            Code::Missing => Err(format!("{property} is missing: name a local folder")),
        }
    }

    /// Nothing is copied of code that runs where it is worked on. Its hash is
    /// the place's: what is in it changes by the minute.
    fn in_place(&self, code: &Code) -> Content {
        let folder = self.folder.unwrap_or(Path::new("."));
        let source = match code {
            Code::Path(path) => folder.join(path),
            Code::Inline(_) | Code::Remote(_) | Code::Missing => folder.to_owned(),
        };
        let place = source.display().to_string();
        Content {
            root: source.clone(),
            source,
            sha256: STANDARD.encode(Sha256::digest(place)),
            size: 0,
        }
    }

    fn of_folder(
        &self,
        resource: &Resource,
        property: &str,
        path: &str,
        to: &Path,
    ) -> Result<Content, String> {
        let Some(folder) = self.folder else {
            return Err(no_s3_uri(property));
        };
        let from = folder.join(path);
        if !from.exists() {
            let message = format!(
                "{} does not exist: build it first, or correct the path",
                from.display()
            );
            return Err(problem(self.file, resource, Some(property), message).to_string());
        }
        files::copy(&from, to).map_err(|error| format!("{}: {error}", from.display()))?;
        // Of what was copied: the copies' own times are of now.
        let told = if from.is_dir() { &from } else { to };
        let (sha256, size) = files::fingerprint(told).unwrap_or_default();
        Ok(Content {
            root: to.to_owned(),
            source: from,
            sha256,
            size,
        })
    }

    fn inline(&self, text: &str, to: &Path) -> Result<Content, String> {
        std::fs::create_dir_all(to)
            .and_then(|()| std::fs::write(to.join("index.py"), text))
            .map_err(|error| error.to_string())?;
        let (sha256, size) = files::fingerprint(to).unwrap_or_default();
        Ok(Content {
            root: to.to_owned(),
            source: self.folder.unwrap_or(to).to_owned(),
            sha256,
            size,
        })
    }

    async fn of_s3(
        &self,
        resource: &Resource,
        property: &str,
        url: &str,
        to: &Path,
    ) -> Result<Content, String> {
        let Some((bucket, key)) = bucket_and_key(url) else {
            let message = format!(
                "{property} is {url}, which only AWS can read: name a local folder, or an object \
                 as s3://bucket/key"
            );
            return Err(problem(self.file, resource, Some(property), message).to_string());
        };
        rights::may_read(self.cloud, self.by, bucket, key).await?;
        let object = self.cloud.s3.object(bucket, key).map_err(|error| {
            let message = format!(
                "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {} \
                 (Service: Lambda, Status Code: 400, Request ID: {})",
                error.code,
                error.message,
                crate::id::uuid()
            );
            super::refused(&message, "InvalidRequest")
        })?;
        let archive = Archive::from(object);
        let (sha256, size) = (archive.sha256(), archive.size());
        let unpacked = archive.unpack(to.to_owned()).await;
        unpacked.map_err(|error| super::refused(&error.to_string(), "InvalidRequest"))?;
        Ok(Content {
            root: to.to_owned(),
            source: to.to_owned(),
            sha256,
            size,
        })
    }
}

/// What SAM's transform says of a path that was never uploaded.
pub(in crate::cloudformation) fn no_s3_uri(property: &str) -> String {
    format!(
        "'{property}' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId \
         query parameter."
    )
}

/// `s3://bucket/key`
fn bucket_and_key(url: &str) -> Option<(&str, &str)> {
    let (bucket, key) = url.strip_prefix("s3://")?.split_once('/')?;
    let key = key.split('?').next().unwrap_or(key);
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}
