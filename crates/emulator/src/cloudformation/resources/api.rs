//! WebSocket APIs and their parts. An API serves from the moment that it is
//! made; each part that comes or goes makes it something else.

use super::{Hands, WEBSOCKET_PARTS};
use crate::cloudformation::engine::Failed;
use crate::cloudformation::stack::Made;
use crate::websocket::{self, Api};
use indexmap::IndexMap;
use std::sync::{Arc, PoisonError};
use tether_sam::Resource;

/// What failed, and everything that did.
type Failure = (Failed, Vec<String>);

fn failure((logical_id, reason): (String, String)) -> Failure {
    let all = vec![logical_id.clone()];
    (Failed { logical_id, reason }, all)
}

impl Hands<'_> {
    /// Gives all APIs their ports, in the template's order, before anything is
    /// made that may have to know them.
    pub(in crate::cloudformation) async fn keep_ports(
        &self,
        target: &tether_sam::Stack,
    ) -> Result<(), Failure> {
        let cloud = self.cloud;
        let http = target.apis().unwrap_or_default();
        let websocket = target.websocket_apis().unwrap_or_default();
        if !websocket.is_empty() {
            // Functions are told of it, and are made before their APIs.
            cloud.local_tls();
        }
        for id in target.resources.keys() {
            for api in http.iter().filter(|it| it.logical_id == *id) {
                let kept = cloud.http_apis.keep(cloud, api).await;
                kept.map_err(|why| failure((id.clone(), why)))?;
            }
            for api in websocket.iter().filter(|it| it.logical_id == *id) {
                if cloud.ports.of(&api.id).is_none() {
                    let kept = cloud.ports.keep(&api.id).await;
                    kept.map_err(|why| failure((id.clone(), why)))?;
                }
            }
        }
        // Those that have no resource of their own: URLs of SAM's functions.
        for api in http
            .iter()
            .filter(|it| !target.resources.contains_key(&it.logical_id))
        {
            let kept = cloud.http_apis.keep(cloud, api).await;
            kept.map_err(|why| failure((api.logical_id.clone(), why)))?;
        }
        Ok(())
    }

    /// Serves the stack's HTTP APIs as they are now; keys open its WebSocket APIs.
    pub(in crate::cloudformation) async fn serve_http_apis(
        &self,
        target: &tether_sam::Stack,
    ) -> Result<(), Failure> {
        // What is wrong with them was said before anything was made.
        let serving = self.apis();
        for api in target.websocket_apis().unwrap_or_default() {
            if let Some(it) = serving.iter().find(|it| it.id == api.id) {
                it.open_by(&api);
            }
        }
        let apis = target.apis().unwrap_or_default();
        let served = self
            .cloud
            .http_apis
            .serve(self.cloud, &self.stack.id, &apis);
        served.await.map_err(failure)
    }

    pub(super) async fn create_api(&self, resource: &Resource) -> Result<(), String> {
        let view = self.alone(resource);
        let apis = view.websocket_apis().map_err(|error| error.to_string())?;
        // One for HTTP is none of them.
        let Some(api) = apis.first() else {
            return Ok(());
        };
        let (listener, _) = self.cloud.ports.take(&api.id).await?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let serving = Arc::new(Api::new(self.cloud, api, address)?);
        let mut all = self
            .cloud
            .apis
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(&serving));
        drop(all);
        self.cloud.tasks.spawn(websocket::serve(listener, serving));
        Ok(())
    }

    /// Makes the stack's APIs what their parts say that there are, and
    /// `changed`, which is about to be.
    pub(in crate::cloudformation) async fn redefine_apis(
        &self,
        living: &IndexMap<String, Made>,
        changed: Option<&Resource>,
    ) -> Result<(), String> {
        let mut parts: IndexMap<&str, &Resource> = living
            .iter()
            .map(|(id, it)| (id.as_str(), &it.resource))
            .filter(|(_, it)| it.kind.starts_with(WEBSOCKET_PARTS))
            .collect();
        if let Some(changed) = changed {
            parts.insert(&changed.logical_id, changed);
        }
        let view = self.together(parts.into_values());
        let apis = view.websocket_apis().map_err(|error| error.to_string())?;
        let serving = self.apis();
        for api in &apis {
            if let Some(it) = serving.iter().find(|it| it.id == api.id) {
                it.redefine(api)?;
            }
        }
        Ok(())
    }

    fn apis(&self) -> Vec<Arc<Api>> {
        let apis = self.cloud.apis.read();
        apis.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn delete_api(&self, id: &str) {
        let apis = &self.cloud.apis;
        let mut all = apis.write().unwrap_or_else(PoisonError::into_inner);
        for api in all.iter().filter(|it| it.id == id) {
            api.end();
        }
        all.retain(|it| it.id != id);
    }
}
