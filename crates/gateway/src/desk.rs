//! What the roads of all three kinds of APIs have in common.

use crate::front::Settings;
use crate::functions::{Call, Outcome};
use crate::http1::Reply;
use crate::sink::say;
use crate::upstream::Upstream;
use bytes::Bytes;
use serde_json::Value;
use std::fmt::Display;
use std::time::Duration;
use tether_apigw::InvokeResult;
use tether_apigw::http::{Answer, Whereabouts};
use tokio::time::timeout;

/// One API's part in what is shared.
pub(crate) struct Desk {
    pub(crate) settings: Settings,
    pub(crate) at: Whereabouts,
    pub(crate) logical_id: String,
    pub(crate) upstream: Upstream,
}

/// A request's answer, and what the access log says of it.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) route: Option<String>,
    pub(crate) function: Option<String>,
}

impl Answered {
    /// By the gateway, before any route was found.
    pub(crate) fn early(answer: Answer) -> Self {
        Self {
            reply: Reply::Whole(answer),
            route: None,
            function: None,
        }
    }
}

/// An integration took longer than it may.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the integration did not answer within {} s: answer sooner, or let a client ask again for what takes longer (what it does goes on)",
    .0.as_secs_f64()
)]
pub(crate) struct TimedOut(pub(crate) Duration);

/// What came of an invocation whose answer is wanted whole.
pub(crate) enum Called {
    Answer(Bytes),
    Error(Bytes),
    /// Why it was none.
    Failed(String),
}

impl Called {
    pub(crate) fn borrowed(&self) -> InvokeResult<'_> {
        match self {
            Self::Answer(bytes) => InvokeResult::Answer(bytes),
            Self::Error(bytes) => InvokeResult::FunctionError(bytes),
            Self::Failed(_) => InvokeResult::Failed,
        }
    }

    /// Why there was no invocation, or else what the rules found.
    pub(crate) fn reason<'a>(&'a self, found: &'a str) -> &'a str {
        match self {
            Self::Failed(why) => why,
            Self::Answer(_) | Self::Error(_) => found,
        }
    }
}

impl Desk {
    pub(crate) fn now(&self) -> u64 {
        (self.settings.clock)()
    }

    /// Tells the developer something about a route, or about the whole API.
    pub(crate) fn say(&self, route: Option<&str>, what: &dyn Display) {
        match route {
            Some(route) => say(
                &self.settings.sink,
                &format!("{} {route}", self.logical_id),
                what,
            ),
            None => say(&self.settings.sink, &self.logical_id, what),
        }
    }

    /// How long an integration may take: what it asks for, or its kind's own; longer where somebody
    /// debugs.
    pub(crate) fn patience(&self, own: Option<Duration>, kind: Duration) -> Duration {
        let patience = own.unwrap_or(kind);
        patience.max(self.settings.patience.unwrap_or_default())
    }

    /// `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/Prod/GET/pets/*`
    pub(crate) fn arn(&self, part: &str) -> String {
        let at = &self.at;
        format!(
            "arn:{}:execute-api:{}:{}:{}/{part}",
            at.partition, at.region, at.account_id, at.api_id
        )
    }

    /// Invokes a function. What takes too long goes on by itself.
    pub(crate) async fn invoke(&self, call: Call, within: Duration) -> Result<Outcome, TimedOut> {
        let invoked = self.settings.functions.invoke(call);
        timeout(within, invoked).await.map_err(|_| TimedOut(within))
    }

    /// Invokes a function and waits for all of its answer.
    pub(crate) async fn call(&self, call: Call, within: Duration) -> Result<Called, TimedOut> {
        let whole = async {
            match self.settings.functions.invoke(call).await {
                Outcome::Answer(bytes) => Called::Answer(bytes),
                Outcome::Error(bytes) => Called::Error(bytes),
                Outcome::Failed(why) => Called::Failed(why),
                Outcome::Stream(streamed) => crate::streams::gather(streamed).await,
            }
        };
        timeout(within, whole).await.map_err(|_| TimedOut(within))
    }

    /// Invokes a function, and nobody waits for it.
    pub(crate) fn send(&self, call: Call) {
        let functions = std::sync::Arc::clone(&self.settings.functions);
        let sink = std::sync::Arc::clone(&self.settings.sink);
        let logical_id = self.logical_id.clone();
        tokio::spawn(async move {
            if let Outcome::Failed(why) = functions.invoke(call).await {
                say(&sink, &logical_id, &why);
            }
        });
    }
}

/// An event as functions get it.
pub(crate) fn payload(event: &Value) -> Bytes {
    // Not by Display, which takes three times as long. Values that came from JSON can be written.
    serde_json::to_vec(event).unwrap_or_default().into()
}

/// The path of a route as source ARNs have it: `/pets/{id}` is `/pets/*`.
pub(crate) fn with_stars(path: &str) -> String {
    let parts = path.split('/');
    let parts = parts.map(|it| if it.starts_with('{') { "*" } else { it });
    parts.collect::<Vec<_>>().join("/")
}

/// A function's name or ARN with the stage's variables in it.
pub(crate) fn with_variables(
    function: &str,
    variables: &std::collections::BTreeMap<String, String>,
) -> String {
    let mut text = function.to_owned();
    for (name, value) in variables {
        let placeholder = format!("${{stageVariables.{name}}}");
        if text.contains(&placeholder) {
            text = text.replace(&placeholder, value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_arns_have_stars_for_parameters() {
        assert_eq!(with_stars("/pets/{id}/toys/{proxy+}"), "/pets/*/toys/*");
        assert_eq!(with_stars("/"), "/");
    }

    #[test]
    fn variables_stand_in_functions_names() {
        let variables = [("alias".to_owned(), "live".to_owned())];
        let variables = variables.into_iter().collect();
        assert_eq!(
            with_variables("f:${stageVariables.alias}", &variables),
            "f:live"
        );
        assert_eq!(
            with_variables("f:${stageVariables.x}", &variables),
            "f:${stageVariables.x}"
        );
    }
}
