//! What things are called in an account: everything follows from the stack's
//! name, so that whoever comes next finds it.

use crate::place::Place;
use sha2::{Digest as _, Sha256};

/// Whose a bucket is: the stack's name.
pub(crate) const BUCKET_TAG: &str = "tether:stack";

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
const LONGEST_BUCKET: usize = 63;

/// What is between the stack's name and the account.
const ARTIFACTS: &str = "artifacts";

/// Hexadecimal digits that tell two contents apart.
const DIGITS: usize = 32;

/// The bucket of a stack's artifacts. Buckets share one name space over all
/// accounts of a partition, and know no capitals; stacks do.
pub(crate) fn bucket(stack: &str, place: &Place) -> String {
    let end = format!("{ARTIFACTS}-{}-{}", place.account, place.region);
    let plain = format!("{stack}-{end}");
    let is_fit = plain.len() <= LONGEST_BUCKET && !stack.contains(char::is_uppercase);
    if is_fit {
        return plain;
    }
    let digest: String = hexadecimal(stack.as_bytes()).chars().take(8).collect();
    let room = LONGEST_BUCKET.saturating_sub(end.len() + digest.len() + 2);
    let start: String = stack.to_lowercase().chars().take(room).collect();
    match start.trim_end_matches('-') {
        "" => format!("t{digest}-{end}"),
        start => format!("{start}-{digest}-{end}"),
    }
}

/// Where a stack's artifacts are in a bucket that may hold other things.
pub(crate) fn prefix(stack: &str) -> String {
    format!("tether/{stack}/")
}

/// The key of an artifact: the same for the same content, another one for
/// another, so that CloudFormation sees what has changed and nothing is
/// uploaded twice.
pub(crate) fn key(stack: &str, name: &str, content: &[u8]) -> String {
    let digest: String = hexadecimal(content).chars().take(DIGITS).collect();
    format!("{}{name}-{digest}.zip", prefix(stack))
}

/// The layers of a stack, as its template names them.
pub(crate) fn layers(stack: &str) -> [String; 2] {
    [format!("{stack}-x86-64"), format!("{stack}-arm64")]
}

/// A name that a stack has one change set of: letters, digits and hyphens, and
/// a letter first.
pub(crate) fn change_set(release: &str, millis: u128) -> String {
    let release = release.replace(|it: char| !it.is_ascii_alphanumeric(), "-");
    format!("{CHANGE_SET}{release}-{millis}")
}

/// What our change sets begin with.
pub(crate) const CHANGE_SET: &str = "tether-";

fn hexadecimal(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stack: &str, region: &str) -> String {
        let place = Place {
            partition: "aws".into(),
            account: "123456789012".into(),
            region: region.into(),
        };
        bucket(stack, &place)
    }

    #[test]
    fn a_bucket_is_named_after_stack_account_and_region() {
        let name = of("tether", "us-east-1");
        assert_eq!(name, "tether-artifacts-123456789012-us-east-1");
    }

    #[test]
    fn every_stack_has_a_bucket_of_its_own_that_s3_can_name() {
        let long = "a-very-long-name-of-a-helper-stack-".repeat(3);
        let stacks = ["tether", "Tether", "TETHER", &long, &long[..70], "T", "---"];
        let regions = [
            "us-east-1",
            "us-gov-west-1",
            "ap-southeast-5",
            "cn-northwest-1",
        ];
        for region in regions {
            let names: std::collections::BTreeSet<_> =
                stacks.iter().map(|it| of(it, region)).collect();
            assert_eq!(names.len(), stacks.len());
            for name in names {
                let allowed =
                    |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
                assert!(name.chars().all(allowed), "{name}");
                assert!(name.len() <= LONGEST_BUCKET, "{name}");
                assert!(name.ends_with(&format!("artifacts-123456789012-{region}")));
            }
        }
    }

    #[test]
    fn a_key_says_what_is_in_it() {
        let key = |content: &[u8]| key("tether", "manager", content);
        assert_eq!(key(b"one"), key(b"one"));
        assert_ne!(key(b"one"), key(b"two"));
        assert!(key(b"one").starts_with("tether/tether/manager-7692c3ad3540bb80"));
    }

    #[test]
    fn a_change_set_has_a_name_that_cloudformation_takes() {
        assert_eq!(change_set("0.1.0-rc.1", 7), "tether-0-1-0-rc-1-7");
    }
}
