//! The resources of a stack that are parts of APIs.

use super::part::{Findings, Part};
use crate::stack::{Resource, Stack};
use serde_json::Value;

/// Every part, by what it names.
pub(super) struct Parts<'s>(&'s Stack);

impl<'s> Parts<'s> {
    pub(super) fn new(stack: &'s Stack) -> Self {
        Self(stack)
    }

    /// The parts of that type whose `property` is the API's id.
    pub(super) fn of(
        &self,
        prefix: &'static str,
        kind: &'static str,
        property: &'static str,
        api: &Resource,
    ) -> impl Iterator<Item = &'s Resource> + use<'s> {
        let id = api.reference.clone();
        self.all(prefix, kind).filter(move |it| {
            let named = it.property(property).and_then(Value::as_str);
            named == Some(id.as_str())
        })
    }

    /// Every resource of that type.
    pub(super) fn all(
        &self,
        prefix: &'static str,
        kind: &'static str,
    ) -> impl Iterator<Item = &'s Resource> + use<'s> {
        let of_kind = move |it: &&Resource| it.kind.strip_prefix(prefix) == Some(kind);
        self.0.resources.values().filter(of_kind)
    }

    /// Says which routes belong to an API that is not here.
    pub(super) fn note_foreign(&self, found: &mut Findings) {
        let kinds = [
            ("AWS::ApiGateway::", "Method", "RestApiId"),
            ("AWS::ApiGatewayV2::", "Route", "ApiId"),
        ];
        for (prefix, kind, property) in kinds {
            for resource in self.all(prefix, kind) {
                let id = resource.property(property).and_then(Value::as_str);
                let mut apis = self.0.resources.values();
                let known =
                    apis.any(|it| Some(it.reference.as_str()) == id && it.kind.contains("Api"));
                if let Some(part) = Part::of(resource).member(property).filter(|_| !known) {
                    found.note(&part, "its API is not in this template: it is not served.");
                }
            }
        }
    }
}
