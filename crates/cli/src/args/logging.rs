//! How functions that run here are logged.

use clap::{Args, ValueEnum};
use std::collections::HashMap;

/// Flags of every command that prints functions' logs.
#[derive(Debug, Args)]
pub(crate) struct Logging {
    /// How logs are written, by Lambda's own lines and by the runtimes; otherwise
    /// as the function's configuration has it.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// START, END and REPORT lines, and what the function prints.
    Text,
    /// Lambda's JSON objects, as with a function's `LogFormat: JSON`.
    Json,
}

impl Logging {
    /// What Lambda tells a runtime of it
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>).
    pub(crate) fn variables(&self) -> HashMap<String, String> {
        let value = self.log_format.map(|format| match format {
            LogFormat::Text => "Text",
            LogFormat::Json => "JSON",
        });
        let variable = |value: &str| ("AWS_LAMBDA_LOG_FORMAT".to_owned(), value.to_owned());
        value.map(variable).into_iter().collect()
    }
}
