//! Templates within templates: `AWS::Serverless::Application` and `AWS::CloudFormation::Stack`.
//!
//! A nested template is resolved with the parameters that it is given, in a stack of its own. Its
//! resources stand in the outer stack as `Nested/Child`, behind everything that `Nested` waits for
//! and before `Nested` itself; `Nested.Outputs.X` gives its outputs. What cannot be read here is
//! left out and said.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html>

use crate::evaluator::{Evaluated, Evaluator, Place};
use crate::hint::did_you_mean;
use crate::names::{Context, PhysicalNames};
use crate::problem::{Position, Problems, Reported};
use crate::resources::Declaration;
use crate::stack::{NestedStack, Resource, Stack};
use crate::surroundings::{Files, Unread, folder_of, seen_from};
use crate::template::Template;
use crate::tree::{Node, stringified};
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The types, and the property that says where the template is.
const KINDS: [(&str, &str); 2] = [
    ("AWS::CloudFormation::Stack", "TemplateURL"),
    ("AWS::Serverless::Application", "Location"),
];

/// Properties that hold a path, which is seen from the template they stand in.
const PATHS: [(&str, &str); 12] = [
    ("AWS::Serverless::Function", "CodeUri"),
    ("AWS::Serverless::LayerVersion", "ContentUri"),
    ("AWS::Serverless::Api", "DefinitionUri"),
    ("AWS::Serverless::HttpApi", "DefinitionUri"),
    ("AWS::Serverless::WebSocketApi", "DefinitionUri"),
    ("AWS::Serverless::StateMachine", "DefinitionUri"),
    ("AWS::Serverless::Application", "Location"),
    ("AWS::CloudFormation::Stack", "TemplateURL"),
    ("AWS::Lambda::Function", "Code"),
    ("AWS::Lambda::LayerVersion", "Content"),
    ("AWS::ApiGateway::RestApi", "BodyS3Location"),
    ("AWS::ApiGatewayV2::Api", "BodyS3Location"),
];

/// Deeper than anybody nests.
const DEPTH: usize = 16;

/// Where among templates a template is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nesting {
    /// Its folder, seen from the root template's.
    pub(crate) folder: String,
    /// The files it stands in, outermost first, the root's own not among them.
    chain: Vec<String>,
}

/// The nested templates of one template, by logical id; none: it cannot be read here.
pub(crate) type Nested = BTreeMap<String, Result<Option<Rc<Inner>>, Reported>>;

/// A nested template's text, and what it becomes.
pub(crate) struct Inner {
    text: String,
    stack: Stack,
}

/// The property that says where a nested template is.
pub(crate) fn location_property(kind: &str) -> Option<&'static str> {
    let found = KINDS.iter().find(|(it, _)| *it == kind);
    found.map(|(_, property)| *property)
}

