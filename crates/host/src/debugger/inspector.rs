//! What one inspector session of Node does, from the bytes that pass by
//! (<https://chromedevtools.github.io/devtools-protocol/v8/Debugger/>).
//!
//! An editor asks for a list of what can be debugged by HTTP, and connects to
//! it by a WebSocket at the address that the list names. Node names the host and
//! port of the request's own `Host` header there, which is ours: so nothing has
//! to be rewritten.

mod source_map;
mod websocket;

use super::session::{Stop, place as place_of};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use tether_protocol::Timestamp;
use websocket::Messages;

/// More scripts than this are not remembered by their names.
const MOST_SCRIPTS: usize = 20_000;

/// An editor's connection to an inspector, overheard. Only the inspector's words
/// matter, and those are not masked.
#[derive(Debug)]
pub(super) struct Session {
    from_inspector: Messages,
    targets: Targets,
}

#[derive(Debug, Default)]
struct Targets {
    scripts: HashMap<String, Script>,
    /// By the session within the connection, if it has one: a worker's.
    stopped: HashMap<String, Stop>,
}

#[derive(Debug)]
struct Script {
    /// `file:///code/app.mjs`
    url: String,
    /// Where its map is, if it has one.
    map: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    session_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScriptParsed {
    script_id: String,
    #[serde(default)]
    url: String,
    #[serde(default, rename = "sourceMapURL")]
    source_map_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Paused {
    call_frames: Vec<CallFrame>,
    reason: String,
    hit_breakpoints: Vec<String>,
}

#[derive(Deserialize)]
struct CallFrame {
    location: Location,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    script_id: String,
    line_number: u64,
    #[serde(default)]
    column_number: u64,
}

impl Session {
    pub(super) fn new() -> Self {
        Self {
            from_inspector: Messages::new(),
            targets: Targets::default(),
        }
    }

    /// The inspector sent this.
    pub(super) fn debugger_sent(&mut self, bytes: &[u8], now: Timestamp) {
        let targets = &mut self.targets;
        self.from_inspector.read(bytes, |message| {
            if let Ok(message) = serde_json::from_slice(message) {
                targets.told(&message, now);
            }
        });
        if self.from_inspector.is_lost() {
            // Rather no word of a stop than one that has ended.
            self.targets = Targets::default();
        }
    }

    /// Whether this is a debugger's connection: its WebSocket is open.
    pub(super) fn is_followed(&self) -> bool {
        self.from_inspector.has_begun()
    }

    /// The latest stop that still lasts.
    pub(super) fn stop(&self) -> Option<&Stop> {
        let stops = self.targets.stopped.values();
        stops.max_by_key(|stop| stop.since)
    }
}

impl Targets {
    fn told(&mut self, message: &Message<'_>, now: Timestamp) {
        let session = message.session_id.clone().unwrap_or_default();
        let params = message.params.map_or("{}", RawValue::get);
        match message.method.as_deref() {
            Some("Debugger.scriptParsed") => {
                if let Ok(script) = serde_json::from_str::<ScriptParsed>(params) {
                    self.parsed(script);
                }
            }
            Some("Debugger.paused") => {
                let paused: Paused = serde_json::from_str(params).unwrap_or_default();
                let stop = Stop {
                    how: how(&paused),
                    since: now,
                    place: self.place(&paused),
                };
                self.stopped.insert(session, stop);
            }
            Some("Debugger.resumed") => {
                self.stopped.remove(&session);
            }
            _ => {}
        }
    }

    /// What Node itself is made of is nobody's code.
    fn parsed(&mut self, script: ScriptParsed) {
        if script.url.starts_with("node:") || self.scripts.len() >= MOST_SCRIPTS {
            return;
        }
        let (url, map) = (script.url, script.source_map_url);
        self.scripts.insert(script.script_id, Script { url, map });
    }

    fn place(&self, paused: &Paused) -> Option<String> {
        let location = &paused.call_frames.first()?.location;
        let script = self.scripts.get(&location.script_id)?;
        let (line, column) = (location.line_number, location.column_number);
        let (file, line) = source_map::source(&script.map, line, column)
            .unwrap_or_else(|| (script.url.clone(), line));
        place_of(&file, i64::try_from(line).ok()?.checked_add(1)?)
    }
}

/// A step and a `debugger` statement have no reason of their own in every
/// release of Node.
fn how(paused: &Paused) -> &'static str {
    match paused.reason.as_str() {
        "exception" | "promiseRejection" | "assert" => "stopped at an exception",
        "step" => "stopped after a step",
        _ if !paused.hit_breakpoints.is_empty() => "stopped at a breakpoint",
        _ => "stopped by its debugger",
    }
}

#[cfg(test)]
mod tests;
