//! Every API of a stack.

use super::document::{Contents, Document};
use super::events::{self, ApiEvent, SAM_HTTP, SAM_REST};
use super::part::{Findings, Part};
use super::{Api, ApiKind, ApiStage, serverless_http, serverless_rest, stages};
use crate::problem::{Problem, Problems};
use crate::stack::{Resource, Stack};

impl Stack {
    /// Every REST API, HTTP API and function URL, in the order of the text; those that SAM adds
    /// come last.
    ///
    /// # Errors
    /// Wrong or missing properties of any of their parts, and routes that collide.
    pub fn apis(&self) -> Result<Vec<Api>, Problems> {
        self.survey().map(|(apis, _)| apis)
    }

    /// What the template asks of its APIs and [`Stack::apis`] does not hold, or only in part.
    ///
    /// # Errors
    /// As [`Stack::apis`].
    pub fn api_notes(&self) -> Result<Vec<Problem>, Problems> {
        self.survey().map(|(_, notes)| notes)
    }

    fn survey(&self) -> Result<(Vec<Api>, Vec<Problem>), Problems> {
        let mut found = Findings::new(&self.file);
        let mut events = events::all(self, &mut found);
        let mut apis = Vec::new();
        for resource in self.resources.values() {
            let mut own = || {
                let is_own = |it: &mut ApiEvent<'_>| it.api == resource.logical_id;
                events.extract_if(.., is_own).collect::<Vec<_>>()
            };
            match resource.kind.as_str() {
                SAM_REST => {
                    let document = serverless_rest::document(resource, &own(), &mut found);
                    let stages = stages::of_sam_rest(resource, &mut found);
                    apis.push(sam_api(&document, ApiKind::Rest, stages, &mut found));
                }
                SAM_HTTP => {
                    let events = own();
                    let document = serverless_http::document(resource, &events, &mut found);
                    let stage = stages::of_sam_http(resource, &events, &mut found);
                    apis.push(sam_api(&document, ApiKind::Http, vec![stage], &mut found));
                }
                _ => {}
            }
        }
        found.finish(apis)
    }
}

fn sam_api(
    document: &Document<'_>,
    kind: ApiKind,
    stages: Vec<ApiStage>,
    found: &mut Findings,
) -> Api {
    let api = document.resource;
    let name = found.text(Part::of(api).member("Name"));
    let contents = document.read(kind, found);
    from_document(api, kind, name, stages, contents)
}

fn from_document(
    api: &Resource,
    kind: ApiKind,
    name: Option<String>,
    stages: Vec<ApiStage>,
    contents: Contents,
) -> Api {
    Api {
        logical_id: api.logical_id.clone(),
        id: api.reference.clone(),
        name: name.unwrap_or_else(|| api.logical_id.clone()),
        kind,
        stages,
        routes: contents.routes,
        authorizers: contents.authorizers,
        cors: contents.cors,
        binary_media_types: contents.binary_media_types,
        gateway_responses: contents.gateway_responses,
        models: contents.models,
        api_key_source: contents.api_key_source,
        usage_plans: Vec::new(),
        minimum_compression_bytes: contents.minimum_compression_bytes,
        position: api.position,
    }
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
