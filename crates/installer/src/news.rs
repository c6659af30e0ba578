//! What an installation tells while it goes on: one value for people and for
//! programs.

use serde::Serialize;
use std::sync::Arc;

/// Takes news.
pub type Reporter = Arc<dyn Fn(News) + Send + Sync>;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum News {
    /// A step of long work begins.
    Step {
        /// In words.
        message: String,
    },
    /// Something to know.
    Note {
        /// In words.
        message: String,
    },
    /// Artifacts are going to be uploaded.
    Uploading {
        /// All of them together.
        bytes: u64,
    },
    /// One is in the bucket.
    Uploaded {
        /// Which.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// CloudFormation has come to a resource, or to the stack as a whole.
    StackEvent(StackEvent),
    /// What was asked of CloudFormation has ended, well or not.
    StackEnded {
        /// `CREATE_COMPLETE`
        status: String,
    },
    /// Something of ours that no stack takes with it is gone.
    Removed {
        /// What, in words.
        what: String,
    },
}

/// An event of a stack
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackEvent {
    #[serde(skip)]
    pub(crate) id: String,
    /// In the template, or the stack's name.
    pub logical_id: String,
    /// Its name or ARN, once it has one.
    pub physical_id: String,
    /// `AWS::Lambda::Function`
    pub resource_type: String,
    /// `CREATE_COMPLETE`
    pub status: String,
    /// Why; may be empty.
    pub reason: String,
}

impl StackEvent {
    /// Whether something has begun that will end.
    #[must_use]
    pub fn is_beginning(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS")
    }

    /// Whether something went wrong.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.status.ends_with("_FAILED")
    }
}
