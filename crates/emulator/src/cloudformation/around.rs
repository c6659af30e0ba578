//! The world around a template that is deployed: files of its folder, or objects in S3, and what
//! the other stacks export.

use super::stack::Stack as Known;
use super::template;
use super::wish::Wish;
use crate::cloud::Cloud;
use std::collections::BTreeMap;
use tether_sam::{Files, Unread};

/// What the other stacks of the account export, and what was given besides.
pub(super) fn imports(cloud: &Cloud, stack: &Known, wish: &Wish) -> BTreeMap<String, String> {
    let mut imports = BTreeMap::new();
    let others = cloud.stacks.all();
    for other in others
        .iter()
        .filter(|it| it.id != stack.id && !it.is_gone())
    {
        let state = other.state();
        // A nested one exports when it is whole, and goes on while it is changed.
        let whole = |path: &str| {
            let status = state.rows.get(path).map(|it| it.status);
            status.is_some_and(|it| it == "CREATE_COMPLETE" || it.starts_with("UPDATE_"))
        };
        let within = state.nested.iter().filter(|(path, _)| whole(path));
        let within = within.flat_map(|(_, it)| &it.outputs);
        for output in state.outputs.iter().chain(within) {
            if let Some(name) = &output.export_name {
                imports.insert(name.clone(), output.value.clone());
            }
        }
    }
    imports.extend(wish.known.imports.clone());
    imports
}

/// Reads what a wish's template names.
pub(super) struct Reading<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) wish: &'a Wish,
}

impl Files for Reading<'_> {
    fn read(&self, path: &str) -> Result<String, Unread> {
        if path.contains("://") {
            return self.object(path);
        }
        if let Some(files) = &self.wish.known.files {
            return files.read(path);
        }
        let Some(folder) = &self.wish.folder else {
            let why = "the template came over the wire, so that it must be in S3";
            return Err(Unread::Missing(why.to_owned()));
        };
        let text = std::fs::read_to_string(folder.join(path));
        text.map_err(|error| Unread::Missing(error.to_string()))
    }

    fn asset(&self, key: &str) -> Option<String> {
        let files = self.wish.known.files.as_ref()?;
        files.asset(key)
    }
}

impl Reading<'_> {
    fn object(&self, url: &str) -> Result<String, Unread> {
        let elsewhere = |why: &str| Unread::Elsewhere(why.to_owned());
        let (bucket, key) = template::bucket_and_key(url).ok_or_else(|| elsewhere("no object"))?;
        let object = self.cloud.s3.object(&bucket, &key);
        let object = object.map_err(|_| elsewhere("it is not in this S3"))?;
        let text = String::from_utf8(object.to_vec());
        text.map_err(|_| Unread::Missing("it is not UTF-8".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Emulator, Known, Options, Place, StackSource};
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    const OUTER: &str = "Resources:
  Topic: {Type: AWS::SNS::Topic}
  Orders:
    Type: AWS::Serverless::Application
    Properties: {Location: orders/template.yaml, Parameters: {Stage: prod}}
  Far:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: 'https://s3.amazonaws.com/bucket/far.yaml'}
Outputs:
  Table: {Value: !GetAtt Orders.Outputs.Table, Export: {Name: table}}
";

    const ORDERS: &str = "Parameters: {Stage: {Type: String}}
Resources:
  Table: {Type: AWS::Serverless::SimpleTable}
  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: app.handler
      Runtime: python3.13
      Layers: [!Ref Layer]
      Environment: {Variables: {TABLE: !Ref Table, STAGE: !Ref Stage}}
      Events: {Often: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}}
Outputs:
  Table: {Value: !Ref Table}
";

    const IMPORTS: &str = "Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub ['${T}-copy', {T: !ImportValue table}],
    KeySchema: [{AttributeName: id, KeyType: HASH}], AttributeDefinitions: [{AttributeName: id, AttributeType: S}],
    BillingMode: PAY_PER_REQUEST}}
Outputs:
  Other: {Value: !ImportValue given}
";

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    fn source(name: &str, template: &Path, imports: &[(&str, &str)]) -> StackSource {
        let imports = imports.iter().map(|(a, b)| ((*a).into(), (*b).into()));
        StackSource {
            name: name.to_owned(),
            template: template.to_owned(),
            parameters: BTreeMap::new(),
            known: Known {
                imports: imports.collect(),
                ..Known::default()
            },
        }
    }

    #[tokio::test]
    async fn nested_stacks_are_made_and_exports_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(
            folder,
            &[
                ("template.yaml", OUTER),
                ("imports.yaml", IMPORTS),
                ("orders/template.yaml", ORDERS),
                ("orders/src/app.py", "def handler(event, context): pass\n"),
                ("orders/layer/python/lib.py", ""),
            ],
        );
        let notices = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&notices);
        let emulator = Emulator::start(
            0,
            Place::default(),
            Options::default(),
            tether_host::LogSink::new(|_| {}),
            Arc::new(move |line| told.lock().unwrap().push(line)),
            Arc::new(|_| {}),
        );
        let emulator = emulator.await.unwrap();
        let outer = source("app", &folder.join("template.yaml"), &[]);
        let deployed = emulator.deploy(&outer).await.unwrap();
        let function = &deployed.functions[0];
        assert_eq!(function.logical_id, "Orders/Hello");
        assert!(function.name.starts_with("app-Orders-Hello-"));
        let table = &deployed.outputs["Table"];
        assert!(table.starts_with("app-Orders-Table-"), "{table}");
        let lambda = &emulator.cloud.lambda;
        lambda.target(&function.name, None).unwrap();
        let lines = notices.lock().unwrap().join("\n");
        assert!(
            lines.contains("Far.TemplateURL: https://s3.amazonaws.com/bucket/far.yaml is not read"),
            "{lines}"
        );
        assert!(!lines.contains("Orders"), "{lines}");

        let template = folder.join("imports.yaml");
        let refused = emulator.deploy(&source("bad", &template, &[])).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("exports as given"), "{refused}");
        let imports = source("other", &template, &[("given", "value")]);
        let deployed = emulator.deploy(&imports).await.unwrap();
        assert_eq!(deployed.outputs["Other"], "value");
        emulator.stop().await;
    }
}
