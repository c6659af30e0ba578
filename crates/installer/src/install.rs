//! Installing and upgrading: look, say what will change, do it.

mod parts;
mod undo;

use crate::artifacts::{Architecture, Artifacts};
use crate::bucket::{Bucket, Standing};
use crate::changes::Change;
use crate::decision::{self, Next, Wish};
use crate::error::Error;
use crate::found::Found;
use crate::layers::{Layers, unused};
use crate::names::{self, BUCKET_TAG};
use crate::news::{News, Reporter};
use crate::parameters::{Known, Settings, parameters};
use crate::place::Place;
use crate::proposal::{Proposal, Wanted};
use crate::release::Release;
use crate::stacks::Stacks;
use crate::template::with_code_at;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tether_receiver::Account;
use tether_store::Journal;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// Install or upgrade.
    pub wish: Wish,
    /// Of the template.
    pub settings: Settings,
    /// Of the stack and of the bucket.
    pub tags: BTreeMap<String, String>,
    /// Another bucket than the usual one.
    pub bucket: Option<String>,
    /// Of the helper Lambdas; none: as before, or as they were built.
    pub architecture: Option<Architecture>,
}

/// A helper stack of a name, in an account.
#[derive(Clone)]
pub struct Installer {
    pub(crate) account: Account,
    pub(crate) place: Place,
    pub(crate) stacks: Stacks,
    pub(crate) reporter: Reporter,
    pub(crate) stack: String,
}

/// What comes of looking.
pub enum Prepared {
    /// It is as it should be.
    Nothing(Installed),
    /// Something is left of a stack that failed: it has to go first.
    Leftovers(Leftovers),
    /// The rollback of an update stopped half way: it has to be finished first.
    Rollback(Rollback),
    /// This would be done.
    Changes(Box<Changes>),
}

/// A stack that is in the way.
#[derive(Clone, Debug)]
pub struct Leftovers {
    id: String,
    /// `ROLLBACK_COMPLETE`
    pub status: String,
}

/// A rollback that stopped half way.
#[derive(Clone, Debug)]
pub struct Rollback {
    id: String,
}

/// What would be done.
#[derive(Debug)]
pub struct Changes {
    /// Which release is there; none: nothing is.
    pub before: Option<Release>,
    /// Resource by resource.
    pub resources: Vec<Change>,
    /// What goes into the bucket.
    pub uploads: Vec<Upload>,
    /// Into which bucket.
    pub bucket: String,
    /// Whether it is made for that.
    pub is_new_bucket: bool,
    destination: Bucket,
    standing: Standing,
    tags: BTreeMap<String, String>,
    /// None: the stack is as it should be.
    proposal: Option<Proposal>,
}

/// An artifact on its way.
#[derive(Clone, Serialize)]
pub struct Upload {
    /// `manager`
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Where it will be.
    pub key: String,
    #[serde(skip)]
    content: Vec<u8>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.key, self.bytes)
    }
}

/// A helper stack that is as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Installed {
    /// Its name.
    pub stack: String,
    /// Where.
    pub region: String,
    /// In which account.
    pub account: String,
    /// Which release.
    pub release: String,
    /// What CloudFormation says of it.
    pub outputs: BTreeMap<String, String>,
}

impl Installer {
    /// Looks who calls.
    ///
    /// # Errors
    /// When AWS does not know.
    pub async fn find(account: Account, stack: &str, reporter: Reporter) -> Result<Self, Error> {
        let place = Place::find(&account).await?;
        Ok(Self {
            stacks: Stacks::new(&account),
            account,
            place,
            reporter,
            stack: stack.to_owned(),
        })
    }

    /// In which account and region.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Looks what there is and what would have to be done. Nothing is changed,
    /// but that CloudFormation keeps the changes until they are carried out or
    /// discarded.
    ///
    /// # Errors
    /// When something is missing, or stands in the way.
    pub async fn prepare(&self, order: &Order, folder: &Path) -> Result<Prepared, Error> {
        // What is missing here is said before AWS is asked.
        let artifacts = Artifacts::read(folder, order.architecture)?;
        let (stack, region) = (&self.stack, &self.place.region);
        loop {
            let found = self.stacks.find(stack).await?;
            let next = decision::next(order.wish, stack, region, found.as_ref(), &Release::ours())?;
            match (next, found) {
                (Next::Wait, Some(found)) => self.wait(&found).await?,
                (Next::FinishRollback, Some(found)) => {
                    return Ok(Prepared::Rollback(Rollback { id: found.id }));
                }
                (Next::RemoveLeftovers, Some(found)) => {
                    self.check_nobody_needs(&found).await?;
                    return Ok(Prepared::Leftovers(Leftovers {
                        id: found.id,
                        status: found.status,
                    }));
                }
                (_, found) => {
                    if let Some(found) = &found {
                        self.check_parts(found).await?;
                    }
                    let artifacts = match &found {
                        Some(found) => as_before(folder, order, found, artifacts),
                        None => artifacts,
                    };
                    return self.propose(order, artifacts, found).await;
                }
            }
        }
    }

