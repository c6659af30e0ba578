//! What can go wrong, for people.

use std::path::PathBuf;

/// One line: what, why, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Credentials, region, helper stack, detaching.
    #[error(transparent)]
    Receiver(#[from] tether_receiver::Error),
    /// AWS said no.
    #[error("{what}: {why}")]
    Aws {
        /// What was tried.
        what: String,
        /// AWS's words.
        why: String,
    },
    /// A permission is missing.
    #[error("{what}: {words}")]
    Denied {
        /// What was tried.
        what: String,
        /// Which permission, and who needs it.
        words: String,
    },
    /// Not an ARN.
    #[error("AWS says that you are {0:?}, which is no ARN: check --endpoint-url")]
    OddIdentity(String),
    /// What is to be installed cannot be read.
    #[error("{path} cannot be read ({reason}): run `make stack layer`")]
    Artifact {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Not built for it.
    #[error(
        "the helper Lambdas are not built for {wanted}: there are those for {built}; `make stack ARCH={wanted}` builds them, or leave --architecture out"
    )]
    Architecture {
        /// What was asked for.
        wanted: &'static str,
        /// What there is.
        built: String,
    },
    /// No layer at all.
    #[error("no layer is built: run `make layer`")]
    NoLayer,
    /// The template and this program do not fit.
    #[error(
        "the template speaks of {0}, which is nothing that tether builds: it is not of this release"
    )]
    UnknownCode(String),
    /// More than CloudFormation takes.
    #[error("the template has {0} bytes, and CloudFormation takes 51200: use a shorter --bucket")]
    TemplateTooLarge(usize),
    /// Nothing there.
    #[error(
        "there is no helper stack {stack} in {region}: `tether install` makes one; or name yours with --stack-name"
    )]
    NotInstalled {
        /// Which.
        stack: String,
        /// Where.
        region: String,
    },
    /// Somebody else's.
    #[error("the stack {0} is not tether's: give the helper stack another name with --stack-name")]
    NotOurs(String),
    /// We are old.
    #[error(
        "the helper stack {stack} is of release {theirs}, and this tether is {ours}: install that release of tether, or a newer one, and use it"
    )]
    Newer {
        /// Which.
        stack: String,
        /// Its release.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// Deleted by hand.
    #[error(
        "parts of {stack} are missing ({parts}): run `tether uninstall`, then `tether install`"
    )]
    PartsMissing {
        /// Which stack.
        stack: String,
        /// The outputs that name them.
        parts: String,
    },
    /// A state that leads nowhere.
    #[error(
        "the stack {stack} is {status}: finish or undo that in CloudFormation's console, or remove it with `tether uninstall`"
    )]
    Stuck {
        /// Which.
        stack: String,
        /// `IMPORT_ROLLBACK_FAILED`
        status: String,
    },
    /// CloudFormation's own words about the change set.
    #[error("CloudFormation cannot do this: {0}")]
    ChangeSet(String),
    /// Something could not be taken back then.
    #[error("{reason}; left behind: {left}")]
    Left {
        /// What came first.
        reason: Box<Self>,
        /// In words.
        left: String,
    },
    /// What was begun has failed, and was rolled back.
    #[error("{what} has failed, because of {cause}; {after}")]
    Failed {
        /// The creation of which stack.
        what: String,
        /// The first resource that failed, and why.
        cause: String,
        /// How things stand now, and what to do.
        after: String,
    },
    /// A call was not answered, and has been heard.
    #[error("CloudFormation works on {0} all the same: run this again to see it through")]
    Begun(String),
    /// What was begun cannot be watched.
    #[error("{why}; CloudFormation goes on with {stack}: run the same again to see it through")]
    Unheard {
        /// Which.
        stack: String,
        /// Why.
        why: String,
    },
    /// Nothing is heard.
    #[error("CloudFormation does not say what becomes of {0}: see its console, and run this again")]
    Silent(String),
    /// Somebody else's, or not to be seen.
    #[error("the bucket {bucket} cannot be used ({why}): name another one with --bucket")]
    Bucket {
        /// Which.
        bucket: String,
        /// Why.
        why: String,
    },
    /// Nor is what is left of a helper stack removed before they are restored.
    #[error(
        "what is left of the helper stack {stack} stays, because {functions} may need it to be restored: run `tether uninstall`, and then `tether install`"
    )]
    NeededToRestore {
        /// Which.
        stack: String,
        /// Their names.
        functions: String,
    },
    /// Somebody was quicker than the deletion.
    #[error(
        "the helper stack {stack} is uninstalled, but meanwhile somebody attached to {functions}, which still have its layer: deploy them anew, or install, attach and detach"
    )]
    AttachedMeanwhile {
        /// Which.
        stack: String,
        /// Their names.
        functions: String,
    },
    /// Whatever was done to a bucket of that name goes on.
    #[error(
        "S3 has not finished with the bucket of that name ({0}): try again in an hour, or name another one with --bucket"
    )]
    Unfinished(String),
    /// The stack that named the bucket is gone.
    #[error(
        "{reason}; the stack is gone: remove that reason and run `tether uninstall{stack} --bucket {bucket}`"
    )]
    BucketLeft {
        /// What cannot be removed, and why.
        reason: Box<Self>,
        /// Which.
        bucket: String,
        /// A flag that names the stack, if it takes one.
        stack: String,
    },
    /// Functions would stay instrumented.
    #[error(
        "the helper stack {stack} stays, because without it nobody could restore {functions}: the reasons stand above; detach again, or deploy these functions anew; --force uninstalls all the same"
    )]
    StillInstrumented {
        /// Which.
        stack: String,
        /// Their names.
        functions: String,
    },
}

impl Error {
    pub(crate) fn artifact(path: impl Into<PathBuf>, reason: impl std::fmt::Display) -> Self {
        Self::Artifact {
            path: path.into(),
            reason: reason.to_string(),
        }
    }
}
