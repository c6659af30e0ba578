//! Layer versions.

use super::{Content, Hands, exists};
use serde_json::{Value, json};
use tether_sam::Resource;

/// What is shown of a layer as its template has it.
const SHOWN: [&str; 2] = ["Description", "LicenseInfo"];

impl Hands<'_> {
    pub(super) async fn create_layer(&self, resource: &Resource) -> Result<Content, String> {
        let view = self.alone(resource);
        let layers = view.layers().map_err(|error| error.to_string())?;
        let layer = layers.first().ok_or("it is no layer")?;
        let folder = self.place().join("layers");
        let id = resource.logical_id.replace('/', "-");
        let to = folder.join(format!("{id}-{}", crate::id::uuid()));
        let property = match resource.kind.as_str() {
            "AWS::Lambda::LayerVersion" => "Content",
            _ => "ContentUri",
        };
        let content = self.take(resource, property, &layer.content, &to).await?;
        let mut about = json!({});
        if !layer.runtimes.is_empty() {
            about["CompatibleRuntimes"] = json!(layer.runtimes);
        }
        if !layer.architectures.is_empty() {
            let names = layer.architectures.iter().map(|it| it.name());
            about["CompatibleArchitectures"] = names.collect();
        }
        for name in SHOWN {
            if let Some(text) = resource.property(name).and_then(Value::as_str) {
                about[name] = json!(text);
            }
        }
        let told = (content.sha256.clone(), content.size);
        let layers = &self.cloud.lambda.layers;
        let arn = &resource.reference;
        let added = layers.add(arn, content.root.clone(), told, about);
        added
            .then_some(content)
            .ok_or_else(|| exists(&resource.kind, arn))
    }
}
