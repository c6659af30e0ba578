//! AWS's partitions: clouds that know nothing of each other.

/// One of them
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// `aws`, as in ARNs.
    pub name: &'static str,
    /// `amazonaws.com`, as in host names.
    pub url_suffix: &'static str,
}

/// How regions' names begin, as the SDK's own rules have it.
const OTHERS: [(&str, Partition); 7] = [
    ("cn-", Partition::new("aws-cn", "amazonaws.com.cn")),
    ("us-gov-", Partition::new("aws-us-gov", "amazonaws.com")),
    ("eusc-", Partition::new("aws-eusc", "amazonaws.eu")),
    ("us-iso-", Partition::new("aws-iso", "c2s.ic.gov")),
    ("us-isob-", Partition::new("aws-iso-b", "sc2s.sgov.gov")),
    ("eu-isoe-", Partition::new("aws-iso-e", "cloud.adc-e.uk")),
    ("us-isof-", Partition::new("aws-iso-f", "csp.hci.ic.gov")),
];

impl Partition {
    /// The one that most regions are in, and those not heard of yet.
    pub const AWS: Self = Self::new("aws", "amazonaws.com");

    const fn new(name: &'static str, url_suffix: &'static str) -> Self {
        Self { name, url_suffix }
    }

    /// The one that a region is in.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        let found = OTHERS.iter().find(|(start, _)| region.starts_with(start));
        found.map_or(Self::AWS, |(_, partition)| *partition)
    }

    /// By its name in ARNs.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = OTHERS.iter().map(|(_, it)| *it).chain([Self::AWS]);
        all.find(|it| it.name == name)
    }

    /// Whether this can be a region's name: `eu-west-1`, `us-gov-east-1`.
    #[must_use]
    pub fn is_region(text: &str) -> bool {
        let mut parts = text.rsplit('-');
        let number = parts.next().unwrap_or_default();
        let words: Vec<&str> = parts.collect();
        let is_word = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase());
        let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
        is_number && words.len() >= 2 && words.iter().all(is_word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regions_name_says_its_partition() {
        let name = |region| Partition::of_region(region).name;
        assert_eq!(name("eu-west-1"), "aws");
        assert_eq!(name("cn-north-1"), "aws-cn");
        assert_eq!(name("us-gov-west-1"), "aws-us-gov");
        assert_eq!(name("eusc-de-east-1"), "aws-eusc");
        let china = Partition::named("aws-cn").map(|it| it.url_suffix);
        assert_eq!(china, Some("amazonaws.com.cn"));
        assert_eq!(Partition::named("aws-mars"), None);
    }

    #[test]
    fn what_can_be_a_region_is_told_from_what_cannot() {
        for good in [
            "eu-west-1",
            "us-gov-east-1",
            "ap-southeast-12",
            "us-isob-east-1",
        ] {
            assert!(Partition::is_region(good), "{good}");
        }
        for bad in [
            "",
            "eu-west",
            "eu-west-1a",
            "Ireland",
            "eu_west_1",
            "-west-1",
            "west-1",
        ] {
            assert!(!Partition::is_region(bad), "{bad}");
        }
    }
}
