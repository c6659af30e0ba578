//! REST APIs, HTTP APIs and function URLs: each on a port of its own, or all on
//! one.

mod functions;
mod ports;

pub(crate) use functions::Invoker;
pub(crate) use ports::Ports;

use crate::cloud::Cloud;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tether_apigw::http::Whereabouts;
use tether_gateway::{Front, OnePort, Settings};
use tether_sam::api::{Api, ApiKind};
use tokio_util::sync::CancellationToken;

/// The APIs that are served.
#[derive(Default)]
pub(crate) struct HttpApis {
    all: RwLock<Vec<Arc<HttpApi>>>,
    /// Where each of them is, or is about to be.
    addresses: RwLock<Vec<Address>>,
    settings: OnceLock<Settings>,
    /// All of them, where they share a port.
    together: OnceLock<(Arc<OnePort>, u16)>,
}

/// What AWS's host name of an API is here.
#[derive(Clone)]
struct Address {
    id: String,
    /// On AWS.
    host: String,
    port: u16,
    /// Those that stand in paths.
    stages: Vec<String>,
}

/// One of them.
pub(crate) struct HttpApi {
    /// Of which stack.
    stack: String,
    pub(crate) id: String,
    pub(crate) logical_id: String,
    kind: ApiKind,
    port: u16,
    front: Arc<Front>,
    /// Those that stand in paths.
    stages: RwLock<Vec<String>>,
    ending: CancellationToken,
}

impl HttpApi {
    pub(crate) fn kind(&self) -> &'static str {
        match self.kind {
            ApiKind::Rest => "REST",
            ApiKind::Http => "HTTP",
            ApiKind::FunctionUrl => "URL",
        }
    }

    fn stages(&self) -> Vec<String> {
        let stages = self.stages.read();
        stages.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where its first stage is, with a slash at its end.
    pub(crate) fn url(&self, one_port: bool) -> String {
        let root = format!("http://127.0.0.1:{}/", self.port);
        match self.stages().first() {
            Some(stage) if !one_port => format!("{root}{stage}/"),
            _ => root,
        }
    }
}

impl HttpApis {
    fn settings(&self, cloud: &Arc<Cloud>) -> &Settings {
        self.settings.get_or_init(|| {
            let mut settings = Settings::new(Arc::new(Invoker::new(cloud)), sink(cloud));
            cloud.options.http.apply(&cloud.place, &mut settings);
            settings
        })
    }

    /// Those of a stack.
    pub(crate) fn of_stack(&self, stack: &str) -> Vec<Arc<HttpApi>> {
        let mut all = self.all();
        all.retain(|it| it.stack == stack);
        all
    }

