//! A part of IAM's own API, by which tests make users and change policies
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>).
//! What is changed holds at once, where AWS takes seconds.

use super::{Document, Iam, Identity, Rules};
use crate::query::{Refusal, element, refused, success};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tether_iam::{PolicyError, Principal};
use time::format_description::well_known::Rfc3339;

type Answer = Response<Full<Bytes>>;
type Result<T> = std::result::Result<T, Refusal>;

/// A request's form.
struct Form(HashMap<String, String>);

impl Form {
    fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn required(&self, name: &str) -> Result<&str> {
        let value = self.optional(name).filter(|it| !it.is_empty());
        value.ok_or_else(|| Refusal {
            code: "ValidationError",
            message: format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy \
                 constraint: Member must not be null"
            ),
        })
    }
}

/// Serves one request.
pub(crate) fn serve(iam: &Iam, body: &[u8]) -> Answer {
    let form = Form(serde_urlencoded::from_bytes(body).unwrap_or_default());
    let action = form.optional("Action").unwrap_or_default().to_owned();
    match perform(iam, &action, &form) {
        Ok(result) => success(&action, &result),
        Err(refusal) => refused(&refusal),
    }
}

fn perform(iam: &Iam, action: &str, form: &Form) -> Result<String> {
    match action {
        "CreateUser" => create_user(iam, form),
        "DeleteUser" => delete_user(iam, form),
        "CreateAccessKey" => create_access_key(iam, form),
        "GetRole" => Ok(element_of("Role", &describe(role(iam, form)?.as_ref()))),
        "GetUser" => Ok(element_of("User", &describe(user(iam, form)?.as_ref()))),
        "UpdateAssumeRolePolicy" => {
            let (role, text) = (role(iam, form)?, document(form)?);
            let trust = Document::of_trust(text).map_err(|it| malformed(&it))?;
            role.change(|rules| rules.trust = Some(trust));
            Ok(String::new())
        }
        "PutRolePermissionsBoundary" => put_boundary(iam, form),
        "DeleteRolePermissionsBoundary" => {
            role(iam, form)?.change(|rules| rules.boundary = None);
            Ok(String::new())
        }
        "PutRolePolicy" => put_policy(role(iam, form)?.as_ref(), form),
        "GetRolePolicy" => policy(role(iam, form)?.as_ref(), "RoleName", form),
        "DeleteRolePolicy" => delete_policy(role(iam, form)?.as_ref(), form),
        "ListRolePolicies" => Ok(policies(role(iam, form)?.as_ref())),
        "PutUserPolicy" => put_policy(user(iam, form)?.as_ref(), form),
        "GetUserPolicy" => policy(user(iam, form)?.as_ref(), "UserName", form),
        "DeleteUserPolicy" => delete_policy(user(iam, form)?.as_ref(), form),
        "ListUserPolicies" => Ok(policies(user(iam, form)?.as_ref())),
        other => Err(Refusal {
            code: "InvalidAction",
            message: format!("tether's emulator does not serve {other}"),
        }),
    }
}

fn role(iam: &Iam, form: &Form) -> Result<Arc<Identity>> {
    let name = form.required("RoleName")?;
    iam.named("role", name)
        .ok_or_else(|| no_such(format!("The role with name {name} cannot be found.")))
}

fn user(iam: &Iam, form: &Form) -> Result<Arc<Identity>> {
    let name = form.required("UserName")?;
    iam.named("user", name)
        .ok_or_else(|| no_such(format!("The user with name {name} cannot be found.")))
}

fn no_such(message: String) -> Refusal {
    Refusal {
        code: "NoSuchEntity",
        message,
    }
}

fn malformed(error: &PolicyError) -> Refusal {
    Refusal {
        code: "MalformedPolicyDocument",
        message: error.to_string(),
    }
}

fn document(form: &Form) -> Result<Value> {
    let text = form.required("PolicyDocument")?;
    serde_json::from_str(text).map_err(|error| Refusal {
        code: "MalformedPolicyDocument",
        message: format!("Syntax errors in policy: {error}"),
    })
}

fn create_user(iam: &Iam, form: &Form) -> Result<String> {
    let name = form.required("UserName")?;
    if iam.named("user", name).is_some() {
        return Err(Refusal {
            code: "EntityAlreadyExists",
            message: format!("User with name {name} already exists."),
        });
    }
    let arn = iam.arn("user", form.optional("Path").unwrap_or("/"), name);
    let user = iam.add(Identity::new(arn, Rules::default()));
    Ok(element_of("User", &describe(&user)))
}

