//! Roles, policies and log groups of a template, one at a time.

use super::managed;
use super::{Document, Iam, Identity, Rules};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use tether_iam::PolicyError;
use tether_sam::Resource;

/// What is wrong with a resource: the property, and why.
pub(crate) type Wrong = (&'static str, String);

const ROLE: &str = "AWS::IAM::Role";
const MANAGED: &str = "AWS::IAM::ManagedPolicy";
const LOG_GROUP: &str = "AWS::Logs::LogGroup";
const TRUST: &str = "AssumeRolePolicyDocument";

const POLICIES: [&str; 3] = ["AWS::IAM::Policy", "AWS::IAM::RolePolicy", MANAGED];

impl Iam {
    /// Takes what a resource says. Gives back what is not known: managed policies
    /// that grant nothing here.
    ///
    /// # Errors
    /// Why IAM would not take it.
    pub(crate) fn create(&self, resource: &Resource) -> Result<Vec<Wrong>, Wrong> {
        match resource.kind.as_str() {
            LOG_GROUP => self.add_log_group(resource.reference.clone()),
            ROLE => {
                let (rules, unknown) = self.rules_of(resource)?;
                self.add(Identity::new(self.role_arn(resource), rules));
                return Ok(unknown);
            }
            kind if POLICIES.contains(&kind) => self.attach(resource)?,
            _ => {}
        }
        Ok(Vec::new())
    }

    /// Takes what a resource says now. A role keeps what other resources have
    /// attached to it, and whoever has assumed it goes on.
    ///
    /// # Errors
    /// Why IAM would not take it.
    pub(crate) fn update(&self, before: &Resource, now: &Resource) -> Result<Vec<Wrong>, Wrong> {
        let known = self.identity(&self.role_arn(now));
        let (Some(identity), ROLE) = (known, now.kind.as_str()) else {
            self.delete(before);
            return self.create(now);
        };
        let (rules, unknown) = self.rules_of(now)?;
        let (inline, managed) = (inline(before)?, texts(before, "ManagedPolicyArns"));
        identity.change(|held| {
            held.inline.retain(|name, _| !inline.contains_key(name));
            held.managed.retain(|arn, _| !managed.contains(arn));
            held.inline.extend(rules.inline);
            held.managed.extend(rules.managed);
            held.trust = rules.trust;
            held.boundary = rules.boundary;
        });
        Ok(unknown)
    }

    /// Forgets a resource.
    pub(crate) fn delete(&self, resource: &Resource) {
        match resource.kind.as_str() {
            LOG_GROUP => {
                let groups = self.log_groups.write();
                let mut groups = groups.unwrap_or_else(PoisonError::into_inner);
                groups.remove(&resource.reference);
            }
            ROLE => self.remove(&self.role_arn(resource)),
            kind if POLICIES.contains(&kind) => self.detach(resource),
            _ => {}
        }
    }

    fn role_arn(&self, resource: &Resource) -> String {
        let path = resource.property("Path").and_then(Value::as_str);
        self.arn("role", path.unwrap_or("/"), &resource.reference)
    }

    fn rules_of(&self, resource: &Resource) -> Result<(Rules, Vec<Wrong>), Wrong> {
        let trust = resource.property(TRUST).cloned();
        let trust = trust.ok_or((TRUST, "it is missing".to_owned()))?;
        let trust = Document::of_trust(trust).map_err(|it| wrong(TRUST, &it))?;
        let mut unknown = Vec::new();
        let mut rules = Rules {
            trust: Some(trust),
            inline: inline(resource)?,
            ..Rules::default()
        };
        for named in texts(resource, "ManagedPolicyArns") {
            match self.managed_document(&named) {
                Some(policy) => {
                    rules.managed.insert(named, policy);
                }
                None => unknown.push((
                    "ManagedPolicyArns",
                    unknown_policy(&named, "it grants nothing"),
                )),
            }
        }
        if let Some(named) = resource
            .property("PermissionsBoundary")
            .and_then(Value::as_str)
        {
            let policy = self.managed_document(named);
            if policy.is_none() {
                let message = unknown_policy(named, "nothing is allowed within it");
                unknown.push(("PermissionsBoundary", message));
            }
            let policy = policy.unwrap_or_else(Document::silent);
            rules.boundary = Some((named.to_owned(), policy));
        }
        Ok((rules, unknown))
    }

    /// A managed policy of ours or of AWS.
    pub(super) fn managed_document(&self, arn: &str) -> Option<Arc<Document>> {
        let ours = {
            let managed = self.managed.read();
            let managed = managed.unwrap_or_else(PoisonError::into_inner);
            managed.get(arn).cloned()
        };
        let text = ours.or_else(|| managed::document(arn))?;
        Document::of_identity(text).ok()
    }

    /// A policy that stands beside the roles that have it.
    fn attach(&self, resource: &Resource) -> Result<(), Wrong> {
        let text = match resource.property("PolicyDocument") {
            None if resource.kind == "AWS::IAM::RolePolicy" => return Ok(()),
            _ => document(resource)?,
        };
        let parsed = || {
            let policy = Document::of_identity(text.clone());
            policy.map_err(|it| wrong("PolicyDocument", &it))
        };
        let is_managed = resource.kind == MANAGED;
        if is_managed {
            parsed()?;
            let managed = self.managed.write();
            let mut managed = managed.unwrap_or_else(PoisonError::into_inner);
            managed.insert(resource.reference.clone(), text.clone());
        }
        let name = policy_name(resource);
        for role in roles_of(resource) {
            let found = self.named("role", &role);
            let identity =
                found.ok_or_else(|| ("Roles", format!("there is no role {role} here")))?;
            let policy = parsed()?;
            identity.change(|rules| {
                let policies = if is_managed {
                    &mut rules.managed
                } else {
                    &mut rules.inline
                };
                policies.insert(name.clone(), policy);
            });
        }
        Ok(())
    }

    fn detach(&self, resource: &Resource) {
        let name = policy_name(resource);
        for role in roles_of(resource) {
            if let Some(identity) = self.named("role", &role) {
                identity.change(|rules| {
                    rules.inline.remove(&name);
                    rules.managed.remove(&name);
                });
            }
        }
        let managed = self.managed.write();
        let mut managed = managed.unwrap_or_else(PoisonError::into_inner);
        managed.remove(&resource.reference);
    }

    pub(super) fn has_log_group(&self, name: &str) -> bool {
        let groups = self.log_groups.read();
        groups
            .unwrap_or_else(PoisonError::into_inner)
            .contains(name)
    }

    pub(super) fn add_log_group(&self, name: String) {
        let groups = self.log_groups.write();
        groups.unwrap_or_else(PoisonError::into_inner).insert(name);
    }
}

/// An inline policy's name, or a managed one's ARN.
fn policy_name(resource: &Resource) -> String {
    let name = resource.property("PolicyName").and_then(Value::as_str);
    name.unwrap_or(&resource.reference).to_owned()
}

fn roles_of(resource: &Resource) -> Vec<String> {
    let mut roles = texts(resource, "Roles");
    let role = resource.property("RoleName").and_then(Value::as_str);
    roles.extend(role.map(str::to_owned));
    roles
}

fn wrong(property: &'static str, error: &PolicyError) -> Wrong {
    (property, error.to_string())
}

fn unknown_policy(named: &str, so: &str) -> String {
    format!("the managed policy {named} is not known here: {so}")
}

fn document(resource: &Resource) -> Result<Value, Wrong> {
    let text = resource.property("PolicyDocument").cloned();
    text.ok_or(("PolicyDocument", "it is missing".to_owned()))
}

fn inline(resource: &Resource) -> Result<BTreeMap<String, Arc<Document>>, Wrong> {
    let policies = resource.property("Policies").and_then(Value::as_array);
    let mut inline = BTreeMap::new();
    for policy in policies.into_iter().flatten() {
        let name = policy.get("PolicyName").and_then(Value::as_str);
        let text = policy.get("PolicyDocument").cloned().unwrap_or_default();
        let document = Document::of_identity(text).map_err(|it| wrong("Policies", &it))?;
        inline.insert(name.unwrap_or_default().to_owned(), document);
    }
    Ok(inline)
}

fn texts(resource: &Resource, property: &str) -> Vec<String> {
    let items = resource.property(property).and_then(Value::as_array);
    let texts = items.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}
