//! Puts tether's debuggers into the text of a `.vscode/launch.json`.
//!
//! The file belongs to the developer, who comments and lays it out by hand. So
//! nothing is printed anew: the text is parsed for its positions only, and what
//! has to change is spliced into it; every other byte stays. (The parser's own
//! editable tree would drop blank lines and break up objects that stand on one
//! line.)
//!
//! Text in, text out: reading and writing the file is the caller's.

mod layout;
mod merger;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests;

use layout::*;
use merger::Merger;
use std::net::IpAddr;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Value, json};

/// Editors on Windows may put it first; a JSON parser does not know it.
const BOM: char = '\u{feff}';

/// What VS Code itself indents a new launch.json with.
const DEFAULT_INDENT: &str = "    ";

/// One debugger entry: which function, where its debugger listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The function's logical id in the template.
    pub(crate) function: String,
    /// Which debugger listens.
    pub(crate) kind: DebuggerKind,
    /// The host the editor connects to.
    pub(crate) host: String,
    /// The port the editor connects to.
    pub(crate) port: u16,
    /// The function's code as the editor names it, for example
    /// `${workspaceFolder}/hello`; written as it is, the editor expands it.
    pub(crate) local_root: String,
}

/// A debugger that an editor can attach to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DebuggerKind {
    /// Python's debugpy.
    Debugpy,
}

impl Entry {
    /// The name in the editor's list, and what a later merge finds the entry by.
    pub(crate) fn name(&self) -> String {
        format!("tether: {}", self.function)
    }

    /// The entry as the editor's debugger extension wants it.
    ///
    /// Only what attaching needs. `justMyCode` is left out: the extension fills
    /// it from the user's `debugpy.debugJustMyCode`, and a value here would
    /// overrule that, or what the user wrote into the entry, on every merge.
    pub(crate) fn to_value(&self) -> Value {
        match self.kind {
            DebuggerKind::Debugpy => self.debugpy(),
        }
    }

    /// `connect` means that debugpy listens and the editor calls.
    ///
    /// On this machine the function runs from the very files that the editor
    /// shows, so no `pathMappings`: debugpy takes paths as they are when there
    /// are none, while with one every file outside of it (shared modules,
    /// layers, packages) would count as unmapped. Another host (a container, a
    /// virtual machine) has the code elsewhere: `.` is the directory that its
    /// process runs in, for a function the root of its code.
    fn debugpy(&self) -> Value {
        let mut value = json!({
            "name": self.name(),
            "type": "debugpy",
            "request": "attach",
            "connect": { "host": self.host, "port": self.port },
        });
        if !is_this_machine(&self.host) {
            value["pathMappings"] = json!([{ "localRoot": self.local_root, "remoteRoot": "." }]);
        }
        value
    }
}

/// Whether paths are the same at both ends of a connection to `host`.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// Why a text was not touched: the place, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MergeError {
    /// It cannot be parsed.
    #[error(
        "line {line}, column {column}: not JSON with comments ({reason}); correct it there and run again"
    )]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// The parser's words.
        reason: String,
    },
    /// It holds something, but no object.
    #[error(
        "line {line}, column {column}: an object is expected here, as in {{\"version\": \"0.2.0\", \"configurations\": []}}; write one, or empty the file, and run again"
    )]
    Root {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// `configurations` is there, but no list.
    #[error(
        "line {line}, column {column}: \"configurations\" must be an array; make it [ … ], or remove it, and run again"
    )]
    Configurations {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
}

/// Puts `entries` into the text of a launch.json, and gives the new text.
///
/// An entry of the same name is updated in place: keys that the user added to
/// it stay, as do comments and order; ours get our values. New ones are
/// appended, in the layout of their neighbours. Everything else stays byte for
/// byte, and merging the same entries again changes nothing.
///
/// No text, or nothing but blanks, gives a new file.
pub(crate) fn merge(existing: Option<&str>, entries: &[Entry]) -> Result<String, MergeError> {
    let existing = existing.unwrap_or_default();
    let (bom, text) = match existing.strip_prefix(BOM) {
        Some(rest) => (&existing[..BOM.len_utf8()], rest),
        None => ("", existing),
    };
    let ours = unique(entries);
    let merged = if text.trim().is_empty() {
        new_file(text, ours)
    } else {
        merge_text(text, ours)?
    };
    Ok(format!("{bom}{merged}"))
}

/// The entries as values, one for a name: of two the later one holds, else
/// both would want the same place.
fn unique(entries: &[Entry]) -> Vec<Value> {
    let mut named: Vec<(String, Value)> = Vec::new();
    for entry in entries {
        let name = entry.name();
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some(place) => place.1 = entry.to_value(),
            None => named.push((name, entry.to_value())),
        }
    }
    named.into_iter().map(|(_, value)| value).collect()
}

/// A whole file, in the line endings of the blanks that it replaces.
fn new_file(blanks: &str, ours: Vec<Value>) -> String {
    let newline = newline_of(blanks);
    let writer = Writer {
        newline,
        unit: DEFAULT_INDENT,
    };
    let file = json!({ "version": "0.2.0", "configurations": ours });
    let text = writer.value(&file, &Layout::Lines(String::new()));
    format!("{text}{newline}")
}

/// Splices into text that holds something.
fn merge_text(text: &str, ours: Vec<Value>) -> Result<String, MergeError> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &jsonc()).map_err(|error| {
        MergeError::Syntax {
            line: error.line_display(),
            column: error.column_display(),
            reason: lower_first(&error.kind().to_string()),
        }
    })?;
    let root = match &parsed.value {
        Some(ast::Value::Object(root)) => root,
        other => {
            let at = other.as_ref().map_or(text.len(), Ranged::start);
            let (line, column) = line_and_column(text, at);
            return Err(MergeError::Root { line, column });
        }
    };

    let mut merger = Merger::new(text, root);
    match last_property(root, "configurations") {
        Some(ast::ObjectProp {
            value: ast::Value::Array(list),
            ..
        }) => merger.list(list, &ours, "name"),
        Some(property) => {
            let (line, column) = line_and_column(text, property.value.start());
            return Err(MergeError::Configurations { line, column });
        }
        None => {
            let list = Value::Array(ours);
            merger.insert_properties(root, &[("configurations", &list)]);
        }
    }
    Ok(merger.finish())
}

/// JSONC as VS Code reads it: comments and trailing commas, and none of the
/// other liberties that the parser would take.
fn jsonc() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}