impl Evaluator<'_> {
    /// What `Nested.Outputs.X` gives.
    pub(crate) fn output_of(
        &mut self,
        logical_id: &str,
        output: &str,
        position: Position,
        place: &Place,
    ) -> Evaluated {
        let resources = self.resources;
        let Some(declaration) = resources.and_then(|it| it.get(logical_id)) else {
            return Ok(None);
        };
        let Some(inner) = self.nested(logical_id, declaration)? else {
            // That it is missing has been said.
            let placeholder = format!("{logical_id}.Outputs.{output}");
            return Ok(Some(Value::String(placeholder)));
        };
        let stack = &inner.stack;
        match stack.outputs.iter().find(|it| it.key == output) {
            Some(found) => Ok(Some(Value::from(found.value.as_str()))),
            None => {
                let known = stack.outputs.iter().map(|it| it.key.as_str());
                let hint = did_you_mean(output, known);
                let message = format!(
                    "{logical_id} has no output {output}: its template is {}.{hint}",
                    stack.file
                );
                Err(self.problem(position, place, message))
            }
        }
    }

    /// Resolves every nested template that will exist.
    pub(crate) fn all_nested(&mut self) {
        let Some(declarations) = self.resources else {
            return;
        };
        for (logical_id, declaration) in declarations.iter().filter(|(_, it)| it.live) {
            if location_property(&declaration.kind).is_some() {
                // What is wrong has been reported.
                let _ = self.nested(logical_id, declaration);
            }
        }
    }

    /// The nested stack of a resource; none if its template cannot be read here.
    fn nested(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
    ) -> Result<Option<Rc<Inner>>, Reported> {
        if let Some(known) = self.nested.get(logical_id) {
            return known.clone();
        }
        if let Some(start) = self.opening.iter().position(|it| it == logical_id) {
            let circle = self.opening.get(start..).unwrap_or_default();
            let circle: Vec<&str> = circle.iter().map(String::as_str).collect();
            let (first, message) = crate::cycles::describe(&circle, self.resources);
            return Err(self
                .report
                .resource(declaration.position, &first, None, message));
        }
        self.opening.push(logical_id.to_owned());
        let found = self.open(logical_id, declaration);
        self.opening.pop();
        self.nested.insert(logical_id.to_owned(), found.clone());
        found
    }

    fn open(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
    ) -> Result<Option<Rc<Inner>>, Reported> {
        let Some(location) = self.location(logical_id, declaration)? else {
            return Ok(None);
        };
        let path = seen_from(&self.nesting.folder, &location.path);
        let text = match self.around.files.read(&path) {
            Ok(text) => text,
            Err(Unread::Elsewhere(why)) => {
                self.leave(
                    logical_id,
                    &location,
                    &format!("{path} is not read ({why})"),
                );
                return Ok(None);
            }
            Err(Unread::Missing(why)) => {
                let message = format!("the nested template {path} cannot be read: {why}.");
                return Err(self.wrong_location(logical_id, &location, message));
            }
        };
        if self.nesting.chain.contains(&path) || self.nesting.chain.len() >= DEPTH {
            let message = format!("{path} stands within itself, or too deep.");
            return Err(self.wrong_location(logical_id, &location, message));
        }
        let file = seen_from(folder_of(self.report.file()), &location.path);
        let file = file.strip_prefix("./").unwrap_or(&file);
        let template = Template::parse(file, &text).map_err(|it| self.pass_on(it))?;
        let parameters = self.given(logical_id, declaration, &template)?;
        let reference = self.named(logical_id, declaration)?.reference.clone();
        let mut nesting = self.nesting.clone();
        folder_of(&path).clone_into(&mut nesting.folder);
        nesting.chain.push(path);
        let names = Within {
            path: logical_id,
            names: self.context.names,
        };
        let context = Context {
            stack_name: &stack_name(&reference, self.context.stack_name, logical_id),
            stack_id: match reference.starts_with("arn:") {
                true => &reference,
                false => self.context.stack_id,
            },
            parameters: &parameters,
            names: &names,
            ..*self.context
        };
        let stack = template.resolve_nested(&context, self.around, &nesting);
        let stack = stack.map_err(|it| self.pass_on(it))?;
        Ok(Some(Rc::new(Inner { text, stack })))
    }

    /// `None`: it is not a file at all, which has been said.
    fn location(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
    ) -> Result<Option<Location>, Reported> {
        let property = location_property(&declaration.kind).unwrap_or_default();
        let asset = declaration.attributes.get("Metadata");
        let asset = asset.and_then(|it| it.value.member("aws:asset:path"));
        let node = declaration.properties.member(property);
        let Some(node) = asset.or(node) else {
            let location = Location {
                position: declaration.position,
                property,
                path: String::new(),
            };
            self.leave(logical_id, &location, "it names no template");
            return Ok(None);
        };
        let mut location = Location {
            position: node.position,
            property,
            path: String::new(),
        };
        if node.as_map().is_some() && node.intrinsic().is_none() {
            let id = node.member("ApplicationId").and_then(Node::as_text);
            let what = id.unwrap_or("an application of the Serverless Application Repository");
            self.leave(logical_id, &location, &format!("{what} is not fetched"));
            return Ok(None);
        }
        let mut place = Place::resource(logical_id);
        place.enter(property, node.position);
        location.path = self.text(node, &mut place, "where the nested template is")?;
        Ok(Some(location))
    }

    /// The nested template's parameters, as the outer one gives them.
    fn given(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
        template: &Template,
    ) -> Result<BTreeMap<String, String>, Reported> {
        let node = declaration.properties.member("Parameters");
        let mut place = Place::resource(logical_id);
        let position = node.map_or(declaration.position, |it| it.position);
        place.enter("Parameters", position);
        let given = node
            .map(|it| self.value(it, &mut place))
            .transpose()?
            .flatten();
        let declared = template.parameters();
        let mut values = BTreeMap::new();
        let mut failed = None;
        for (name, value) in given
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let member = node.and_then(Node::as_map).and_then(|it| it.get(name));
            let position = member.map_or(position, |it| it.key);
            let known = declared.iter().map(|it| it.name.as_str());
            match (joined(value), known.clone().any(|it| it == name)) {
                (Some(text), true) => {
                    values.insert(name.clone(), text);
                }
                (None, _) => {
                    let message = format!("the parameter {name} must be text or a list of texts.");
                    failed = Some(self.problem(position, &place, message));
                }
                (_, false) => {
                    let hint = did_you_mean(name, known);
                    let message =
                        format!("the nested template declares no parameter {name}.{hint}");
                    failed = Some(self.problem(position, &place, message));
                }
            }
        }
        let missing = declared.iter().filter(|it| it.default.is_none());
        for parameter in missing.filter(|it| !values.contains_key(&it.name)) {
            let name = &parameter.name;
            let message = format!("the nested template's parameter {name} needs a value.");
            failed = Some(self.problem(position, &place, message));
        }
        failed.map_or(Ok(values), Err)
    }

    fn leave(&mut self, logical_id: &str, location: &Location, what: &str) {
        let message = format!("{what}: nothing of it exists here.");
        let position = Some(location.position);
        let (id, property) = (Some(logical_id), Some(location.property));
        let problem = self.report.problem(position, id, property, message);
        self.left.push(problem);
    }

    fn wrong_location(&mut self, id: &str, location: &Location, message: String) -> Reported {
        let property = Some(location.property);
        self.report
            .resource(location.position, id, property, message)
    }

    fn pass_on(&mut self, Problems(problems): Problems) -> Reported {
        for problem in problems {
            self.report.push(problem);
        }
        Reported
    }
}

