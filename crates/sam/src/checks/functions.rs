//! Of `AWS::Serverless::Function`.

use super::{At, Checker};
use crate::tree::Node;

/// Event sources that a function with tenants may have.
const WITH_TENANTS: [&str; 2] = ["Api", "HttpApi"];

/// Events that bring a permission named after them.
const WITH_PERMISSION: [&str; 9] = [
    "AlexaSkill",
    "CloudWatchEvent",
    "CloudWatchLogs",
    "Cognito",
    "EventBridgeRule",
    "IoTRule",
    "S3",
    "SNS",
    "Schedule",
];

impl Checker<'_> {
    pub(super) fn function(&mut self, root: &At<'_>) {
        self.package(root);
        self.alias(root);
        self.one_of(root, "VersionDeletionPolicy", &["Delete", "Retain"]);
        self.url(root);
        self.tenants(root);
        self.both(
            root,
            "CapacityProviderConfig",
            "ProvisionedConcurrencyConfig",
        );
        self.destinations(root);
        self.added(root);
        self.events(root);
    }

    fn package(&mut self, root: &At<'_>) {
        let kind = root.member("PackageType");
        if kind.and_then(|it| it.text()) == Some("Image") && root.member("ImageUri").is_none() {
            self.needs(root, "ImageUri");
        }
        self.both(root, "CodeUri", "InlineCode");
        if let Some(code) = root.member("CodeUri")
            && code.text().is_some_and(|it| it.starts_with("{{resolve:"))
        {
            let message = "a dynamic reference is not looked up here; write a path, or bucket and \
                           key.";
            self.wrong(&code, message);
        }
    }

    fn alias(&mut self, root: &At<'_>) {
        let alias = root.member("AutoPublishAlias");
        let name = alias.as_ref().and_then(|it| self.value(it));
        let empty = name.as_deref() == Some("");
        if let (Some(alias), true) = (&alias, empty) {
            self.wrong(alias, "it is empty; an alias needs a name.");
        }
        let Some(preference) = root.member("DeploymentPreference") else {
            return;
        };
        let given = preference.member("Enabled");
        let enabled = given.as_ref().and_then(|it| self.value(it));
        let open = given.is_some() && enabled.is_none();
        let enabled = !open && enabled.is_none_or(|it| !it.eq_ignore_ascii_case("false"));
        if enabled && alias.is_none() {
            self.wrong(&preference, "it needs AutoPublishAlias beside it.");
        }
        self.map(&preference, "Hooks");
    }

    fn url(&mut self, root: &At<'_>) {
        let Some(url) = self.map(root, "FunctionUrlConfig") else {
            return;
        };
        if url.member("AuthType").is_none() {
            self.needs(&url, "AuthType: AWS_IAM or NONE");
        }
        self.one_of(&url, "AuthType", &["AWS_IAM", "NONE"]);
        self.map(&url, "Cors");
    }

    fn tenants(&mut self, root: &At<'_>) {
        if root.member("TenancyConfig").is_none() {
            return;
        }
        for key in [
            "FunctionUrlConfig",
            "ProvisionedConcurrencyConfig",
            "SnapStart",
        ] {
            self.both(root, "TenancyConfig", key);
        }
        for (_, event) in root.member("Events").iter().flat_map(At::members) {
            let kind = event.member("Type").and_then(|it| it.text());
            if kind.is_some_and(|it| !WITH_TENANTS.contains(&it)) {
                self.wrong(
                    &event,
                    "with TenancyConfig only Api and HttpApi may invoke it.",
                );
            }
        }
    }

    fn destinations(&mut self, root: &At<'_>) {
        let config = self.map(root, "EventInvokeConfig");
        let config = config.and_then(|it| self.map(&it, "DestinationConfig"));
        for key in ["OnSuccess", "OnFailure"] {
            let Some(destination) = config.as_ref().and_then(|it| self.map(it, key)) else {
                continue;
            };
            let kind = destination.member("Type");
            let made = kind
                .as_ref()
                .is_some_and(|it| it.is_function() || matches!(it.text(), Some("SQS" | "SNS")));
            if destination.member("Destination").is_none() && !made {
                self.needs(&destination, "a Destination, unless its Type is SQS or SNS");
            }
        }
        let Some(queue) = self.map(root, "DeadLetterQueue") else {
            return;
        };
        for key in ["Type", "TargetArn"] {
            if queue.member(key).is_none() {
                self.needs(&queue, key);
            }
        }
        self.one_of(&queue, "Type", &["SNS", "SQS"]);
    }

    /// What SAM adds must not be there already.
    fn added(&mut self, root: &At<'_>) {
        let taken = |id: &str, kind: &str| {
            let found = self.resources.get(id)?;
            let what = format!("SAM would add {id} ({kind}), which the template has already");
            (!root.node.member("Role").is_some_and(Node::is_null)).then_some((found.position, what))
        };
        let mut twice = Vec::new();
        if root.member("Role").is_none() {
            twice.extend(taken(&format!("{}Role", self.id), "AWS::IAM::Role"));
        }
        for (name, event) in root.member("Events").iter().flat_map(At::members) {
            let kind = event.member("Type").and_then(|it| it.text());
            if kind.is_some_and(|it| WITH_PERMISSION.contains(&it)) {
                let id = format!("{}{name}Permission", self.id);
                twice.extend(taken(&id, "AWS::Lambda::Permission"));
            }
        }
        for (position, what) in twice {
            let message = format!("{what}: call one of them something else.");
            self.report.resource(position, self.id, None, message);
        }
    }
}
