//! A parsed template: its sections, and their resolution.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>

use crate::checks;
use crate::definitions;
use crate::evaluator::{Evaluator, Place};
use crate::generated;
use crate::globals;
use crate::hint::did_you_mean;
use crate::implicit;
use crate::macros;
use crate::names::Context;
use crate::nested::{self, Nesting};
use crate::parameters::{self, Parameter};
use crate::parse;
use crate::problem::{Position, Problem, Problems, Report, Reported};
use crate::resources;
use crate::serverless_websocket;
use crate::stack::{Output, Stack};
use crate::support;
use crate::surroundings::Surroundings;
use crate::tree::{Members, Node};
use crate::unsupported;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

/// A template's tree with every value's place in the text.
#[derive(Clone)]
pub struct Template {
    file: String,
    root: Node,
}

/// No content: defaults and environments may be secrets.
impl fmt::Debug for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Template")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Template {
    /// Reads YAML or JSON. `file` is the name that problems carry.
    ///
    /// Only the form is judged here: syntax, duplicate keys, unknown tags. What the template says
    /// is judged by [`Template::resolve`].
    ///
    /// # Errors
    /// Every duplicate key and unknown tag up to the first syntax error.
    pub fn parse(file: &str, text: &str) -> Result<Template, Problems> {
        let root = parse::parse(file, text)?;
        let mut report = Report::new(file);
        if root.as_map().is_none() {
            let message = format!(
                "a template is a map of sections such as Resources, but this is {}.",
                root.what()
            );
            report.section(Some(root.position), "", message);
        }
        let file = file.to_owned();
        report.finish(Template { file, root })
    }

    /// The parameters the template declares, in the order of the text.
    pub fn parameters(&self) -> Vec<Parameter> {
        let section = self.root.member("Parameters").and_then(Node::as_map);
        let members = section.into_iter().flatten();
        members
            .filter_map(|(name, member)| Parameter::read(name, &member.value))
            .collect()
    }

    /// The names of the transforms that the template asks for.
    pub fn transforms(&self) -> Vec<String> {
        unsupported::transforms(&self.root)
            .iter()
            .filter_map(unsupported::transform_name)
            .map(str::to_owned)
            .collect()
    }

    /// Applies parameters, conditions, Globals and intrinsic functions.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text.
    pub fn resolve(&self, context: &Context<'_>) -> Result<Stack, Problems> {
        self.resolve_in(context, &Surroundings::default())
    }

    /// The same, with nested templates, includes, imports and stored values from these surroundings.
    ///
    /// # Errors
    /// See [`Template::resolve`].
    pub fn resolve_in(
        &self,
        context: &Context<'_>,
        around: &Surroundings<'_>,
    ) -> Result<Stack, Problems> {
        self.resolve_nested(context, around, &Nesting::default())
    }

    /// Macros are applied with nothing but the parameters known.
    fn expanded(
        &self,
        context: &Context<'_>,
        around: &Surroundings<'_>,
        nesting: &Nesting,
        report: &mut Report,
    ) -> (Cow<'_, Node>, Vec<Problem>) {
        let section = |name| self.root.member(name).and_then(Node::as_map);
        // What is wrong with parameters is reported when they are read for good.
        let mut draft = Report::new(&self.file);
        let values = parameters::values(
            section("Parameters"),
            context.parameters,
            around.stored,
            &mut draft,
        );
        let taken = std::mem::take(report);
        let mut evaluator = Evaluator::new(context, around, nesting, taken);
        evaluator.parameters = values.references;
        evaluator.mappings = section("Mappings");
        let expanded = macros::expanded(&self.root, &mut evaluator);
        *report = evaluator.report;
        expanded
    }

    pub(crate) fn resolve_nested(
        &self,
        context: &Context<'_>,
        around: &Surroundings<'_>,
        nesting: &Nesting,
    ) -> Result<Stack, Problems> {
        let mut report = Report::new(&self.file);
        let (root, left) = self.expanded(context, around, nesting, &mut report);
        let root = &*root;
        let sections = Sections::read(root, &mut report);
        let values = parameters::values(
            sections.parameters,
            context.parameters,
            around.stored,
            &mut report,
        );
        let mut unsupported = unsupported::sections(root, &values, &report);
        unsupported.extend(left);

        let mut evaluator = Evaluator::new(context, around, nesting, report);
        evaluator.parameters = values.references;
        evaluator.mappings = sections.mappings;
        evaluator.conditions = sections.conditions;
        evaluator.all_conditions();

        let mut declared = resources::declare(sections.resources, &mut evaluator);
        implicit::add_apis(&mut declared);
        globals::apply(sections.globals, &mut declared, &mut evaluator.report);
        support::check(&declared, &mut evaluator.report);
        let parameters = &evaluator.parameters;
        checks::check(
            &declared,
            sections.globals,
            parameters,
            &mut evaluator.report,
        );
        serverless_websocket::expand(&mut declared, &mut evaluator.report);
        implicit::add_roles(&mut declared, &mut evaluator);
        generated::add(&mut declared, &mut evaluator);

        let mut evaluator = evaluator.with_resources(&declared);
        evaluator.all_nested();
        let mut resources = evaluator.all_resources();
        nested::move_paths(&mut resources, nesting);
        nested::find_assets(&mut resources, around.files);
        definitions::read(&mut resources, around.files, &mut evaluator.report);
        let outputs = evaluator.all_outputs(sections.outputs);
        evaluator.cycles();
        unsupported.extend(unsupported::dynamic_references(
            &resources,
            &evaluator.report,
        ));

        unsupported.append(&mut evaluator.left);
        let inner = std::mem::take(&mut evaluator.nested);
        let mut stack = evaluator.report.finish(Stack {
            file: self.file.clone(),
            description: root.member("Description").and_then(Node::scalar),
            parameters: values.texts,
            resources,
            outputs,
            nested: BTreeMap::new(),
            unsupported,
        })?;
        nested::flatten(&mut stack, inner);
        Ok(stack)
    }
}

