//! Which variables of a function's process are whose.
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>)

use std::collections::BTreeMap;

/// Address of the Runtime API, `host:port`.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// The handler, for runtimes that are not told by argument.
pub const HANDLER: &str = "_HANDLER";
/// The function's version: `$LATEST` or a number.
pub const FUNCTION_VERSION: &str = "AWS_LAMBDA_FUNCTION_VERSION";
/// Credentials of the function's role.
pub const CREDENTIALS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Variables that mean something only inside the execution environment: paths
/// of its file system, its sockets, its credentials, and what tether added.
const STAYS: [&str; 31] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_EXEC_WRAPPER",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_X_AMZN_TRACE_ID",
    "_HANDLER",
    "_LAMBDA_TELEMETRY_LOG_FD",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "PYTHONPATH",
    "NODE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "GEM_PATH",
    "RUBYLIB",
    "PATH",
    "PWD",
    "HOME",
    "SHLVL",
    "OLDPWD",
    "_",
];

/// Whether a variable goes to the laptop with an event.
#[must_use]
pub fn travels(name: &str) -> bool {
    !STAYS.contains(&name) && !name.starts_with("DEBUGGER_")
}

/// The variables that go to the laptop with an event.
pub fn travelling(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    variables.filter(|(name, _)| travels(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_our_own_variables_never_travel() {
        for name in CREDENTIALS {
            assert!(!travels(name), "{name}");
        }
        assert!(!travels("DEBUGGER_CONFIG"));
        assert!(travels("TABLE_NAME"));
        assert!(travels("AWS_REGION"));
    }
}
