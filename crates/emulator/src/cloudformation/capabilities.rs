//! What whoever makes a stack has to acknowledge
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>).

use super::template;
use tether_sam::Stack;

pub(super) const IAM: &str = "CAPABILITY_IAM";
pub(super) const NAMED_IAM: &str = "CAPABILITY_NAMED_IAM";
pub(super) const AUTO_EXPAND: &str = "CAPABILITY_AUTO_EXPAND";

/// Types that need the capability, and the property that names them.
const IAM_TYPES: [(&str, &str); 7] = [
    ("AWS::IAM::AccessKey", ""),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Policy", ""),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::User", "UserName"),
];

/// What a template needs of IAM's capabilities.
pub(super) fn of_iam(target: &Stack) -> Option<&'static str> {
    let mut needed = None;
    for resource in target.resources.values() {
        let Some((_, name)) = IAM_TYPES.iter().find(|(kind, _)| *kind == resource.kind) else {
            continue;
        };
        if !name.is_empty() && resource.property(name).is_some() {
            return Some(NAMED_IAM);
        }
        needed = Some(IAM);
    }
    needed
}

/// What is missing. A change set shows what a macro has made of the template,
/// so that it needs nothing for that
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>).
pub(super) fn missing(
    target: &Stack,
    text: &str,
    given: &[String],
    change_set: bool,
) -> Option<String> {
    let has = |wanted: &str| given.iter().any(|it| it == wanted);
    let iam = of_iam(target).filter(|it| !has(it) && !has(NAMED_IAM));
    let expand = !change_set && !has(AUTO_EXPAND) && !template::transforms(text).is_empty();
    let missing: Vec<&str> = iam
        .into_iter()
        .chain(expand.then_some(AUTO_EXPAND))
        .collect();
    let missing = missing.join(", ");
    (!missing.is_empty()).then(|| format!("Requires capabilities : [{missing}]"))
}
