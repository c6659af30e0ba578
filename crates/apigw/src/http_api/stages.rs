//! Stages: the first segment of the path, or none.

use crate::http_api::routes::decoded;

/// The stage that stands at the root
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html>).
pub const DEFAULT_STAGE: &str = "$default";

/// An API's stages by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stages(Vec<String>);

/// The stage of a request, and what is left of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its place in what [`Stages::new`] got.
    pub index: usize,
    /// `$default`, `dev`.
    pub name: &'a str,
    /// The path without the stage, decoded: what routes are held against.
    pub path: String,
}

impl Stages {
    /// All stages of an API.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// The stage that a path, as it stands in the request line, is meant for: the one that its
    /// first segment names, or else `$default`. None: 404, see [`not_found`](super::not_found).
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Found<'_>> {
        let path = decoded(path);
        let after = path.strip_prefix('/').unwrap_or(&path);
        let (first, rest) = match after.find('/') {
            Some(at) => after.split_at(at),
            None => (after, ""),
        };
        let named = self.position(first).filter(|_| first != DEFAULT_STAGE);
        let (index, left) = match named {
            Some(index) => (index, rest),
            None => (self.position(DEFAULT_STAGE)?, path.as_str()),
        };
        let slash = if left.starts_with('/') { "" } else { "/" };
        Some(Found {
            index,
            name: self.0.get(index)?,
            path: format!("{slash}{left}"),
        })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|it| it == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], path: &str) -> Option<(String, String)> {
        let stages = Stages::new(names.iter().map(|it| (*it).to_owned()));
        let found = stages.find(path)?;
        Some((found.name.to_owned(), found.path))
    }

    fn at(name: &str, path: &str) -> Option<(String, String)> {
        Some((name.to_owned(), path.to_owned()))
    }

    #[test]
    fn a_named_stage_is_the_first_segment_and_the_default_one_is_none() {
        assert_eq!(found(&["$default"], "/a/b"), at("$default", "/a/b"));
        assert_eq!(found(&["dev"], "/dev/a/b"), at("dev", "/a/b"));
        assert_eq!(found(&["dev"], "/dev"), at("dev", "/"));
        assert_eq!(found(&["dev"], "/dev/"), at("dev", "/"));
        assert_eq!(found(&["$default", "dev"], "/dev/a"), at("dev", "/a"));
        assert_eq!(
            found(&["$default", "dev"], "/develop"),
            at("$default", "/develop")
        );
    }

    #[test]
    fn without_the_default_stage_the_root_has_nothing() {
        assert_eq!(found(&["dev"], "/a"), None);
        assert_eq!(found(&["dev"], "/"), None);
        assert_eq!(found(&[], "/"), None);
    }

    #[test]
    fn the_default_stage_has_no_segment_of_its_own() {
        assert_eq!(
            found(&["$default"], "/$default/a"),
            at("$default", "/$default/a")
        );
        assert_eq!(found(&["$default"], ""), at("$default", "/"));
    }
}
