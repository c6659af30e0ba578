//! Documents of APIs in files of their own: `DefinitionUri`, and what `aws cloudformation package`
//! would upload.
//!
//! What is read stands in the place of its path. No functions of CloudFormation are applied in it,
//! as none are on AWS.

use crate::parse;
use crate::problem::{Problems, Report};
use crate::stack::Resource;
use crate::surroundings::{Files, Unread};
use indexmap::IndexMap;
use serde_json::Value;

/// The types, and the property that says where the document is.
const KINDS: [(&str, &str); 4] = [
    ("AWS::Serverless::Api", "DefinitionUri"),
    ("AWS::Serverless::HttpApi", "DefinitionUri"),
    ("AWS::ApiGateway::RestApi", "BodyS3Location"),
    ("AWS::ApiGatewayV2::Api", "BodyS3Location"),
];

/// Puts documents in the place of their paths; those that lie elsewhere stay as they are named.
pub(crate) fn read(
    resources: &mut IndexMap<String, Resource>,
    files: &dyn Files,
    report: &mut Report,
) {
    for resource in resources.values_mut() {
        let kind = KINDS.iter().find(|(kind, _)| *kind == resource.kind);
        let Some((_, property)) = kind else {
            continue;
        };
        let path = resource.properties.get(*property).and_then(Value::as_str);
        let Some(path) = path.map(str::to_owned) else {
            continue;
        };
        let read = files.read(&path).map(|text| parse::parse(&path, &text));
        match read {
            Ok(Ok(node)) => resource.properties[*property] = node.literal(),
            Ok(Err(Problems(problems))) => {
                for problem in problems {
                    report.push(problem);
                }
            }
            Err(Unread::Missing(why)) => {
                let position = resource.position_of(property);
                let id = &resource.logical_id;
                let message = format!("{path} cannot be read: {why}.");
                report.resource(position, id, Some(property), message);
            }
            Err(Unread::Elsewhere(_)) => {}
        }
    }
}

/// Whether a property holds a document that was read.
pub(crate) fn is_document(value: &Value) -> bool {
    value.get("paths").is_some() || value.get("swagger").or(value.get("openapi")).is_some()
}
