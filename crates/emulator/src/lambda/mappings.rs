//! Event source mappings, as records: nothing polls here
//! (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html>).

use super::error::LambdaError;
use super::function::{CHANGE_TAKES, Function};
use crate::cloud::Place;
use crate::id;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

/// All mappings of the account.
pub(crate) struct Mappings {
    place: Place,
    all: RwLock<BTreeMap<String, Mapping>>,
}

struct Mapping {
    /// The function's name without a qualifier.
    function: String,
    /// As it is shown, without its state.
    shown: Map<String, Value>,
    /// `Creating`, `Updating`, `Deleting` until it has settled.
    passing: &'static str,
    since: Instant,
    enabled: bool,
}

/// Members of a request that are not shown as they are.
const NOT_SHOWN: [&str; 3] = ["FunctionName", "Enabled", "Tags"];

impl Mapping {
    fn is_passing(&self) -> bool {
        self.since.elapsed() < CHANGE_TAKES
    }

    fn is_gone(&self) -> bool {
        self.passing == "Deleting" && !self.is_passing()
    }

    fn to_json(&self) -> Value {
        let state = match (self.is_passing(), self.enabled) {
            (true, _) => self.passing,
            (false, true) => "Enabled",
            (false, false) => "Disabled",
        };
        let mut shown = self.shown.clone();
        shown.insert("State".to_owned(), json!(state));
        Value::Object(shown)
    }

    fn pass(&mut self, how: &'static str) {
        self.passing = how;
        self.since = Instant::now();
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        self.shown.insert("LastModified".to_owned(), json!(now));
    }

    /// Takes over what a request says.
    fn set(&mut self, request: &Value) {
        for (member, value) in request.as_object().into_iter().flatten() {
            if !NOT_SHOWN.contains(&member.as_str()) && !value.is_null() {
                self.shown.insert(member.clone(), value.clone());
            }
        }
        if let Some(enabled) = request.get("Enabled").and_then(Value::as_bool) {
            self.enabled = enabled;
        }
    }
}

impl Mappings {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            all: RwLock::default(),
        }
    }

    /// `CreateEventSourceMapping`
    pub(crate) fn create(
        &self,
        function: &Function,
        function_arn: &str,
        request: &Value,
    ) -> Result<Value, LambdaError> {
        let source = request.get("EventSourceArn").and_then(Value::as_str);
        let source = source.ok_or_else(|| {
            LambdaError::InvalidParameter("Unrecognized event source.".to_owned())
        })?;
        let uuid = id::uuid();
        let place = &self.place;
        let mut mapping = Mapping {
            function: function.name.clone(),
            shown: defaults(source)?,
            passing: "Creating",
            since: Instant::now(),
            enabled: true,
        };
        mapping.set(request);
        if is_stream(source) && !mapping.shown.contains_key("StartingPosition") {
            return Err(LambdaError::Validation(
                "Value null at 'startingPosition' failed to satisfy constraint: Member must not \
                 be null."
                    .to_owned(),
            ));
        }
        let arn = format!(
            "arn:{}:lambda:{}:{}:event-source-mapping:{uuid}",
            place.partition, place.region, place.account_id
        );
        let named = [
            ("UUID", uuid.as_str()),
            ("EventSourceMappingArn", &arn),
            ("FunctionArn", function_arn),
        ];
        for (member, value) in named {
            mapping.shown.insert(member.to_owned(), json!(value));
        }
        mapping.pass("Creating");
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, it| !it.is_gone());
        let same = |it: &&Mapping| {
            it.function == function.name && it.shown.get("EventSourceArn") == Some(&json!(source))
        };
        if let Some(other) = all.values().find(same) {
            let uuid = other.shown.get("UUID").and_then(Value::as_str);
            return Err(LambdaError::Conflict(format!(
                "The event source arn (\" {source} \") and function (\" {} \") provided mapping \
                 already exists. Please update or delete the existing mapping with UUID {}",
                function.name,
                uuid.unwrap_or_default()
            )));
        }
        let answer = mapping.to_json();
        all.insert(uuid, mapping);
        Ok(answer)
    }

    fn change(
        &self,
        uuid: &str,
        how: &'static str,
        request: &Value,
        function: Option<(&Function, &str)>,
    ) -> Result<Value, LambdaError> {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let found = all.get_mut(uuid).filter(|it| !it.is_gone());
        let mapping = found.ok_or_else(LambdaError::no_such_resource)?;
        if mapping.is_passing() {
            return Err(LambdaError::InUse(format!(
                "Cannot {} the event source mapping because it is in use.",
                if how == "Deleting" {
                    "delete"
                } else {
                    "update"
                }
            )));
        }
        mapping.set(request);
        if let Some((function, arn)) = function {
            mapping.function.clone_from(&function.name);
            mapping.shown.insert("FunctionArn".to_owned(), json!(arn));
        }
        mapping.pass(how);
        Ok(mapping.to_json())
    }

    /// `GetEventSourceMapping`
    pub(crate) fn mapping(&self, uuid: &str) -> Result<Value, LambdaError> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(uuid).filter(|it| !it.is_gone());
        Ok(found.ok_or_else(LambdaError::no_such_resource)?.to_json())
    }

    /// `UpdateEventSourceMapping`
    pub(crate) fn update(
        &self,
        uuid: &str,
        request: &Value,
        function: Option<(&Function, &str)>,
    ) -> Result<Value, LambdaError> {
        self.change(uuid, "Updating", request, function)
    }

    /// `DeleteEventSourceMapping`
    pub(crate) fn delete(&self, uuid: &str) -> Result<Value, LambdaError> {
        self.change(uuid, "Deleting", &Value::Null, None)
    }

    /// Forgets one, as the end of its stack does.
    pub(crate) fn remove(&self, uuid: &str) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(uuid);
    }

    /// `ListEventSourceMappings`, of a function, of a source, or all.
    pub(crate) fn list(
        &self,
        function: Option<&str>,
        source: Option<&str>,
    ) -> Vec<(String, Value)> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter(|(_, it)| !it.is_gone())
            .filter(|(_, it)| function.is_none_or(|function| it.function == function))
            .filter(|(_, it)| {
                source.is_none_or(|source| {
                    it.shown
                        .get("EventSourceArn")
                        .is_some_and(|it| it == source)
                })
            })
            .map(|(uuid, it)| (uuid.clone(), it.to_json()))
            .collect()
    }
}