    fn all(&self) -> Vec<Arc<HttpApi>> {
        let all = self.all.read();
        all.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves a stack's APIs as they are now, and those no more that it has no
    /// more. Their ports were kept for them before.
    ///
    /// # Errors
    /// Why one of them cannot be served.
    pub(crate) async fn serve(
        &self,
        cloud: &Arc<Cloud>,
        stack: &str,
        apis: &[Api],
    ) -> Result<(), (String, String)> {
        for api in apis {
            let served = self.all().into_iter().find(|it| it.id == api.id);
            let done = match served {
                Some(served) => redefine(&served, api),
                None => self.start(cloud, stack, api).await,
            };
            done.map_err(|why| (api.logical_id.clone(), why))?;
        }
        let gone = |it: &Arc<HttpApi>| it.stack == stack && !apis.iter().any(|api| api.id == it.id);
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        for api in all.extract_if(.., |it| gone(it)) {
            api.ending.cancel();
        }
        drop(all);
        self.rearrange(cloud);
        Ok(())
    }

    async fn start(&self, cloud: &Arc<Cloud>, stack: &str, api: &Api) -> Result<(), String> {
        let at = whereabouts(cloud, api);
        let front = Front::new(self.settings(cloud).clone(), at, api);
        let front = front.map_err(|error| error.to_string())?;
        let ending = cloud.ending.child_token();
        let port = if cloud.options.one_port {
            self.shared_port(cloud).await?
        } else {
            let (listener, port) = cloud.ports.take(&api.id).await?;
            let serving = Arc::clone(&front).serve(listener, ending.clone());
            cloud.tasks.spawn(serving);
            port
        };
        let served = Arc::new(HttpApi {
            stack: stack.to_owned(),
            id: api.id.clone(),
            logical_id: api.logical_id.clone(),
            kind: api.kind,
            port,
            front,
            stages: RwLock::new(stages(api)),
            ending,
        });
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.push(served);
        Ok(())
    }

    /// The port that all of them share.
    async fn shared_port(&self, cloud: &Arc<Cloud>) -> Result<u16, String> {
        if let Some((_, port)) = self.together.get() {
            return Ok(*port);
        }
        let (listener, port) = cloud.ports.take("").await?;
        let limits = self.settings(cloud).limits;
        let (together, _) = OnePort::new(limits, Vec::new());
        let serving = Arc::clone(&together).serve(listener, cloud.ending.child_token());
        cloud.tasks.spawn(serving);
        let _ = self.together.set((together, port));
        Ok(port)
    }

    /// All fronts on the port that they share; routes that collide are said.
    fn rearrange(&self, cloud: &Cloud) {
        let Some((together, _)) = self.together.get() else {
            return;
        };
        let fronts = self.all().iter().map(|it| Arc::clone(&it.front)).collect();
        for collision in together.rearrange(fronts) {
            cloud.notice(collision.to_string());
        }
    }

    /// Keeps ports for APIs that are about to be served.
    ///
    /// # Errors
    /// When a port is taken.
    pub(crate) async fn keep(&self, cloud: &Cloud, api: &Api) -> Result<(), String> {
        let key = if cloud.options.one_port { "" } else { &api.id };
        if cloud.ports.of(key).is_none() {
            cloud.ports.keep(key).await?;
        }
        let port = cloud.ports.of(key).unwrap_or_default();
        let address = Address {
            id: api.id.clone(),
            host: host(cloud, api),
            port,
            stages: stages(api),
        };
        let mut all = self
            .addresses
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|it| it.id != api.id);
        all.push(address);
        Ok(())
    }

    /// Local addresses in the place of AWS's own host names.
    pub(crate) fn localize(&self, text: &str, one_port: bool) -> String {
        let all = self.addresses.read();
        let all = all.unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for api in all.iter() {
            if !text.contains(&api.host) {
                continue;
            }
            let local = format!("127.0.0.1:{}", api.port);
            for stage in api.stages.iter().filter(|_| one_port) {
                let from = format!("https://{}/{stage}", api.host);
                text = text.replace(&from, &format!("http://{local}"));
            }
            text = text
                .replace(&format!("https://{}", api.host), &format!("http://{local}"))
                .replace(&api.host, &local);
        }
        text
    }
}

fn redefine(served: &HttpApi, api: &Api) -> Result<(), String> {
    served
        .front
        .redefine(api)
        .map_err(|error| error.to_string())?;
    let mut own = served
        .stages
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    *own = stages(api);
    Ok(())
}

/// Those that stand in paths.
fn stages(api: &Api) -> Vec<String> {
    let stages = api.stages.iter().map(|it| it.name.clone());
    stages.filter(|it| it != "$default").collect()
}

fn whereabouts(cloud: &Cloud, api: &Api) -> Whereabouts {
    let place = &cloud.place;
    Whereabouts {
        api_id: api.id.clone(),
        partition: place.partition.clone(),
        region: place.region.clone(),
        account_id: place.account_id.clone(),
        domain_name: host(cloud, api),
    }
}

/// Where it would be on AWS.
fn host(cloud: &Cloud, api: &Api) -> String {
    match api.kind {
        // <https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html>
        ApiKind::FunctionUrl => {
            format!("{}.lambda-url.{}.on.aws", api.id, cloud.place.region)
        }
        ApiKind::Rest | ApiKind::Http => cloud.api_host(&api.id),
    }
}

fn sink(cloud: &Cloud) -> Arc<dyn tether_gateway::Sink> {
    struct Notices(crate::cloud::Notice, crate::options::AccessSink);
    impl tether_gateway::Sink for Notices {
        fn answered(&self, access: &tether_gateway::Access<'_>) {
            (self.1)(access);
        }

        fn notice(&self, line: &str) {
            (self.0)(line.to_owned());
        }
    }
    let options = &cloud.options;
    Arc::new(Notices(
        Arc::clone(&cloud.notices),
        Arc::clone(&options.access),
    ))
}
