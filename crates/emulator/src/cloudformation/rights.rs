//! What somebody needs to be allowed to do, so that CloudFormation can do it
//! for them: it makes each resource with its caller's permissions
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html>).

use super::expand::deployed_kind;
use crate::cloud::Cloud;
use tether_sam::Resource;

/// On whose behalf a stack is changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct By {
    /// None: the emulator itself, at its start.
    pub(crate) access_key: Option<String>,
}

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
    Delete,
}

/// Whether a caller may do this; if not, the words after `User: …`.
pub(super) fn may(
    _cloud: &Cloud,
    _access_key: &str,
    _action: &str,
    _resource: &str,
) -> Result<(), String> {
    Ok(())
}

/// Whether a resource may be created, changed or deleted.
pub(super) fn may_do(
    cloud: &Cloud,
    by: &By,
    verb: Verb,
    resource: &Resource,
    physical_id: &str,
) -> Result<(), String> {
    let _ = (deployed_kind(&resource.kind), verb, physical_id);
    let Some(key) = &by.access_key else {
        return Ok(());
    };
    may(cloud, key, "", physical_id)
}
