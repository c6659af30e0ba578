//! What is deployed: the helper stack's outputs, and a stack's functions.

use crate::account::{Account, Developer};
use crate::error::{Error, aws};
use aws_sdk_cloudformation::Client as CloudFormation;
use aws_sdk_lambda::Client as Lambda;
use aws_types::SdkConfig;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use tether_project::Place;
use tether_protocol::config::{CONFIG, CONNECTION, SESSION, WRAPPER};
use tether_protocol::{Environment, PROTOCOL_VERSION, Secret};

/// Where everything of an installation is.
#[derive(Clone, Debug)]
pub struct HelperStack {
    /// Its name.
    pub name: String,
    /// Protocol version it speaks.
    pub version: u32,
    pub(crate) websocket_url: String,
    pub(crate) sessions_table: String,
    pub(crate) debugger_table: String,
    pub(crate) functions_table: String,
    pub(crate) manager_function: String,
    /// `authorizer` and `connect`; an older helper stack does not name them.
    front: Vec<String>,
    pub(crate) developer_role: String,
}

impl HelperStack {
    /// The account it is in.
    #[must_use]
    pub fn account(&self) -> &str {
        // arn:aws:iam::123456789012:role/…
        self.developer_role.split(':').nth(4).unwrap_or_default()
    }

    /// Names of its Lambdas, as far as it tells them.
    pub(crate) fn functions(&self) -> Vec<&str> {
        let names = self.front.iter().chain([&self.manager_function]);
        names.map(String::as_str).collect()
    }

    /// Where it is, and with it whatever is debugged.
    pub(crate) fn place(&self, region: &str) -> Place {
        Place {
            account_id: self.account().to_owned(),
            region: region.to_owned(),
        }
    }

    /// Whether both sides mean the same by what they say.
    ///
    /// # Errors
    /// Which side is the older one.
    pub(crate) fn speaks_our_protocol(&self) -> Result<(), Error> {
        let (stack, theirs, ours) = (self.name.clone(), self.version, PROTOCOL_VERSION);
        match theirs.cmp(&ours) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(Error::HelperNewer {
                stack,
                theirs,
                ours,
            }),
            Ordering::Less => Err(Error::HelperOlder {
                stack,
                theirs,
                ours,
            }),
        }
    }

    /// Reads the helper stack's outputs.
    ///
    /// # Errors
    /// When there is no such stack, or an output is missing.
    pub async fn find(account: &Account, name: &str) -> Result<Self, Error> {
        let client = CloudFormation::new(account.caller());
        let described = client.describe_stacks().stack_name(name).send().await;
        let missing = || Error::NoHelperStack {
            name: name.to_owned(),
            region: account.region.clone(),
        };
        let described = described.map_err(|error| {
            let failure = tether_aws::classify(&error);
            if failure.message.contains("does not exist") {
                return missing();
            }
            if let (Some(url), None) = (&account.access.endpoint_url, failure.status) {
                return Error::NoEndpoint {
                    url: url.clone(),
                    reason: failure.to_string(),
                };
            }
            Error::Aws {
                what: format!(
                    "the helper stack {name} cannot be looked up in {}",
                    account.region
                ),
                failure,
            }
        })?;
        let stack = described.stacks().first().ok_or_else(missing)?;
        let outputs: HashMap<&str, &str> = stack
            .outputs()
            .iter()
            .filter_map(|it| Some((it.output_key()?, it.output_value()?)))
            .collect();
        let output = |output: &'static str| {
            let value = outputs.get(output).map(|it| (*it).to_owned());
            value.ok_or_else(|| Error::NoOutput {
                stack: name.to_owned(),
                output,
            })
        };
        Ok(Self {
            name: name.to_owned(),
            version: output("Version")?.parse().unwrap_or(0),
            websocket_url: output("WebSocketUrl")?,
            sessions_table: output("SessionsTable")?,
            debugger_table: output("DebuggerTable")?,
            functions_table: output("FunctionsTable")?,
            manager_function: output("ManagerFunction")?,
            front: ["AuthorizerFunction", "ConnectFunction"]
                .iter()
                .filter_map(|it| outputs.get(it).map(|it| (*it).to_owned()))
                .collect(),
            developer_role: output("DeveloperRoleArn")?,
        })
    }
}

