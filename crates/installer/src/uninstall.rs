//! Removing: detach, delete, and say what is left.

use crate::bucket::{Bucket, Standing};
use crate::error::Error;
use crate::found::{Found, Resource};
use crate::install::Installer;
use crate::layers::{LayerVersion, Layers, in_use, instrumented, unused};
use std::collections::BTreeSet;
use tether_receiver::{HelperStack, Status, status};

/// What would be removed.
#[derive(Debug)]
pub struct Removal {
    found: Option<Found>,
    /// What the stack consists of.
    pub resources: Vec<Resource>,
    helper: Option<HelperStack>,
    /// Who is attached, and what is instrumented; none: it cannot be told.
    pub status: Option<Status>,
    layers: Vec<LayerVersion>,
    bucket: Option<(Bucket, Standing)>,
}

impl Removal {
    /// Nothing of tether is there.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.found.is_none() && self.layers.is_empty() && self.bucket.is_none()
    }

    /// What goes besides the stack, in words.
    #[must_use]
    pub fn besides(&self) -> Vec<String> {
        let layers = self.layers.iter();
        let mut besides: Vec<String> = layers
            .map(|it| format!("the layer {}:{}", it.layer, it.version))
            .collect();
        match &self.bucket {
            Some((bucket, Standing::Ours)) => besides.push(format!("the bucket {}", bucket.name)),
            Some((bucket, _)) => {
                besides.push(format!("tether's artifacts in the bucket {}", bucket.name));
            }
            None => {}
        }
        besides
    }
}

impl Installer {
    /// Looks what there is. Nothing is changed.
    ///
    /// # Errors
    /// When it cannot be seen, or is not tether's.
    pub async fn look_for_removal(&self, bucket: Option<&str>) -> Result<Removal, Error> {
        let found = loop {
            let found = self.stacks.find(&self.stack).await?;
            match found {
                // One of which nothing had been made does not say whose it was.
                Some(found) if found.status == "DELETE_IN_PROGRESS" => self.wait(&found).await?,
                Some(found) if !found.is_ours() => {
                    return Err(Error::NotOurs(self.stack.clone()));
                }
                Some(found) if found.is_in_progress() => self.wait(&found).await?,
                found => break found,
            }
        };
        let resources = match &found {
            Some(found) => self.stacks.resources(&found.id).await?,
            None => Vec::new(),
        };
        let (helper, status) = self.attached(found.as_ref()).await;
        let (bucket, is_asked_for) = self.bucket_of(bucket, found.as_ref());
        let bucket = match bucket.look(is_asked_for).await {
            Ok(Standing::Missing) => None,
            Ok(standing) => Some((bucket, standing)),
            // Another one than ours has the name that ours would have.
            Err(Error::Bucket { .. }) if !is_asked_for => None,
            Err(error) => return Err(error),
        };
        let layers = Layers::new(&self.account, &self.stack).versions().await?;
        Ok(Removal {
            found,
            resources,
            helper,
            status,
            layers,
            bucket,
        })
    }

    /// Who is attached by a helper stack, if it is whole.
    async fn attached(&self, found: Option<&Found>) -> (Option<HelperStack>, Option<Status>) {
        if found.is_none_or(Found::is_only_proposed) {
            return (None, None);
        }
        let helper = match HelperStack::find(&self.account, &self.stack).await {
            Ok(helper) => helper,
            Err(error) => {
                self.note(&format!("who is attached cannot be told: {error}"));
                return (None, None);
            }
        };
        match status(&self.account, &helper, None).await {
            Ok(status) => (Some(helper), Some(status)),
            Err(error) => {
                self.note(&format!("who is attached cannot be told: {error}"));
                (None, None)
            }
        }
    }

    /// Removes it; what is left, in words.
    ///
    /// # Errors
    /// When functions would stay instrumented, or something cannot be removed.
    pub async fn remove(&self, removal: Removal, is_forced: bool) -> Result<Vec<String>, Error> {
        let mut left = Vec::new();
        let instrumented = self.still_instrumented(&removal).await?;
        if !instrumented.is_empty() {
            let functions = in_a_row(&instrumented);
            if !is_forced {
                return Err(Error::StillInstrumented {
                    stack: self.stack.clone(),
                    functions,
                });
            }
            left.push(format!("tether's layer and variables in {functions}"));
        }
        if let Some(found) = &removal.found {
            left.extend(self.delete(found, is_forced).await?);
        }
        // Nobody but this removal knows the bucket, now that the stack is gone.
        let layers = self.remove_layers().await;
        let bucket = self.remove_bucket(&removal).await;
        match (layers, bucket) {
            (Ok(layers), Ok(())) => left.extend(layers),
            (Err(error), Ok(())) | (Ok(_), Err(error)) => return Err(error),
            (Err(reason), Err(left)) => {
                return Err(Error::Left {
                    reason: Box::new(reason),
                    left: left.to_string(),
                });
            }
        }
        // The manager took orders until it was gone.
        let now = self.have_our_layer().await?;
        let meanwhile: BTreeSet<String> = now.difference(&instrumented).cloned().collect();
        if meanwhile.is_empty() {
            return Ok(left);
        }
        Err(Error::AttachedMeanwhile {
            stack: self.stack.clone(),
            functions: in_a_row(&meanwhile),
        })
    }

