//! What is kept for a function: who may invoke it, and its tags.

use super::error::LambdaError;
use super::event_invoke::EventInvoke;
use super::function::Function;
use crate::id;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use tether_iam::Policy as Rules;

/// See the module.
#[derive(Default)]
pub(crate) struct Records {
    /// By qualified ARN: statements by id, and the revision.
    policies: BTreeMap<String, Policy>,
    tags: BTreeMap<String, String>,
    /// By qualifier.
    pub(super) event_invokes: BTreeMap<String, EventInvoke>,
}

struct Policy {
    statements: Vec<(String, Value)>,
    revision_id: String,
    /// The same, as IAM asks it.
    rules: Arc<Rules>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            statements: Vec::new(),
            revision_id: String::new(),
            rules: Arc::new(Rules::silent()),
        }
    }
}

impl Policy {
    fn document(&self) -> Value {
        let statements: Vec<&Value> = self.statements.iter().map(|(_, it)| it).collect();
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements })
    }

    fn changed(&mut self) {
        self.revision_id = id::uuid();
        // Each statement was read when it came.
        let rules = Rules::of_resource(&self.document());
        self.rules = Arc::new(rules.unwrap_or_else(|_| Rules::silent()));
    }
}

/// Members of `AddPermission` that become conditions.
const CONDITIONS: [(&str, &str, &str); 5] = [
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    (
        "EventSourceToken",
        "StringEquals",
        "lambda:EventSourceToken",
    ),
    (
        "FunctionUrlAuthType",
        "StringEquals",
        "lambda:FunctionUrlAuthType",
    ),
];

fn statement(request: &Value, id: &str, resource: &str) -> Value {
    let member = |name: &str| request.get(name).and_then(Value::as_str);
    let principal = member("Principal").unwrap_or_default();
    let is_account = principal.len() == 12 && principal.bytes().all(|it| it.is_ascii_digit());
    let principal = if principal == "*" {
        json!("*")
    } else if principal.contains(".amazon") {
        json!({ "Service": principal })
    } else if is_account {
        // Of the same partition: no other knows it.
        let partition = resource.split(':').nth(1).unwrap_or("aws");
        json!({ "AWS": format!("arn:{partition}:iam::{principal}:root") })
    } else {
        json!({ "AWS": principal })
    };
    let mut statement = json!({
        "Sid": id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": member("Action").unwrap_or_default(),
        "Resource": resource,
    });
    let mut conditions = Map::new();
    for (name, operator, key) in CONDITIONS {
        if let Some(value) = member(name) {
            let operator = conditions.entry(operator).or_insert(json!({}));
            operator[key] = json!(value);
        }
    }
    if !conditions.is_empty() {
        statement["Condition"] = Value::Object(conditions);
    }
    statement
}

impl Function {
    pub(super) fn records(&self) -> std::sync::MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resource(&self, qualifier: Option<&str>) -> String {
        qualifier.map_or_else(|| self.arn.clone(), |it| self.qualified(it))
    }

    /// `AddPermission`
    pub(crate) fn add_permission(
        &self,
        qualifier: Option<&str>,
        request: &Value,
    ) -> Result<Value, LambdaError> {
        self.check(qualifier)?;
        let member = |name: &str| request.get(name).and_then(Value::as_str);
        let id = member("StatementId").unwrap_or_default();
        for name in ["StatementId", "Action", "Principal"] {
            if member(name).is_none_or(str::is_empty) {
                let message = format!(
                    "Value null at '{name}' failed to satisfy constraint: Member must not be null"
                );
                return Err(LambdaError::Validation(message));
            }
        }
        let resource = self.resource(qualifier);
        let mut records = self.records();
        let policy = records.policies.entry(resource.clone()).or_default();
        if policy.statements.iter().any(|(it, _)| it == id) {
            return Err(LambdaError::Conflict(format!(
                "The statement id ({id}) provided already exists. Please provide a new statement \
                 id, or remove the existing statement."
            )));
        }
        if let Some(expected) = member("RevisionId")
            && expected != policy.revision_id
        {
            return Err(LambdaError::stale_revision());
        }
        let statement = statement(request, id, &resource);
        let alone = json!({ "Version": "2012-10-17", "Statement": statement });
        Rules::of_resource(&alone)
            .map_err(|error| LambdaError::InvalidParameter(error.to_string()))?;
        policy.statements.push((id.to_owned(), statement.clone()));
        policy.changed();
        Ok(json!({ "Statement": statement.to_string() }))
    }

    /// `RemovePermission`
    pub(crate) fn remove_permission(
        &self,
        qualifier: Option<&str>,
        id: &str,
    ) -> Result<(), LambdaError> {
        let resource = self.resource(qualifier);
        let mut records = self.records();
        let Some(policy) = records.policies.get_mut(&resource) else {
            let message = "No policy is associated with the given resource.".to_owned();
            return Err(LambdaError::NotFound(message));
        };
        let before = policy.statements.len();
        policy.statements.retain(|(it, _)| it != id);
        if policy.statements.len() == before {
            let message = format!("Statement {id} is not found in resource policy.");
            return Err(LambdaError::NotFound(message));
        }
        policy.changed();
        if policy.statements.is_empty() {
            records.policies.remove(&resource);
        }
        Ok(())
    }

    /// `GetPolicy`
    pub(crate) fn policy(&self, qualifier: Option<&str>) -> Result<Value, LambdaError> {
        self.check(qualifier)?;
        let records = self.records();
        let policy = records.policies.get(&self.resource(qualifier));
        let policy = policy.ok_or_else(LambdaError::no_such_resource)?;
        Ok(json!({ "Policy": policy.document().to_string(), "RevisionId": policy.revision_id }))
    }

    /// The policy that says who may invoke it, if it has one.
    pub(crate) fn rules(&self, qualifier: Option<&str>) -> Option<Arc<Rules>> {
        let records = self.records();
        let policy = records.policies.get(&self.resource(qualifier));
        policy.map(|it| Arc::clone(&it.rules))
    }

    pub(crate) fn tags(&self) -> Value {
        json!(self.records().tags)
    }

    pub(crate) fn tag(&self, tags: &Value) {
        let given = tags.as_object().into_iter().flatten();
        let given = given.filter_map(|(key, it)| Some((key.clone(), it.as_str()?.to_owned())));
        self.records().tags.extend(given);
    }

    pub(crate) fn untag(&self, keys: &[&str]) {
        let mut records = self.records();
        records.tags.retain(|key, _| !keys.contains(&key.as_str()));
    }

    // ---- reserved concurrency

    pub(crate) fn reserved(&self) -> Option<u32> {
        self.state().reserved
    }

    /// As many places at once, or as many as there are.
    pub(crate) fn reserve(&self, most: Option<u32>) {
        self.state().reserved = most;
    }
}
