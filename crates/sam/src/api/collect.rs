//! Every API of a stack.

use super::events::{self, ApiEvent, SAM_HTTP, SAM_REST};
use super::part::{Findings, Part};
use super::parts::Parts;
use super::{
    Api, ApiKind, ApiStage, http, rest, serverless_http, serverless_rest, stages, url, usage,
};
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
        let parts = Parts::new(self);
        let mut apis = Vec::new();
        for resource in self.resources.values() {
            let own = |it: &mut ApiEvent<'_>| it.api == resource.logical_id;
            let own = events.extract_if(.., own).collect::<Vec<_>>();
            apis.extend(api(resource, &own, &parts, &mut found));
        }
        parts.note_foreign(&mut found);
        url::refuse_tenants(self, &mut found);
        found.finish(apis)
    }
}

/// The API that a resource is, if it is one.
fn api(
    resource: &Resource,
    events: &[ApiEvent<'_>],
    parts: &Parts<'_>,
    found: &mut Findings,
) -> Option<Api> {
    let (kind, mut contents) = match resource.kind.as_str() {
        SAM_REST => {
            let document = serverless_rest::document(resource, events, found);
            let mut contents = document.read(ApiKind::Rest, found);
            rest::add_own(&Part::of(resource), &mut contents, found);
            (ApiKind::Rest, contents)
        }
        SAM_HTTP => {
            let document = serverless_http::document(resource, events, found);
            (ApiKind::Http, document.read(ApiKind::Http, found))
        }
        rest::REST => (ApiKind::Rest, rest::own(resource, found)),
        http::API if http::is_http(resource) => (ApiKind::Http, http::own(resource, found)),
        url::URL => (ApiKind::FunctionUrl, url::read(resource, found)),
        _ => return None,
    };
    match kind {
        ApiKind::Rest => rest::add_parts(resource, parts, &mut contents, found),
        ApiKind::Http => http::add_parts(resource, parts, &mut contents, found),
        ApiKind::FunctionUrl => {}
    }
    let part = Part::of(resource);
    if let Some(part) = part.member("Domain") {
        found.note(&part, "the API is not served under a domain of its own.");
    }
    let name = found.text(part.member("Name")).or(contents.title);
    let usage_plans = match kind {
        ApiKind::Rest => usage::of(resource, Some(&contents.routes), parts, found),
        ApiKind::Http | ApiKind::FunctionUrl => Vec::new(),
    };
    Some(Api {
        logical_id: resource.logical_id.clone(),
        id: resource.reference.clone(),
        name: name.unwrap_or_else(|| resource.logical_id.clone()),
        kind,
        stages: stages_of(resource, kind, events, parts, found),
        routes: contents.routes,
        authorizers: contents.authorizers,
        cors: contents.cors,
        binary_media_types: contents.binary_media_types,
        gateway_responses: contents.gateway_responses,
        models: contents.models,
        api_key_source: contents.api_key_source,
        usage_plans,
        minimum_compression_bytes: contents.minimum_compression_bytes,
        policy: contents.policy,
        position: resource.position,
    })
}

fn stages_of(
    api: &Resource,
    kind: ApiKind,
    events: &[ApiEvent<'_>],
    parts: &Parts<'_>,
    found: &mut Findings,
) -> Vec<ApiStage> {
    let mut stages = match api.kind.as_str() {
        SAM_REST => stages::of_sam_rest(api, found),
        SAM_HTTP => vec![stages::of_sam_http(api, events, found)],
        _ => Vec::new(),
    };
    match kind {
        ApiKind::Rest => rest::add_stages(api, parts, &mut stages, found),
        ApiKind::Http => http::add_stages(api, parts, &mut stages, found),
        ApiKind::FunctionUrl => {}
    }
    stages
}

#[cfg(test)]
#[path = "raw_tests.rs"]
mod raw_tests;

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
