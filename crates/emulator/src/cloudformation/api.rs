//! Requests: what is asked, and whether it can be done.

use super::change_set::{self, Asked};
use super::engine::{self, OnFailure, Order};
use super::rights::By;
use super::stack::{Stack, now};
use super::wish::Wish;
use super::{capabilities, describe, nested, plan, template};
use crate::cloud::Cloud;
use crate::id;
use crate::query::{Refusal, element};
use std::collections::HashMap;
use std::sync::Arc;

type Answer = Result<String, Refusal>;

/// What changes what a call does, and is not emulated.
const NOT_EMULATED: [&str; 10] = [
    "RoleARN",
    "StackPolicyBody",
    "StackPolicyURL",
    "StackPolicyDuringUpdateBody",
    "StackPolicyDuringUpdateURL",
    "ImportExistingResources",
    "EnableTerminationProtection",
    "IncludeNestedStacks",
    "RetainExceptOnCreate",
    "DeploymentMode",
];

/// A request's fields, or those of a member of one of its lists.
pub(super) struct Form<'a> {
    fields: &'a HashMap<String, String>,
    prefix: String,
}

impl<'a> Form<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let name = format!("{}{name}", self.prefix);
        self.fields.get(&name).map(String::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// `Name.member.1.…`, from 1 on.
    pub(super) fn members(&self, name: &str) -> Vec<Form<'a>> {
        let prefix = |number: usize| format!("{}{name}.member.{number}.", self.prefix);
        let there = |prefix: &String| self.fields.keys().any(|it| it.starts_with(prefix.as_str()));
        let prefixes = (1..).map(prefix).take_while(there);
        let fields = self.fields;
        prefixes.map(|prefix| Form { fields, prefix }).collect()
    }

    /// `Name.member.1`
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let member = |number: usize| self.get(&format!("{name}.member.{number}"));
        let members = (1..).map_while(member);
        members.map(str::to_owned).collect()
    }

    pub(super) fn pairs(&self, name: &str, key: &str, value: &str) -> Vec<(String, String)> {
        let members = self.members(name);
        let pairs = members.iter().map(|it| {
            let text = |name: &str| it.get(name).unwrap_or_default().to_owned();
            (text(key), text(value))
        });
        pairs.collect()
    }

    fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        let given = self.get(name).filter(|it| !it.is_empty());
        given.ok_or_else(|| {
            let mut member = name.to_owned();
            if let Some(first) = member.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            Refusal::validation(format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy \
                 constraint: Member must not be null"
            ))
        })
    }
}

/// Serves one request.
pub(crate) fn serve(
    cloud: &Arc<Cloud>,
    access_key: &str,
    action: &str,
    fields: &HashMap<String, String>,
) -> Answer {
    let form = Form {
        fields,
        prefix: String::new(),
    };
    check_emulated(&form, action)?;
    check_root(cloud, &form, action)?;
    let by = By {
        access_key: Some(access_key.to_owned()),
    };
    let asking = Asking {
        cloud,
        form: &form,
        by,
    };
    match action {
        "CreateChangeSet" => asking.create_change_set(),
        "ExecuteChangeSet" => asking.execute_change_set(),
        "DeleteChangeSet" => asking.delete_change_set(),
        "CreateStack" => asking.create_stack(),
        "UpdateStack" => asking.update_stack(),
        "DeleteStack" => asking.delete_stack(),
        other => describe::serve(cloud, other, &form),
    }
}

fn check_emulated(form: &Form<'_>, action: &str) -> Result<(), Refusal> {
    let given = |name: &&&str| form.get(name).is_some_and(|it| it != "false");
    match NOT_EMULATED.iter().find(given) {
        Some(name) => Err(Refusal::validation(format!(
            "tether's emulator does not serve {name} of {action}"
        ))),
        None => Ok(()),
    }
}

/// Nested stacks change with the one around them.
fn check_root(cloud: &Cloud, form: &Form<'_>, action: &str) -> Result<(), Refusal> {
    const CHANGES: [&str; 4] = [
        "CreateChangeSet",
        "CreateStack",
        "UpdateStack",
        "DeleteStack",
    ];
    let wanted = form.get("StackName").filter(|_| CHANGES.contains(&action));
    let nested = wanted.and_then(|it| nested::inner(cloud, it));
    match nested.as_ref().and_then(|it| it.parent.as_ref()) {
        Some(parent) => Err(Refusal::validation(format!(
            "tether's emulator does not serve {action} of a nested stack: change the one that it \
             is in, {}",
            parent.root
        ))),
        None => Ok(()),
    }
}

