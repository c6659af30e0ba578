//! Things that exist by name and do nothing here: roles, policies, log
//! groups, rules.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tether_sam::Resource;

/// See the module.
#[derive(Default)]
pub(crate) struct Records {
    /// By type and name.
    all: Mutex<BTreeMap<(String, String), Resource>>,
}

impl Records {
    fn all(&self) -> MutexGuard<'_, BTreeMap<(String, String), Resource>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one, unless there is one of that name.
    pub(super) fn add(&self, name: &str, resource: &Resource) -> bool {
        let key = (resource.kind.clone(), name.to_owned());
        let mut all = self.all();
        let free = !all.contains_key(&key);
        if free {
            all.insert(key, resource.clone());
        }
        free
    }

    /// Keeps another state of one.
    pub(super) fn replace(&self, name: &str, resource: &Resource) {
        let key = (resource.kind.clone(), name.to_owned());
        self.all().insert(key, resource.clone());
    }

    pub(super) fn remove(&self, kind: &str, name: &str) {
        self.all().remove(&(kind.to_owned(), name.to_owned()));
    }
}