fn delete_user(iam: &Iam, form: &Form) -> Result<String> {
    let user = user(iam, form)?;
    if !user.rules().inline.is_empty() {
        return Err(Refusal {
            code: "DeleteConflict",
            message: "Cannot delete entity, must delete policies first.".to_owned(),
        });
    }
    iam.remove(&user.arn);
    Ok(String::new())
}

fn create_access_key(iam: &Iam, form: &Form) -> Result<String> {
    let user = user(iam, form)?;
    let key = iam.callers.issue_to_user(Principal::User {
        arn: user.arn.clone(),
        account: iam.place.account_id.clone(),
    });
    let about = [
        element("UserName", &user.name),
        element("AccessKeyId", &key),
        element("Status", "Active"),
        element("SecretAccessKey", "emulated"),
    ];
    Ok(element_of("AccessKey", &about.concat()))
}

fn put_boundary(iam: &Iam, form: &Form) -> Result<String> {
    let (role, arn) = (role(iam, form)?, form.required("PermissionsBoundary")?);
    let policy = iam.managed_document(arn);
    let policy = policy
        .ok_or_else(|| no_such(format!("Policy {arn} does not exist or is not attachable.")))?;
    role.change(|rules| rules.boundary = Some((arn.to_owned(), policy)));
    Ok(String::new())
}

fn put_policy(identity: &Identity, form: &Form) -> Result<String> {
    let name = form.required("PolicyName")?.to_owned();
    let policy = Document::of_identity(document(form)?).map_err(|it| malformed(&it))?;
    identity.change(|rules| rules.inline.insert(name, policy));
    Ok(String::new())
}

fn no_policy(identity: &Identity, name: &str) -> Refusal {
    let kind = identity.kind();
    no_such(format!(
        "The {kind} policy with name {name} cannot be found."
    ))
}

fn policy(identity: &Identity, member: &str, form: &Form) -> Result<String> {
    let name = form.required("PolicyName")?;
    let rules = identity.rules();
    let policy = rules.inline.get(name);
    let policy = policy.ok_or_else(|| no_policy(identity, name))?;
    let about = [
        element(member, &identity.name),
        element("PolicyName", name),
        element("PolicyDocument", &encoded(&policy.text)),
    ];
    Ok(about.concat())
}

fn delete_policy(identity: &Identity, form: &Form) -> Result<String> {
    let name = form.required("PolicyName")?;
    let removed = identity.change(|rules| rules.inline.remove(name));
    match removed {
        Some(_) => Ok(String::new()),
        None => Err(no_policy(identity, name)),
    }
}

fn policies(identity: &Identity) -> String {
    let rules = identity.rules();
    let members: String = rules
        .inline
        .keys()
        .map(|it| element("member", it))
        .collect();
    element_of("PolicyNames", &members) + &element("IsTruncated", "false")
}

fn describe(identity: &Identity) -> String {
    let name = if identity.kind() == "role" {
        "Role"
    } else {
        "User"
    };
    let rules = identity.rules();
    let mut about = vec![
        element("Path", identity.path()),
        element(&format!("{name}Name"), &identity.name),
        element(&format!("{name}Id"), &identity.id),
        element("Arn", &identity.arn),
        element(
            "CreateDate",
            &identity.created.format(&Rfc3339).unwrap_or_default(),
        ),
    ];
    if let Some(trust) = &rules.trust {
        about.push(element("AssumeRolePolicyDocument", &encoded(&trust.text)));
    }
    if let Some((arn, _)) = &rules.boundary {
        let kind = element("PermissionsBoundaryType", "Policy");
        let boundary = kind + &element("PermissionsBoundaryArn", arn);
        about.push(element_of("PermissionsBoundary", &boundary));
    }
    about.concat()
}

/// Documents are percent-encoded within the XML.
fn encoded(document: &Value) -> String {
    utf8_percent_encode(&document.to_string(), NON_ALPHANUMERIC).to_string()
}

/// An element with elements in it.
fn element_of(name: &str, inside: &str) -> String {
    format!("<{name}>{inside}</{name}>")
}