struct Location {
    position: Position,
    property: &'static str,
    path: String,
}

/// A parameter as text: lists are joined by commas.
fn joined(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(stringified).collect();
            Some(texts?.join(","))
        }
        other => stringified(other),
    }
}

/// As its id has it (`arn:…:stack/name/uuid`), or one made of the outer stack's.
fn stack_name(reference: &str, outer: &str, logical_id: &str) -> String {
    let named = reference.split_once(":stack/").map(|(_, rest)| rest);
    let named = named.and_then(|it| it.split('/').next());
    named.map_or_else(|| format!("{outer}-{logical_id}"), str::to_owned)
}

/// Names within a nested stack: whoever is asked is asked for `Nested/Child`.
struct Within<'n> {
    path: &'n str,
    names: &'n dyn PhysicalNames,
}

impl Within<'_> {
    fn outer(&self, resource: &Resource) -> Resource {
        Resource {
            logical_id: format!("{}/{}", self.path, resource.logical_id),
            ..resource.clone()
        }
    }
}

impl PhysicalNames for Within<'_> {
    fn reference(&self, resource: &Resource) -> String {
        self.names.reference(&self.outer(resource))
    }

    fn attribute(&self, resource: &Resource, attribute: &str) -> Option<Value> {
        self.names.attribute(&self.outer(resource), attribute)
    }
}

