//! After a failure: nothing is left behind but what is said.

use super::{Changes, Installer, Leftovers, Rollback};
use crate::bucket::Standing;
use crate::course::Course;
use crate::decision::DELETE_FAILED;
use crate::error::Error;
use crate::found::Found;
use crate::layers::{Layers, unused};
use std::collections::BTreeSet;

/// What a stack leaves where it is, because functions may use it.
const LAYER: &str = "AWS::Lambda::LayerVersion";

impl Installer {
    /// What is left of a helper stack that was in use may be all that can
    /// restore functions.
    pub(super) async fn check_nobody_needs(&self, found: &Found) -> Result<(), Error> {
        if found.status != DELETE_FAILED {
            return Ok(());
        }
        let functions = self.have_our_layer().await?;
        if functions.is_empty() {
            return Ok(());
        }
        Err(Error::NeededToRestore {
            stack: self.stack.clone(),
            functions: Vec::from_iter(functions).join(", "),
        })
    }

    /// Removes what is left of a creation that failed.
    ///
    /// # Errors
    /// What cannot be removed, and why.
    pub async fn remove_leftovers(&self, leftovers: &Leftovers) -> Result<(), Error> {
        let Leftovers { id, status } = leftovers;
        self.step(&format!(
            "removing what is left of {} ({status})",
            self.stack
        ));
        let course = self.stacks.delete(id, Vec::new(), &self.reporter).await?;
        match course.status() {
            Some("DELETE_COMPLETE") => Ok(()),
            _ => Err(Error::Failed {
                what: format!("removing what is left of {}", self.stack),
                cause: course.cause(),
                after: "remove that reason and run this again".to_owned(),
            }),
        }
    }

    /// Finishes the rollback of an update.
    ///
    /// # Errors
    /// What is in its way.
    pub async fn finish_rollback(&self, rollback: &Rollback) -> Result<(), Error> {
        self.step("the rollback of an update stopped half way: continuing it");
        let finished = self.stacks.finish_rollback(&rollback.id, &self.reporter);
        finished.await
    }

    /// Before anything was executed: why, and what is left if something is.
    pub(super) async fn take_back(&self, changes: &Changes, error: Error) -> Error {
        if let Some(proposal) = &changes.proposal
            && let Err(left) = proposal.take_back(&self.stacks).await
        {
            self.note(&left.to_string());
            return error;
        }
        if let Some(left) = self.remove_new_bucket(changes).await {
            self.note(&format!("left behind: {left}"));
        }
        error
    }

    /// What failed, and how things stand now.
    pub(super) async fn undo(&self, changes: &Changes, course: &Course) -> Error {
        let mut left = Vec::new();
        if let Err(error) = self.remove_layers_made(changes, course).await {
            left.push(format!("versions of its layers ({error})"));
        }
        let status = course.status().unwrap_or_default();
        let (what, after) = if changes.before.is_some() {
            let what = format!("the upgrade of {}", self.stack);
            let after = match status {
                "UPDATE_ROLLBACK_COMPLETE" => {
                    "it was rolled back, and is what it was before: remove that reason and run this again".to_owned()
                }
                _ => format!("it is {status}: remove that reason and run this again"),
            };
            (what, after)
        } else {
            let leftovers = Leftovers {
                id: course.stack_id.clone(),
                status: status.to_owned(),
            };
            if let Err(error) = self.remove_leftovers(&leftovers).await {
                left.push(format!("the stack {} ({error})", self.stack));
            }
            if let Some(bucket) = self.remove_new_bucket(changes).await {
                left.push(bucket);
            }
            let after = "it was rolled back: remove that reason and run `tether install` again";
            (format!("the creation of {}", self.stack), after.to_owned())
        };
        let after = match left.as_slice() {
            [] => after,
            left => format!("{after}; left behind: {}", left.join(", ")),
        };
        Error::Failed {
            what,
            cause: course.cause(),
            after,
        }
    }

    /// A stack keeps its layer versions even when it is rolled back. One whose
    /// rollback stopped half way may still use them.
    async fn remove_layers_made(&self, changes: &Changes, course: &Course) -> Result<(), Error> {
        if course.status() == Some("UPDATE_ROLLBACK_FAILED") {
            return Ok(());
        }
        let made: BTreeSet<String> = course.made(LAYER).into_iter().collect();
        if made.is_empty() {
            return Ok(());
        }
        let layers = Layers::new(&self.account, &self.stack);
        let mut versions = layers.versions().await?;
        versions.retain(|it| made.contains(&it.arn));
        if versions.is_empty() {
            return Ok(());
        }
        let mut kept = BTreeSet::new();
        if changes.before.is_some() {
            let found = self.stacks.find(&course.stack_id).await?;
            let outputs = found.map(|it| it.outputs).unwrap_or_default();
            match self.kept_layers(&outputs).await? {
                Some(layers) => kept = layers,
                None => return Ok(()),
            }
        }
        let uses = layers.uses().await?;
        for version in unused(&versions, &uses, &kept) {
            layers.delete(version).await?;
        }
        Ok(())
    }

    /// A bucket that was there before stays. What is left of it, in words.
    pub(super) async fn remove_new_bucket(&self, changes: &Changes) -> Option<String> {
        let bucket = &changes.destination;
        if changes.standing != Standing::Missing {
            return None;
        }
        // It may not have come to be.
        let standing = bucket.look(false).await;
        let removed = match standing {
            Ok(standing) => bucket.remove(standing).await,
            Err(error) => Err(error),
        };
        let error = removed.err()?;
        Some(format!("the bucket {} ({error})", bucket.name))
    }
}
