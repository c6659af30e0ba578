//! Change sets: what would be done, to be looked at first
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html>).

use super::engine::{self, OnFailure, Order};
use super::expand::deployed_kind;
use super::plan::{Change, Plan, plan};
use super::rights::By;
use super::stack::{Made, Stack, State, now};
use super::wish::Wish;
use super::{capabilities, nested, template};
use crate::cloud::Cloud;
use crate::id;
use crate::query::Refusal;
use std::collections::BTreeMap;
use std::sync::Arc;
use tether_sam::NestedStack;

/// AWS's words where nothing changes.
pub(super) const NO_CHANGES: &str = "The submitted information didn't contain changes. Submit \
                                     different information to create a change set.";

/// See the module.
#[derive(Clone)]
pub(super) struct ChangeSet {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) description: Option<String>,
    pub(super) created: String,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) execution: &'static str,
    pub(super) creates: bool,
    pub(super) on_failure: OnFailure,
    pub(super) wish: Wish,
    pub(super) changes: Vec<Row>,
    /// Key, value; secrets are starred.
    pub(super) parameters: Vec<(String, String)>,
}

/// One change as it is shown.
#[derive(Clone)]
pub(super) struct Row {
    /// `Add`, `Modify`, `Remove`
    pub(super) action: &'static str,
    pub(super) logical_id: String,
    pub(super) physical_id: Option<String>,
    pub(super) kind: String,
    /// `True` or `False`; only of what is modified.
    pub(super) replacement: Option<&'static str>,
    /// What differs.
    pub(super) properties: Vec<String>,
}

/// What a request says of a change set.
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) creates: bool,
    pub(super) on_failure: OnFailure,
    pub(super) wish: Wish,
}

/// Begins to make a change set: what changes is found behind the answer.
pub(super) fn begin(
    cloud: &Arc<Cloud>,
    stack: &Arc<Stack>,
    asked: Asked,
) -> Result<String, Refusal> {
    let resource = format!("changeSet/{}/{}", asked.name, id::uuid());
    let set = ChangeSet {
        id: cloud.arn("cloudformation", &resource),
        name: asked.name,
        description: asked.description,
        created: now(),
        status: "CREATE_PENDING",
        reason: None,
        execution: "UNAVAILABLE",
        creates: asked.creates,
        on_failure: asked.on_failure,
        wish: asked.wish,
        changes: Vec::new(),
        parameters: Vec::new(),
    };
    let id = set.id.clone();
    {
        let mut state = stack.state();
        if state.change_sets.iter().any(|it| it.name == set.name) {
            return Err(Refusal {
                code: "AlreadyExistsException",
                message: format!("ChangeSet {} already exists.", set.name),
            });
        }
        state.change_sets.push(set.clone());
    }
    let (cloud, stack) = (Arc::clone(cloud), Arc::clone(stack));
    let tasks = cloud.tasks.clone();
    tasks.spawn(async move {
        // What is being changed now is looked at when it is done.
        let _work = stack.work.lock().await;
        let set = filled(&cloud, &stack, set);
        let mut state = stack.state();
        if let Some(it) = state.change_sets.iter_mut().find(|it| it.id == set.id) {
            *it = set;
        }
    });
    Ok(id)
}

fn filled(cloud: &Cloud, stack: &Stack, mut set: ChangeSet) -> ChangeSet {
    match changes(cloud, stack, &set) {
        Ok(planned) => {
            set.parameters = template::shown_parameters(&set.wish, &planned.target);
            set.changes = rows(&planned, &stack.state());
            set.status = "CREATE_COMPLETE";
            set.execution = "AVAILABLE";
        }
        Err(reason) => {
            set.status = "FAILED";
            set.reason = Some(reason);
        }
    }
    set
}

fn changes(cloud: &Cloud, stack: &Stack, set: &ChangeSet) -> Result<Plan, String> {
    let planned =
        plan(cloud, stack, &set.wish).map_err(|it| template::format_error(&it).message)?;
    if set.wish.folder.is_none()
        && let Some(local) = template::local_code(&planned.target)
    {
        return Err(local);
    }
    let given = &set.wish.capabilities;
    if let Some(missing) = capabilities::missing(&planned.target, &set.wish.text, given, true) {
        return Err(missing);
    }
    if !set.creates && is_same(stack, &set.wish, &planned) {
        return Err(NO_CHANGES.to_owned());
    }
    Ok(planned)
}

