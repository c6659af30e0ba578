//! What the environment says: the one place where it is read.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use std::time::Duration;
use tether_aws::{Access, Patience};

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
        let access = access(&variable)?;
        Ok(Self {
            aws: tether_aws::config(&access, PATIENCE, &tether_aws::http_client()),
            sessions_table: need(&variable, "SESSIONS_TABLE")?,
        })
    }
}

/// The function's own role: these variables stay the same for the life of an
/// execution environment
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>).
fn access(variable: &impl Fn(&str) -> Option<String>) -> Result<Access, String> {
    let credentials = Credentials::new(
        need(variable, "AWS_ACCESS_KEY_ID")?,
        need(variable, "AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
        None,
        "function",
    );
    Ok(Access {
        region: need(variable, "AWS_REGION")?,
        endpoint_url: variable("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()),
        credentials: SharedCredentialsProvider::new(credentials),
    })
}

fn need(variable: &impl Fn(&str) -> Option<String>, name: &str) -> Result<String, String> {
    variable(name).ok_or_else(|| {
        format!("{name} is not set: this program runs as a Lambda function of the helper stack")
    })
}
