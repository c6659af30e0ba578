//! What SAM's translator refuses besides wrong names and types of properties: what contradicts
//! itself, what lacks a part, what names the wrong thing.
//!
//! It is judged as the translator does: in the text, before functions are applied; what a function
//! will become is not judged. Each check is one of the translator's own
//! (<https://github.com/aws/serverless-application-model/tree/develop/samtranslator/model>).

mod apis;
mod definitions;
mod events;
mod functions;

use crate::hint::did_you_mean;
use crate::problem::{Position, Report, Reported};
use crate::resources::{Declaration, Declarations, SAM};
use crate::tree::{Members, Node};
use serde_json::Value;
use std::collections::BTreeMap;

/// What `Ref` gives for parameters.
type Parameters = BTreeMap<String, Result<Value, Reported>>;

/// Reports everything that the translator would refuse.
pub(crate) fn check(
    resources: &Declarations,
    globals: Option<&Members>,
    parameters: &Parameters,
    report: &mut Report,
) {
    for (id, declaration) in resources {
        let Some(kind) = declaration.kind.strip_prefix(SAM) else {
            continue;
        };
        let mut checker = Checker {
            resources,
            parameters,
            id,
            report: &mut *report,
        };
        let root = At::root(declaration);
        checker.ignored_globals(kind, globals, declaration);
        match kind {
            "Function" => checker.function(&root),
            "Api" => checker.rest_api(&root),
            "HttpApi" => checker.http_api(&root),
            "StateMachine" => checker.state_machine(&root),
            "Application" => checker.application(&root),
            "CapacityProvider" => checker.capacity_provider(&root),
            _ => {}
        }
    }
}

/// A value of a resource, and where it is.
#[derive(Clone)]
struct At<'n> {
    node: &'n Node,
    position: Position,
    path: String,
}

impl<'n> At<'n> {
    fn root(declaration: &'n Declaration) -> Self {
        Self {
            node: &declaration.properties,
            position: declaration.position,
            path: String::new(),
        }
    }

    fn below(&self, key: &str, position: Position, node: &'n Node) -> Self {
        let path = match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        Self {
            node,
            position,
            path,
        }
    }

    /// A member that is there and is not nothing.
    fn member(&self, key: &str) -> Option<At<'n>> {
        let member = self.node.as_map()?.get(key)?;
        let given = !member.value.is_null() && !member.value.is_no_value();
        given.then(|| self.below(key, member.key, &member.value))
    }

    fn members(&self) -> impl Iterator<Item = (&'n str, At<'n>)> {
        let plain = (!self.is_function()).then(|| self.node.as_map());
        let all: Vec<_> = plain
            .flatten()
            .into_iter()
            .flatten()
            .map(|(key, member)| (key.as_str(), self.below(key, member.key, &member.value)))
            .collect();
        all.into_iter()
    }

    fn items(&self) -> Vec<At<'n>> {
        let items = self.node.as_list().unwrap_or_default().iter();
        let items = items.enumerate();
        items
            .map(|(index, node)| self.below(&index.to_string(), node.position, node))
            .collect()
    }

    fn text(&self) -> Option<&'n str> {
        self.node.as_text()
    }

    fn is_function(&self) -> bool {
        self.node.intrinsic().is_some()
    }

    fn is_map(&self) -> bool {
        self.node.as_map().is_some()
    }

    fn is_list(&self) -> bool {
        self.node.as_list().is_some()
    }
}

struct Checker<'c> {
    resources: &'c Declarations,
    parameters: &'c Parameters,
    id: &'c str,
    report: &'c mut Report,
}

