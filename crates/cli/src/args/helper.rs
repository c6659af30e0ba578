//! What was typed after `install`, `upgrade` and `uninstall`.

use clap::{Args, ValueEnum};

/// Where the helper stack is, or shall be.
#[derive(Debug, Args)]
pub(crate) struct Whereabouts {
    /// Name of the helper stack.
    #[arg(
        long,
        alias = "helper-stack-name",
        default_value = "tether",
        value_name = "NAME",
        value_parser = stack_name
    )]
    pub(crate) stack_name: String,
    /// AWS region; otherwise from the environment or the profile.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// AWS profile.
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Another endpoint than AWS's: the emulator's.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Bucket for the code, instead of one that tether makes and removes.
    #[arg(long, value_name = "NAME")]
    pub(crate) bucket: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    #[command(flatten)]
    pub(crate) there: Whereabouts,
    /// A tag of the stack and its bucket; repeatable.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub(crate) tag: Vec<(String, String)>,
    /// The policy that bounds every role, where your account asks for one.
    #[arg(long, value_name = "ARN")]
    pub(crate) permissions_boundary: Option<String>,
    /// Role ARNs of the functions that may be debugged, separated by commas;
    /// without it every function of the account that is told the external id.
    #[arg(long, value_name = "ARN,…", value_delimiter = ',')]
    pub(crate) trusted_principals: Option<Vec<String>>,
    /// Days for which the helper functions' logs are kept.
    #[arg(long, value_name = "DAYS", value_parser = retention)]
    pub(crate) log_retention_days: Option<u32>,
    /// Architecture of the helper functions; otherwise as it is, or as they
    /// were built.
    #[arg(long, value_enum)]
    pub(crate) architecture: Option<Architecture>,
}

#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    #[command(flatten)]
    pub(crate) there: Whereabouts,
    /// Go on where a function cannot be restored, or a resource cannot be
    /// deleted: it is left, and named.
    #[arg(long)]
    pub(crate) force: bool,
}

/// As Lambda names them.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Architecture {
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86,
    /// Graviton.
    #[value(name = "arm64")]
    Arm64,
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>,
/// and short enough for the names that are made of it.
fn stack_name(text: &str) -> Result<String, String> {
    let is_name = text.starts_with(|it: char| it.is_ascii_alphabetic())
        && text
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '-');
    match text.len() {
        _ if !is_name => Err("begin with a letter, and use letters, digits and hyphens".to_owned()),
        1..=100 => Ok(text.to_owned()),
        _ => Err("it must not be longer than 100 letters".to_owned()),
    }
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE, for example team=platform".to_owned()),
    }
}

/// What CloudWatch Logs takes
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>).
const RETENTIONS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

fn retention(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|it| RETENTIONS.contains(it));
    days.ok_or_else(|| format!("CloudWatch Logs takes one of {RETENTIONS:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_days_are_what_aws_takes() {
        assert!(stack_name("tether-2").is_ok());
        for name in ["", "2-tether", "my_stack", "a/b", &"a".repeat(101)] {
            assert!(stack_name(name).is_err(), "{name}");
        }
        assert_eq!(retention("14"), Ok(14));
        assert!(retention("15").is_err());
        assert_eq!(tag("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(tag("=b").is_err());
    }

    #[test]
    fn the_template_takes_the_same_days() {
        let template = include_str!("../../../../helper-stack/template.yaml");
        let days = RETENTIONS.map(|it| it.to_string()).join(", ");
        assert!(template.contains(&format!("AllowedValues: [{days}]")));
    }
}
