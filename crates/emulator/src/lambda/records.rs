//! What is kept for a function and changes nothing here: its policy, its tags.

use super::error::LambdaError;
use super::function::Function;
use crate::id;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// See the module.
#[derive(Default)]
pub(crate) struct Records {
    /// By qualified ARN: statements by id, and the revision.
    policies: BTreeMap<String, Policy>,
    tags: BTreeMap<String, String>,
}

#[derive(Default)]
struct Policy {
    statements: Vec<(String, Value)>,
    revision_id: String,
}

impl Policy {
    fn to_text(&self) -> String {
        let statements: Vec<&Value> = self.statements.iter().map(|(_, it)| it).collect();
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements }).to_string()
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
        json!({ "AWS": format!("arn:aws:iam::{principal}:root") })
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
    fn records(&self) -> std::sync::MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resource(&self, qualifier: Option<&str>) -> String {
        qualifier.map_or_else(|| self.arn.clone(), |it| self.qualified(it))
    }

    /// `AddPermission`: nobody asks the policy here.
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
        policy.statements.push((id.to_owned(), statement.clone()));
        policy.revision_id = id::uuid();
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
        policy.revision_id = id::uuid();
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
        Ok(json!({ "Policy": policy.to_text(), "RevisionId": policy.revision_id }))
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