    pub(crate) async fn wait(&self, found: &Found) -> Result<(), Error> {
        self.step(&format!(
            "the stack {} is {}: waiting until that is over",
            self.stack, found.status
        ));
        self.stacks.wait(&found.id, &self.reporter).await
    }

    async fn propose(
        &self,
        order: &Order,
        artifacts: Artifacts,
        found: Option<Found>,
    ) -> Result<Prepared, Error> {
        let found = found.filter(|it| !it.is_only_proposed());
        let (bucket, is_asked_for) = self.bucket_of(order.bucket.as_deref(), found.as_ref());
        let standing = bucket.look(is_asked_for).await?;
        let there = match standing {
            Standing::Missing => BTreeSet::new(),
            _ => bucket.keys(&names::prefix(&self.stack)).await?,
        };
        let release = Release::ours();
        let mut tags = found.as_ref().map(|it| it.tags.clone()).unwrap_or_default();
        tags.extend(order.tags.clone());
        tags.insert(BUCKET_TAG.to_owned(), self.stack.clone());
        let wanted = Wanted {
            stack: self.stack.clone(),
            template: self.template(&artifacts, &bucket.name)?,
            parameters: parameters(
                &order.settings,
                &Known {
                    architecture: artifacts.architecture,
                    layers: &artifacts.layers,
                    bucket: &bucket.name,
                    release: &release,
                },
                found.as_ref(),
            ),
            tags,
            is_new: found.is_none(),
        };
        self.step("asking CloudFormation what will change");
        let mut proposal = Proposal::make(&self.stacks, &wanted, &release.to_string()).await?;
        let uploads = self.uploads(artifacts, &there);
        // The next change takes the code from the bucket, even what is as it was.
        if proposal.is_none() && uploads.is_empty() {
            let outputs = found.map(|it| it.outputs).unwrap_or_default();
            return Ok(Prepared::Nothing(self.installed(outputs)));
        }
        let resources = proposal.as_mut().map(|it| std::mem::take(&mut it.changes));
        Ok(Prepared::Changes(Box::new(Changes {
            before: found.as_ref().map(Found::release),
            resources: resources.unwrap_or_default(),
            uploads,
            bucket: bucket.name.clone(),
            is_new_bucket: standing == Standing::Missing,
            destination: bucket,
            standing,
            tags: order.tags.clone(),
            proposal,
        })))
    }

    /// And whether somebody has said so.
    pub(crate) fn bucket_of(&self, given: Option<&str>, found: Option<&Found>) -> (Bucket, bool) {
        let named = given.or_else(|| found?.bucket());
        let usual = || names::bucket(&self.stack, &self.place);
        let name = named.map_or_else(usual, str::to_owned);
        let is_asked_for = named.is_some();
        let bucket = Bucket::new(&self.account, &self.place, &self.stack, name);
        (bucket, is_asked_for)
    }

    fn template(&self, artifacts: &Artifacts, bucket: &str) -> Result<String, Error> {
        with_code_at(&artifacts.template, |path| {
            let package = artifacts.package_at(path)?;
            let key = names::key(&self.stack, &package.name, &package.zip);
            Some(format!("s3://{bucket}/{key}"))
        })
    }

    fn uploads(&self, artifacts: Artifacts, there: &BTreeSet<String>) -> Vec<Upload> {
        let uploads = artifacts.packages.into_iter().map(|package| Upload {
            key: names::key(&self.stack, &package.name, &package.zip),
            name: package.name,
            bytes: u64::try_from(package.zip.len()).unwrap_or(u64::MAX),
            content: package.zip,
        });
        uploads.filter(|it| !there.contains(&it.key)).collect()
    }

    /// Leaves everything as it was.
    ///
    /// # Errors
    /// When CloudFormation keeps the changes.
    pub async fn discard(&self, changes: Changes) -> Result<(), Error> {
        match changes.proposal {
            Some(proposal) => proposal.discard(&self.stacks).await,
            None => Ok(()),
        }
    }

