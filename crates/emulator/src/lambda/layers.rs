//! Layer versions
//! (<https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html>).

use super::archive::Archive;
use super::configuration::last_modified;
use super::error::LambdaError;
use crate::cloud::Place;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use tempfile::TempDir;

/// All layers of the account.
pub(crate) struct Layers {
    place: Place,
    /// What is published goes here.
    folder: TempDir,
    /// By name, then by version.
    all: RwLock<BTreeMap<String, BTreeMap<u64, Layer>>>,
}

#[derive(Clone)]
struct Layer {
    content: PathBuf,
    code_sha256: String,
    code_size: u64,
    created: String,
    /// What its publisher said besides: shown as it is.
    about: Value,
    /// Functions that use it keep it.
    deleted: bool,
}

/// What a publisher may say.
const ABOUT: [&str; 4] = [
    "Description",
    "CompatibleArchitectures",
    "CompatibleRuntimes",
    "LicenseInfo",
];

impl Layers {
    pub(crate) fn new(place: Place) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tether-layers-")
            .tempdir()?;
        Ok(Self {
            place,
            folder,
            all: RwLock::default(),
        })
    }

    fn arn(&self, name: &str) -> String {
        let place = &self.place;
        format!(
            "arn:{}:lambda:{}:{}:layer:{name}",
            place.partition, place.region, place.account_id
        )
    }

    /// One of a template, under the number that was promised. False: somebody
    /// has published one of this number meanwhile.
    pub(crate) fn add(
        &self,
        arn: &str,
        content: PathBuf,
        (code_sha256, code_size): (String, u64),
        about: Value,
    ) -> bool {
        let (name, version) = name_and_version(arn);
        let layer = Layer {
            content,
            code_sha256,
            code_size,
            created: last_modified(),
            about,
            deleted: false,
        };
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let versions = all.entry(name.to_owned()).or_default();
        let version = version.unwrap_or(1);
        let free = !versions.contains_key(&version);
        if free {
            versions.insert(version, layer);
        }
        free
    }

    /// The number that the next version of a layer gets.
    pub(crate) fn next_version(&self, name: &str) -> u64 {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let last = all.get(name).and_then(|it| it.keys().next_back());
        last.unwrap_or(&0) + 1
    }

    /// Deletes a version by its ARN.
    pub(crate) fn delete_by_arn(&self, arn: &str) {
        let (name, version) = name_and_version(arn);
        if let Some(version) = version {
            self.delete(name, &version.to_string());
        }
    }

    fn find(&self, name: &str, version: u64) -> Option<Layer> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name)?.get(&version).cloned()
    }

    /// Its files, even if it is deleted.
    pub(crate) fn content(&self, arn: &str) -> Option<PathBuf> {
        let (name, version) = name_and_version(arn);
        Some(self.find(name, version?)?.content)
    }

    /// Of one that exists: its size.
    pub(crate) fn size(&self, arn: &str) -> Option<u64> {
        let (name, version) = name_and_version(arn);
        let version = version?;
        let layer = self.find(name, version).filter(|it| !it.deleted)?;
        (arn == format!("{}:{version}", self.arn(name))).then_some(layer.code_size)
    }

    /// `PublishLayerVersion`
    pub(crate) async fn publish(
        &self,
        reference: &str,
        archive: Archive,
        request: &Value,
    ) -> Result<Value, LambdaError> {
        let (name, _) = layer_name(reference);
        let content = self.folder.path().join(crate::id::uuid());
        let (code_sha256, code_size) = (archive.sha256(), archive.size());
        archive.unpack(content.clone()).await?;
        let mut about = json!({});
        for member in ABOUT {
            if let Some(value) = request.get(member).filter(|it| !it.is_null()) {
                about[member] = value.clone();
            }
        }
        let layer = Layer {
            content,
            code_sha256,
            code_size,
            created: last_modified(),
            about,
            deleted: false,
        };
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let versions = all.entry(name.to_owned()).or_default();
        // Numbers of deleted ones are not given again.
        let version = versions.keys().next_back().unwrap_or(&0) + 1;
        let answer = self.describe(name, version, &layer);
        versions.insert(version, layer);
        Ok(answer)
    }

    /// `GetLayerVersion`
    pub(crate) fn version(&self, reference: &str, version: &str) -> Result<Value, LambdaError> {
        let (name, _) = layer_name(reference);
        let number = version.parse().map_err(|_| {
            LambdaError::constraint(version, "versionNumber", "Member must be a number")
        })?;
        let layer = self.find(name, number).filter(|it| !it.deleted);
        let layer = layer.ok_or_else(LambdaError::no_such_resource)?;
        Ok(self.describe(name, number, &layer))
    }

    /// `GetLayerVersionByArn`
    pub(crate) fn by_arn(&self, arn: &str) -> Result<Value, LambdaError> {
        let (name, version) = name_and_version(arn);
        match version {
            Some(version) => self.version(name, &version.to_string()),
            None => Err(LambdaError::constraint(
                arn,
                "arn",
                "Member must satisfy regular expression pattern: \
                 (arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}-[a-z]+-\\d{1}:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)",
            )),
        }
    }

    /// `DeleteLayerVersion`; one that does not exist is no error.
    pub(crate) fn delete(&self, reference: &str, version: &str) {
        let (name, _) = layer_name(reference);
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let versions = all.get_mut(name);
        let layer = versions.and_then(|it| it.get_mut(&version.parse().ok()?));
        if let Some(layer) = layer {
            layer.deleted = true;
        }
    }

    /// `ListLayers`: the latest version of each that has what is wanted.
    pub(crate) fn list(&self, wanted: &Wanted<'_>) -> Vec<(String, Value)> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let latest = |(name, versions): (&String, &BTreeMap<u64, Layer>)| {
            let mut versions = versions.iter().rev();
            let (version, layer) = versions.find(|(_, it)| wanted.is(it))?;
            let item = json!({
                "LayerName": name,
                "LayerArn": self.arn(name),
                "LatestMatchingVersion": self.item(name, *version, layer),
            });
            Some((name.clone(), item))
        };
        all.iter().filter_map(latest).collect()
    }

    /// `ListLayerVersions`: the latest first.
    pub(crate) fn versions(&self, reference: &str, wanted: &Wanted<'_>) -> Vec<(String, Value)> {
        let (name, _) = layer_name(reference);
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let versions = all.get(name).into_iter().flatten().rev();
        versions
            .filter(|(_, it)| wanted.is(it))
            .map(|(version, it)| {
                let key = format!("{:020}", u64::MAX - version);
                (key, self.item(name, *version, it))
            })
            .collect()
    }

    fn item(&self, name: &str, version: u64, layer: &Layer) -> Value {
        let mut item = json!({
            "LayerVersionArn": format!("{}:{version}", self.arn(name)),
            "Version": version,
            "CreatedDate": layer.created,
        });
        if let (Value::Object(item), Value::Object(about)) = (&mut item, &layer.about) {
            item.extend(about.clone());
        }
        item
    }

    fn describe(&self, name: &str, version: u64, layer: &Layer) -> Value {
        let mut answer = self.item(name, version, layer);
        answer["LayerArn"] = json!(self.arn(name));
        answer["Content"] = json!({
            "Location": format!("file://{}", layer.content.display()),
            "CodeSha256": layer.code_sha256,
            "CodeSize": layer.code_size,
        });
        answer
    }
}

/// Which layers are listed.
pub(crate) struct Wanted<'a> {
    pub(crate) runtime: Option<&'a str>,
    pub(crate) architecture: Option<&'a str>,
}

impl Wanted<'_> {
    fn is(&self, layer: &Layer) -> bool {
        let names = |member: &str, wanted: Option<&str>| {
            let Some(wanted) = wanted else { return true };
            let names = layer.about.get(member).and_then(Value::as_array);
            names.is_some_and(|it| it.iter().any(|name| name == wanted))
        };
        !layer.deleted
            && names("CompatibleRuntimes", self.runtime)
            && names("CompatibleArchitectures", self.architecture)
    }
}

/// Splits `name`, and an ARN with or without a version.
fn layer_name(reference: &str) -> (&str, Option<&str>) {
    let rest = match reference.split_once("layer:") {
        Some((_, rest)) => rest,
        None => reference,
    };
    match rest.split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (rest, None),
    }
}

fn name_and_version(arn: &str) -> (&str, Option<u64>) {
    let (name, version) = layer_name(arn);
    (name, version.and_then(|it| it.parse().ok()))
}
