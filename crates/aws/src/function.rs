//! AWS as seen from inside a Lambda function.

use crate::{Access, EndpointKind, Patience, Trust};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;

impl Access {
    /// The function's own role. These variables stay the same for the life of
    /// an execution environment
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>).
    ///
    /// # Errors
    /// Which variable is missing.
    pub fn of_function(variable: &impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let credentials = Credentials::new(
            needed(variable, "AWS_ACCESS_KEY_ID")?,
            needed(variable, "AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
            None,
            "function",
        );
        Ok(Self {
            region: needed(variable, "AWS_REGION")?,
            endpoint_url: variable("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()),
            // As ever: what the function has set is for its own code.
            kind: EndpointKind::default(),
            credentials: SharedCredentialsProvider::new(credentials),
        })
    }
}

/// The way to AWS of a Lambda function of ours, with its own role.
///
/// # Errors
/// Which variable is missing.
pub fn config_of_function(
    variable: &impl Fn(&str) -> Option<String>,
    patience: Patience,
) -> Result<SdkConfig, String> {
    let http = crate::http_client(Trust::of_function(variable));
    Ok(crate::config(
        &Access::of_function(variable)?,
        patience,
        &http,
    ))
}

/// A variable that Lambda or the function's configuration has to set.
///
/// # Errors
/// When it is not set.
pub fn needed(variable: &impl Fn(&str) -> Option<String>, name: &str) -> Result<String, String> {
    variable(name)
        .ok_or_else(|| format!("{name} is not set: this program runs inside a Lambda function"))
}
