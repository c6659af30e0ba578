//! The values of the template's parameters.

use crate::artifacts::Architecture;
use crate::found::Found;
use crate::release::Release;
use std::collections::BTreeMap;

/// What users may ask for; none: as it was, or as the template has it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Bounds every role.
    pub permissions_boundary: Option<String>,
    /// Who may assume the layer's role.
    pub trusted_principals: Option<Vec<String>>,
    /// For how long logs are kept.
    pub log_retention_days: Option<u32>,
}

/// What this program knows.
pub(crate) struct Known<'a> {
    pub(crate) architecture: Architecture,
    pub(crate) layers: &'a [Architecture],
    pub(crate) bucket: &'a str,
    pub(crate) release: &'a Release,
}

/// All of them that are not the template's own defaults. What a user has asked
/// for once stays until it is asked for otherwise.
pub(crate) fn parameters(
    settings: &Settings,
    known: &Known<'_>,
    found: Option<&Found>,
) -> BTreeMap<String, String> {
    let has = |it| known.layers.contains(&it).to_string();
    let mut parameters = BTreeMap::from([
        ("HelperArchitecture", known.architecture.name().to_owned()),
        ("WithX86Layer", has(Architecture::X86)),
        ("WithArm64Layer", has(Architecture::Arm64)),
        ("Release", known.release.to_string()),
        ("ArtifactsBucket", known.bucket.to_owned()),
    ]);
    let principals = settings.trusted_principals.as_ref();
    let wished = [
        ("PermissionsBoundary", settings.permissions_boundary.clone()),
        (
            "TrustedFunctionPrincipals",
            principals.map(|it| it.join(",")),
        ),
        (
            "LogRetentionDays",
            settings.log_retention_days.map(|it| it.to_string()),
        ),
    ];
    for (name, wish) in wished {
        let before = || found?.parameters.get(name).cloned();
        if let Some(value) = wish.or_else(before) {
            parameters.insert(name, value);
        }
    }
    let owned = parameters.into_iter();
    owned
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &Settings, found: Option<&Found>) -> BTreeMap<String, String> {
        let known = Known {
            architecture: Architecture::Arm64,
            layers: &[Architecture::X86],
            bucket: "b",
            release: &Release::read("0.1.0"),
        };
        parameters(settings, &known, found)
    }

    #[test]
    fn every_parameter_of_the_template_is_known() {
        let template = include_str!("../../../helper-stack/template.yaml");
        let section = template.split("\nParameters:\n").nth(1).unwrap_or_default();
        let section = section.split("\nConditions:").next().unwrap_or_default();
        let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
        let names = section.lines().filter(is_name).map(|it| it.trim());
        let mut names: Vec<_> = names.filter(|it| !it.starts_with('#')).collect();
        names.sort_unstable();
        let settings = Settings {
            permissions_boundary: Some("arn".into()),
            trusted_principals: Some(vec!["a".into(), "b".into()]),
            log_retention_days: Some(7),
        };
        let all = of(&settings, None);
        let known: Vec<String> = all.keys().map(|it| format!("{it}:")).collect();
        assert_eq!(names, known);
        assert_eq!(all["TrustedFunctionPrincipals"], "a,b");
        assert_eq!(all["HelperArchitecture"], "arm64");
        assert_eq!(
            (&*all["WithX86Layer"], &*all["WithArm64Layer"]),
            ("true", "false")
        );
    }

    #[test]
    fn what_was_asked_for_once_stays() {
        let mut found = Found::ours_for_tests();
        found.parameters = [
            ("LogRetentionDays".to_owned(), "90".to_owned()),
            ("Release".to_owned(), "0.0.1".to_owned()),
        ]
        .into();
        let kept = of(&Settings::default(), Some(&found));
        assert_eq!(kept["LogRetentionDays"], "90");
        assert_eq!(kept["Release"], "0.1.0");
        assert!(!kept.contains_key("PermissionsBoundary"));
        let settings = Settings {
            log_retention_days: Some(7),
            ..Settings::default()
        };
        assert_eq!(of(&settings, Some(&found))["LogRetentionDays"], "7");
    }
}
