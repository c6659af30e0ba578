//! What a template's deployment may know besides: what other stacks export, what is stored under
//! names, and the files that the template names.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tether_sam::Files;

/// See the module. Nothing of it is needed by most templates.
#[derive(Clone, Default)]
pub struct Known {
    /// Exports by name, besides those of the stacks that are here.
    pub imports: BTreeMap<String, String>,
    /// Values of the parameter store and Secrets Manager, by name.
    pub stored: BTreeMap<String, String>,
    /// Reads what the template names; none: files of its folder.
    pub files: Option<Arc<dyn Files + Send + Sync>>,
}

/// Names only: values may be secrets.
impl fmt::Debug for Known {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Known")
            .field("imports", &self.imports.keys())
            .field("stored", &self.stored.keys())
            .finish_non_exhaustive()
    }
}
