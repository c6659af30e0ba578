//! A template becomes resources.

mod functions;

use crate::cloud::Cloud;
use crate::names::Names;
use crate::stack::{KNOWN, ResourceRecord, StackRecord};
use crate::websocket::Api;
use crate::{files, id, websocket};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use tether_sam::{
    Code as TemplateCode, Context, PhysicalNames as _, Problem, Problems, Resource, Stack, Template,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;

/// What to deploy.
#[derive(Clone, Debug)]
pub struct StackSource {
    /// The stack's name.
    pub name: String,
    /// The template on disk; its relative paths start at its folder.
    pub template: PathBuf,
    /// Values for its parameters.
    pub parameters: BTreeMap<String, String>,
}

/// Why a template is not deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The file.
    #[error("{path} cannot be read ({error}): check the path given for stack {stack}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
        /// For which stack.
        stack: String,
    },
    /// What it says: one line each.
    #[error("{0}")]
    Template(#[from] Problems),
    /// A table, a port, a folder.
    #[error("{resource} cannot be created: {reason}")]
    Resource {
        /// Which.
        resource: String,
        /// Why.
        reason: String,
    },
}

/// What a stack has become.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its name.
    pub stack: String,
    /// Outputs, with local URLs.
    pub outputs: BTreeMap<String, String>,
    /// Its functions.
    pub functions: Vec<DeployedFunction>,
    /// Its APIs.
    pub apis: Vec<DeployedApi>,
}

/// A function.
#[derive(Clone, Debug)]
pub struct DeployedFunction {
    /// In the template.
    pub logical_id: String,
    /// In Lambda.
    pub name: String,
}

/// An API.
#[derive(Clone, Debug)]
pub struct DeployedApi {
    /// In the template.
    pub logical_id: String,
    /// Where it serves.
    pub url: String,
}

/// Deploys a template.
pub(crate) async fn deploy(
    cloud: &Arc<Cloud>,
    source: &StackSource,
) -> Result<Deployment, DeployError> {
    let text = std::fs::read_to_string(&source.template).map_err(|error| DeployError::Read {
        path: source.template.clone(),
        error,
        stack: source.name.clone(),
    })?;
    let file = source.template.display().to_string();
    let template = Template::parse(&file, &text)?;
    let stack_id = cloud.arn(
        "cloudformation",
        &format!("stack/{}/{}", source.name, id::uuid()),
    );
    let place = &cloud.place;
    let names = Names {
        cloud,
        stack_name: &source.name,
    };
    let stack = template.resolve(&Context {
        stack_name: &source.name,
        stack_id: &stack_id,
        account_id: &place.account_id,
        region: &place.region,
        partition: &place.partition,
        url_suffix: &place.url_suffix,
        parameters: &source.parameters,
        names: &names,
    })?;
    let folder = source.template.parent().unwrap_or(Path::new("."));
    let deploying = Deploying {
        cloud,
        names,
        stack: &stack,
        folder: folder.to_path_buf(),
        work: cloud.work.path().join(&source.name),
    };
    deploying.say_unsupported();
    deploying.tables().await?;
    deploying.layers()?;
    let apis = deploying.apis().await?;
    let functions = deploying.functions()?;
    Ok(deploying.record(&stack_id, functions, apis))
}

struct Deploying<'a> {
    cloud: &'a Arc<Cloud>,
    names: Names<'a>,
    stack: &'a Stack,
    folder: PathBuf,
    work: PathBuf,
}

