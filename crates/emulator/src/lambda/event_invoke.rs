//! What a function does with events that it gets asynchronously
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html>).

use super::configuration::LATEST;
use super::error::LambdaError;
use super::function::Function;
use super::{Lambda, Target};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// An asynchronous invocation is given up at this age, unless it is told otherwise.
const OLDEST: u64 = 6 * 60 * 60;
const AGES: std::ops::RangeInclusive<u64> = 60..=OLDEST;

const MOST_RETRIES: u64 = 2;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EventInvoke {
    max_age: Option<u64>,
    max_retries: Option<u64>,
    on_success: Option<String>,
    on_failure: Option<String>,
    /// In seconds since 1970.
    modified: f64,
}

impl EventInvoke {
    pub(crate) fn max_age(&self) -> Duration {
        Duration::from_secs(self.max_age.unwrap_or(OLDEST))
    }

    /// Attempts behind the first one.
    pub(crate) fn max_retries(&self) -> u64 {
        self.max_retries.unwrap_or(MOST_RETRIES)
    }

    /// Where the record of an event goes that was answered, or given up.
    pub(crate) fn destination(&self, succeeded: bool) -> Option<&str> {
        let arn = if succeeded {
            &self.on_success
        } else {
            &self.on_failure
        };
        arn.as_deref()
    }

    fn to_json(&self, arn: &str) -> Value {
        let destination = |arn: &Option<String>| match arn {
            Some(arn) => json!({ "Destination": arn }),
            None => json!({}),
        };
        let mut answer = json!({
            "LastModified": self.modified,
            "FunctionArn": arn,
            "DestinationConfig": {
                "OnSuccess": destination(&self.on_success),
                "OnFailure": destination(&self.on_failure),
            },
        });
        for (member, value) in [
            ("MaximumRetryAttempts", self.max_retries),
            ("MaximumEventAgeInSeconds", self.max_age),
        ] {
            if let Some(value) = value {
                answer[member] = json!(value);
            }
        }
        answer
    }

    /// Takes over what a request says.
    fn set(&mut self, request: &Value) -> Result<(), LambdaError> {
        let given = |member: &str| request.get(member).filter(|it| !it.is_null());
        if let Some(retries) = given("MaximumRetryAttempts") {
            let retries = within(retries, "maximumRetryAttempts", 0..=MOST_RETRIES)?;
            self.max_retries = Some(retries);
        }
        if let Some(age) = given("MaximumEventAgeInSeconds") {
            self.max_age = Some(within(age, "maximumEventAgeInSeconds", AGES)?);
        }
        if let Some(destinations) = given("DestinationConfig") {
            let of = |member: &str| {
                let arn = destinations.get(member)?.get("Destination")?.as_str()?;
                (!arn.is_empty()).then(|| arn.to_owned())
            };
            (self.on_success, self.on_failure) = (of("OnSuccess"), of("OnFailure"));
        }
        Ok(())
    }
}