    /// Does what has been shown.
    ///
    /// # Errors
    /// What failed first, and how things stand then.
    pub async fn carry_out(&self, changes: Changes) -> Result<Installed, Error> {
        if let Err(error) = self.upload(&changes).await {
            return Err(self.take_back(&changes, error).await);
        }
        let Some(proposal) = &changes.proposal else {
            let found = self.stacks.find(&self.stack).await?;
            return Ok(self.installed(found.map(|it| it.outputs).unwrap_or_default()));
        };
        let last = match proposal.begin(&self.stacks).await {
            Ok(last) => last,
            Err(error) => return Err(self.take_back(&changes, error).await),
        };
        let course = self.stacks.follow(proposal.stack(), last, &self.reporter);
        let course = course.await?;
        match course.status() {
            Some("CREATE_COMPLETE" | "UPDATE_COMPLETE") => {}
            _ => return Err(self.undo(&changes, &course).await),
        }
        let found = self.stacks.find(&course.stack_id).await?;
        let outputs = found.map(|it| it.outputs).unwrap_or_default();
        if changes.before.is_some() {
            self.tidy_layers(&outputs).await;
        }
        Ok(self.installed(outputs))
    }

    async fn upload(&self, changes: &Changes) -> Result<(), Error> {
        let bucket = &changes.destination;
        if changes.is_new_bucket {
            self.step(&format!("making the bucket {}", bucket.name));
        }
        bucket.make(changes.standing, &changes.tags).await?;
        if changes.uploads.is_empty() {
            return Ok(());
        }
        let bytes = changes.uploads.iter().map(|it| it.bytes).sum();
        (self.reporter)(News::Uploading { bytes });
        for it in &changes.uploads {
            bucket.upload(&it.key, it.content.clone()).await?;
            (self.reporter)(News::Uploaded {
                name: it.name.clone(),
                bytes: it.bytes,
            });
        }
        Ok(())
    }

    /// Versions of our layers that no function has any more. Whatever cannot be
    /// told is left, and said: nothing depends on it.
    async fn tidy_layers(&self, outputs: &BTreeMap<String, String>) {
        if let Err(error) = self.remove_old_layers(outputs).await {
            self.note(&format!(
                "older versions of the layers are left where they are: {error}"
            ));
        }
    }

    async fn remove_old_layers(&self, outputs: &BTreeMap<String, String>) -> Result<(), Error> {
        let layers = Layers::new(&self.account, &self.stack);
        let versions = layers.versions().await?;
        let in_service = in_service(outputs);
        if versions.iter().all(|it| in_service.contains(&it.arn)) {
            return Ok(());
        }
        let Some(kept) = self.kept_layers(outputs).await? else {
            return Ok(());
        };
        let uses = layers.uses().await?;
        for version in unused(&versions, &uses, &kept) {
            layers.delete(version).await?;
            self.removed(format!(
                "the layer {}:{}, which no function uses",
                version.layer, version.version
            ));
        }
        Ok(())
    }

    /// What functions get or may have got, by whatever hands it on; none: it
    /// cannot be told.
    async fn kept_layers(
        &self,
        outputs: &BTreeMap<String, String>,
    ) -> Result<Option<BTreeSet<String>>, Error> {
        let mut kept = in_service(outputs);
        // `make deploy` lets the manager hand on others than the stack has.
        let layers = Layers::new(&self.account, &self.stack);
        if let Some(manager) = outputs.get("ManagerFunction") {
            kept.extend(layers.handed_on_by(manager).await?);
        }
        // Its entry stands in the journal before a function has the layer.
        let table = outputs.get("FunctionsTable").cloned().unwrap_or_default();
        let journal = Journal::new(self.account.caller(), table);
        let entries = journal.all().await.map_err(tether_receiver::Error::from)?;
        for entry in entries {
            match entry {
                Ok(entry) => kept.insert(entry.layer),
                Err(_) => return Ok(None),
            };
        }
        Ok(Some(kept))
    }

    fn installed(&self, outputs: BTreeMap<String, String>) -> Installed {
        Installed {
            stack: self.stack.clone(),
            region: self.place.region.clone(),
            account: self.place.account.clone(),
            release: Release::ours().to_string(),
            outputs,
        }
    }

    pub(crate) fn step(&self, message: &str) {
        (self.reporter)(News::Step {
            message: message.to_owned(),
        });
    }

    pub(crate) fn note(&self, message: &str) {
        (self.reporter)(News::Note {
            message: message.to_owned(),
        });
    }

    pub(crate) fn removed(&self, what: String) {
        (self.reporter)(News::Removed { what });
    }
}

/// The layers that a stack has.
fn in_service(outputs: &BTreeMap<String, String>) -> BTreeSet<String> {
    let layers = ["LayerX86Arn", "LayerArm64Arn"].iter();
    layers.filter_map(|it| outputs.get(*it).cloned()).collect()
}

/// Of the architecture that the helper Lambdas have, unless another one is
/// asked for; or of the one that they are built for here.
fn as_before(folder: &Path, order: &Order, found: &Found, here: Artifacts) -> Artifacts {
    let before = Architecture::read(found.parameter("HelperArchitecture"));
    if order.architecture.is_some() || before.is_none_or(|it| it == here.architecture) {
        return here;
    }
    Artifacts::read(folder, before).unwrap_or(here)
}
