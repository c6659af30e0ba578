//! CDK's `cdk.out`: which stacks it has, and what their assets are made of.
//!
//! <https://github.com/aws/aws-cdk/blob/main/design/cloud-assembly.md>

use crate::error::ProjectError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest.json";
const TEMPLATE: &str = ".template.json";
const ASSETS: &str = ".assets.json";
/// A stage in a stage: deeper than anybody nests them.
const DEPTH: usize = 8;

/// A stack of a cloud assembly.
struct StackFile {
    /// Its id, its name and how people see it; often the same.
    names: Vec<String>,
    template: PathBuf,
}

/// The template of a stack of the assembly in `folder`: of the only one, or of the one that is
/// named.
pub(crate) fn template(folder: &Path, wanted: Option<&str>) -> Result<PathBuf, ProjectError> {
    let mut stacks = Vec::new();
    collect(folder, 0, &mut stacks)?;
    let refuse = |reason: String| ProjectError::CloudAssembly {
        path: folder.to_path_buf(),
        reason,
    };
    let known: Vec<&str> = stacks
        .iter()
        .filter_map(|it| it.names.first())
        .map(String::as_str)
        .collect();
    let found = match (wanted, stacks.as_slice()) {
        (_, []) => return Err(refuse("it has no stack".to_owned())),
        (None, [only]) => only,
        (None, _) => {
            let reason = format!("it has several stacks, {}", known.join(", "));
            return Err(refuse(reason));
        }
        (Some(wanted), all) => {
            let named = |it: &&StackFile| it.names.iter().any(|name| name == wanted);
            all.iter().find(named).ok_or_else(|| {
                let hint = tether_sam::did_you_mean(wanted, known.iter().copied());
                refuse(format!(
                    "it has no stack {wanted}, but {}.{hint}",
                    known.join(", ")
                ))
            })?
        }
    };
    Ok(found.template.clone())
}

