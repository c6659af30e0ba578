//! The helper stack's outputs, as a map.

use std::collections::HashMap;

/// Name → value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs(pub(crate) HashMap<String, String>);

/// What the template has, whichever layers it was installed with.
pub(crate) const EXPECTED: [&str; 10] = [
    "Version",
    "ApiId",
    "WebSocketUrl",
    "ConnectionsUrl",
    "SessionsTable",
    "DebuggerTable",
    "FunctionsTable",
    "ManagerFunction",
    "LayerRoleArn",
    "DeveloperRoleArn",
];

impl Outputs {
    pub(crate) fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let missing = |name: &&str| self.of(name).is_empty();
        EXPECTED
            .into_iter()
            .chain(["ExternalId"])
            .filter(missing)
            .collect()
    }

    /// The layer version for an architecture.
    pub(crate) fn layer(&self, architecture: &str) -> Option<&str> {
        let name = match architecture {
            "x86_64" => "LayerX86Arn",
            "arm64" => "LayerArm64Arn",
            _ => return None,
        };
        Some(self.of(name)).filter(|it| !it.is_empty())
    }
}
