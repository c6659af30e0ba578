//! Versions of our layers: no stack takes them with it, because functions may
//! use them.

use crate::call::Call;
use crate::error::Error;
use crate::names;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::FunctionVersion;
use std::collections::BTreeSet;
use tether_receiver::Account;

/// How the descriptions of our layers begin.
const DESCRIPTION: &str = "tether bootstrap";

/// The manager's variables that name a layer.
const HANDED_ON: [&str; 2] = ["LAYER_X86_64", "LAYER_ARM64"];

/// The version of a function that changes.
const LATEST: &str = "$LATEST";

/// A version of one of our layers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LayerVersion {
    pub(crate) arn: String,
    pub(crate) layer: String,
    pub(crate) version: i64,
}

/// A function's version that has a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) function: String,
    /// `$LATEST` or a number.
    pub(crate) version: String,
    pub(crate) layer_arn: String,
}

/// The layers of a region, and who uses them.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    client: Client,
    stack: String,
}

impl Layers {
    pub(crate) fn new(account: &Account, stack: &str) -> Self {
        Self {
            client: Client::new(account.caller()),
            stack: stack.to_owned(),
        }
    }

    /// All versions of the stack's layers.
    pub(crate) async fn versions(&self) -> Result<Vec<LayerVersion>, Error> {
        let mut versions = Vec::new();
        for layer in names::layers(&self.stack) {
            let call = Call::new(
                format!("the versions of the layer {layer} cannot be listed"),
                "lambda:ListLayerVersions",
                format!("the layer {layer}"),
            );
            let pages = self.client.list_layer_versions().layer_name(&layer);
            let mut pages = pages.into_paginator().items().send();
            while let Some(listed) = pages.next().await {
                let listed = match listed {
                    Ok(listed) => listed,
                    Err(error) if tether_aws::classify(&error).status == Some(404) => break,
                    Err(error) => return Err(call.failed(&error)),
                };
                let description = listed.description.as_deref().unwrap_or_default();
                // Somebody else's of that name stays.
                if !description.starts_with(DESCRIPTION) {
                    continue;
                }
                versions.push(LayerVersion {
                    arn: listed.layer_version_arn.unwrap_or_default(),
                    layer: layer.clone(),
                    version: listed.version,
                });
            }
        }
        Ok(versions)
    }

    /// Who uses any layer, published versions included.
    pub(crate) async fn uses(&self) -> Result<Vec<Use>, Error> {
        let call = Call::new(
            "the functions that use tether's layers cannot be listed",
            "lambda:ListFunctions",
            "*",
        );
        let all = self.client.list_functions();
        let all = all.function_version(FunctionVersion::All);
        let mut pages = all.into_paginator().items().send();
        let mut uses = Vec::new();
        while let Some(function) = pages.next().await {
            let function = function.map_err(|error| call.failed(&error))?;
            for layer in function.layers() {
                uses.push(Use {
                    function: function.function_name().unwrap_or_default().to_owned(),
                    version: function.version().unwrap_or(LATEST).to_owned(),
                    layer_arn: layer.arn().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(uses)
    }

    /// The layers that the manager hands on: by its own variables, which
    /// `make deploy` sets.
    pub(crate) async fn handed_on_by(&self, manager: &str) -> Result<Vec<String>, Error> {
        let call = Call::new(
            format!("which layers {manager} hands on cannot be told"),
            "lambda:GetFunctionConfiguration",
            format!("the function {manager}"),
        );
        let read = self.client.get_function_configuration();
        let read = read.function_name(manager).send().await;
        let read = read.map_err(|error| call.failed(&error))?;
        let variables = read.environment.and_then(|it| it.variables);
        let mut variables = variables.unwrap_or_default();
        let named = HANDED_ON.iter().filter_map(|it| variables.remove(*it));
        Ok(named.filter(|it| !it.is_empty()).collect())
    }

    pub(crate) async fn delete(&self, version: &LayerVersion) -> Result<(), Error> {
        let call = Call::new(
            format!("{} cannot be deleted", version.arn),
            "lambda:DeleteLayerVersion",
            &version.arn,
        );
        let delete = self.client.delete_layer_version();
        let delete = delete.layer_name(&version.layer);
        let deleted = delete.version_number(version.version).send().await;
        deleted.map(drop).map_err(|error| call.failed(&error))
    }
}

/// What nobody uses, nor is to be kept for another reason.
pub(crate) fn unused<'a>(
    versions: &'a [LayerVersion],
    uses: &[Use],
    kept: &BTreeSet<String>,
) -> Vec<&'a LayerVersion> {
    let is_used = |arn: &str| uses.iter().any(|it| it.layer_arn == arn);
    versions
        .iter()
        .filter(|it| !is_used(&it.arn) && !kept.contains(&it.arn))
        .collect()
}

/// Functions under debug: their code that changes has one of these layers.
pub(crate) fn instrumented(versions: &[LayerVersion], uses: &[Use]) -> BTreeSet<String> {
    let is_ours = |arn: &str| versions.iter().any(|it| it.arn == arn);
    uses.iter()
        .filter(|it| it.version == LATEST && is_ours(&it.layer_arn))
        .map(|it| it.function.clone())
        .collect()
}

/// `tether-x86-64:3, which Checkout:7 and Ship use`
pub(crate) fn in_use(version: &LayerVersion, uses: &[Use]) -> String {
    let users = uses.iter().filter(|it| it.layer_arn == version.arn);
    let users: Vec<String> = users
        .map(|it| match it.version.as_str() {
            LATEST => it.function.clone(),
            number => format!("{}:{number}", it.function),
        })
        .collect();
    let LayerVersion { layer, version, .. } = version;
    match users.as_slice() {
        [one] => format!("the layer {layer}:{version}, which {one} uses"),
        many => format!("the layer {layer}:{version}, which {} use", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: i64) -> LayerVersion {
        LayerVersion {
            arn: format!("arn:aws:lambda:r:1:layer:tether-arm64:{number}"),
            layer: "tether-arm64".into(),
            version: number,
        }
    }

    fn used(function: &str, by: &str, number: i64) -> Use {
        Use {
            function: function.into(),
            version: by.into(),
            layer_arn: version(number).arn,
        }
    }

    #[test]
    fn a_version_goes_when_nobody_uses_it_and_it_is_not_the_one_in_service() {
        let versions = [version(1), version(2), version(3), version(10)];
        let uses = [used("Ship", LATEST, 1), used("Ship", "4", 2)];
        let kept = BTreeSet::from([version(10).arn]);
        // Not because 10 begins with 1: 3 alone is free.
        assert_eq!(unused(&versions, &uses, &kept), [&version(3)]);
        let none = BTreeSet::new();
        assert_eq!(unused(&versions, &uses, &none), [&version(3), &version(10)]);
    }

    #[test]
    fn only_what_changes_is_under_debug() {
        let versions = [version(1)];
        let uses = [
            used("Ship", LATEST, 1),
            used("Shop", "4", 1),
            used("Other", LATEST, 7),
        ];
        let found = instrumented(&versions, &uses);
        assert_eq!(found, BTreeSet::from(["Ship".to_owned()]));
        assert_eq!(
            in_use(&version(1), &uses),
            "the layer tether-arm64:1, which Ship, Shop:4 use"
        );
    }
}
