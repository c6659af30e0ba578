//! Layers: `AWS::Serverless::LayerVersion` and `AWS::Lambda::LayerVersion`.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-layerversion.html>

use crate::function::{Architecture, Code, asset, code};
use crate::problem::Problems;
use crate::reader::{self, Reader};
use crate::stack::{Resource, Stack};

const SAM_LAYER: &str = "AWS::Serverless::LayerVersion";
const LAMBDA_LAYER: &str = "AWS::Lambda::LayerVersion";

/// A layer version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name in the template.
    pub logical_id: String,
    /// `LayerName`, or the logical id.
    pub name: String,
    /// Where its content is.
    pub content: Code,
    /// The architectures it is for; empty: it does not say.
    pub architectures: Vec<Architecture>,
    /// The runtimes it is for; empty: it does not say.
    pub runtimes: Vec<String>,
}

impl Stack {
    /// Every layer of the stack.
    ///
    /// # Errors
    /// Wrong properties of any of them.
    pub fn layers(&self) -> Result<Vec<Layer>, Problems> {
        let layers = self.resources.values();
        let layers = layers.filter(|it| it.kind == SAM_LAYER || it.kind == LAMBDA_LAYER);
        reader::each(layers, |it| layer(it, &self.file))
    }
}

fn layer(resource: &Resource, file: &str) -> Result<Layer, Problems> {
    let mut reader = Reader::new(resource, file);
    let content = match (asset(&reader), resource.kind.as_str()) {
        (Some(path), _) => path,
        (None, SAM_LAYER) => code(&mut reader, "ContentUri", "Bucket", "Key"),
        (None, _) => code(&mut reader, "Content", "S3Bucket", "S3Key"),
    };
    let mut architectures = Vec::new();
    for name in reader.texts("CompatibleArchitectures") {
        match Architecture::parse(&name) {
            Some(architecture) => architectures.push(architecture),
            None => {
                let message = format!("{name} is no architecture; it is x86_64 or arm64.");
                reader.wrong("CompatibleArchitectures", message);
            }
        }
    }
    let name = reader.text("LayerName");
    let layer = Layer {
        logical_id: resource.logical_id.clone(),
        name: name.unwrap_or_else(|| resource.logical_id.clone()),
        content,
        architectures,
        runtimes: reader.texts("CompatibleRuntimes"),
    };
    reader.finish(layer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::*;
    use crate::testing::{problems_of, resolved};

    #[test]
    fn layers_say_where_their_content_is_and_what_it_is_for() {
        let stack = resolved(
            "Resources:\n  Sam:\n    Type: AWS::Serverless::LayerVersion\n    Properties:\n      \
             ContentUri: layer/\n      CompatibleArchitectures: [arm64, x86_64]\n      \
             CompatibleRuntimes: [python3.13]\n  Raw:\n    Type: AWS::Lambda::LayerVersion\n    \
             Properties:\n      LayerName: raw\n      Content: {S3Bucket: b, S3Key: k.zip}\n",
        );
        let layers = stack.layers().unwrap();
        assert_eq!(
            layers,
            [
                Layer {
                    logical_id: "Sam".into(),
                    name: "Sam".into(),
                    content: Code::Path("layer/".into()),
                    architectures: vec![Architecture::Arm64, Architecture::X86_64],
                    runtimes: vec!["python3.13".into()],
                },
                Layer {
                    logical_id: "Raw".into(),
                    name: "raw".into(),
                    content: Code::Remote("s3://b/k.zip".into()),
                    architectures: vec![],
                    runtimes: vec![],
                },
            ]
        );
    }

    #[test]
    fn an_unknown_architecture_is_named() {
        let stack = resolved(
            "Resources:\n  L:\n    Type: AWS::Serverless::LayerVersion\n    Properties:\n      \
             ContentUri: .\n      CompatibleArchitectures: [mips]\n",
        );
        assert_eq!(
            problems_of(stack.layers()),
            [
                "t.yaml:6:7: L.CompatibleArchitectures: mips is no architecture; it is x86_64 or \
              arm64."
            ]
        );
    }
}