fn within(
    value: &Value,
    member: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, LambdaError> {
    // What a template's parameter gives is text.
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let (least, most) = (range.start(), range.end());
    let constraint = match text.parse::<u64>() {
        Ok(number) if range.contains(&number) => return Ok(number),
        Ok(number) if number > *most => {
            format!("Member must have value less than or equal to {most}")
        }
        _ => format!("Member must have value greater than or equal to {least}"),
    };
    Err(LambdaError::constraint(&text, member, &constraint))
}

fn now() -> f64 {
    let millis = tether_host::now().0;
    Duration::from_millis(millis).as_secs_f64()
}

fn key(qualifier: Option<&str>) -> &str {
    qualifier.unwrap_or(LATEST)
}

impl Function {
    /// What is done with an event for this version or alias.
    pub(crate) fn event_invoke(&self, qualifier: Option<&str>) -> Option<EventInvoke> {
        self.records().event_invokes.get(key(qualifier)).cloned()
    }

    fn no_event_invoke(&self, qualifier: Option<&str>) -> LambdaError {
        let arn = self.qualified(key(qualifier));
        LambdaError::NotFound(format!(
            "The function {arn} doesn't have an EventInvokeConfig"
        ))
    }

    /// `GetFunctionEventInvokeConfig`
    pub(crate) fn shown_event_invoke(&self, qualifier: Option<&str>) -> Result<Value, LambdaError> {
        self.check(qualifier)?;
        let found = self.event_invoke(qualifier);
        let found = found.ok_or_else(|| self.no_event_invoke(qualifier))?;
        Ok(found.to_json(&self.qualified(key(qualifier))))
    }

    /// `ListFunctionEventInvokeConfigs`
    pub(crate) fn event_invokes(&self) -> Vec<(String, Value)> {
        let records = self.records();
        let all = records.event_invokes.iter();
        all.map(|(key, it)| (key.clone(), it.to_json(&self.qualified(key))))
            .collect()
    }

    /// `DeleteFunctionEventInvokeConfig`
    pub(crate) fn delete_event_invoke(&self, qualifier: Option<&str>) -> Result<(), LambdaError> {
        let removed = self.records().event_invokes.remove(key(qualifier));
        removed
            .map(|_| ())
            .ok_or_else(|| self.no_event_invoke(qualifier))
    }
}

impl Lambda {
    /// `PutFunctionEventInvokeConfig`, or, of one that exists,
    /// `UpdateFunctionEventInvokeConfig`.
    pub(crate) fn set_event_invoke(
        &self,
        target: &Target,
        request: &Value,
        update: bool,
    ) -> Result<Value, LambdaError> {
        let (function, qualifier) = (&target.function, target.qualifier());
        function.check(qualifier)?;
        let members = request.as_object().map_or(0, Map::len);
        if members == 0 {
            let message = "You must specify at least one of error handling or destination setting.";
            return Err(LambdaError::InvalidParameter(message.to_owned()));
        }
        let before = function.event_invoke(qualifier);
        let mut config = match (update, before) {
            (true, Some(before)) => before,
            (true, None) => return Err(function.no_event_invoke(qualifier)),
            (false, _) => EventInvoke::default(),
        };
        config.set(request)?;
        let destinations = config.on_success.iter().chain(&config.on_failure);
        for arn in destinations {
            self.check_destination(function, arn)?;
        }
        config.modified = now();
        let answer = config.to_json(&function.qualified(key(qualifier)));
        let mut records = function.records();
        records
            .event_invokes
            .insert(key(qualifier).to_owned(), config);
        Ok(answer)
    }

    fn check_destination(&self, function: &Function, arn: &str) -> Result<(), LambdaError> {
        let invalid = |message: String| Err(LambdaError::InvalidParameter(message));
        if !arn.starts_with("arn:") {
            return invalid(format!(
                "The provided destination config DestinationConfig is invalid: {arn} is no ARN."
            ));
        }
        if !is_function(arn) {
            return Ok(());
        }
        match self.target(arn, None) {
            Ok(target) if target.function.name == function.name => {
                let message = "You can't specify the function as a destination for itself.";
                invalid(message.to_owned())
            }
            Ok(_) => Ok(()),
            Err(_) => invalid(format!("The destination ARN {arn} is invalid.")),
        }
    }
}

/// Whether a destination can be played here.
pub(crate) fn is_function(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("lambda")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn set(request: &Value) -> Result<EventInvoke, LambdaError> {
        let mut config = EventInvoke::default();
        config.set(request).map(|()| config)
    }

    #[test]
    fn without_a_word_an_event_has_six_hours_and_three_attempts() {
        let config = EventInvoke::default();
        assert_eq!(config.max_age(), Duration::from_secs(21_600));
        assert_eq!(config.max_retries(), 2);
        assert_eq!(
            (config.destination(true), config.destination(false)),
            (None, None)
        );
    }

    #[test]
    fn numbers_are_taken_within_their_limits_and_also_as_text() {
        let config = set(&json!({ "MaximumRetryAttempts": "0", "MaximumEventAgeInSeconds": 60 }));
        let config = config.unwrap();
        assert_eq!(config.max_retries(), 0);
        assert_eq!(config.max_age(), Duration::from_secs(60));
        for (member, value, limit) in [
            ("MaximumRetryAttempts", json!(3), "less than or equal to 2"),
            (
                "MaximumRetryAttempts",
                json!(-1),
                "greater than or equal to 0",
            ),
            (
                "MaximumEventAgeInSeconds",
                json!(59),
                "greater than or equal to 60",
            ),
            (
                "MaximumEventAgeInSeconds",
                json!(21_601),
                "less than or equal to 21600",
            ),
        ] {
            let error = set(&json!({ member: value })).unwrap_err();
            assert!(error.to_string().ends_with(limit), "{error}");
        }
    }

    #[test]
    fn both_destinations_are_shown_and_an_empty_one_is_none() {
        let config = set(&json!({ "DestinationConfig": {
            "OnSuccess": { "Destination": "arn:aws:lambda:x:1:function:f" },
            "OnFailure": { "Destination": "" },
        } }));
        let shown = config.unwrap().to_json("arn");
        assert_eq!(
            shown["DestinationConfig"],
            json!({
                "OnSuccess": { "Destination": "arn:aws:lambda:x:1:function:f" },
                "OnFailure": {},
            })
        );
        assert!(shown.get("MaximumRetryAttempts").is_none());
    }
}
