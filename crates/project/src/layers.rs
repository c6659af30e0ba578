//! The layers of a template, as far as they are on this machine.

use crate::working_copies::LocalCode;
use std::path::{Path, PathBuf};
use tether_sam::{Code, Layer, Problems, Stack};

/// The layers of a template.
pub(crate) struct Layers {
    layers: Vec<Layer>,
    root: PathBuf,
}

/// Where `sam build` puts what it makes
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-build.html>).
const BUILT: &str = ".aws-sam/build";

impl Layers {
    /// Of this template, in this folder.
    pub(crate) fn of(stack: &Stack, root: &Path) -> Result<Self, Problems> {
        Ok(Self {
            layers: stack.layers()?,
            root: root.to_path_buf(),
        })
    }

    /// Gives a function the layers that it wants, and says which are not here.
    pub(crate) fn give(&self, code: &mut LocalCode, wanted: &[String]) {
        for wanted in wanted {
            match self.folders(wanted) {
                Ok(folders) => code.source.layers.extend(folders),
                Err(note) => code.notes.push(note),
            }
        }
        let built = self.root.join(BUILT).join(&code.source.name);
        code.source.built = built.is_dir().then_some(built);
    }

    /// What was built for it lies below its source: packages that it needs.
    fn folders(&self, wanted: &str) -> Result<Vec<PathBuf>, String> {
        let Some(layer) = self.layers.iter().find(|it| it.logical_id == wanted) else {
            return Err(format!(
                "its layer {wanted} is not in the template: code here has nothing of it but what the project itself installs"
            ));
        };
        let path = match &layer.content {
            Code::Path(path) => self.root.join(path),
            Code::Remote(url) => {
                return Err(format!(
                    "its layer {wanted} is {url}: code here has nothing of it"
                ));
            }
            Code::Inline(_) | Code::Missing => {
                return Err(format!(
                    "the template names no content for its layer {wanted}"
                ));
            }
        };
        if path.is_file() {
            return Err(format!(
                "its layer {wanted} is the archive {}: unpack it, and name the folder, to have it here",
                path.display()
            ));
        }
        let built = self.root.join(BUILT).join(wanted);
        let folders: Vec<_> = [built, path.canonicalize().unwrap_or(path.clone())]
            .into_iter()
            .filter(|it| it.is_dir())
            .collect();
        if folders.is_empty() {
            let path = path.display();
            return Err(format!(
                "its layer {wanted} is not here: {path} does not exist"
            ));
        }
        Ok(folders)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use crate::{LocalCode, Place, load};
    use std::path::Path;

    const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Own:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/own}
  Archive:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/archive.zip}
  Gone:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/gone}
  Bucket:
    Type: AWS::Lambda::LayerVersion
    Properties: {Content: {S3Bucket: b, S3Key: k.zip}}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello
      Handler: app.handler
      Runtime: python3.13
      Layers:
        - !Ref Own
        - arn:aws:lambda:eu-west-1:123456789012:layer:insights:14
        - !Ref Archive
        - !Ref Gone
        - !Ref Bucket
";

    fn loaded(root: &Path) -> LocalCode {
        std::fs::write(root.join("template.yaml"), TEMPLATE).unwrap();
        let place = Place::in_region(None);
        let copies = load(&root.join("template.yaml"), &place).unwrap();
        let (_, code) = copies.find("Hello").unwrap();
        code.clone().unwrap()
    }

    #[test]
    fn layers_of_the_template_are_given_and_all_others_are_named() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["hello", "layers/own/python"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("layers/archive.zip"), "").unwrap();
        let code = loaded(&root);
        assert_eq!(code.source.layers, [root.join("layers/own")]);
        assert_eq!(code.source.built, None);
        let notes = code.notes;
        assert_eq!(notes.len(), 4, "{notes:?}");
        for (note, words) in notes.iter().zip([
            "layer:insights:14 is not in the template",
            "unpack it",
            "does not exist",
            "s3://b/k.zip",
        ]) {
            assert!(note.contains(words), "{note}");
        }
    }

    #[test]
    fn what_sam_has_built_lies_below_the_source() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in [
            "hello",
            "layers/own",
            ".aws-sam/build/Own",
            ".aws-sam/build/Hello",
        ] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let code = loaded(&root);
        let expected = [root.join(".aws-sam/build/Own"), root.join("layers/own")];
        assert_eq!(code.source.layers, expected);
        assert_eq!(code.source.built, Some(root.join(".aws-sam/build/Hello")));
    }
}