/// The sections that are maps; an empty one is as good as none.
struct Sections<'t> {
    parameters: Option<&'t Members>,
    mappings: Option<&'t Members>,
    conditions: Option<&'t Members>,
    resources: Option<&'t Members>,
    outputs: Option<&'t Members>,
    globals: Option<&'t Members>,
}

impl<'t> Sections<'t> {
    fn read(root: &'t Node, report: &mut Report) -> Self {
        for (key, member) in root.as_map().into_iter().flatten() {
            unknown_section(key, member.key, report);
        }
        if let Some(version) = root.member("AWSTemplateFormatVersion")
            && version.scalar().as_deref() != Some("2010-09-09")
        {
            let message = "the only version there is, is '2010-09-09'.";
            let path = "AWSTemplateFormatVersion";
            report.section(Some(version.position), path, message);
        }
        let resources = section(root, "Resources", report);
        if resources.is_none_or(Members::is_empty) {
            let message = "the template has no resources; it needs at least one.";
            report.section(Some(root.position), "Resources", message);
        }
        let mappings = section(root, "Mappings", report);
        check_mappings(mappings, report);
        Self {
            parameters: section(root, "Parameters", report),
            mappings,
            conditions: section(root, "Conditions", report),
            resources,
            outputs: section(root, "Outputs", report),
            globals: section(root, "Globals", report),
        }
    }
}

fn unknown_section(key: &str, position: Position, report: &mut Report) {
    if SECTIONS.contains(&key) {
        return;
    }
    let hint = did_you_mean(key, SECTIONS);
    let message = format!("{key} is no section of a template.{hint}");
    report.section(Some(position), "", message);
}

fn section<'t>(root: &'t Node, name: &str, report: &mut Report) -> Option<&'t Members> {
    let node = root.member(name)?;
    if node.as_map().is_none() && !node.is_null() {
        let message = format!("the section must be a map, but it is {}.", node.what());
        report.section(Some(node.position), name, message);
    }
    node.as_map()
}

/// A mapping is two levels of keys over plain values; functions are not applied in it.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/mappings-section-structure.html>
fn check_mappings(section: Option<&Members>, report: &mut Report) {
    for (name, mapping) in section.into_iter().flatten() {
        let path = format!("Mappings.{name}");
        let mut wrong = |node: &Node| {
            let message = format!(
                "a mapping is a map of maps of texts or lists, without functions; this is {}.",
                node.what()
            );
            report.section(Some(node.position), &path, message);
        };
        let Some(tops) = mapping.value.as_map() else {
            wrong(&mapping.value);
            continue;
        };
        for top in tops.values() {
            match top.value.as_map() {
                Some(seconds) if top.value.intrinsic().is_none() => seconds
                    .values()
                    .filter(|second| second.value.as_map().is_some())
                    .for_each(|second| wrong(&second.value)),
                _ => wrong(&top.value),
            }
        }
    }
}

impl Evaluator<'_> {
    fn all_outputs(&mut self, section: Option<&Members>) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (key, member) in section.into_iter().flatten() {
            // What is wrong has been reported.
            if let Ok(Some(output)) = self.output(key, member.key, &member.value) {
                outputs.push(output);
            }
        }
        outputs
    }

    /// `None` if its condition is false.
    fn output(
        &mut self,
        key: &str,
        position: Position,
        node: &Node,
    ) -> Result<Option<Output>, Reported> {
        let mut place = Place::section(&["Outputs", key]);
        if let Some(condition) = node.member("Condition") {
            let Some(name) = condition.as_text() else {
                let message = format!(
                    "the Condition must be a condition's name, but it is {}.",
                    condition.what()
                );
                return Err(self.problem(condition.position, &place, message));
            };
            if !self.condition(name, condition.position, &place)? {
                return Ok(None);
            }
        }
        let Some(value) = node.member("Value") else {
            let message = "an output is a map with a Value; it has none.";
            return Err(self.problem(position, &place, message));
        };
        let value = self.text(value, &mut place, "an output's value");
        let export = node.member("Export").and_then(|it| it.member("Name"));
        let export = export.map(|it| self.text(it, &mut place, "an export's name"));
        Ok(Some(Output {
            key: key.to_owned(),
            value: value?,
            description: node.member("Description").and_then(Node::scalar),
            export_name: export.transpose()?,
        }))
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
