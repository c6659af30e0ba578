//! What the environment says: the one place where it is read.

use aws_types::SdkConfig;
use std::time::Duration;
use tether_aws::{Patience, config_of_function, needed};

/// Nobody waits for a single call, and Lambda's control plane is slow at times.
const PATIENCE: Patience = Patience {
    call: Duration::from_secs(20),
    attempts: 3,
};

/// What the manager works with.
pub(crate) struct Settings {
    /// The way to AWS.
    pub(crate) aws: SdkConfig,
    /// Name of the functions table.
    pub(crate) functions_table: String,
    /// What functions are told.
    pub(crate) helper: Helper,
}

/// The helper stack, as instrumented functions are told of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Helper {
    /// The layer version for x86_64, if the stack has one.
    pub(crate) layer_x86_64: Option<String>,
    /// The layer version for arm64, if the stack has one.
    pub(crate) layer_arm64: Option<String>,
    /// The role that the bootstrap assumes.
    pub(crate) layer_role: String,
    /// `sts:ExternalId` of that role's trust policy.
    pub(crate) external_id: String,
    /// Name of the sessions table.
    pub(crate) sessions_table: String,
    /// Name of the correlation table.
    pub(crate) debugger_table: String,
    /// `@connections` lives below this URL.
    pub(crate) connections_url: String,
}

impl Helper {
    /// The layer version for an architecture.
    pub(crate) fn layer(&self, architecture: &str) -> Option<&str> {
        match architecture {
            "x86_64" => self.layer_x86_64.as_deref(),
            "arm64" => self.layer_arm64.as_deref(),
            _ => None,
        }
    }
}

impl Settings {
    /// Reads the variables.
    ///
    /// # Errors
    /// Which one is missing.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        // Empty: the helper stack was installed without it.
        let layer = |name: &str| variable(name).filter(|arn| !arn.is_empty());
        Ok(Self {
            aws: config_of_function(&variable, PATIENCE)?,
            functions_table: needed(&variable, "FUNCTIONS_TABLE")?,
            helper: Helper {
                layer_x86_64: layer("LAYER_X86_64"),
                layer_arm64: layer("LAYER_ARM64"),
                layer_role: needed(&variable, "LAYER_ROLE_ARN")?,
                external_id: needed(&variable, "EXTERNAL_ID")?,
                sessions_table: needed(&variable, "SESSIONS_TABLE")?,
                debugger_table: needed(&variable, "DEBUGGER_TABLE")?,
                connections_url: needed(&variable, "CONNECTIONS_URL")?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_layer_is_none_and_a_missing_variable_is_named() {
        let variable = |name: &str| match name {
            "LAYER_ARM64" => Some(String::new()),
            name => Some(name.to_lowercase()),
        };
        let helper = Settings::read(variable)
            .map(|it| it.helper)
            .unwrap_or_default();
        assert_eq!(helper.layer("x86_64"), Some("layer_x86_64"));
        assert_eq!(helper.layer("arm64"), None);
        let error = Settings::read(|name| variable(name).filter(|_| name != "EXTERNAL_ID"));
        assert!(error.is_err_and(|error| error.starts_with("EXTERNAL_ID is not set")));
    }
}
