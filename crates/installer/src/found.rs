//! A stack as CloudFormation has it.

use crate::names::{BUCKET_TAG, CHANGE_SET};
use crate::release::Release;
use std::collections::BTreeMap;

/// How our template's description begins.
const DESCRIPTION: &str = "tether helper stack";

/// A stack that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its ARN: it stays the same when the name is used again.
    pub(crate) id: String,
    pub(crate) status: String,
    /// Empty while nothing has been executed.
    pub(crate) description: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// What waits to be executed, if nothing has been yet.
    pub(crate) change_sets: Vec<String>,
}

impl Found {
    /// Whether tether made it, by whatever means.
    pub(crate) fn is_ours(&self) -> bool {
        if !self.description.is_empty() {
            return self.description.starts_with(DESCRIPTION);
        }
        let is_tagged = self.tags.contains_key(BUCKET_TAG);
        let is_asked_for = self.is_only_proposed()
            && self
                .change_sets
                .iter()
                .all(|name| name.starts_with(CHANGE_SET));
        is_tagged || is_asked_for
    }

    /// Nothing of it has been made yet.
    pub(crate) fn is_only_proposed(&self) -> bool {
        self.status == "REVIEW_IN_PROGRESS"
    }

    pub(crate) fn is_in_progress(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && !self.is_only_proposed()
    }

    /// Its release; unknown if it was deployed by other means.
    pub(crate) fn release(&self) -> Release {
        Release::read(self.parameter("Release"))
    }

    /// Which protocol it speaks; 0 if it does not say.
    pub(crate) fn protocol(&self) -> u32 {
        let version = self.outputs.get("Version");
        version.and_then(|it| it.parse().ok()).unwrap_or(0)
    }

    /// The bucket that it was installed from; none: by other means.
    pub(crate) fn bucket(&self) -> Option<&str> {
        Some(self.parameter("ArtifactsBucket")).filter(|it| !it.is_empty())
    }

    /// A parameter's value; empty if there is none.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// One that `tether install` has made.
    #[cfg(test)]
    pub(crate) fn ours_for_tests() -> Self {
        Self {
            id: "arn:aws:cloudformation:us-east-1:123456789012:stack/tether/1".into(),
            status: "CREATE_COMPLETE".into(),
            description: "tether helper stack: carries invocations".into(),
            outputs: [("Version".to_owned(), "1".to_owned())].into(),
            tags: [(BUCKET_TAG.to_owned(), "tether".to_owned())].into(),
            ..Self::default()
        }
    }
}

/// A resource of a stack.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// In the template.
    pub logical_id: String,
    /// Its name or ARN.
    pub physical_id: String,
    /// `AWS::Lambda::Function`
    pub resource_type: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_proposed_is_ours_by_its_change_sets() {
        let mut found = Found {
            status: "REVIEW_IN_PROGRESS".into(),
            change_sets: vec!["tether-0-1-0-1".into()],
            ..Found::default()
        };
        assert!(found.is_ours());
        found.change_sets.push("samcli-deploy1".into());
        assert!(!found.is_ours());
    }

    #[test]
    fn a_stack_that_was_deployed_by_other_means_is_ours_by_its_description() {
        let mut found = Found::ours_for_tests();
        found.tags.clear();
        assert!(found.is_ours());
        assert_eq!(found.release(), Release::default());
        found.description = "a shop".into();
        assert!(!found.is_ours());
    }
}
