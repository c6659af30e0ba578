//! What to do with a stack as it is found.

use crate::error::Error;
use crate::found::Found;
use crate::release::Release;
use tether_protocol::PROTOCOL_VERSION;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// There shall be a helper stack of this release.
    Install,
    /// The one that is there shall be of this release.
    Upgrade,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A new stack.
    Create,
    /// The leftovers of one go first, and then it is looked at again.
    RemoveLeftovers,
    /// It is changed to what it should be.
    Update,
    /// The rollback of an update that went wrong is finished first, and then it
    /// is looked at again.
    FinishRollback,
    /// Somebody else is at it, and then it is looked at again.
    Wait,
}

/// Something of it is left, and functions may still have its layer.
pub(crate) const DELETE_FAILED: &str = "DELETE_FAILED";

/// Decides by CloudFormation's status
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-resources-status-codes>).
///
/// # Errors
/// Why nothing may be done.
pub(crate) fn next(
    wish: Wish,
    stack: &str,
    region: &str,
    found: Option<&Found>,
    ours: &Release,
) -> Result<Next, Error> {
    let Some(found) = found else {
        return absent(wish, stack, region);
    };
    // Whose it was cannot be told any more where nothing had been made of it, and
    // need not be: the name will be free.
    if found.status == "DELETE_IN_PROGRESS" {
        return Ok(Next::Wait);
    }
    if !found.is_ours() {
        return Err(Error::NotOurs(stack.to_owned()));
    }
    let status = found.status.as_str();
    let next = match status {
        "REVIEW_IN_PROGRESS" => return absent(wish, stack, region),
        _ if status.ends_with("_IN_PROGRESS") => Next::Wait,
        // Of no use, or of no more use: there is nothing that could be upgraded.
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | DELETE_FAILED => match wish {
            Wish::Install => Next::RemoveLeftovers,
            Wish::Upgrade => return absent(wish, stack, region),
        },
        "UPDATE_ROLLBACK_FAILED" => Next::FinishRollback,
        "CREATE_COMPLETE"
        | "UPDATE_COMPLETE"
        | "UPDATE_ROLLBACK_COMPLETE"
        | "UPDATE_FAILED"
        | "IMPORT_COMPLETE"
        | "IMPORT_ROLLBACK_COMPLETE" => Next::Update,
        _ => {
            return Err(Error::Stuck {
                stack: stack.to_owned(),
                status: found.status.clone(),
            });
        }
    };
    let is_newer = found.release() > *ours || found.protocol() > PROTOCOL_VERSION;
    if is_newer && next != Next::RemoveLeftovers {
        let theirs = match found.release().to_string() {
            release if found.release() > *ours => release,
            release => format!("{release} (protocol {})", found.protocol()),
        };
        return Err(Error::Newer {
            stack: stack.to_owned(),
            theirs,
            ours: ours.to_string(),
        });
    }
    Ok(next)
}

fn absent(wish: Wish, stack: &str, region: &str) -> Result<Next, Error> {
    match wish {
        Wish::Install => Ok(Next::Create),
        Wish::Upgrade => Err(Error::NotInstalled {
            stack: stack.to_owned(),
            region: region.to_owned(),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn decide(wish: Wish, found: Option<&Found>) -> Result<Next, Error> {
        next(wish, "tether", "us-east-1", found, &Release::read("0.2.0"))
    }

    fn of(status: &str, release: &str) -> Found {
        Found {
            status: status.into(),
            parameters: [("Release".to_owned(), release.to_owned())].into(),
            ..Found::ours_for_tests()
        }
    }

    #[test]
    fn nothing_is_there_yet() {
        assert_eq!(decide(Wish::Install, None).unwrap(), Next::Create);
        let review = of("REVIEW_IN_PROGRESS", "");
        assert_eq!(decide(Wish::Install, Some(&review)).unwrap(), Next::Create);
        let refused = decide(Wish::Upgrade, None).unwrap_err().to_string();
        assert!(refused.contains("`tether install`"), "{refused}");
    }

    #[test]
    fn every_status_leads_somewhere() {
        let expected = [
            ("CREATE_COMPLETE", Next::Update),
            ("UPDATE_COMPLETE", Next::Update),
            ("UPDATE_ROLLBACK_COMPLETE", Next::Update),
            ("CREATE_IN_PROGRESS", Next::Wait),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Next::Wait),
            ("DELETE_IN_PROGRESS", Next::Wait),
            ("UPDATE_ROLLBACK_FAILED", Next::FinishRollback),
        ];
        for (status, next) in expected {
            let found = of(status, "0.1.0");
            for wish in [Wish::Install, Wish::Upgrade] {
                assert_eq!(decide(wish, Some(&found)).unwrap(), next, "{status}");
            }
        }
        let leftovers = [
            "ROLLBACK_COMPLETE",
            "ROLLBACK_FAILED",
            "CREATE_FAILED",
            "DELETE_FAILED",
        ];
        for status in leftovers {
            let found = of(status, "0.1.0");
            let next = decide(Wish::Install, Some(&found)).unwrap();
            assert_eq!(next, Next::RemoveLeftovers, "{status}");
            let refused = decide(Wish::Upgrade, Some(&found));
            assert!(
                matches!(refused, Err(Error::NotInstalled { .. })),
                "{status}"
            );
        }
        let stuck = decide(Wish::Install, Some(&of("IMPORT_ROLLBACK_FAILED", "")));
        assert!(matches!(stuck, Err(Error::Stuck { .. })));
    }

    #[test]
    fn a_newer_one_is_refused_by_release_and_by_protocol() {
        let refused = decide(Wish::Install, Some(&of("CREATE_COMPLETE", "0.3.0")));
        let said = refused.unwrap_err().to_string();
        assert!(
            said.contains("is of release 0.3.0, and this tether is 0.2.0"),
            "{said}"
        );
        let mut found = of("CREATE_COMPLETE", "0.2.0");
        assert_eq!(decide(Wish::Upgrade, Some(&found)).unwrap(), Next::Update);
        found.outputs.insert("Version".into(), "99".into());
        let said = decide(Wish::Upgrade, Some(&found)).unwrap_err().to_string();
        assert!(said.contains("0.2.0 (protocol 99)"), "{said}");
        // Nothing of a first creation that failed is worth keeping.
        let failed = of("ROLLBACK_COMPLETE", "0.3.0");
        assert_eq!(
            decide(Wish::Install, Some(&failed)).unwrap(),
            Next::RemoveLeftovers
        );
    }

    #[test]
    fn what_was_proposed_and_is_going_is_waited_for() {
        let mut found = of("DELETE_IN_PROGRESS", "");
        found.description.clear();
        found.tags.clear();
        for wish in [Wish::Install, Wish::Upgrade] {
            assert_eq!(decide(wish, Some(&found)).unwrap(), Next::Wait);
        }
    }

    #[test]
    fn another_stack_of_that_name_is_left_alone() {
        for status in ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"] {
            let mut found = of(status, "");
            found.description = "a shop".into();
            found.tags.clear();
            let refused = decide(Wish::Install, Some(&found));
            assert!(matches!(refused, Err(Error::NotOurs(_))), "{status}");
        }
    }
}