struct Asking<'a> {
    cloud: &'a Arc<Cloud>,
    form: &'a Form<'a>,
    by: By,
}

impl Asking<'_> {
    fn find(&self, wanted: &str) -> Result<Arc<Stack>, Refusal> {
        let found = self.cloud.stacks.find(wanted);
        found.ok_or_else(|| does_not_exist(wanted))
    }

    fn id(&self, name: &str) -> String {
        let resource = format!("stack/{name}/{}", id::uuid());
        self.cloud.arn("cloudformation", &resource)
    }

    // ---- change sets

    fn create_change_set(&self) -> Answer {
        let wanted = self.form.required("StackName")?;
        let name = self.form.required("ChangeSetName")?;
        check_name(name, "changeSetName")?;
        let kind = self.form.get("ChangeSetType").unwrap_or("UPDATE");
        let found = self.cloud.stacks.find(wanted).filter(|it| !it.is_gone());
        let creates = match kind {
            "CREATE" => true,
            "UPDATE" => false,
            other => {
                return Err(Refusal::validation(format!(
                    "tether's emulator does not serve ChangeSetType {other}"
                )));
            }
        };
        let before = found.as_ref().map(|it| it.state().wish.clone());
        let before = before.filter(|_| !creates);
        let wish = template::wish(self.cloud, self.form, before.as_ref())?;
        let stack = match (found, creates) {
            (None, false) => {
                let message = format!("Stack [{wanted}] does not exist");
                return Err(Refusal::validation(message));
            }
            (Some(stack), false) => {
                check_updatable(&stack)?;
                stack
            }
            (Some(stack), true) if stack.state().status != "REVIEW_IN_PROGRESS" => {
                return Err(Refusal::validation(format!(
                    "Stack [{wanted}] already exists and cannot be created again with the \
                     changeSet [{name}]."
                )));
            }
            (found, true) => self.reviewed(found, wanted, &wish)?,
        };
        if !creates {
            self.check_capabilities(&stack, &wish, true)?;
        }
        let on_failure = on_failure(self.form.get("OnStackFailure"), false);
        let asked = Asked {
            name: name.to_owned(),
            description: self.form.get("Description").map(str::to_owned),
            creates,
            on_failure,
            wish,
        };
        let set = change_set::begin(self.cloud, &stack, asked)?;
        Ok(format!(
            "{}{}",
            element("Id", &set),
            element("StackId", &stack.id)
        ))
    }

    /// The stack of a change set that would create it. A refusal leaves none.
    fn reviewed(
        &self,
        found: Option<Arc<Stack>>,
        name: &str,
        wish: &Wish,
    ) -> Result<Arc<Stack>, Refusal> {
        if let Some(stack) = found {
            self.check_capabilities(&stack, wish, true)?;
            return Ok(stack);
        }
        check_name(name, "stackName")?;
        let id = self.id(name);
        self.check_capabilities(&Stack::imagined(name, &id), wish, true)?;
        let added = self.cloud.stacks.add(name, &id, "REVIEW_IN_PROGRESS");
        let stack = added.ok_or_else(|| already_exists(name))?;
        stack.enter("REVIEW_IN_PROGRESS", Some("User Initiated"));
        Ok(stack)
    }

    fn execute_change_set(&self) -> Answer {
        let set = self.form.required("ChangeSetName")?;
        let stack = describe::stack_of_change_set(self.cloud, self.form)?;
        let disable = self.form.flag("DisableRollback");
        change_set::execute(self.cloud, &stack, set, self.by.clone(), disable)?;
        Ok(String::new())
    }

    fn delete_change_set(&self) -> Answer {
        let set = self.form.required("ChangeSetName")?;
        let stack = describe::stack_of_change_set(self.cloud, self.form)?;
        let mut state = stack.state();
        state
            .change_sets
            .retain(|it| it.name != set && it.id != set);
        Ok(String::new())
    }

    // ---- stacks

    /// What is wrong with a template is said at once.
    fn check_capabilities(
        &self,
        stack: &Stack,
        wish: &Wish,
        change_set: bool,
    ) -> Result<plan::Plan, Refusal> {
        let planned = plan::plan(self.cloud, stack, wish);
        let planned = planned.map_err(|problems| template::format_error(&problems))?;
        let given = &wish.capabilities;
        match capabilities::missing(&planned.target, &wish.text, given, change_set) {
            None => Ok(planned),
            Some(message) => Err(Refusal {
                code: "InsufficientCapabilitiesException",
                message,
            }),
        }
    }

    fn create_stack(&self) -> Answer {
        let name = self.form.required("StackName")?;
        check_name(name, "stackName")?;
        let wish = template::wish(self.cloud, self.form, None)?;
        if self.cloud.stacks.find(name).is_some_and(|it| !it.is_gone()) {
            return Err(already_exists(name));
        }
        let id = self.id(name);
        let imagined = Stack::imagined(name, &id);
        let planned = self.check_capabilities(&imagined, &wish, false)?;
        check_uploaded(&planned, &wish)?;
        let added = self.cloud.stacks.add(name, &id, "CREATE_IN_PROGRESS");
        let stack = added.ok_or_else(|| already_exists(name))?;
        let disable = self.form.flag("DisableRollback");
        let order = Order {
            wish,
            by: self.by.clone(),
            on_failure: on_failure(self.form.get("OnFailure"), disable),
        };
        engine::begin(self.cloud, &stack, order, true);
        Ok(element("StackId", &stack.id))
    }

    fn update_stack(&self) -> Answer {
        let name = self.form.required("StackName")?;
        let stack = self.find(name).map_err(|_| {
            let message = format!("Stack [{name}] does not exist");
            Refusal::validation(message)
        })?;
        check_updatable(&stack)?;
        let before = stack.state().wish.clone();
        let wish = template::wish(self.cloud, self.form, Some(&before))?;
        let planned = self.check_capabilities(&stack, &wish, false)?;
        check_uploaded(&planned, &wish)?;
        if change_set::is_same(&stack, &wish, &planned) {
            return Err(Refusal::validation("No updates are to be performed."));
        }
        stack.state().updated = Some(now());
        let order = Order {
            wish,
            by: self.by.clone(),
            on_failure: on_failure(None, self.form.flag("DisableRollback")),
        };
        engine::begin(self.cloud, &stack, order, false);
        Ok(element("StackId", &stack.id))
    }

    /// One that is not there is no error.
    fn delete_stack(&self) -> Answer {
        let wanted = self.form.required("StackName")?;
        if self.form.get("RetainResources.member.1").is_some() {
            let message = "tether's emulator does not serve RetainResources of DeleteStack";
            return Err(Refusal::validation(message));
        }
        let found = self.cloud.stacks.find(wanted);
        if let Some(stack) = found.filter(|it| !it.is_gone()) {
            engine::begin_delete(self.cloud, &stack, self.by.clone());
        }
        Ok(String::new())
    }
}

