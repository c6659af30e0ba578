//! SAM's Globals: what every resource of a type has unless it says otherwise.
//!
//! Maps are merged, lists appended (global first), everything else is the resource's own; a
//! function such as `!Ref` counts as a scalar, because that is what it becomes. The lists of what
//! may stand there are the translator's (`samtranslator/plugins/globals/globals.py`).
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>

use crate::hint::did_you_mean;
use crate::problem::{Report, Reported};
use crate::resources::{Declaration, Declarations, SAM};
use crate::tree::{Members, Node, Tree};

const FUNCTION: &[&str] = &[
    "Architectures",
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "CodeUri",
    "DeadLetterQueue",
    "DeploymentPreference",
    "Description",
    "DurableConfig",
    "Environment",
    "EphemeralStorage",
    "EventInvokeConfig",
    "FileSystemConfigs",
    "FunctionScalingConfig",
    "FunctionUrlConfig",
    "Handler",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PermissionsBoundary",
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "PublishToLatestPublished",
    "RecursiveLoop",
    "ReservedConcurrentExecutions",
    "RolePath",
    "Runtime",
    "RuntimeManagementConfig",
    "SnapStart",
    "SourceKMSKeyArn",
    "Tags",
    "TenancyConfig",
    "Timeout",
    "Tracing",
    "VersionDeletionPolicy",
    "VpcConfig",
];

const API: &[&str] = &[
    "AccessLogSetting",
    "AlwaysDeploy",
    "Auth",
    "BinaryMediaTypes",
    "CacheClusterEnabled",
    "CacheClusterSize",
    "CanarySetting",
    "Cors",
    "DefinitionUri",
    "Domain",
    "EndpointAccessMode",
    "EndpointConfiguration",
    "GatewayResponses",
    "MergeDefinitions",
    "MethodSettings",
    "MinimumCompressionSize",
    "Name",
    "OpenApiVersion",
    "PropagateTags",
    "SecurityPolicy",
    "TracingEnabled",
    "Variables",
];

const HTTP_API: &[&str] = &[
    "AccessLogSettings",
    "Auth",
    "CorsConfiguration",
    "DefaultRouteSettings",
    "Domain",
    "FailOnWarnings",
    "PropagateTags",
    "RouteSettings",
    "StageVariables",
    "Tags",
];

const WEB_SOCKET_API: &[&str] = &[
    "AccessLogSettings",
    "ApiKeySelectionExpression",
    "DefaultRouteSettings",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "Domain",
    "FailOnWarnings",
    "IpAddressType",
    "PropagateTags",
    "RouteSelectionExpression",
    "RouteSettings",
    "StageVariables",
    "Tags",
];

const CAPACITY_PROVIDER: &[&str] = &[
    "InstanceRequirements",
    "KmsKeyArn",
    "OperatorRole",
    "PropagateTags",
    "ScalingConfig",
    "Tags",
    "VpcConfig",
];

/// The types that Globals knows, and the properties that may be global.
const SUPPORTED: [(&str, &[&str]); 8] = [
    ("Api", API),
    ("CapacityProvider", CAPACITY_PROVIDER),
    ("Function", FUNCTION),
    ("HttpApi", HTTP_API),
    ("LayerVersion", &["PublishLambdaVersion"]),
    ("SimpleTable", &["SSESpecification"]),
    ("StateMachine", &["PropagateTags"]),
    ("WebSocketApi", WEB_SOCKET_API),
];

