//! Who knows what a deployed resource is called.

use crate::stack::Resource;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What a template is resolved against.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// `AWS::StackName`.
    pub stack_name: &'a str,
    /// `AWS::StackId`.
    pub stack_id: &'a str,
    /// `AWS::AccountId`.
    pub account_id: &'a str,
    /// `AWS::Region`.
    pub region: &'a str,
    /// `AWS::Partition`: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// `AWS::URLSuffix`: `amazonaws.com`.
    pub url_suffix: &'a str,
    /// Parameter overrides. A name the template does not declare is a problem.
    pub parameters: &'a BTreeMap<String, String>,
    /// What the resources are called.
    pub names: &'a dyn PhysicalNames,
}

/// Names of parameters only: a value may be a secret.
impl fmt::Debug for Context<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Context")
            .field("stack_name", &self.stack_name)
            .field("region", &self.region)
            .field("parameters", &self.parameters.keys())
            .finish_non_exhaustive()
    }
}

/// What `Ref` and `Fn::GetAtt` give for a resource.
///
/// The resource is asked for while others are still being resolved, so its `properties` hold only
/// what a name can depend on: properties whose own name ends in `Name` or `Id` (and `Path`), and
/// whatever refers to no other resource. Its `depends_on`, `references` and `reference` are empty.
pub trait PhysicalNames {
    /// What `Ref` gives.
    fn reference(&self, resource: &Resource) -> String;

    /// What `Fn::GetAtt` gives. `None`: this attribute is not known, which becomes a problem that
    /// names resource and attribute.
    fn attribute(&self, resource: &Resource, attribute: &str) -> Option<Value>;
}

/// Names for when nothing is deployed: `Ref` is the explicit name, where the resource's `Ref` is
/// its name at all, or the logical id; attributes are placeholders, `LogicalId.Attribute`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogicalNames;

impl PhysicalNames for LogicalNames {
    fn reference(&self, resource: &Resource) -> String {
        explicit_name(resource).unwrap_or_else(|| resource.logical_id.clone())
    }

    fn attribute(&self, resource: &Resource, attribute: &str) -> Option<Value> {
        let placeholder = format!("{}.{attribute}", resource.logical_id);
        Some(Value::String(placeholder))
    }
}

/// The name the template gives, in the property named after the type (`AWS::Lambda::Function` has
/// `FunctionName`). A plain `Name` is not taken: the `Ref` of such types is mostly an id.
fn explicit_name(resource: &Resource) -> Option<String> {
    let kind = resource.kind.rsplit("::").next()?;
    let property = match kind {
        "SimpleTable" => "TableName".to_owned(),
        // Ref of a layer version is an ARN with a version, which no template gives.
        "LayerVersion" => return None,
        _ => format!("{kind}Name"),
    };
    let name = resource.properties.get(property)?.as_str()?;
    Some(name.to_owned())
}