/// A deployed function.
#[derive(Clone, Debug)]
pub(crate) struct RemoteFunction {
    /// In the template; `Nested/Function` in a nested stack.
    pub(crate) logical_id: String,
    /// In Lambda.
    pub(crate) name: String,
    /// Without version.
    pub(crate) arn: String,
    /// `python3.13`; none for container images.
    pub(crate) runtime: Option<String>,
    /// The deployed variables, without tether's.
    pub(crate) environment: Environment,
}

/// A stack's functions, nested stacks included.
///
/// # Errors
/// When there is no such stack, or it cannot be read.
pub(crate) async fn functions_of(
    account: &Account,
    developer: &Developer,
    stack_name: &str,
) -> Result<Vec<RemoteFunction>, Error> {
    let names = function_names(account, &developer.config, stack_name).await?;
    let lambda = Lambda::new(&developer.config);
    let mut functions = Vec::new();
    for (logical_id, name) in names {
        functions.push(describe(&lambda, logical_id, name).await?);
    }
    Ok(functions)
}

/// Logical and physical ids of a stack's functions.
///
/// # Errors
/// When there is no such stack, or it cannot be read.
pub async fn function_names(
    account: &Account,
    config: &SdkConfig,
    stack_name: &str,
) -> Result<Vec<(String, String)>, Error> {
    let client = CloudFormation::new(config);
    let mut found = Vec::new();
    let mut stacks = vec![(String::new(), stack_name.to_owned())];
    while let Some((path, stack)) = stacks.pop() {
        let mut pages = client
            .list_stack_resources()
            .stack_name(&stack)
            .into_paginator()
            .items()
            .send();
        while let Some(resource) = pages.next().await {
            let resource = resource.map_err(|error| {
                let failure = tether_aws::classify(&error);
                if failure.message.contains("does not exist") {
                    return Error::NoStack {
                        name: stack_name.to_owned(),
                        region: account.region.clone(),
                    };
                }
                Error::Aws {
                    what: format!("the resources of {stack} cannot be listed"),
                    failure,
                }
            })?;
            let logical = resource.logical_resource_id().unwrap_or_default();
            let Some(physical) = resource.physical_resource_id() else {
                continue;
            };
            let logical = format!("{path}{logical}");
            match resource.resource_type() {
                Some("AWS::Lambda::Function") => found.push((logical, physical.to_owned())),
                Some("AWS::CloudFormation::Stack") => {
                    stacks.push((format!("{logical}/"), physical.to_owned()));
                }
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

async fn describe(
    lambda: &Lambda,
    logical_id: String,
    name: String,
) -> Result<RemoteFunction, Error> {
    let configuration = lambda
        .get_function_configuration()
        .function_name(&name)
        .send()
        .await
        .map_err(aws(format!("the function {name} cannot be read")))?;
    let variables = configuration.environment().and_then(|it| it.variables());
    let mut variables: BTreeMap<String, String> = variables
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    for ours in [WRAPPER, SESSION, CONNECTION, CONFIG] {
        variables.remove(ours);
    }
    Ok(RemoteFunction {
        logical_id,
        arn: configuration.function_arn().unwrap_or_default().to_owned(),
        runtime: configuration.runtime().map(|it| it.as_str().to_owned()),
        environment: Secret::new(variables),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(version: u32) -> Option<String> {
        let helper = HelperStack {
            name: "mine".into(),
            version,
            websocket_url: String::new(),
            sessions_table: String::new(),
            debugger_table: String::new(),
            functions_table: String::new(),
            manager_function: String::new(),
            front: Vec::new(),
            developer_role: String::new(),
        };
        helper.speaks_our_protocol().err().map(|it| it.to_string())
    }

    #[test]
    fn a_helper_stack_of_another_protocol_is_refused_with_the_way_out() {
        assert_eq!(said(PROTOCOL_VERSION), None);
        let older = said(PROTOCOL_VERSION - 1).unwrap_or_default();
        assert!(
            older.contains("`tether upgrade --stack-name mine`"),
            "{older}"
        );
        let newer = said(PROTOCOL_VERSION + 1).unwrap_or_default();
        assert!(newer.contains("install a newer release"), "{newer}");
    }
}