/// Whether a stack is what is wanted already.
pub(super) fn is_same(stack: &Stack, wish: &Wish, planned: &Plan) -> bool {
    let state = stack.state();
    let now = &planned.target;
    planned.is_idle()
        && state.outputs == now.outputs
        && shown(&state.nested) == shown(&now.nested)
        && state.wish.tags == wish.tags
}

/// What can be seen of nested stacks besides their resources.
fn shown(nested: &BTreeMap<String, NestedStack>) -> BTreeMap<&str, impl PartialEq> {
    let nested = nested.iter();
    let shown = nested.map(|(path, it)| (path.as_str(), (&it.description, &it.outputs)));
    shown.collect()
}

fn rows(planned: &Plan, state: &State) -> Vec<Row> {
    let own = |it: &tether_sam::Resource| !nested::is_within(&it.logical_id);
    let steps = planned.steps.iter().filter(|it| own(&it.resource));
    let steps = steps.filter_map(|step| {
        let old = state.made.get(&step.resource.logical_id);
        let (action, replacement) = match step.change {
            Change::Add => ("Add", None),
            Change::Modify => ("Modify", Some("False")),
            Change::Replace => ("Modify", Some("True")),
            Change::Keep => return None,
        };
        Some(Row {
            action,
            logical_id: step.resource.logical_id.clone(),
            physical_id: old.map(|it| it.physical_id.clone()),
            kind: deployed_kind(&step.resource.kind).to_owned(),
            replacement,
            properties: old.map_or_else(Vec::new, |old| differences(old, &step.resource)),
        })
    });
    let removed = planned.removed.iter().filter(|it| own(&it.resource));
    let removed = removed.map(|made| Row {
        action: "Remove",
        logical_id: made.resource.logical_id.clone(),
        physical_id: Some(made.physical_id.clone()),
        kind: deployed_kind(&made.resource.kind).to_owned(),
        replacement: None,
        properties: Vec::new(),
    });
    steps.chain(removed).collect()
}

/// Names of the properties that differ.
fn differences(old: &Made, new: &tether_sam::Resource) -> Vec<String> {
    let (before, now) = (&old.resource.properties, &new.properties);
    let names = |it: &serde_json::Value| -> Vec<String> {
        let members = it.as_object().into_iter().flatten();
        members.map(|(name, _)| name.clone()).collect()
    };
    let mut all = names(before);
    all.extend(names(now));
    all.sort();
    all.dedup();
    all.retain(|it| before.get(it) != now.get(it));
    all
}

/// Does what a change set says.
pub(super) fn execute(
    cloud: &Arc<Cloud>,
    stack: &Arc<Stack>,
    wanted: &str,
    by: By,
    disable_rollback: bool,
) -> Result<(), Refusal> {
    let set = {
        let mut state = stack.state();
        let set = find(&mut state, wanted)?;
        if set.execution != "AVAILABLE" {
            return Err(Refusal {
                code: "InvalidChangeSetStatus",
                message: format!(
                    "ChangeSet [{}] cannot be executed in its current status of [{}]",
                    set.id, set.status
                ),
            });
        }
        set.execution = "EXECUTE_COMPLETE";
        let set = set.clone();
        // The others were made for what the stack is no longer.
        state.change_sets.retain(|it| it.id == set.id);
        state.updated = (!set.creates).then(now);
        set
    };
    let on_failure = match disable_rollback {
        true => OnFailure::Nothing,
        false => set.on_failure,
    };
    let order = Order {
        wish: set.wish,
        by,
        on_failure,
    };
    engine::begin(cloud, stack, order, set.creates);
    Ok(())
}

/// By name or id.
pub(super) fn find<'a>(state: &'a mut State, wanted: &str) -> Result<&'a mut ChangeSet, Refusal> {
    let mut sets = state.change_sets.iter_mut();
    sets.find(|it| it.name == wanted || it.id == wanted)
        .ok_or_else(|| not_found(wanted))
}

pub(super) fn not_found(wanted: &str) -> Refusal {
    Refusal {
        code: "ChangeSetNotFound",
        message: format!("ChangeSet [{wanted}] does not exist"),
    }
}
