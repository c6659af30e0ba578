//! What somebody wants a stack to become.

use crate::known::Known;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A template with everything that belongs to it. It does not print: its
/// parameters may be secrets.
#[derive(Clone, Default)]
pub(crate) struct Wish {
    /// The template's text.
    pub(crate) text: String,
    /// What problems call it.
    pub(crate) file: String,
    /// Where the template's relative paths start; none: it came over the wire,
    /// and code is in S3.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) parameters: BTreeMap<String, String>,
    /// Key and value.
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) known: Known,
}
