//! What versions and aliases of functions are called, and what is said of them.

use super::Names;
use crate::lambda::name_and_qualifier;
use serde_json::Value;
use tether_sam::Resource;

impl Names<'_> {
    /// What `Ref` gives; none for what is none of them.
    pub(super) fn version_reference(&self, resource: &Resource) -> Option<String> {
        let given = |property: &str| resource.properties.get(property).and_then(Value::as_str);
        let function = || name_and_qualifier(given("FunctionName").unwrap_or_default()).0;
        Some(match resource.kind.as_str() {
            "AWS::Lambda::Version" => match self.chosen.layers.get(&resource.logical_id) {
                Some(arn) => arn.clone(),
                None => self.next_version(resource),
            },
            "AWS::Lambda::Alias" => {
                let alias = given("Name").unwrap_or_default();
                let of = format!("function:{}:{alias}", function());
                self.cloud.arn("lambda", &of)
            }
            "AWS::Lambda::EventInvokeConfig" => {
                let qualifier = given("Qualifier").unwrap_or_default();
                format!("{}|{qualifier}", function())
            }
            _ => return None,
        })
    }

    /// The version that a function would publish next.
    fn next_version(&self, resource: &Resource) -> String {
        let given = resource.properties.get("FunctionName");
        let given = given.and_then(Value::as_str).unwrap_or_default();
        let (name, _) = name_and_qualifier(given);
        let function = self.cloud.lambda.target(name, None);
        let number = function.map_or(1, |it| it.function.next_version());
        self.cloud
            .arn("lambda", &format!("function:{name}:{number}"))
    }

    /// The number that the next one would get, of layers and of functions.
    pub(crate) fn next_numbered(&self, resource: &Resource) -> String {
        match resource.kind.as_str() {
            "AWS::Lambda::Version" => self.next_version(resource),
            _ => self.next_layer(resource),
        }
    }

    /// What `Fn::GetAtt` gives.
    pub(super) fn version_attribute(&self, resource: &Resource, attribute: &str) -> Option<String> {
        let arn = self.version_reference(resource)?;
        match (resource.kind.as_str(), attribute) {
            ("AWS::Lambda::Version", "Version") => arn.rsplit(':').next().map(str::to_owned),
            ("AWS::Lambda::Version", "FunctionArn") | ("AWS::Lambda::Alias", "AliasArn") => {
                Some(arn)
            }
            _ => None,
        }
    }
}
