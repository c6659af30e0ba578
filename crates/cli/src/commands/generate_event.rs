//! `tether invoke --generate-event`, and `tether generate-event`, as SAM has it.

use crate::args::{EventValues, GenerateEvent};
use crate::exit::refused;
use crate::output::Output;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use tether_events::{Event, Service};
use tether_sam::did_you_mean;

/// What comes of the names that were typed.
pub(super) enum Made {
    Event(Value),
    /// They are not all there: what there is.
    List(Vec<Event>),
    /// Why there is none, and what to do.
    Refused(String),
}

pub(super) fn run(typed: &GenerateEvent, output: &Output) -> Result<ExitCode> {
    match make(&typed.names, &typed.values, typed.region.as_deref())? {
        Made::Event(event) => Ok(print(&event, output)),
        Made::List(events) => Ok(list(&events, output)),
        Made::Refused(text) => Ok(refused(output, &text)),
    }
}

/// The event of these names and values.
pub(super) fn make(names: &[String], values: &EventValues, region: Option<&str>) -> Result<Made> {
    let made = match names {
        [] => events(tether_events::services()).map(Made::List),
        [service] => tether_events::service(service)
            .and_then(Service::events)
            .map(Made::List),
        [service, event, ..] => tether_events::find(service, event)
            .and_then(|event| event.generate(&given(&event, values, region), now()))
            .map(Made::Event),
    };
    made.or_else(|error| match &error {
        tether_events::Error::Template(_) => Err(error.into()),
        _ => Ok(Made::Refused(with_hint(&error))),
    })
}

/// `--region` says where AWS is as well: an event without one minds it not.
fn given(event: &Event, values: &EventValues, region: Option<&str>) -> BTreeMap<String, String> {
    let mut given = values.0.clone();
    let takes_it = || event.parameters().iter().any(|it| it.name == "region");
    if let Some(region) = region.filter(|_| takes_it()) {
        given.insert("region".to_owned(), region.to_owned());
    }
    given
}

fn now() -> u64 {
    tether_host::now().0
}

fn events(services: &[Service]) -> Result<Vec<Event>, tether_events::Error> {
    let events: Result<Vec<_>, _> = services.iter().map(Service::events).collect();
    Ok(events?.concat())
}

fn with_hint(error: &tether_events::Error) -> String {
    let Some((name, known)) = error.alternatives() else {
        return format!("{error}: correct that value");
    };
    let hint = did_you_mean(name, known.iter().copied());
    format!("{error}: it is one of {}.{hint}", known.join(", "))
}

/// For a file, or for a pipe.
pub(super) fn print(event: &Value, output: &Output) -> ExitCode {
    output.result(&if output.is_json() {
        event.to_string()
    } else {
        format!("{event:#}")
    });
    ExitCode::SUCCESS
}

/// What there is to be had.
pub(super) fn list(events: &[Event], output: &Output) -> ExitCode {
    let one_service = events.windows(2).all(|it| it[0].service == it[1].service);
    let lines: Vec<String> = match (output.is_json(), one_service) {
        (true, _) => events.iter().map(|it| object(it).to_string()).collect(),
        (false, true) => events.iter().map(with_values).collect(),
        (false, false) => by_service(events),
    };
    output.result(&lines.join("\n"));
    ExitCode::SUCCESS
}

fn object(event: &Event) -> Value {
    let values = event.parameters().into_iter();
    let values: serde_json::Map<_, _> = values.map(|it| (it.name, it.default.into())).collect();
    json!({
        "event": "generatable",
        "service": event.service,
        "name": event.name,
        "about": event.about,
        "documentation": event.documentation,
        "values": values,
    })
}

fn with_values(event: &Event) -> String {
    let mut lines = vec![format!("{} {}: {}", event.service, event.name, event.about)];
    let values = event.parameters().into_iter();
    lines.extend(values.map(|it| format!("    --{} {}", it.name, it.default)));
    lines.push(format!("    {}", event.documentation));
    lines.join("\n")
}

fn by_service(events: &[Event]) -> Vec<String> {
    let services = events.chunk_by(|left, right| left.service == right.service);
    services
        .map(|events| {
            let names: Vec<&str> = events.iter().map(|it| it.name.as_str()).collect();
            let service = events.first().map_or("", |it| it.service);
            format!("{service:<17} {}", names.join(", "))
        })
        .collect()
}
