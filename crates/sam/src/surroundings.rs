//! What a template needs of the world around it, as values: other files, other stacks' exports, and
//! what is stored under names.

use std::collections::BTreeMap;
use std::fmt;

/// Reads what a template names. Paths are relative to the folder of the template that
/// [`crate::Template::resolve_in`] was called for, whichever nested template names them.
pub trait Files {
    /// The text of a file: a local path, or an address such as `s3://bucket/key`.
    ///
    /// # Errors
    /// See [`Unread`].
    fn read(&self, path: &str) -> Result<String, Unread>;

    /// The local path of what lies in S3 under this key, if somebody knows (CDK's assets).
    fn asset(&self, key: &str) -> Option<String> {
        let _ = key;
        None
    }
}

/// Why a file's text is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It is not on this machine: what it holds is left out, and that is said.
    Elsewhere(String),
    /// It should be here: the template is wrong.
    Missing(String),
}

/// Nobody reads files here.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<String, Unread> {
        Err(Unread::Elsewhere("no files are read here".to_owned()))
    }
}

/// The world around a template.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Nested templates and what is included.
    pub files: &'a dyn Files,
    /// What other stacks export, by name. `None`: nobody knows, and each import is its own name,
    /// which is enough to find code.
    pub imports: Option<&'a BTreeMap<String, String>>,
    /// What the parameter store and Secrets Manager hold; see `stored` for the names that count.
    pub stored: &'a BTreeMap<String, String>,
}

static NOTHING: BTreeMap<String, String> = BTreeMap::new();

impl Default for Surroundings<'_> {
    fn default() -> Self {
        Self {
            files: &NoFiles,
            imports: Some(&NOTHING),
            stored: &NOTHING,
        }
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Surroundings")
            .field("imports", &self.imports.map(BTreeMap::keys))
            .field("stored", &self.stored.keys())
            .finish_non_exhaustive()
    }
}

/// `path` as it is written in a file of `folder` (empty: the root template's own), from the root
/// template's folder.
pub(crate) fn seen_from(folder: &str, path: &str) -> String {
    let stays = folder.is_empty() || path.starts_with(['/', '~']) || path.contains("://");
    if stays || path.get(1..3) == Some(":\\") {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|it| *it != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let path = parts.join("/");
    match (folder.starts_with('/'), path.as_str()) {
        (true, _) => format!("/{path}"),
        (false, "") => ".".to_owned(),
        (false, _) => path,
    }
}

/// The folder of a path: `a` of `a/b.yaml`.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_the_root_templates_folder() {
        for (folder, path, seen) in [
            ("", "src", "src"),
            ("", "./src", "./src"),
            ("nested", "src", "nested/src"),
            ("nested", "./src/", "nested/src"),
            ("nested/deep", "../src", "nested/src"),
            ("nested", "..", "."),
            ("..", "../src", "../../src"),
            ("/abs", "src", "/abs/src"),
            ("nested", "/abs/src", "/abs/src"),
            ("nested", "s3://b/k", "s3://b/k"),
        ] {
            assert_eq!(seen_from(folder, path), seen, "{path} in {folder}");
        }
        assert_eq!(folder_of("a/b/c.yaml"), "a/b");
        assert_eq!(folder_of("c.yaml"), "");
    }
}