    async fn remove_bucket(&self, removal: &Removal) -> Result<(), Error> {
        let Some((bucket, standing)) = &removal.bucket else {
            return Ok(());
        };
        match bucket.remove(*standing).await {
            Ok(what) => {
                what.into_iter().for_each(|it| self.removed(it));
                Ok(())
            }
            Err(error) => Err(Error::BucketLeft {
                reason: Box::new(error),
                bucket: bucket.name.clone(),
                stack: match self.stack.as_str() {
                    "tether" => String::new(),
                    other => format!(" --stack-name {other}"),
                },
            }),
        }
    }

    /// By what the helper stack knows, and by what functions have.
    async fn still_instrumented(&self, removal: &Removal) -> Result<BTreeSet<String>, Error> {
        let mut left = BTreeSet::new();
        if let Some(helper) = &removal.helper {
            let reports = self.reports_of_detaching();
            match self.detach_everything(helper, &reports).await {
                Ok(functions) => left = functions,
                // Parts of it are missing: the functions themselves tell.
                Err(error) => self.note(&format!("nothing can be restored: {error}")),
            }
        }
        left.extend(self.have_our_layer().await?);
        Ok(left)
    }

    /// Functions that are under debug, by what they have.
    pub(crate) async fn have_our_layer(&self) -> Result<BTreeSet<String>, Error> {
        let layers = Layers::new(&self.account, &self.stack);
        let versions = layers.versions().await?;
        if versions.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(instrumented(&versions, &layers.uses().await?))
    }

    async fn delete(&self, found: &Found, is_forced: bool) -> Result<Vec<String>, Error> {
        self.step(&format!("deleting the stack {}", self.stack));
        let stack_id = &found.id;
        if found.is_only_proposed() {
            self.stacks.delete_proposed(stack_id).await?;
            return Ok(Vec::new());
        }
        let course = self.stacks.delete(stack_id, Vec::new(), &self.reporter);
        let course = course.await?;
        if course.status() == Some("DELETE_COMPLETE") {
            return Ok(Vec::new());
        }
        let kept = course.kept();
        if !is_forced || kept.is_empty() {
            return Err(Error::Failed {
                what: format!("deleting the stack {}", self.stack),
                cause: course.cause(),
                after: "remove that reason and run this again; --force leaves such resources where they are".to_owned(),
            });
        }
        self.step(&format!("deleting it without {}", kept.join(", ")));
        let again = self.stacks.delete(stack_id, kept.clone(), &self.reporter);
        let again = again.await?;
        match again.status() {
            Some("DELETE_COMPLETE") => Ok(kept.iter().map(|it| self.in_words(it, found)).collect()),
            _ => Err(Error::Failed {
                what: format!("deleting the stack {}", self.stack),
                cause: again.cause(),
                after: "see CloudFormation's console".to_owned(),
            }),
        }
    }

    fn in_words(&self, logical_id: &str, found: &Found) -> String {
        format!("{logical_id} of {}", found.id)
    }

    /// Versions that published code uses stay: it would start without them, but
    /// nobody could publish from it again.
    async fn remove_layers(&self) -> Result<Vec<String>, Error> {
        let layers = Layers::new(&self.account, &self.stack);
        let versions = layers.versions().await?;
        if versions.is_empty() {
            return Ok(Vec::new());
        }
        let uses = layers.uses().await?;
        let free = unused(&versions, &uses, &BTreeSet::new());
        for version in &free {
            layers.delete(version).await?;
            self.removed(format!("the layer {}:{}", version.layer, version.version));
        }
        let left = versions.iter().filter(|it| !free.contains(it));
        Ok(left.map(|it| in_use(it, &uses)).collect())
    }
}

fn in_a_row(functions: &BTreeSet<String>) -> String {
    Vec::from_iter(functions.iter().map(String::as_str)).join(", ")
}
