//! What is told of a template that is served: one value for people and for programs.

use crate::plan::Plan;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tether_emulator::{DeployedRoute, Deployment, Emulator, Notice};

/// Takes reports.
pub type Reports = Arc<dyn Fn(Report) + Send + Sync>;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Report {
    /// Something to know.
    Notice {
        /// In words.
        message: String,
    },
    /// It serves. It is told again when the template has changed.
    Ready {
        /// Where SDKs find Lambda, DynamoDB, CloudFormation: `http://127.0.0.1:3100`.
        endpoint: String,
        /// `us-east-1`
        region: String,
        /// Twelve digits.
        account: String,
        /// What the stack is called.
        stack: String,
        /// In the template's order.
        apis: Vec<ServedApi>,
        /// In the template's order.
        functions: Vec<ServedFunction>,
        /// The template's outputs, with local addresses.
        outputs: BTreeMap<String, String>,
    },
    /// A debugger listens.
    Debugger {
        /// Logical id.
        function: String,
        /// `debugpy`, `node`, `native`, `delve`, `jdwp`
        #[serde(rename = "type")]
        kind: &'static str,
        /// Where.
        host: String,
        /// Where.
        port: u16,
        /// The code waits for it.
        waits: bool,
        /// The editor listens there, and the process connects to it.
        editor_listens: bool,
    },
    /// A process that the developer starts finds its Runtime API there.
    RuntimeApi {
        /// Logical id.
        function: String,
        /// `127.0.0.1:9001`
        address: String,
        /// The file with the variables that it needs, if one was asked for.
        env_file: Option<PathBuf>,
    },
    /// The template has changed, and is served as it is now.
    Reloaded {
        /// Which.
        template: PathBuf,
    },
    /// The template has changed, and there is something wrong with it: what was
    /// served before goes on.
    NotReloaded {
        /// Everything that is wrong, one a line.
        message: String,
    },
}

/// An API that is served.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedApi {
    /// In the template.
    pub logical_id: String,
    /// `REST`, `HTTP`, `URL`, `WEBSOCKET`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Of its first stage.
    pub url: String,
    /// In the template's order.
    pub routes: Vec<ServedRoute>,
}

/// A route of an API.
#[derive(Clone, Debug, Serialize)]
pub struct ServedRoute {
    /// `GET /pets/{id}`, `$default`, `sendMessage`
    pub route: String,
    /// The function's logical id, or what else answers.
    pub target: String,
    /// What lets callers in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizer: Option<String>,
}

/// A function that is served.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedFunction {
    /// In the template.
    pub logical_id: String,
    /// In Lambda.
    pub name: String,
}

impl Report {
    pub(crate) fn ready(plan: &Plan, emulator: &Emulator, deployed: &Deployment) -> Self {
        let apis = deployed.apis.iter().map(|it| ServedApi {
            logical_id: it.logical_id.clone(),
            kind: it.kind,
            url: it.url.clone(),
            routes: it.routes.iter().map(served_route).collect(),
        });
        let functions = deployed.functions.iter().map(|it| ServedFunction {
            logical_id: it.logical_id.clone(),
            name: it.name.clone(),
        });
        Self::Ready {
            endpoint: format!("http://{}", emulator.endpoint()),
            region: plan.place.region.clone(),
            account: plan.place.account_id.clone(),
            stack: deployed.stack.clone(),
            apis: apis.collect(),
            functions: functions.collect(),
            outputs: deployed.outputs.clone(),
        }
    }
}

fn served_route(route: &DeployedRoute) -> ServedRoute {
    ServedRoute {
        route: route.route.clone(),
        target: route.target.clone(),
        authorizer: route.authorizer.clone(),
    }
}

pub(crate) fn notice_sink(reports: &Reports) -> Notice {
    let reports = Arc::clone(reports);
    Arc::new(move |message: String| reports(Report::Notice { message }))
}
