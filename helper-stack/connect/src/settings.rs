//! What the environment says: the one place where it is read.

use aws_types::SdkConfig;
use std::time::Duration;
use tether_aws::{Patience, config_of_function, needed};

/// A WebSocket integration gives up after 29 s, and a receiver waits.
const PATIENCE: Patience = Patience {
    call: Duration::from_secs(8),
    attempts: 3,
};

/// What `connect` works with.
pub(crate) struct Settings {
    /// The way to AWS.
    pub(crate) aws: SdkConfig,
    /// Name of the sessions table.
    pub(crate) sessions_table: String,
    /// Name of the correlation table.
    pub(crate) debugger_table: String,
    /// Name of the manager function.
    pub(crate) manager_function: String,
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
            debugger_table: needed(&variable, "DEBUGGER_TABLE")?,
            manager_function: needed(&variable, "MANAGER_FUNCTION")?,
        })
    }
}
