//! `Ref` and `Fn::GetAtt`: parameters, pseudo parameters, and the names of resources.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html>

use crate::evaluator::{Edge, Evaluated, Evaluator, Place};
use crate::generated;
use crate::hint::did_you_mean;
use crate::nested;
use crate::problem::{Position, Reported};
use crate::resources::{Declaration, Declarations, SAM, SAM_FUNCTION};
use crate::stack::Resource;
use crate::stored;
use crate::substitution::{Piece, pieces};
use crate::tree::{Node, Tree};
use serde_json::{Map, Value};
use std::rc::Rc;

const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// Names made of names, each needing the next: more than any template has.
const CHAIN: usize = 64;

/// A resource with what its name depends on, and its name.
pub(crate) struct Named {
    resource: Resource,
    pub(crate) reference: String,
}

impl Evaluator<'_> {
    pub(crate) fn ref_to(
        &mut self,
        argument: &Node,
        position: Position,
        place: &mut Place,
    ) -> Evaluated {
        match argument.as_text() {
            Some(name) => self.reference(name, position, place),
            None => {
                let message = format!("Ref needs a name, and this is {}.", argument.what());
                Err(self.problem(argument.position, place, message))
            }
        }
    }

    /// What `Ref` of `name` gives.
    pub(crate) fn reference(
        &mut self,
        name: &str,
        position: Position,
        place: &mut Place,
    ) -> Evaluated {
        if let Some(value) = self.pseudo_parameter(name) {
            return Ok(value);
        }
        if let Some(value) = self.parameters.get(name) {
            return value.clone().map(Some);
        }
        let alias = self.resources.and_then(|it| generated::alias(name, it));
        let named = self.live(alias.as_deref().unwrap_or(name), position, place)?;
        Ok(Some(Value::String(named.reference.clone())))
    }

    fn pseudo_parameter(&self, name: &str) -> Option<Option<Value>> {
        let context = self.context;
        let text = match name {
            "AWS::AccountId" => context.account_id,
            "AWS::Partition" => context.partition,
            "AWS::Region" => context.region,
            "AWS::StackId" => context.stack_id,
            "AWS::StackName" => context.stack_name,
            "AWS::URLSuffix" => context.url_suffix,
            "AWS::NotificationARNs" => return Some(Some(Value::Array(Vec::new()))),
            "AWS::NoValue" => return Some(None),
            _ => return None,
        };
        Some(Some(Value::from(text)))
    }

    /// `[resource, attribute]`, or `resource.attribute`; the attribute may be a `Ref`.
    pub(crate) fn get_att(
        &mut self,
        argument: &Node,
        position: Position,
        place: &mut Place,
    ) -> Evaluated {
        let parts = match (&argument.tree, argument.as_list()) {
            (Tree::Text(text), _) => text
                .split_once('.')
                .map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned())),
            (_, Some([resource, attribute])) => match resource.as_text() {
                Some(resource) => {
                    let attribute = self.text(attribute, place, "the attribute of Fn::GetAtt")?;
                    Some((resource.to_owned(), attribute))
                }
                None => None,
            },
            _ => None,
        };
        let Some((resource, attribute)) = parts else {
            let message = "Fn::GetAtt needs a resource and one of its attributes: [Table, Arn], or \
                           !GetAtt Table.Arn.";
            return Err(self.problem(position, place, message));
        };
        self.attribute(&resource, &attribute, position, place)
    }

    /// What `Fn::GetAtt` gives.
    pub(crate) fn attribute(
        &mut self,
        logical_id: &str,
        attribute: &str,
        position: Position,
        place: &mut Place,
    ) -> Evaluated {
        let full = format!("{logical_id}.{attribute}");
        let made = |name: &str| self.resources.and_then(|it| generated::alias(name, it));
        if let Some(made) = made(&full) {
            return self.reference(&made, position, place);
        }
        if let Some((name, attribute)) = full.rsplit_once('.')
            && let Some(made) = made(name)
        {
            return self.attribute(&made, attribute, position, place);
        }
        let named = self.live(logical_id, position, place)?;
        if let Some(output) = attribute.strip_prefix("Outputs.")
            && nested::location_property(&named.resource.kind).is_some()
        {
            return self.output_of(logical_id, output, position, place);
        }
        let names = self.context.names;
        match names.attribute(&named.resource, attribute) {
            Some(value) => Ok(Some(value)),
            None => {
                let kind = &named.resource.kind;
                let message = format!(
                    "{logical_id} ({kind}) has no attribute {attribute} that is known here."
                );
                Err(self.problem(position, place, message))
            }
        }
    }

    /// The resource that a reference at `position` means, if it will exist.
    fn live(
        &mut self,
        logical_id: &str,
        position: Position,
        place: &Place,
    ) -> Result<Rc<Named>, Reported> {
        if let Some(reason) = place.without_resources {
            let known = self.parameters.keys().map(String::as_str);
            let hint = did_you_mean(logical_id, known.chain(PSEUDO));
            let message = format!("{logical_id} is no parameter, and {reason}.{hint}");
            return Err(self.problem(position, place, message));
        }
        let resources = self.resources;
        let Some(declaration) = resources.and_then(|it| it.get(logical_id)) else {
            let message = self.unknown(logical_id);
            return Err(self.problem(position, place, message));
        };
        if !declaration.live {
            let condition = declaration.condition.as_deref().unwrap_or_default();
            let message = format!(
                "{logical_id} is not created, because its condition {condition} is false; put this \
                 reference under the same condition."
            );
            return Err(self.problem(position, place, message));
        }
        self.edge(logical_id, place);
        self.named(logical_id, declaration)
    }

    fn unknown(&self, name: &str) -> String {
        let resources = self.resources.into_iter().flatten();
        let known = resources.map(|(id, _)| id.as_str());
        let known = known.chain(self.parameters.keys().map(String::as_str));
        let hint = did_you_mean(name, known.chain(PSEUDO));
        let owner = name
            .split('.')
            .next()
            .and_then(|id| self.resources?.get(id));
        match owner {
            Some(owner) if owner.kind == SAM_FUNCTION && generated::needs_alias(name) => {
                format!("{name} is there with AutoPublishAlias only: the function needs one.")
            }
            Some(owner) if name.contains('.') && owner.kind.starts_with(SAM) => {
                format!("{name}, which SAM would generate, is not supported yet as a reference.")
            }
            _ => format!("{name} is neither a parameter nor a resource of this template.{hint}"),
        }
    }

    fn edge(&mut self, to: &str, place: &Place) {
        let Some(from) = &place.resource else {
            return;
        };
        let declaration = self.resources.and_then(|it| it.get(from));
        let hard = declaration.is_some_and(|it| is_own_property(&it.kind, place.top()));
        self.edges.insert(Edge {
            from: from.clone(),
            to: to.to_owned(),
            hard,
        });
    }

    /// The resource's name, from as little of it as a name can depend on.
    pub(crate) fn named(
        &mut self,
        logical_id: &str,
        declaration: &Declaration,
    ) -> Result<Rc<Named>, Reported> {
        if let Some(known) = self.named.get(logical_id) {
            return known.clone();
        }
        if self.naming.iter().any(|it| it == logical_id) || self.naming.len() > CHAIN {
            return Err(self.circular_name(logical_id, declaration));
        }
        self.naming.push(logical_id.to_owned());
        let named = self.name(logical_id, declaration).map(Rc::new);
        self.naming.pop();
        self.named.insert(logical_id.to_owned(), named.clone());
        named
    }

    fn circular_name(&mut self, logical_id: &str, declaration: &Declaration) -> Reported {
        let start = self.naming.iter().position(|it| it == logical_id);
        let circle = self.naming.get(start.unwrap_or(0)..).unwrap_or_default();
        let circle: Vec<&str> = circle.iter().map(String::as_str).collect();
        let (first, message) = crate::cycles::describe(&circle, self.resources);
        let position = self
            .resources
            .and_then(|it| it.get(&first))
            .map_or(declaration.position, |it| it.position);
        self.report.resource(position, &first, None, message)
    }

    fn name(&mut self, logical_id: &str, declaration: &Declaration) -> Result<Named, Reported> {
        let mut place = Place::resource(logical_id);
        let mut properties = Map::new();
        let mut failed = None;
        for (key, member) in declaration.properties.as_map().into_iter().flatten() {
            let independent = |resources| !mentions(&member.value, resources);
            if !may_name(key) && !self.resources.is_some_and(independent) {
                continue;
            }
            place.enter(key, member.key);
            match self.value(&member.value, &mut place) {
                Ok(Some(mut value)) => {
                    stored::fill(self.around.stored, &mut value);
                    properties.insert(key.clone(), value);
                }
                Ok(None) => {}
                // Only what a name is made of can spoil the name.
                Err(reported) if may_name(key) => failed = Some(reported),
                Err(_) => {}
            }
            place.leave();
        }
        if let Some(reported) = failed {
            return Err(reported);
        }
        let resource = declaration.resource(logical_id, Value::Object(properties));
        let reference = self.context.names.reference(&resource);
        Ok(Named {
            resource,
            reference,
        })
    }
}

