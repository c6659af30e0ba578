//! WebSocket APIs and their parts. An API serves from the moment that it is
//! made; each part that comes or goes makes it something else.

use super::{Hands, WEBSOCKET_PARTS};
use crate::cloudformation::stack::Made;
use crate::websocket::{self, Api};
use indexmap::IndexMap;
use std::sync::{Arc, PoisonError};
use tether_sam::Resource;
use tokio::net::TcpListener;

impl Hands<'_> {
    pub(super) async fn create_api(&self, resource: &Resource) -> Result<(), String> {
        let view = self.alone(resource);
        let apis = view.websocket_apis().map_err(|error| error.to_string())?;
        // One for HTTP is none of them.
        let Some(api) = apis.first() else {
            return Ok(());
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| error.to_string())?;
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
