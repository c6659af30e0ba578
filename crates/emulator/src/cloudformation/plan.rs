//! What becomes of each resource when a stack becomes what is wanted.

use super::expand::{ALIAS, EVENT_INVOKE, RULE, SCHEDULE, VERSION, deployed_kind};
use super::stack::{Made, STACK, Stack as Known};
use super::target;
use super::wish::Wish;
use crate::cloud::Cloud;
use crate::names::{Chosen, Names};
use indexmap::IndexMap;
use std::collections::BTreeSet;
use tether_sam::{Problems, Resource, Stack};

/// Names made of names that change each other: more rounds than any template
/// needs.
const ROUNDS: usize = 16;

/// See the module.
pub(super) struct Plan {
    pub(super) target: Stack,
    pub(super) steps: Vec<Step>,
    /// What there is to be no longer, the last made first.
    pub(super) removed: Vec<Made>,
}

/// What becomes of one resource.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) resource: Resource,
    pub(super) change: Change,
    pub(super) generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Modify,
    /// A new one takes its place.
    Replace,
    Keep,
}

/// What cannot be changed of a resource that exists, as far as it is emulated
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>).
const REPLACING: [(&str, &[&str]); 15] = [
    ("AWS::Lambda::Function", &["FunctionName", "PackageType"]),
    (
        "AWS::DynamoDB::Table",
        &[
            "TableName",
            "KeySchema",
            "LocalSecondaryIndexes",
            "PrimaryKey",
        ],
    ),
    ("AWS::IAM::Role", &["RoleName", "Path"]),
    ("AWS::IAM::ManagedPolicy", &["ManagedPolicyName", "Path"]),
    ("AWS::Logs::LogGroup", &["LogGroupName"]),
    ("AWS::ApiGatewayV2::Api", &["ProtocolType"]),
    ("AWS::ApiGatewayV2::Authorizer", &["ApiId"]),
    ("AWS::ApiGatewayV2::Integration", &["ApiId"]),
    ("AWS::ApiGatewayV2::Route", &["ApiId"]),
    ("AWS::ApiGatewayV2::RouteResponse", &["ApiId", "RouteId"]),
    ("AWS::ApiGatewayV2::Stage", &["ApiId", "StageName"]),
    (RULE, &["Name"]),
    (SCHEDULE, &["Name"]),
    (ALIAS, &["FunctionName", "Name"]),
    (EVENT_INVOKE, &["FunctionName", "Qualifier"]),
];

/// Those that are made anew by any change.
const ALWAYS_REPLACED: [&str; 4] = [
    VERSION,
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::EventSourceMapping",
];

/// Its name is a number, and each one made gets the next.
fn is_numbered(resource: &Resource) -> bool {
    matches!(
        deployed_kind(&resource.kind),
        "AWS::Lambda::LayerVersion" | VERSION
    )
}

/// What is compared: everything that can be seen of a resource.
fn same(one: &Resource, other: &Resource) -> bool {
    one.kind == other.kind && one.properties == other.properties
}

fn is_replaced(old: &Resource, new: &Resource) -> bool {
    let kind = deployed_kind(&new.kind);
    if ALWAYS_REPLACED.contains(&kind) {
        return true;
    }
    let replacing = REPLACING.iter().find(|(it, _)| *it == kind);
    let keys = replacing.map_or(&[][..], |(_, keys)| keys);
    keys.iter()
        .any(|key| old.properties.get(key) != new.properties.get(key))
}

/// Compares a wish with what there is.
///
/// # Errors
/// Everything that is wrong with the template.
pub(super) fn plan(cloud: &Cloud, stack: &Known, wish: &Wish) -> Result<Plan, Problems> {
    let made = stack.state().made.clone();
    let mut chosen = Chosen::default();
    for (id, it) in &made {
        chosen.generations.insert(id.clone(), it.generation);
        if is_numbered(&it.resource) {
            chosen.layers.insert(id.clone(), it.physical_id.clone());
        }
    }
    let mut target = target::resolve(cloud, stack, wish, &chosen)?;
    for _ in 0..ROUNDS {
        let again = choose(cloud, stack, &target, &made, &chosen);
        if again == chosen {
            break;
        }
        chosen = again;
        target = target::resolve(cloud, stack, wish, &chosen)?;
    }
    let mut steps = steps(&target, &made, &chosen);
    let removed = made.values().rev();
    let removed = removed.filter(|it| !target.resources.contains_key(&it.resource.logical_id));
    let removed: Vec<Made> = removed.cloned().collect();
    touch_nested(&mut steps, &removed);
    Ok(Plan {
        removed,
        target,
        steps,
    })
}

