//! `samconfig.toml`, `samconfig.yaml` and `samconfig.yml`: what SAM's users keep instead of typing
//! it, by environment and command.
//!
//! ```toml
//! version = 0.1
//! [default.global.parameters]            # of every command
//! stack_name = "shop"
//! [default.local_start_api.parameters]   # wins over them
//! warm_containers = "EAGER"
//! parameter_overrides = "Stage=dev"
//! [prod.local_start_api.parameters]      # --config-env prod
//! parameter_overrides = ["Stage=prod", "Size=5"]
//! ```
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html>
//!
//! Deliberate differences: a file without `version` is read all the same; an environment that was
//! asked for and is not there is a problem, where `sam` goes on without a word; `true` becomes the
//! text `true`, where `sam` passes Python's `True` on to the template.

mod reading;

use crate::hint::did_you_mean;
use crate::parse;
use crate::problem::{Position, Problem, Problems, Report};
use crate::tree::{Members, Node, Tree};

/// The environment that holds when none is named.
pub const DEFAULT_ENVIRONMENT: &str = "default";
/// The names that are looked for beside a template, the first that is there wins.
pub const FILES: [&str; 3] = ["samconfig.toml", "samconfig.yaml", "samconfig.yml"];

/// What stands for every command.
const EVERY_COMMAND: &str = "global";
/// Where a command's parameters stand.
const PARAMETERS: &str = "parameters";

/// The file. It does not print: values of parameters may be secrets.
pub struct SamConfig {
    file: String,
    root: Node,
}

/// What holds for one command in one environment. It does not print either.
pub struct Settings {
    file: String,
    members: Members,
}

/// One piece of `parameter_overrides`, in the order in which they hold: later ones win.
#[derive(Clone, PartialEq, Eq)]
pub enum Override {
    /// As it is typed: `Stage=dev Size=5`, or `ParameterKey=Stage,ParameterValue=dev`.
    Words(String),
    /// A name and its value.
    Pair(String, String),
    /// A file with more of them: `file://path`. Its path is as it was written.
    File(String),
}

impl SamConfig {
    /// Reads the file's text: TOML, unless the name ends like a YAML or JSON file's.
    ///
    /// # Errors
    /// Everything that is wrong with its form.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let root = document(file, text)?;
        let mut report = Report::new(file);
        match &root.tree {
            Tree::Map(environments) => {
                for (name, member) in environments.iter().filter(|(name, _)| *name != "version") {
                    commands(name, &member.value, &mut report);
                }
            }
            // A file with nothing in it.
            Tree::Null => {}
            _ => {
                let message = format!("it must hold environments, but it is {}.", root.what());
                report.section(Some(root.position), "", message);
            }
        }
        let file = file.to_owned();
        report.finish(Self { file, root })
    }

    /// The environments that the file has, in its order.
    pub fn environments(&self) -> Vec<&str> {
        let all = self.root.as_map().into_iter().flatten();
        let names = all.map(|(name, _)| name.as_str());
        names.filter(|it| *it != "version").collect()
    }

    /// What holds for `command` (`local_start_api`) in an environment.
    ///
    /// # Errors
    /// When there is no such environment; that there is no `default` is none.
    pub fn settings(&self, environment: &str, command: &str) -> Result<Settings, Problem> {
        let found = self.root.member(environment);
        if found.is_none() && environment != DEFAULT_ENVIRONMENT {
            let known = self.environments();
            let hint = did_you_mean(environment, known.iter().copied());
            let message = format!(
                "there is no environment {environment}, but {}.{hint}",
                known.join(", ")
            );
            return Err(Report::new(&self.file).problem(None, None, None, message));
        }
        let of = |command: &str| {
            let parameters = found?.member(command)?.member(PARAMETERS)?;
            parameters.as_map().cloned()
        };
        let mut members = of(EVERY_COMMAND).unwrap_or_default();
        members.extend(of(command).unwrap_or_default());
        members.retain(|_, member| !member.value.is_null());
        Ok(Settings {
            file: self.file.clone(),
            members,
        })
    }
}

/// What can be wrong below an environment, before anybody asks for it.
fn commands(environment: &str, node: &Node, report: &mut Report) {
    let mut wrong = |node: &Node, path: &str| {
        if node.as_map().is_none() && !node.is_null() {
            let message = format!("it must be a table, but it is {}.", node.what());
            report.section(Some(node.position), path, message);
        }
    };
    wrong(node, environment);
    for (command, member) in node.as_map().into_iter().flatten() {
        let path = format!("{environment}.{command}");
        wrong(&member.value, &path);
        if let Some(parameters) = member.value.member(PARAMETERS) {
            wrong(parameters, &format!("{path}.{PARAMETERS}"));
        }
    }
}

/// The pieces of a file that `file://` names in `parameter_overrides`.
///
/// # Errors
/// What is wrong with it.
pub fn overrides_of_file(file: &str, text: &str) -> Result<Vec<Override>, Problems> {
    let root = document(file, text)?;
    let mut report = Report::new(file);
    let mut found = Vec::new();
    overrides(&root, "", &mut found, &mut report);
    report.finish(found)
}