fn check_uploaded(planned: &plan::Plan, wish: &Wish) -> Result<(), Refusal> {
    match template::local_code(&planned.target) {
        Some(message) if wish.folder.is_none() => Err(Refusal::validation(message)),
        _ => Ok(()),
    }
}

fn on_failure(wanted: Option<&str>, disable_rollback: bool) -> OnFailure {
    match wanted {
        Some("DELETE") => OnFailure::Delete,
        Some("DO_NOTHING") => OnFailure::Nothing,
        _ if disable_rollback => OnFailure::Nothing,
        _ => OnFailure::Rollback,
    }
}

fn already_exists(name: &str) -> Refusal {
    Refusal {
        code: "AlreadyExistsException",
        message: format!("Stack [{name}] already exists"),
    }
}

pub(super) fn does_not_exist(wanted: &str) -> Refusal {
    Refusal::validation(format!("Stack with id {wanted} does not exist"))
}

/// One change at a time, and none of what has never been whole.
fn check_updatable(stack: &Stack) -> Result<(), Refusal> {
    const UPDATABLE: [&str; 5] = [
        "CREATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
    ];
    let status = stack.state().status;
    if UPDATABLE.contains(&status) {
        return Ok(());
    }
    Err(Refusal::validation(format!(
        "Stack:{} is in {status} state and can not be updated.",
        stack.id
    )))
}

fn check_name(name: &str, member: &str) -> Result<(), Refusal> {
    let letter = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let first = name
        .chars()
        .next()
        .is_some_and(|it| it.is_ascii_alphabetic());
    if first && name.len() <= 128 && name.chars().all(letter) {
        return Ok(());
    }
    Err(Refusal::validation(format!(
        "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )))
}