/// Whether a resource's name can be made of this property.
fn may_name(property: &str) -> bool {
    property.ends_with("Name") || property.ends_with("Id") || property == "Path"
}

/// Whether anything in `node` may refer to a resource.
fn mentions(node: &Node, resources: &Declarations) -> bool {
    let is_resource = |name: &str| {
        let id = name.split('.').next().unwrap_or(name);
        resources.contains_key(id)
    };
    match (node.intrinsic(), &node.tree) {
        (Some(("Ref" | "Fn::GetAtt", argument)), _) => match argument.as_list() {
            Some(parts) => parts.iter().any(|it| it.as_text().is_some_and(is_resource)),
            None => argument.as_text().is_none_or(is_resource),
        },
        (Some(("Fn::Sub", argument)), _) => {
            let text = argument.as_list().map_or(Some(argument), |it| it.first());
            let text = text.and_then(Node::as_text).unwrap_or_default();
            let variables = argument.as_list().and_then(|it| it.get(1));
            variables.is_some_and(|it| mentions(it, resources))
                || pieces(text)
                    .iter()
                    .any(|it| matches!(it, Piece::Reference(name) if is_resource(name)))
        }
        (_, Tree::List(items)) => items.iter().any(|item| mentions(item, resources)),
        (_, Tree::Map(members)) => members
            .values()
            .any(|member| mentions(&member.value, resources)),
        _ => false,
    }
}

/// Whether the deployed resource has this property itself. SAM moves some to resources of their
/// own (an event becomes a permission or a mapping), which wait for others without making the
/// function wait; what becomes of an API's properties is not known here, so none counts.
fn is_own_property(kind: &str, property: Option<&str>) -> bool {
    if property == Some("Metadata") {
        return false;
    }
    match kind {
        SAM_FUNCTION => !matches!(
            property,
            Some(
                "Events"
                    | "EventInvokeConfig"
                    | "DeploymentPreference"
                    | "FunctionUrlConfig"
                    | "ProvisionedConcurrencyConfig"
            )
        ),
        "AWS::Serverless::SimpleTable" | "AWS::Serverless::LayerVersion" => true,
        "AWS::Serverless::Application" => true,
        _ => !kind.starts_with(SAM),
    }
}

#[cfg(test)]
#[path = "references_tests.rs"]
mod tests;