/// Puts what the nested stacks have among the outer one's resources.
pub(crate) fn flatten(stack: &mut Stack, nested: Nested) {
    for (id, inner) in nested {
        let Ok(Some(inner)) = inner else { continue };
        stack.nested.insert(id.clone(), known(&inner));
        let inner = &inner.stack;
        let deeper = inner.nested.iter();
        let deeper = deeper.map(|(path, it)| (format!("{id}/{path}"), it.clone()));
        stack.nested.extend(deeper);
        stack.unsupported.extend(inner.unsupported.iter().cloned());
        let Some(owner) = stack.resources.get(&id).cloned() else {
            continue;
        };
        let mut children = Vec::new();
        for (child, resource) in &inner.resources {
            let child = format!("{id}/{child}");
            let resource = lifted(&id, resource, &owner, &inner.file);
            children.push(child.clone());
            stack.resources.insert(child, resource);
        }
        if let Some(owner) = stack.resources.get_mut(&id) {
            owner.depends_on.extend(children);
        }
    }
}

fn known(inner: &Inner) -> NestedStack {
    let stack = &inner.stack;
    NestedStack {
        template: inner.text.clone(),
        description: stack.description.clone(),
        parameters: stack.parameters.clone(),
        outputs: stack.outputs.clone(),
    }
}

/// A resource of a nested stack as the outer stack has it.
fn lifted(id: &str, resource: &Resource, owner: &Resource, file: &str) -> Resource {
    let within = |names: &[String]| {
        let names = names.iter().map(|it| format!("{id}/{it}"));
        names.collect::<Vec<_>>()
    };
    let mut lifted = resource.clone();
    lifted.logical_id = format!("{id}/{}", resource.logical_id);
    lifted.references = within(&resource.references);
    lifted.depends_on = within(&resource.depends_on);
    lifted.depends_on.extend(owner.references.iter().cloned());
    lifted.depends_on.extend(owner.depends_on.iter().cloned());
    lifted.file.get_or_insert_with(|| file.to_owned());
    if let Some(policy) = &owner.deletion_policy {
        lifted.deletion_policy.get_or_insert_with(|| policy.clone());
    }
    lifted
}

/// Properties that hold an object in S3, and the key in it.
const OBJECTS: [(&str, &str, &str); 4] = [
    ("AWS::Lambda::Function", "Code", "S3Key"),
    ("AWS::Lambda::LayerVersion", "Content", "S3Key"),
    ("AWS::Serverless::Function", "CodeUri", "Key"),
    ("AWS::Serverless::LayerVersion", "ContentUri", "Key"),
];

/// Code whose object is known to be made of something here is that: as CDK's own metadata says it.
pub(crate) fn find_assets(resources: &mut IndexMap<String, Resource>, files: &dyn Files) {
    for resource in resources.values_mut() {
        if resource.metadata.get("aws:asset:path").is_some() {
            continue;
        }
        let object = OBJECTS.iter().find(|(kind, ..)| *kind == resource.kind);
        let key =
            object.and_then(|(_, property, key)| resource.properties.get(*property)?.get(*key));
        let Some(path) = key.and_then(Value::as_str).and_then(|it| files.asset(it)) else {
            continue;
        };
        if !resource.metadata.is_object() {
            resource.metadata = Value::Object(serde_json::Map::new());
        }
        if let Some(metadata) = resource.metadata.as_object_mut() {
            metadata.insert("aws:asset:path".to_owned(), Value::String(path));
        }
    }
}

/// Paths in a nested template's properties, seen from the root template's folder.
pub(crate) fn move_paths(resources: &mut IndexMap<String, Resource>, nesting: &Nesting) {
    if nesting.folder.is_empty() {
        return;
    }
    let moved = |value: &mut Value| {
        if let Value::String(path) = value {
            *path = seen_from(&nesting.folder, path);
        }
    };
    for resource in resources.values_mut() {
        let properties = PATHS.iter().filter(|(kind, _)| *kind == resource.kind);
        for (_, property) in properties {
            if let Some(value) = resource.properties.get_mut(*property) {
                moved(value);
            }
        }
        if let Some(value) = resource.metadata.get_mut("aws:asset:path") {
            moved(value);
        }
    }
}

#[cfg(test)]
#[path = "nested_tests.rs"]
mod tests;
