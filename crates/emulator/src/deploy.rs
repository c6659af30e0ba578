//! A template on disk becomes a stack at the start.

mod routes;

use crate::cloud::Cloud;
use crate::cloudformation::{self, By, KnownStack, OnFailure, Order, Wish};
use crate::id;
use crate::known::Known;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use tether_sam::{Problems, Stack};

/// What to deploy.
#[derive(Clone, Debug)]
pub struct StackSource {
    /// The stack's name.
    pub name: String,
    /// The template on disk; its relative paths start at its folder.
    pub template: PathBuf,
    /// Values for its parameters.
    pub parameters: BTreeMap<String, String>,
    /// What else is known.
    pub known: Known,
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
    /// What its template asks for in vain, one line each.
    pub unsupported: Vec<String>,
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
    /// `REST`, `HTTP`, `URL`, `WEBSOCKET`
    pub kind: &'static str,
    /// Where it serves.
    pub url: String,
    /// In the template's order.
    pub routes: Vec<DeployedRoute>,
}

/// A route of an API.
#[derive(Clone, Debug)]
pub struct DeployedRoute {
    /// `GET /pets/{id}`, `$default`, `sendMessage`
    pub route: String,
    /// The function's logical id, or what else answers.
    pub target: String,
    /// What lets callers in; none: everybody may come.
    pub authorizer: Option<String>,
}

/// Deploys a template.
pub(crate) async fn deploy(
    cloud: &Arc<Cloud>,
    source: &StackSource,
) -> Result<Deployment, DeployError> {
    let text = read(source)?;
    let resource = format!("stack/{}/{}", source.name, id::uuid());
    let id = cloud.arn("cloudformation", &resource);
    let stack = cloud.stacks.create(&source.name, &id);
    let stack = stack.ok_or_else(|| DeployError::Resource {
        resource: source.name.clone(),
        reason: "there is a stack of this name".to_owned(),
    })?;
    let order = order(source, text);
    let created = cloudformation::create_now(cloud, &stack, order).await?;
    let target = created.map_err(|failed| DeployError::Resource {
        resource: failed.logical_id,
        reason: failed.reason,
    })?;
    tell_of_earlier(cloud, &target);
    Ok(told(cloud, &stack, &target))
}

/// Connections that an earlier run has left are told to have ended, meanwhile.
fn tell_of_earlier(cloud: &Cloud, target: &Stack) {
    let serving = cloud.apis.read().unwrap_or_else(PoisonError::into_inner);
    for api in target.websocket_apis().unwrap_or_default() {
        if let Some(it) = serving.iter().find(|it| it.id == api.id) {
            cloud.tasks.spawn(Arc::clone(it).tell_of_earlier());
        }
    }
}

/// Makes a stack what its template says now.
pub(crate) async fn update(
    cloud: &Arc<Cloud>,
    source: &StackSource,
) -> Result<Deployment, DeployError> {
    let text = read(source)?;
    let stack = cloud.stacks.find(&source.name);
    let stack = stack.ok_or_else(|| DeployError::Resource {
        resource: source.name.clone(),
        reason: "there is no stack of this name".to_owned(),
    })?;
    let updated = cloudformation::update_now(cloud, &stack, order(source, text)).await?;
    let target = updated.map_err(|failed| DeployError::Resource {
        resource: failed.logical_id,
        reason: failed.reason,
    })?;
    Ok(told(cloud, &stack, &target))
}

fn read(source: &StackSource) -> Result<String, DeployError> {
    std::fs::read_to_string(&source.template).map_err(|error| DeployError::Read {
        path: source.template.clone(),
        error,
        stack: source.name.clone(),
    })
}

fn order(source: &StackSource, text: String) -> Order {
    let folder = source.template.parent().map(PathBuf::from);
    Order {
        wish: Wish {
            text,
            file: source.template.display().to_string(),
            folder: folder.or_else(|| Some(PathBuf::from("."))),
            parameters: source.parameters.clone(),
            known: source.known.clone(),
            ..Wish::default()
        },
        by: By::default(),
        on_failure: OnFailure::Rollback,
    }
}

/// What whoever started the emulator is told.
fn told(cloud: &Cloud, stack: &KnownStack, target: &Stack) -> Deployment {
    let outputs = target
        .outputs
        .iter()
        .map(|it| (it.key.clone(), cloud.localize(&it.value)));
    let functions = target.functions().unwrap_or_default();
    let functions = functions.iter().filter(|it| !it.package_image);
    let functions = functions.filter_map(|it| {
        let resource = target.resources.get(&it.logical_id)?;
        Some(DeployedFunction {
            logical_id: it.logical_id.clone(),
            name: resource.reference.clone(),
        })
    });
    let serving = cloud.apis.read().unwrap_or_else(PoisonError::into_inner);
    let apis = target.websocket_apis().unwrap_or_default();
    let apis = apis.iter().filter_map(|api| {
        let it = serving.iter().find(|it| it.id == api.id)?;
        Some(DeployedApi {
            logical_id: api.logical_id.clone(),
            kind: "WEBSOCKET",
            url: it.url(),
            routes: routes::of_websocket(target, api),
        })
    });
    let mut apis: Vec<DeployedApi> = apis.collect();
    drop(serving);
    let http = cloud.http_apis.of_stack(&stack.id);
    let models = target.apis().unwrap_or_default();
    apis.extend(http.iter().map(|it| {
        DeployedApi {
            logical_id: it.logical_id.clone(),
            kind: it.kind(),
            url: it.url(cloud.options.one_port),
            routes: models
                .iter()
                .filter(|api| api.id == it.id)
                .flat_map(|api| routes::of_http(target, api))
                .collect(),
        }
    }));
    let place = |it: &DeployedApi| target.resources.get_index_of(&it.logical_id);
    apis.sort_by_key(|it| place(it).unwrap_or(usize::MAX));
    Deployment {
        stack: stack.name.clone(),
        outputs: outputs.collect(),
        functions: functions.collect(),
        apis,
        unsupported: cloudformation::unsupported(target)
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}