/// Names of what is replaced.
fn choose(
    cloud: &Cloud,
    stack: &Known,
    target: &Stack,
    made: &IndexMap<String, Made>,
    before: &Chosen,
) -> Chosen {
    let mut chosen = before.clone();
    let none = Chosen::default();
    let names = Names {
        cloud,
        stack_name: &stack.name,
        chosen: &none,
    };
    for (id, resource) in &target.resources {
        let old = made.get(id);
        let changed = old.is_some_and(|it| !same(&it.resource, resource));
        if is_numbered(resource) && (old.is_none() || changed) {
            chosen
                .layers
                .insert(id.clone(), names.next_numbered(resource));
        } else if let Some(old) = old
            && changed
            && is_replaced(&old.resource, resource)
        {
            chosen.generations.insert(id.clone(), old.generation + 1);
        }
    }
    chosen
}

fn steps(target: &Stack, made: &IndexMap<String, Made>, chosen: &Chosen) -> Vec<Step> {
    let steps = ordered(target).into_iter().map(|resource| {
        let id = &resource.logical_id;
        let change = match made.get(id) {
            None => Change::Add,
            Some(old) if same(&old.resource, resource) => Change::Keep,
            Some(old) if is_replaced(&old.resource, resource) => Change::Replace,
            Some(_) => Change::Modify,
        };
        Step {
            resource: resource.clone(),
            change,
            generation: chosen.generations.get(id).copied().unwrap_or(0),
        }
    });
    steps.collect()
}

/// A nested stack changes with what is in it.
fn touch_nested(steps: &mut [Step], removed: &[Made]) {
    let changed = steps.iter().filter(|it| it.change != Change::Keep);
    let changed = changed.map(|it| it.resource.logical_id.clone());
    let gone = removed.iter().map(|it| it.resource.logical_id.clone());
    let changed: Vec<String> = changed.chain(gone).collect();
    for step in steps.iter_mut().filter(|it| it.is_stack()) {
        let within = format!("{}/", step.resource.logical_id);
        if step.change == Change::Keep && changed.iter().any(|it| it.starts_with(&within)) {
            step.change = Change::Modify;
        }
    }
}

impl Step {
    /// Whether it is about a nested stack itself.
    pub(super) fn is_stack(&self) -> bool {
        deployed_kind(&self.resource.kind) == STACK
    }
}

/// Each resource behind those that it needs.
fn ordered(target: &Stack) -> Vec<&Resource> {
    let mut order = Order {
        target,
        seen: BTreeSet::new(),
        resources: Vec::new(),
    };
    for resource in target.resources.values() {
        order.visit(resource);
    }
    order.resources
}

struct Order<'a> {
    target: &'a Stack,
    seen: BTreeSet<&'a str>,
    resources: Vec<&'a Resource>,
}

impl<'a> Order<'a> {
    /// A circle through what SAM makes resources of their own is cut open.
    fn visit(&mut self, resource: &'a Resource) {
        if !self.seen.insert(&resource.logical_id) {
            return;
        }
        for id in needs(resource) {
            if let Some(needed) = self.target.resources.get(id) {
                self.visit(needed);
            }
        }
        self.resources.push(resource);
    }
}

/// The logical ids of what a resource needs.
pub(super) fn needs(resource: &Resource) -> impl Iterator<Item = &String> {
    resource.depends_on.iter().chain(&resource.references)
}

impl Plan {
    /// Nested stacks.
    pub(super) fn nested(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|it| it.is_stack())
    }

    /// Whether nothing is to be done with any resource.
    pub(super) fn is_idle(&self) -> bool {
        self.removed.is_empty() && self.steps.iter().all(|it| it.change == Change::Keep)
    }

    /// What can be made at the same time, one after the other.
    pub(super) fn waves(&self) -> Vec<Vec<&Step>> {
        let mut depths: IndexMap<&str, usize> = IndexMap::new();
        let mut waves: Vec<Vec<&Step>> = Vec::new();
        for step in &self.steps {
            let depth = needs(&step.resource)
                .filter_map(|id| depths.get(id.as_str()))
                .map(|depth| depth + 1)
                .max()
                .unwrap_or(0);
            depths.insert(&step.resource.logical_id, depth);
            if waves.len() <= depth {
                waves.resize_with(depth + 1, Vec::new);
            }
            if let Some(wave) = waves.get_mut(depth) {
                wave.push(step);
            }
        }
        waves
    }
}