fn service(source: &str) -> &str {
    source.split(':').nth(2).unwrap_or_default()
}

fn is_stream(source: &str) -> bool {
    matches!(service(source), "kinesis" | "dynamodb")
}

/// What AWS puts in where a request says nothing.
fn defaults(source: &str) -> Result<Map<String, Value>, LambdaError> {
    let defaults = match service(source) {
        "sqs" => json!({
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 0,
            "FunctionResponseTypes": [],
            "StateTransitionReason": "USER_INITIATED",
        }),
        "kinesis" | "dynamodb" => json!({
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 0,
            "ParallelizationFactor": 1,
            "BisectBatchOnFunctionError": false,
            "MaximumRecordAgeInSeconds": -1,
            "MaximumRetryAttempts": -1,
            "TumblingWindowInSeconds": 0,
            "DestinationConfig": { "OnFailure": {} },
            "FunctionResponseTypes": [],
            "LastProcessingResult": "No records processed",
            "StateTransitionReason": "User action",
        }),
        "kafka" | "mq" | "rds" => json!({
            "BatchSize": 100,
            "StateTransitionReason": "USER_INITIATED",
        }),
        _ => {
            let message = "Unrecognized event source.".to_owned();
            return Err(LambdaError::InvalidParameter(message));
        }
    };
    Ok(defaults.as_object().cloned().unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::lambda::function::example;
    use std::sync::Barrier;

    #[test]
    fn of_those_who_change_a_mapping_at_once_one_succeeds() {
        let function = example();
        let mappings = Mappings::new(Place::default());
        let source = json!({ "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders" });
        let created = mappings.create(&function, "arn", &source).unwrap();
        let uuid = created["UUID"].as_str().unwrap();
        for _ in 0..200 {
            let settled = Instant::now().checked_sub(CHANGE_TAKES).unwrap();
            mappings.all.write().unwrap().get_mut(uuid).unwrap().since = settled;
            let together = Barrier::new(4);
            let update = || {
                together.wait();
                mappings
                    .update(uuid, &json!({ "BatchSize": 1 }), None)
                    .is_ok()
            };
            let succeeded = std::thread::scope(|scope| {
                let all = [(); 4].map(|()| scope.spawn(update));
                all.map(|it| it.join().unwrap())
            });
            assert_eq!(succeeded.iter().filter(|it| **it).count(), 1);
        }
    }
}