/// Merges the Globals section into the resources.
pub(crate) fn apply(section: Option<&Members>, resources: &mut Declarations, report: &mut Report) {
    for (kind, member) in section.into_iter().flatten() {
        let known = SUPPORTED.iter().find(|(name, _)| name == kind);
        let Some((_, allowed)) = known else {
            let hint = did_you_mean(kind, SUPPORTED.iter().map(|(name, _)| *name));
            let message = format!("{kind} cannot stand in Globals.{hint}");
            report.section(Some(member.key), "Globals", message);
            continue;
        };
        let path = format!("Globals.{kind}");
        let Some(globals) = member.value.as_map() else {
            let message = format!(
                "it must be a map of properties, not {}.",
                member.value.what()
            );
            report.section(Some(member.key), &path, message);
            continue;
        };
        refuse_unsupported(kind, globals, allowed, report);
        // What is not allowed has been reported; it must not be again, of each resource.
        let mut globals = globals.clone();
        globals.retain(|name, _| allowed.contains(&name.as_str()));
        let kind = format!("{SAM}{kind}");
        for (logical_id, resource) in resources.iter_mut().filter(|(_, it)| it.kind == kind) {
            // What is wrong has been reported.
            let _ = inherit(logical_id, resource, &globals, report);
        }
    }
}

fn refuse_unsupported(kind: &str, globals: &Members, allowed: &[&str], report: &mut Report) {
    for (property, member) in globals {
        if !allowed.contains(&property.as_str()) {
            let hint = did_you_mean(property, allowed.iter().copied());
            let message = format!(
                "{property} cannot be global for every {kind}; put it into the resources that \
                 need it.{hint}"
            );
            report.section(Some(member.key), &format!("Globals.{kind}"), message);
        }
    }
}

fn inherit(
    logical_id: &str,
    resource: &mut Declaration,
    globals: &Members,
    report: &mut Report,
) -> Result<(), Reported> {
    let ignored = ignored(logical_id, resource, report)?;
    let mut globals = globals.clone();
    match ignored {
        Ignored::All => return Ok(()),
        Ignored::These(names) => globals.retain(|name, _| !names.contains(name)),
    }
    let global = Node::new(resource.properties.position, Tree::Map(globals));
    resource.properties = merged(&global, &resource.properties);
    Ok(())
}

enum Ignored {
    All,
    These(Vec<String>),
}

/// The resource attribute `IgnoreGlobals`: `"*"` or a list of properties.
fn ignored(
    logical_id: &str,
    resource: &Declaration,
    report: &mut Report,
) -> Result<Ignored, Reported> {
    let Some(member) = resource.attributes.get("IgnoreGlobals") else {
        return Ok(Ignored::These(Vec::new()));
    };
    let node = &member.value;
    if node.as_text() == Some("*") {
        return Ok(Ignored::All);
    }
    let names = node.as_list().map(|items| {
        let names = items.iter().map(|item| item.as_text().map(str::to_owned));
        names.collect::<Option<Vec<_>>>()
    });
    match names.flatten() {
        Some(names) => Ok(Ignored::These(names)),
        None => {
            let message = "it must be \"*\" or a list of properties of Globals.";
            let property = Some("IgnoreGlobals");
            Err(report.resource(node.position, logical_id, property, message))
        }
    }
}

/// `local` over `global`. Each value keeps the place it was written at.
fn merged(global: &Node, local: &Node) -> Node {
    let tree = match (&global.tree, &local.tree) {
        (Tree::Map(globals), Tree::Map(locals)) if !is_function(global) && !is_function(local) => {
            let mut members = globals.clone();
            for (key, member) in locals {
                let mut member = member.clone();
                if let Some(inherited) = globals.get(key) {
                    member.value = merged(&inherited.value, &member.value);
                }
                members.insert(key.clone(), member);
            }
            Tree::Map(members)
        }
        (Tree::List(globals), Tree::List(locals)) => {
            Tree::List(globals.iter().chain(locals).cloned().collect())
        }
        (_, local) => local.clone(),
    };
    Node::new(local.position, tree)
}

fn is_function(node: &Node) -> bool {
    let lone_condition = || {
        let members = node.as_map()?;
        Some(members.len() == 1 && members.contains_key("Condition"))
    };
    node.intrinsic().is_some() || lone_condition().unwrap_or(false)
}

#[cfg(test)]
#[path = "globals_tests.rs"]
mod tests;