fn collect(folder: &Path, depth: usize, stacks: &mut Vec<StackFile>) -> Result<(), ProjectError> {
    let manifest = json(&folder.join(MANIFEST))?.ok_or_else(|| ProjectError::CloudAssembly {
        path: folder.to_path_buf(),
        reason: format!("it is a folder without {MANIFEST}"),
    })?;
    let artifacts = manifest.get("artifacts").and_then(Value::as_object);
    for (id, artifact) in artifacts.into_iter().flatten() {
        let property = |name: &str| artifact.get("properties")?.get(name)?.as_str();
        match artifact.get("type").and_then(Value::as_str) {
            Some("aws:cloudformation:stack") => {
                let file = property("templateFile").map(str::to_owned);
                let file = file.unwrap_or_else(|| format!("{id}{TEMPLATE}"));
                let shown = artifact.get("displayName").and_then(Value::as_str);
                let names = [property("stackName"), Some(id.as_str()), shown];
                stacks.push(StackFile {
                    names: names.into_iter().flatten().map(str::to_owned).collect(),
                    template: folder.join(file),
                });
            }
            Some("cdk:cloud-assembly") if depth < DEPTH => {
                if let Some(directory) = property("directoryName") {
                    collect(&folder.join(directory), depth + 1, stacks)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Local paths by key in S3, from the asset manifest beside a template of CDK's.
pub(crate) fn assets(template: &Path) -> Result<BTreeMap<String, String>, ProjectError> {
    let mut found = BTreeMap::new();
    let name = template.file_name().and_then(|it| it.to_str());
    let Some(name) = name.and_then(|it| it.strip_suffix(TEMPLATE)) else {
        return Ok(found);
    };
    // A nested stack's assets stand in its parent's manifest.
    let manifest = json(&template.with_file_name(format!("{name}{ASSETS}")))?;
    let files = manifest
        .as_ref()
        .and_then(|it| it.get("files")?.as_object());
    for file in files.into_iter().flat_map(|it| it.values()) {
        let path = file.get("source").and_then(|it| it.get("path")?.as_str());
        let destinations = file.get("destinations").and_then(Value::as_object);
        let destinations = destinations.into_iter().flat_map(|it| it.values());
        let keys = destinations.filter_map(|it| it.get("objectKey")?.as_str());
        if let Some(path) = path {
            found.extend(keys.map(|key| (key.to_owned(), path.to_owned())));
        }
    }
    Ok(found)
}

/// `None`: there is no such file.
fn json(path: &Path) -> Result<Option<Value>, ProjectError> {
    let refuse = |reason: String| ProjectError::CloudAssembly {
        path: path.to_path_buf(),
        reason,
    };
    match std::fs::read(path) {
        Ok(bytes) => {
            let value = serde_json::from_slice(&bytes);
            value
                .map(Some)
                .map_err(|error| refuse(format!("it is no JSON: {error}")))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refuse(error.to_string())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use crate::{Place, Wishes, load_as};
    use serde_json::json;
    use std::path::Path;
    use tether_sam::Files as _;

    /// An assembly as CDK writes it: a stack of its own, and another in a stage.
    fn assembly(root: &Path) {
        let write = |name: &str, value: serde_json::Value| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, value.to_string()).unwrap();
        };
        write(
            "manifest.json",
            json!({"version": "48.0.0", "artifacts": {
                "Shop.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Shop.assets.json"}},
                "Shop": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
                    "properties": {"templateFile": "Shop.template.json"}, "displayName": "Shop"},
                "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
                "assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}},
            }}),
        );
        write(
            "assembly-Prod/manifest.json",
            json!({"artifacts": {"ProdShop1234": {"type": "aws:cloudformation:stack",
                "properties": {"templateFile": "ProdShop1234.template.json", "stackName": "Prod-Shop"},
                "displayName": "Prod/Shop"}}}),
        );
        write(
            "assembly-Prod/ProdShop1234.template.json",
            json!({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}),
        );
        let function = |metadata: serde_json::Value, key: &str| {
            json!({"Type": "AWS::Lambda::Function", "Metadata": metadata, "Properties": {
                "Code": {"S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}, "S3Key": key},
                "Handler": "app.handler", "Runtime": "python3.13"}})
        };
        write(
            "Shop.template.json",
            json!({
                "Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>",
                    "Default": "/cdk-bootstrap/hnb659fds/version"}},
                "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
                "Resources": {
                    "ByMetadata": function(json!({"aws:cdk:path": "Shop/A/Resource", "aws:asset:path": "asset.one",
                        "aws:asset:is-bundled": false, "aws:asset:property": "Code"}), "one.zip"),
                    "ByManifest": function(json!({"aws:cdk:path": "Shop/B/Resource"}), "two.zip"),
                    "NestedStackResource": {"Type": "AWS::CloudFormation::Stack",
                        "Metadata": {"aws:asset:path": "ShopNested.nested.template.json", "aws:asset:property": "TemplateURL"},
                        "Properties": {"TemplateURL": {"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::Region"}, "/x"]]}}},
                },
            }),
        );
        write(
            "ShopNested.nested.template.json",
            json!({"Resources": {"Inner": function(json!({}), "two.zip")}}),
        );
        write(
            "Shop.assets.json",
            json!({"version": "48.0.0", "files": {
                "two": {"source": {"path": "asset.two", "packaging": "zip"},
                    "destinations": {"current_account-current_region-1": {"bucketName": "b", "objectKey": "two.zip"}}},
            }}),
        );
        for folder in ["asset.one", "asset.two"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
    }

    #[test]
    fn a_stack_of_an_assembly_is_chosen_by_any_of_its_names() {
        let root = tempfile::tempdir().unwrap();
        assembly(root.path());
        let chosen = |stack| super::template(root.path(), stack);
        let error = chosen(None).unwrap_err().to_string();
        assert!(error.contains("several stacks, Shop, Prod-Shop"), "{error}");
        let error = chosen(Some("Shopp")).unwrap_err().to_string();
        assert!(
            error.contains("no stack Shopp, but Shop, Prod-Shop. Did you mean Shop?"),
            "{error}"
        );
        assert_eq!(
            chosen(Some("Shop")).unwrap(),
            root.path().join("Shop.template.json")
        );
        let prod = root.path().join("assembly-Prod/ProdShop1234.template.json");
        for name in ["Prod-Shop", "ProdShop1234", "Prod/Shop"] {
            assert_eq!(chosen(Some(name)).unwrap(), prod);
        }
        let only = super::template(&root.path().join("assembly-Prod"), None);
        assert_eq!(only.unwrap(), prod);
        let empty = tempfile::tempdir().unwrap();
        let error = super::template(empty.path(), None).unwrap_err().to_string();
        assert!(error.contains("a folder without manifest.json"), "{error}");
    }

    #[test]
    fn assets_are_found_by_metadata_and_by_manifest_in_nested_stacks_too() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        assembly(&root);
        let wishes = Wishes {
            stack: Some("Shop".to_owned()),
            ..Wishes::default()
        };
        for path in [root.clone(), root.join("Shop.template.json")] {
            let copies = load_as(&path, &Place::in_region(None), &wishes).unwrap();
            let folder = |id: &str| {
                let (_, code) = copies.find(id).unwrap();
                code.as_ref().unwrap().source.code.clone()
            };
            assert_eq!(folder("ByMetadata"), root.join("asset.one"));
            assert_eq!(folder("ByManifest"), root.join("asset.two"));
            assert_eq!(folder("NestedStackResource/Inner"), root.join("asset.two"));
            assert_eq!(copies.notes, [""; 0]);
        }
        let file = crate::TemplateFile::open(&root, Some("Shop")).unwrap();
        assert_eq!(file.asset("two.zip").as_deref(), Some("asset.two"));
    }
}
