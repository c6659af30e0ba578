//! What the environment says: the one place where it is read.

use aws_types::SdkConfig;
use std::time::Duration;
use tether_aws::{Patience, config_of_function, needed};

/// The function has 5 s in all, and a receiver waits for it.
const PATIENCE: Patience = Patience {
    call: Duration::from_secs(4),
    attempts: 3,
};

/// What the authorizer works with.
pub(crate) struct Settings {
    /// The way to AWS.
    pub(crate) aws: SdkConfig,
    /// Name of the sessions table.
    pub(crate) sessions_table: String,
}

impl Settings {
    /// Reads the variables.
    ///
    /// # Errors
    /// Which one is missing.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        Ok(Self {
            aws: config_of_function(&variable, PATIENCE)?,
            sessions_table: needed(&variable, "SESSIONS_TABLE")?,
        })
    }
}