fn document(file: &str, text: &str) -> Result<Node, Problems> {
    let ends = [".yaml", ".yml", ".json"];
    if !ends.iter().any(|it| file.ends_with(it)) {
        return reading::toml(file, text);
    }
    if text.trim().is_empty() {
        let position = Position { line: 1, column: 1 };
        return Ok(Node::new(position, Tree::Null));
    }
    parse::parse(file, text)
}

impl Settings {
    /// The parameters' names: `parameter_overrides`, `warm_containers`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Where a parameter stands.
    pub fn position(&self, key: &str) -> Option<Position> {
        self.members.get(key).map(|it| it.key)
    }

    /// What is wrong with a parameter.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        Report::new(&self.file).problem(self.position(key), None, Some(key), message)
    }

    /// A text, or a number or truth value as one.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self, key: &str) -> Result<Option<String>, Problem> {
        let text = |node: &Node| node.scalar();
        self.read(key, "text", text)
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&self, key: &str) -> Result<Option<u64>, Problem> {
        let number = |node: &Node| node.scalar()?.trim().parse().ok();
        self.read(key, "a whole number", number)
    }

    /// `true` or `false`, also as texts.
    ///
    /// # Errors
    /// When it is something else.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, Problem> {
        self.read(key, "true or false", |node| {
            let text = node.scalar()?.to_lowercase();
            match text.as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            }
        })
    }

    /// A list of texts; one text alone is a list of one.
    ///
    /// # Errors
    /// When it is something else.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, Problem> {
        let texts = |node: &Node| match node.as_list() {
            Some(items) => items.iter().map(Node::scalar).collect(),
            None => node.scalar().map(|it| vec![it]),
        };
        let read = self.read(key, "a list of texts", texts)?;
        Ok(read.unwrap_or_default())
    }

    /// `parameter_overrides` in all its forms: text, list and map, mixed and nested.
    ///
    /// # Errors
    /// What is none of them.
    pub fn parameter_overrides(&self) -> Result<Vec<Override>, Problems> {
        let key = "parameter_overrides";
        let mut report = Report::new(&self.file);
        let mut found = Vec::new();
        if let Some(member) = self.members.get(key) {
            overrides(&member.value, key, &mut found, &mut report);
        }
        report.finish(found)
    }

    fn read<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&Node) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(member) = self.members.get(key) else {
            return Ok(None);
        };
        let found = read(&member.value);
        let what = member.value.what();
        found.map(Some).ok_or_else(|| {
            let message = format!("it must be {wanted}, but it is {what}.");
            self.problem(key, message)
        })
    }
}

fn overrides(node: &Node, path: &str, found: &mut Vec<Override>, report: &mut Report) {
    match &node.tree {
        Tree::Null => {}
        Tree::Text(text) => found.push(match text.strip_prefix("file://") {
            Some(path) => Override::File(path.to_owned()),
            None => Override::Words(text.clone()),
        }),
        Tree::List(items) => items
            .iter()
            .for_each(|item| overrides(item, path, found, report)),
        Tree::Map(members) => {
            for (name, member) in members {
                if name == "$include" {
                    included(&member.value, path, found, report);
                    continue;
                }
                match value(&member.value) {
                    Some(value) => found.push(Override::Pair(name.clone(), value)),
                    None => {
                        let what = member.value.what();
                        let message = format!(
                            "the value of {name} must be text or a list of texts, but it is {what}."
                        );
                        report.section(Some(member.key), path, message);
                    }
                }
            }
        }
        Tree::Bool(_) | Tree::Number(_) => {
            let message = format!("Name=value was expected, but this is {}.", node.what());
            report.section(Some(node.position), path, message);
        }
    }
}

fn included(node: &Node, path: &str, found: &mut Vec<Override>, report: &mut Report) {
    let items = node.as_list().unwrap_or(std::slice::from_ref(node));
    for item in items {
        match item.as_text().and_then(|it| it.strip_prefix("file://")) {
            Some(path) => found.push(Override::File(path.to_owned())),
            None => {
                let message = "$include names files: file://path, or a list of such.";
                report.section(Some(item.position), path, message);
            }
        }
    }
}

/// Nothing is an empty text; a list is joined by commas, without what is empty in it.
fn value(node: &Node) -> Option<String> {
    match &node.tree {
        Tree::Null => Some(String::new()),
        Tree::List(items) => {
            let items = items.iter().filter(|it| !it.is_null());
            let texts: Option<Vec<String>> = items.map(Node::scalar).collect();
            let texts: Vec<String> = texts?.iter().map(|it| it.trim().to_owned()).collect();
            let texts = texts.into_iter().filter(|it| !it.is_empty());
            Some(texts.collect::<Vec<_>>().join(","))
        }
        _ => node.scalar(),
    }
}

#[cfg(test)]
#[path = "samconfig_tests.rs"]
mod tests;