impl Checker<'_> {
    fn wrong(&mut self, at: &At<'_>, message: impl Into<String>) {
        let property = (!at.path.is_empty()).then_some(at.path.as_str());
        self.report
            .resource(at.position, self.id, property, message);
    }

    /// It is something else than what it must be.
    fn misshaped(&mut self, at: &At<'_>, wanted: &str) {
        let what = at.node.what();
        let at = At {
            position: at.node.position,
            ..at.clone()
        };
        self.wrong(&at, format!("it must be {wanted}, but it is {what}."));
    }

    /// `key` is missing below `at`.
    fn needs(&mut self, at: &At<'_>, key: &str) {
        self.wrong(at, format!("it needs {key}."));
    }

    /// The member, if it is a map; a problem if it is something else that is no function.
    fn map<'n>(&mut self, at: &At<'n>, key: &str) -> Option<At<'n>> {
        let member = at.member(key)?;
        if member.is_map() {
            return (!member.is_function()).then_some(member);
        }
        self.misshaped(&member, "a map");
        None
    }

    /// The same of a list.
    fn list<'n>(&mut self, at: &At<'n>, key: &str) -> Option<At<'n>> {
        let member = at.member(key)?;
        if !member.is_list() && !member.is_function() {
            self.misshaped(&member, "a list");
            return None;
        }
        Some(member)
    }

    /// Only these keys may stand there.
    fn only(&mut self, at: &At<'_>, known: &[&str]) {
        for (key, member) in at.members() {
            if !known.contains(&key) {
                let hint = did_you_mean(key, known.iter().copied());
                self.wrong(
                    &member,
                    format!("only {} stand here.{hint}", known.join(", ")),
                );
            }
        }
    }

    /// Only these texts may stand there.
    fn one_of(&mut self, at: &At<'_>, key: &str, known: &[&str]) {
        let Some(member) = at.member(key) else { return };
        let scalar = member.node.scalar();
        let fits = member.is_function() || scalar.is_some_and(|it| known.contains(&it.as_str()));
        if !fits {
            let hint = did_you_mean(member.text().unwrap_or_default(), known.iter().copied());
            self.wrong(
                &member,
                format!("it must be one of {}.{hint}", known.join(", ")),
            );
        }
    }

    fn both(&mut self, at: &At<'_>, one: &str, other: &str) {
        if let (Some(_), Some(second)) = (at.member(one), at.member(other)) {
            self.wrong(&second, format!("it cannot stand together with {one}."));
        }
    }

    /// The text of a value, parameters filled in.
    fn value(&self, at: &At<'_>) -> Option<String> {
        match at.node.intrinsic() {
            Some(("Ref", name)) => match self.parameters.get(name.as_text()?) {
                Some(Ok(Value::String(text))) => Some(text.clone()),
                _ => None,
            },
            _ => at.node.scalar(),
        }
    }

    /// The resource that a plain `Ref` names, if this template has it.
    fn referred(&self, at: &At<'_>) -> Option<&Declaration> {
        match at.node.intrinsic() {
            Some(("Ref", name)) => self.resources.get(name.as_text()?),
            _ => None,
        }
    }

    fn ignored_globals(&mut self, kind: &str, globals: Option<&Members>, of: &Declaration) {
        let globals = globals.and_then(|it| it.get(kind)).map(|it| &it.value);
        let Some(ignored) = of.attributes.get("IgnoreGlobals") else {
            return;
        };
        for item in ignored.value.as_list().unwrap_or_default() {
            let Some(name) = item.as_text() else { continue };
            if globals.and_then(|it| it.member(name)).is_none() {
                let message = format!("Globals has no {name} for {kind}.");
                let property = Some("IgnoreGlobals");
                self.report
                    .resource(item.position, self.id, property, message);
            }
        }
    }

    fn state_machine(&mut self, root: &At<'_>) {
        let alias = root.member("AutoPublishAlias");
        if let (Some(preference), None) = (root.member("DeploymentPreference"), alias) {
            self.wrong(&preference, "it needs AutoPublishAlias beside it.");
        }
        for (_, event) in root.member("Events").iter().flat_map(At::members) {
            self.rule_of_event(&event);
        }
    }

    fn application(&mut self, root: &At<'_>) {
        let Some(location) = root.member("Location") else {
            return;
        };
        if !location.is_map() || location.is_function() {
            return;
        }
        for key in ["ApplicationId", "SemanticVersion"] {
            match location.member(key) {
                None => self.needs(&location, key),
                Some(member) if member.text().is_some_and(str::is_empty) => {
                    self.wrong(&member, "it is empty.");
                }
                Some(_) => {}
            }
        }
    }

    fn capacity_provider(&mut self, root: &At<'_>) {
        if let Some(vpc) = self.map(root, "VpcConfig")
            && vpc.member("SubnetIds").is_none()
        {
            self.needs(&vpc, "SubnetIds");
        }
    }
}

#[cfg(test)]
#[path = "checks_tests.rs"]
mod tests;
