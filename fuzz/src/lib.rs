//! Whatever is read from outside, read as it should never be written.
//!
//! A target is a function over bytes that panics when a promise is broken: what
//! is read and written is read again as the same value, what is refused is
//! refused in few words that quote no content, and nothing comes out larger
//! than it may. `cargo test` runs each over its seeds and mutations of them, the
//! same ones every time; `make fuzz` lets libFuzzer look for more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a target says what is wrong by panicking"
)]

pub mod mutator;
mod promises;
mod seeds;
mod targets {
    pub(crate) mod frames;
    pub(crate) mod gateway;
    pub(crate) mod http_apis;
    pub(crate) mod messages;
    pub(crate) mod payloads;
    pub(crate) mod records;
    pub(crate) mod runtime_api;
    pub(crate) mod templates;
}

use targets::{frames, gateway, http_apis, messages, payloads, records, runtime_api, templates};

/// Something that reads bytes from outside.
#[derive(Clone, Copy)]
pub struct Target {
    /// As it is named on a command line.
    pub name: &'static str,
    /// Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Where to start from: name and bytes.
    pub seeds: fn() -> Vec<(String, Vec<u8>)>,
}

/// All of them.
#[must_use]
pub fn targets() -> Vec<Target> {
    let target = |name, run, seeds| Target { name, run, seeds };
    vec![
        target("to-cloud", messages::to_cloud, seeds::to_cloud),
        target("to-laptop", messages::to_laptop, seeds::to_laptop),
        target("manager", messages::manager, seeds::manager),
        target("records", records::rows_as_json, seeds::records),
        target("items", records::rows_as_items, seeds::items),
        target("config", records::config, seeds::config),
        target("payload", payloads::from_the_wire, seeds::payload),
        target("bytes", payloads::any_bytes, seeds::bytes),
        target("route", runtime_api::route, seeds::route),
        target("headers", runtime_api::headers, seeds::headers),
        target("error-object", runtime_api::error_object, seeds::errors),
        target("template", templates::template, seeds::templates),
        target("policy", gateway::policy, seeds::policies),
        target("selection", gateway::selection, seeds::selections),
        target("frames", frames::sent_by_a_client, seeds::frames),
        target("http-answer", http_apis::answer, seeds::http_answers),
        target("opinion", http_apis::opinion, seeds::opinions),
        target("token", http_apis::token, seeds::tokens),
        target("visit", http_apis::visit, seeds::visits),
    ]
}