impl Deploying<'_> {
    fn say_unsupported(&self) {
        for problem in &self.stack.unsupported {
            self.cloud.notice(problem.to_string());
        }
        let unknown = self
            .stack
            .resources
            .values()
            .filter(|it| !KNOWN.contains(&it.kind.as_str()));
        for resource in unknown {
            let message = format!(
                "{} is not emulated: nothing is created for it",
                resource.kind
            );
            let problem = self.problem(resource, None, message);
            self.cloud.notice(problem.to_string());
        }
    }

    fn problem(&self, resource: &Resource, property: Option<&str>, message: String) -> Problem {
        let position = property.map_or(resource.position, |it| resource.position_of(it));
        Problem {
            file: self.stack.file.clone(),
            position: Some(position),
            resource: Some(resource.logical_id.clone()),
            property: property.map(str::to_owned),
            message,
        }
    }

    async fn tables(&self) -> Result<(), DeployError> {
        for table in self.stack.tables()? {
            let failed = |reason: String| DeployError::Resource {
                resource: table.logical_id.clone(),
                reason,
            };
            let name = self
                .physical(&table.logical_id)
                .unwrap_or(table.name.clone());
            let mut request = table.create_table_request.clone();
            if let Value::Object(request) = &mut request {
                request.insert("TableName".to_owned(), json!(name));
            }
            let dynamodb = &self.cloud.dynamodb;
            dynamodb
                .call("CreateTable", &request)
                .await
                .map_err(failed)?;
            if let Some(attribute) = &table.ttl_attribute {
                let request = json!({
                    "TableName": name,
                    "TimeToLiveSpecification": { "Enabled": true, "AttributeName": attribute },
                });
                dynamodb
                    .call("UpdateTimeToLive", &request)
                    .await
                    .map_err(failed)?;
            }
        }
        Ok(())
    }

    fn physical(&self, logical_id: &str) -> Option<String> {
        let resource = self.stack.resources.get(logical_id)?;
        Some(self.names.reference(resource))
    }

    fn layers(&self) -> Result<(), DeployError> {
        for layer in self.stack.layers()? {
            let Some(arn) = self.physical(&layer.logical_id) else {
                continue;
            };
            let content = self.work.join("layers").join(&layer.logical_id);
            self.take(&layer.logical_id, "ContentUri", &layer.content, &content)?;
            let (_, size) = files::fingerprint(&content).unwrap_or_default();
            let mut about = json!({});
            if !layer.runtimes.is_empty() {
                about["CompatibleRuntimes"] = json!(layer.runtimes);
            }
            if !layer.architectures.is_empty() {
                let names = layer.architectures.iter().map(|it| it.name());
                about["CompatibleArchitectures"] = names.collect();
            }
            self.cloud.lambda.layers.add(&arn, content, size, about);
        }
        Ok(())
    }

    /// Takes a copy of code, as a deployment does.
    fn take(
        &self,
        logical_id: &str,
        property: &str,
        code: &TemplateCode,
        to: &Path,
    ) -> Result<PathBuf, DeployError> {
        let failed = |reason: String| DeployError::Resource {
            resource: logical_id.to_owned(),
            reason,
        };
        match code {
            TemplateCode::Path(path) => {
                let from = self.folder.join(path);
                if !from.exists() {
                    let line = self.stack.resources.get(logical_id).map(|resource| {
                        let message = format!(
                            "{} does not exist: build it first, or correct the path",
                            from.display()
                        );
                        self.problem(resource, Some(property), message).to_string()
                    });
                    return Err(failed(line.unwrap_or_default()));
                }
                files::copy(&from, to)
                    .map_err(|error| failed(format!("{}: {error}", from.display())))?;
                Ok(from)
            }
            TemplateCode::Inline(text) => {
                std::fs::create_dir_all(to)
                    .and_then(|()| std::fs::write(to.join("index.py"), text))
                    .map_err(|error| failed(error.to_string()))?;
                Ok(self.folder.clone())
            }
            TemplateCode::Remote(url) => Err(failed(format!(
                "{property} is {url}, which only AWS can read: name a local folder"
            ))),
            TemplateCode::Missing => Err(failed(format!(
                "{property} is missing: name a local folder"
            ))),
        }
    }

    async fn apis(&self) -> Result<Vec<DeployedApi>, DeployError> {
        let mut deployed = Vec::new();
        for api in self.stack.websocket_apis()? {
            let failed = |reason: String| DeployError::Resource {
                resource: api.logical_id.clone(),
                reason,
            };
            let listener = TcpListener::bind(("127.0.0.1", 0))
                .await
                .map_err(|error| failed(error.to_string()))?;
            let address = listener
                .local_addr()
                .map_err(|error| failed(error.to_string()))?;
            let serving = Arc::new(Api::new(self.cloud, &api, address).map_err(failed)?);
            deployed.push(DeployedApi {
                logical_id: api.logical_id.clone(),
                url: serving.url(),
            });
            let mut apis = self
                .cloud
                .apis
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            apis.push(Arc::clone(&serving));
            drop(apis);
            self.cloud.tasks.spawn(websocket::serve(listener, serving));
        }
        Ok(deployed)
    }

    fn record(
        &self,
        stack_id: &str,
        functions: Vec<DeployedFunction>,
        apis: Vec<DeployedApi>,
    ) -> Deployment {
        let localized: Vec<_> = self
            .stack
            .outputs
            .iter()
            .map(|it| {
                (
                    it.key.clone(),
                    self.cloud.localize(&it.value),
                    it.description.clone(),
                )
            })
            .collect();
        let name = self.names.stack_name.to_owned();
        let outputs = localized
            .iter()
            .map(|(key, value, _)| (key.clone(), value.clone()));
        let deployment = Deployment {
            stack: name.clone(),
            outputs: outputs.collect(),
            functions,
            apis,
        };
        let roles = self
            .stack
            .resources
            .values()
            .filter(|it| it.kind == "AWS::IAM::Role");
        let roles =
            roles.filter_map(|it| self.names.attribute(it, "Arn")?.as_str().map(str::to_owned));
        let record = StackRecord {
            name: name.clone(),
            id: stack_id.to_owned(),
            created: OffsetDateTime::now_utc()
                .format(&Rfc3339)
                .unwrap_or_default(),
            outputs: localized,
            resources: self
                .stack
                .resources
                .values()
                .map(|it| self.resource(it))
                .collect(),
            roles: roles.collect(),
        };
        let mut stacks = self
            .cloud
            .stacks
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        stacks.insert(name, record);
        deployment
    }

    /// As it stands after SAM's transform.
    fn resource(&self, resource: &Resource) -> ResourceRecord {
        let kind = match resource.kind.as_str() {
            "AWS::Serverless::Function" => "AWS::Lambda::Function",
            "AWS::Serverless::LayerVersion" => "AWS::Lambda::LayerVersion",
            "AWS::Serverless::SimpleTable" => "AWS::DynamoDB::Table",
            other => other,
        };
        ResourceRecord {
            logical_id: resource.logical_id.clone(),
            physical_id: self.names.reference(resource),
            kind: kind.to_owned(),
        }
    }
}
