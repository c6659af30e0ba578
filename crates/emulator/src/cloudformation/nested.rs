//! Stacks within stacks, as they are described. The engine makes one stack of all
//! of them, whose resources are called `Nested/Child`; what is asked of a nested
//! one is answered from that
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html>).

use super::stack::{Event, Parent, Row, STACK, Stack, State};
use super::template;
use super::wish::Wish;
use crate::cloud::Cloud;
use std::sync::Arc;
use tether_sam::NestedStack;

/// Whether a resource is one of a nested stack.
pub(super) fn is_within(logical_id: &str) -> bool {
    logical_id.contains('/')
}

/// Each stack of the account, and behind it those within it.
pub(super) fn all(cloud: &Cloud) -> Vec<Arc<Stack>> {
    let roots = cloud.stacks.all();
    let families = roots.into_iter().flat_map(|root| {
        let within = within(&root);
        [root].into_iter().chain(within)
    });
    families.collect()
}

/// A stack by its name or its id, be it in another one.
pub(super) fn find(cloud: &Cloud, wanted: &str) -> Option<Arc<Stack>> {
    cloud.stacks.find(wanted).or_else(|| inner(cloud, wanted))
}

/// The same of those that are in another one.
pub(super) fn inner(cloud: &Cloud, wanted: &str) -> Option<Arc<Stack>> {
    let mut all = all(cloud);
    all.retain(|it| it.parent.is_some());
    let named = |it: &&Arc<Stack>| it.name == wanted && !it.is_gone();
    // Made again, it has the id again: the last one is the one that is there.
    let found = all.iter().rfind(|it| it.id == wanted);
    found.or_else(|| all.iter().rfind(named)).cloned()
}

/// The stacks within one, as they are now.
fn within(root: &Stack) -> Vec<Arc<Stack>> {
    let state = root.state();
    let rows = state.rows.iter().filter(|(_, row)| row.kind == STACK);
    let stacks = rows.filter_map(|(path, row)| described(root, &state, path, row));
    stacks.map(Arc::new).collect()
}

/// None: it has no name yet.
fn described(root: &Stack, state: &State, path: &str, row: &Row) -> Option<Stack> {
    let id = row.physical_id.as_str();
    let name = id.split_once(":stack/")?.1.split('/').next()?;
    let outer = path
        .rsplit_once('/')
        .and_then(|(outer, _)| state.rows.get(outer));
    let parent = Parent {
        id: outer.map_or(&root.id, |it| &it.physical_id).clone(),
        root: root.id.clone(),
    };
    let inside = |id: &str| Some(id.strip_prefix(path)?.strip_prefix('/')?.to_owned());
    let events = events(state, path, row, name, inside);
    let of_its_own = |it: &&Event| it.logical_id == name && it.physical_id == id;
    let begun = events.iter().find(of_its_own).map(|it| it.at.clone());
    let updates = |it: &&Event| of_its_own(it) && it.status.starts_with("UPDATE");
    let updated = events.iter().rfind(updates).map(|it| it.at.clone());
    let known = state.nested.get(path);
    let whole = row.status.ends_with("_COMPLETE") && row.status != "DELETE_COMPLETE";
    let rows = state.rows.iter();
    let made = state.made.iter();
    let state = State {
        created: begun.unwrap_or_else(|| state.created.clone()),
        updated,
        deleted: (row.status == "DELETE_COMPLETE").then(|| row.at.clone()),
        status: match row.status {
            // It stays as it was.
            "DELETE_SKIPPED" => "UPDATE_COMPLETE",
            status => status,
        },
        reason: row.reason.clone(),
        wish: wish(&state.wish, known),
        description: known.and_then(|it| it.description.clone()),
        parameters: known.map(parameters).unwrap_or_default(),
        outputs: known
            .filter(|_| whole)
            .map_or_else(Vec::new, |it| it.outputs.clone()),
        made: made
            .filter_map(|(id, it)| Some((inside(id)?, it.clone())))
            .collect(),
        rows: rows
            .filter_map(|(id, it)| Some((inside(id)?, it.clone())))
            .collect(),
        events,
        ..State::new(row.status)
    };
    Some(Stack::within(parent, name, id, state))
}

/// What happened in it, and to it.
fn events(
    state: &State,
    path: &str,
    row: &Row,
    name: &str,
    inside: impl Fn(&str) -> Option<String>,
) -> Vec<Event> {
    let events = state.events.iter().filter_map(|event| {
        if event.logical_id != path {
            let logical_id = inside(&event.logical_id)?;
            return Some(Event {
                logical_id,
                ..event.clone()
            });
        }
        // The outer stack has announced it before it had an id.
        (event.physical_id == row.physical_id).then(|| Event {
            logical_id: name.to_owned(),
            reason: match event.status.ends_with("_IN_PROGRESS") {
                true => Some("User Initiated".to_owned()),
                false => event.reason.clone(),
            },
            ..event.clone()
        })
    });
    events.collect()
}

fn wish(outer: &Wish, known: Option<&NestedStack>) -> Wish {
    Wish {
        text: known.map(|it| it.template.clone()).unwrap_or_default(),
        tags: outer.tags.clone(),
        capabilities: outer.capabilities.clone(),
        ..Wish::default()
    }
}

fn parameters(known: &NestedStack) -> Vec<(String, String)> {
    template::shown("template", &known.template, &known.parameters)
}
