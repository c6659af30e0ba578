//! Puts tether's debuggers into the text of a `.vscode/launch.json`, and what
//! starts tether into that of a `.vscode/tasks.json`.
//!
//! The file belongs to the developer, who comments and lays it out by hand. So
//! nothing is printed anew: the text is parsed for its positions only, and what
//! has to change is spliced into it; every other byte stays. (The parser's own
//! editable tree would drop blank lines and break up objects that stand on one
//! line.)
//!
//! Text in, text out: reading and writing the file is the caller's.

mod entry;
mod layout;
mod merger;
mod starting;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests;

pub(crate) use entry::{DebuggerKind, Entry};
pub(crate) use starting::{STACK_NAME, Task, compound, tasks};

use layout::*;
use merger::Merger;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Value, json};

/// Editors on Windows may put it first; a JSON parser does not know it.
const BOM: char = '\u{feff}';

/// What VS Code itself indents a new launch.json with.
const DEFAULT_INDENT: &str = "    ";

/// A list in a file, and those of its elements that are ours.
#[derive(Clone, Debug)]
pub(crate) struct List {
    /// `configurations`
    pub(crate) key: &'static str,
    /// What an element is found by: `name`.
    pub(crate) identity: &'static str,
    /// Ours.
    pub(crate) values: Vec<Value>,
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
    /// A list of ours is there, but no list.
    #[error(
        "line {line}, column {column}: \"{key}\" must be an array; make it [ … ], or remove it, and run again"
    )]
    List {
        /// Which.
        key: &'static str,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
}

/// Puts entries into the text of a launch.json, with what combines them, and
/// gives the new text.
///
/// An entry of the same name is updated in place: keys that the user added to
/// it stay, as do comments and order; ours get our values. New ones are
/// appended, in the layout of their neighbours. Everything else stays byte for
/// byte, and merging the same entries again changes nothing.
///
/// No text, or nothing but blanks, gives a new file.
pub(crate) fn merge(
    existing: Option<&str>,
    entries: &[Entry],
    compounds: Vec<Value>,
) -> Result<String, MergeError> {
    let mut lists = vec![List {
        key: "configurations",
        identity: "name",
        values: entries.iter().map(Entry::to_value).collect(),
    }];
    if !compounds.is_empty() {
        lists.push(List {
            key: "compounds",
            identity: "name",
            values: compounds,
        });
    }
    merge_lists(existing, "0.2.0", lists)
}

/// Puts tasks into the text of a tasks.json, as [`merge`] does.
pub(crate) fn merge_tasks(existing: Option<&str>, ours: &[Task]) -> Result<String, MergeError> {
    merge_lists(existing, "2.0.0", tasks(ours))
}

fn merge_lists(
    existing: Option<&str>,
    version: &str,
    lists: Vec<List>,
) -> Result<String, MergeError> {
    let existing = existing.unwrap_or_default();
    let (bom, text) = match existing.strip_prefix(BOM) {
        Some(rest) => (&existing[..BOM.len_utf8()], rest),
        None => ("", existing),
    };
    let lists: Vec<List> = lists.into_iter().map(unique).collect();
    let merged = if text.trim().is_empty() {
        new_file(text, version, lists)
    } else {
        merge_text(text, lists)?
    };
    Ok(format!("{bom}{merged}"))
}

/// One element for a name: of two the later one holds, else both would want the
/// same place.
fn unique(list: List) -> List {
    let mut values: Vec<Value> = Vec::new();
    for value in list.values {
        let name = &value[list.identity];
        match values.iter_mut().find(|it| it[list.identity] == *name) {
            Some(place) => *place = value,
            None => values.push(value),
        }
    }
    List { values, ..list }
}

/// A whole file, in the line endings of the blanks that it replaces.
fn new_file(blanks: &str, version: &str, lists: Vec<List>) -> String {
    let newline = newline_of(blanks);
    let writer = Writer {
        newline,
        unit: DEFAULT_INDENT,
    };
    let mut file = json!({ "version": version });
    for list in lists {
        file[list.key] = Value::Array(list.values);
    }
    let text = writer.value(&file, &Layout::Lines(String::new()));
    format!("{text}{newline}")
}

/// Splices into text that holds something.
fn merge_text(text: &str, lists: Vec<List>) -> Result<String, MergeError> {
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
    let mut new = Vec::new();
    for List {
        key,
        identity,
        values,
    } in lists
    {
        match last_property(root, key) {
            Some(ast::ObjectProp {
                value: ast::Value::Array(list),
                ..
            }) => merger.list(list, &values, identity),
            Some(property) => {
                let (line, column) = line_and_column(text, property.value.start());
                return Err(MergeError::List { key, line, column });
            }
            None => new.push((key, Value::Array(values))),
        }
    }
    let new: Vec<(&str, &Value)> = new.iter().map(|(key, list)| (*key, list)).collect();
    merger.insert_properties(root, &new);
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
