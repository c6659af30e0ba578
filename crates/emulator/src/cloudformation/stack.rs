//! What is known of a stack.

use super::change_set::ChangeSet;
use super::resources::Content;
use super::wish::Wish;
use crate::id;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tether_sam::{NestedStack, Output, Resource};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// All stacks, those that are gone included.
#[derive(Default)]
pub(crate) struct Stacks {
    all: RwLock<Vec<Arc<Stack>>>,
}

/// A stack.
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Of one within another one.
    pub(super) parent: Option<Parent>,
    /// Whoever changes its resources holds this.
    pub(super) work: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// Where a nested stack is.
pub(super) struct Parent {
    /// The id of the stack that it is a resource of.
    pub(super) id: String,
    /// The id of the one around all of them.
    pub(super) root: String,
}

/// What changes of a stack.
pub(super) struct State {
    pub(super) created: String,
    pub(super) updated: Option<String>,
    pub(super) deleted: Option<String>,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) disable_rollback: bool,
    /// What it is made of now.
    pub(super) wish: Wish,
    pub(super) description: Option<String>,
    /// Key, value; secrets are starred.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) outputs: Vec<Output>,
    /// What is known of those within it, by their places.
    pub(super) nested: BTreeMap<String, NestedStack>,
    /// What exists, by logical id, in the order in which it was made.
    pub(super) made: IndexMap<String, Made>,
    /// What each resource's last event said.
    pub(super) rows: IndexMap<String, Row>,
    /// The oldest first.
    pub(super) events: Vec<Event>,
    pub(super) change_sets: Vec<ChangeSet>,
}

/// A resource that exists.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) resource: Resource,
    pub(super) physical_id: String,
    /// Counts replacements: names that nobody chose are made of it.
    pub(super) generation: u32,
    /// The code of a function or layer.
    pub(super) content: Option<Content>,
}

/// A resource as it is listed.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) physical_id: String,
    pub(super) kind: String,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) at: String,
}

/// Something that happened.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) logical_id: String,
    pub(super) physical_id: String,
    pub(super) kind: String,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) at: String,
}

/// The type of a stack itself.
pub(super) const STACK: &str = "AWS::CloudFormation::Stack";

/// Now, as CloudFormation writes it.
pub(super) fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let millisecond = now.millisecond();
    let now = now.replace_nanosecond(u32::from(millisecond) * 1_000_000);
    now.ok()
        .and_then(|it| it.format(&Rfc3339).ok())
        .unwrap_or_default()
}

impl Stacks {
    /// A stack by its name, or by its id, which finds it when it is gone, too.
    pub(crate) fn find(&self, wanted: &str) -> Option<Arc<Stack>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let named = |it: &&Arc<Stack>| it.name == wanted && !it.is_gone();
        let found = all.iter().find(|it| it.id == wanted);
        found.or_else(|| all.iter().find(named)).cloned()
    }

    /// Those that are gone included.
    pub(super) fn all(&self) -> Vec<Arc<Stack>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// A new stack that is about to be made.
    pub(crate) fn create(&self, name: &str, id: &str) -> Option<Arc<Stack>> {
        self.add(name, id, "CREATE_IN_PROGRESS")
    }

    /// A new stack, unless there is one of that name.
    pub(super) fn add(&self, name: &str, id: &str, status: &'static str) -> Option<Arc<Stack>> {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        if all.iter().any(|it| it.name == name && !it.is_gone()) {
            return None;
        }
        let stack = Arc::new(Stack::new(name, id, status));
        all.push(Arc::clone(&stack));
        Some(stack)
    }
}

impl Stack {
    /// One that does not exist, to be compared with.
    pub(super) fn imagined(name: &str, id: &str) -> Self {
        Self::new(name, id, "REVIEW_IN_PROGRESS")
    }

    fn new(name: &str, id: &str, status: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            parent: None,
            work: tokio::sync::Mutex::default(),
            state: Mutex::new(State::new(status)),
        }
    }

    /// One within another one, to be described.
    pub(super) fn within(parent: Parent, name: &str, id: &str, state: State) -> Self {
        Self {
            parent: Some(parent),
            state: Mutex::new(state),
            ..Self::imagined(name, id)
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state().status == "DELETE_COMPLETE"
    }

    /// The stack's own status, with an event.
    pub(super) fn enter(&self, status: &'static str, reason: Option<&str>) {
        let mut state = self.state();
        state.status = status;
        state.reason = reason.map(str::to_owned);
        state.events.push(Event {
            id: id::uuid(),
            logical_id: self.name.clone(),
            physical_id: self.id.clone(),
            kind: STACK.to_owned(),
            status,
            reason: reason.map(str::to_owned),
            at: now(),
        });
    }
}

impl State {
    pub(super) fn new(status: &'static str) -> Self {
        Self {
            created: now(),
            updated: None,
            deleted: None,
            status,
            reason: None,
            disable_rollback: false,
            wish: Wish::default(),
            description: None,
            parameters: Vec::new(),
            outputs: Vec::new(),
            nested: BTreeMap::new(),
            made: IndexMap::new(),
            rows: IndexMap::new(),
            events: Vec::new(),
            change_sets: Vec::new(),
        }
    }

    /// What could not be made is gone with what could.
    pub(super) fn forget_failed(&mut self) {
        let made = &self.made;
        let failed = self.rows.iter_mut();
        let failed =
            failed.filter(|(id, row)| row.status == "CREATE_FAILED" && !made.contains_key(*id));
        for (id, row) in failed {
            row.status = "DELETE_COMPLETE";
            row.reason = None;
            row.at = now();
            self.events.push(Event {
                id: format!("{id}-{}-{}", row.status, id::uuid()),
                logical_id: id.clone(),
                physical_id: row.physical_id.clone(),
                kind: row.kind.clone(),
                status: row.status,
                reason: None,
                at: row.at.clone(),
            });
        }
    }

    /// What happened to a resource.
    pub(super) fn tell(
        &mut self,
        resource: &Resource,
        physical_id: &str,
        status: &'static str,
        reason: Option<String>,
    ) {
        let kind = super::expand::deployed_kind(&resource.kind).to_owned();
        let at = now();
        let row = Row {
            physical_id: physical_id.to_owned(),
            kind: kind.clone(),
            status,
            reason: reason.clone(),
            at: at.clone(),
        };
        self.rows.insert(resource.logical_id.clone(), row);
        self.events.push(Event {
            id: format!("{}-{status}-{}", resource.logical_id, id::uuid()),
            logical_id: resource.logical_id.clone(),
            physical_id: physical_id.to_owned(),
            kind,
            status,
            reason,
            at,
        });
    }
}
