//! Hears of changes to the files that say what is served.

use crate::plan::Plan;
use std::path::PathBuf;
use std::time::Duration;
use tether_project::{Glance, glance};

/// How often they are looked at: they are few, and a look is a few microseconds,
/// so it needs no watch of the system's.
const LOOK: Duration = Duration::from_millis(100);

/// Files beside the template that say how its functions run.
const BESIDE: [&str; 1] = ["tether.toml"];

/// A file as it was at a moment.
pub(crate) type Seen = (PathBuf, Glance);

/// A file as it is now.
fn see(file: PathBuf) -> Seen {
    let now = glance(&file);
    (file, now)
}

/// The template, and what belongs to it.
pub(crate) struct Sources {
    files: Vec<Seen>,
}

impl Sources {
    pub(crate) fn of(plan: &Plan) -> Self {
        let beside = BESIDE.map(|name| plan.template.with_file_name(name));
        let files = [plan.template.clone()].into_iter().chain(beside);
        let files = files.chain(plan.env_vars.clone());
        let files = files.chain(plan.imports.clone());
        let files = files.chain(plan.websocket_rules.clone());
        Self {
            files: files.map(see).collect(),
        }
    }

    /// Follows these as well, from how they were.
    pub(crate) fn follow(&mut self, more: Vec<Seen>) {
        for (file, then) in more {
            if !self.files.iter().any(|(known, _)| *known == file) {
                self.files.push((file, then));
            }
        }
    }

    /// Waits until one of them has changed, and stays as it is for a moment: an
    /// editor may write in several steps.
    pub(crate) async fn change(&mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if !self.look() {
                continue;
            }
            loop {
                tokio::time::sleep(LOOK / 4).await;
                if !self.look() {
                    return;
                }
            }
        }
    }

    /// Whether anything has changed since the last look.
    fn look(&mut self) -> bool {
        let mut changed = false;
        for (file, known) in &mut self.files {
            let now = glance(file);
            changed |= now != *known;
            *known = now;
        }
        changed
    }
}
