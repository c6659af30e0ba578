//! What the environment says: the one place where it is read.

use std::collections::BTreeMap;
use tether_aws::{Access, Trust, needed};
use tether_protocol::config::Attachment;
use tether_protocol::{Environment, Secret};
use tether_runtime_api::environment::{self, FUNCTION_VERSION, RUNTIME_API};

/// What to do in this execution environment.
#[derive(Debug)]
pub enum Plan {
    /// Execute the original command in our place, and why.
    StepAside(String),
    /// Stand in front of it.
    Intercept(Box<Settings>),
}

/// What the loop needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of the real Runtime API, `host:port`.
    pub runtime_api: String,
    /// The session and where its tables are.
    pub attachment: Attachment,
    /// AWS as the function's own role.
    pub access: Access,
    /// Whom to believe that it is AWS.
    pub trust: Trust,
    /// The function's name.
    pub function_name: String,
    /// The variables that go to the laptop with an event.
    pub travelling: Environment,
}

impl Plan {
    /// Reads the environment. Whatever is odd ends in the original command.
    #[must_use]
    pub fn read(variables: &BTreeMap<String, String>) -> Self {
        match Settings::read(variables) {
            Ok(settings) => Self::Intercept(Box::new(settings)),
            Err(reason) => Self::StepAside(reason),
        }
    }
}

impl Settings {
    fn read(variables: &BTreeMap<String, String>) -> Result<Self, String> {
        let variable = |name: &str| variables.get(name).cloned();
        let need = |name: &str| needed(&variable, name);
        // A published version cannot be restored: it gets out of the way.
        let version = need(FUNCTION_VERSION)?;
        if version != "$LATEST" {
            return Err(format!("this is version {version} and not $LATEST"));
        }
        // Several invocations at once in one environment: not understood yet
        // (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html>).
        if variables.contains_key("AWS_LAMBDA_MAX_CONCURRENCY") {
            return Err("this is a managed instance".to_owned());
        }
        Ok(Self {
            runtime_api: need(RUNTIME_API)?,
            attachment: Attachment::read(variable)?,
            access: Access::of_function(&variable)?,
            trust: Trust::of_function(&variable),
            function_name: need("AWS_LAMBDA_FUNCTION_NAME")?,
            travelling: Secret::new(environment::travelling(variables.clone().into_iter())),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use tether_protocol::config::{CONFIG, CONNECTION, SESSION, WRAPPER};

    fn variables() -> BTreeMap<String, String> {
        let config = r#"{"r":"role","x":"x","s":"S","d":"D","u":"http://u","t":3,"w":"/opt/own"}"#;
        [
            (FUNCTION_VERSION, "$LATEST"),
            (RUNTIME_API, "127.0.0.1:9001"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_LAMBDA_FUNCTION_NAME", "hello"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("TABLE_NAME", "things"),
            (WRAPPER, "/opt/tether-bootstrap"),
            (SESSION, "s"),
            (CONNECTION, "c"),
            (CONFIG, config),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
    }

    #[test]
    fn an_instrumented_latest_is_intercepted() {
        let Plan::Intercept(settings) = Plan::read(&variables()) else {
            panic!("stepped aside");
        };
        assert_eq!(settings.attachment.config.timeout, 3);
        assert!(settings.travelling.expose().contains_key("TABLE_NAME"));
        assert!(
            !settings
                .travelling
                .expose()
                .contains_key("AWS_SECRET_ACCESS_KEY")
        );
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn whatever_is_odd_ends_in_the_original_command() {
        for (name, value) in [
            (FUNCTION_VERSION, Some("7")),
            ("AWS_LAMBDA_MAX_CONCURRENCY", Some("4")),
            (SESSION, None),
            (CONFIG, Some("{")),
            ("AWS_ACCESS_KEY_ID", None),
        ] {
            let mut odd = variables();
            odd.remove(name);
            if let Some(value) = value {
                odd.insert(name.to_owned(), value.to_owned());
            }
            assert!(matches!(Plan::read(&odd), Plan::StepAside(_)), "{name}");
        }
    }
}
