//! Puts tether's debuggers into the text of a `.vscode/launch.json`.
//!
//! The file belongs to the developer, who comments and lays it out by hand. So
//! nothing is printed anew: the text is parsed for its positions only, and what
//! has to change is spliced into it; every other byte stays. (The parser's own
//! editable tree would drop blank lines and break up objects that stand on one
//! line.)
//!
//! Text in, text out: reading and writing the file is the caller's.

use std::net::IpAddr;

use jsonc_parser::ast;
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast, parse_to_serde_value};
use serde_json::{Map, Value, json};

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

/// What identifies the elements of a list of ours: such a list is merged by
/// element, so that what the user added to it stays. Others are replaced.
fn identity(list: &str) -> Option<&'static str> {
    match list {
        "pathMappings" => Some("remoteRoot"),
        _ => None,
    }
}

/// A piece of the text and what takes its place.
struct Edit {
    range: Range,
    text: String,
}

/// Collects the edits that bring our values into a text.
struct Merger<'t> {
    text: &'t str,
    writer: Writer<'t>,
    edits: Vec<Edit>,
}

impl<'t> Merger<'t> {
    fn new(text: &'t str, root: &ast::Object<'_>) -> Self {
        let writer = Writer {
            newline: newline_of(text),
            unit: unit_of(text, root),
        };
        Self {
            text,
            writer,
            edits: Vec::new(),
        }
    }

    /// The text with every edit done. Edits never overlap; of two at one place
    /// the one made first comes first (the sort is stable).
    fn finish(mut self) -> String {
        self.edits.sort_by_key(|edit| edit.range.start);
        let mut merged = String::with_capacity(self.text.len());
        let mut done = 0;
        for edit in &self.edits {
            merged.push_str(slice(self.text, done, edit.range.start));
            merged.push_str(&edit.text);
            done = edit.range.end;
        }
        merged.push_str(slice(self.text, done, self.text.len()));
        merged
    }

    fn edit(&mut self, start: usize, end: usize, text: String) {
        let range = Range::new(start, end);
        self.edits.push(Edit { range, text });
    }

    /// Updates those elements of a list of objects that have the `id` of one of
    /// ours, and appends the rest.
    fn list(&mut self, theirs: &ast::Array<'_>, ours: &[Value], id: &str) {
        let mut new = Vec::new();
        for our in ours {
            let known = theirs.elements.iter().find_map(|element| {
                let object = element.as_object()?;
                let name = last_property(object, id)?.value.as_string_lit()?;
                (our[id].as_str() == Some(&*name.value)).then_some(object)
            });
            match (known, our) {
                (Some(object), Value::Object(our)) => self.object(object, our),
                _ => new.push(our),
            }
        }
        self.append_elements(theirs, &new);
    }

    /// Gives an object our values, and leaves its other keys.
    fn object(&mut self, theirs: &ast::Object<'_>, ours: &Map<String, Value>) {
        let mut new = Vec::new();
        for (key, our) in ours {
            match last_property(theirs, key) {
                Some(property) => self.update(theirs, property, key, our),
                None => new.push((key.as_str(), our)),
            }
        }
        self.insert_properties(theirs, &new);
    }

    fn update(
        &mut self,
        parent: &ast::Object<'_>,
        property: &ast::ObjectProp<'_>,
        key: &str,
        our: &Value,
    ) {
        let old = &property.value;
        match (old, our, identity(key)) {
            (ast::Value::Object(theirs), Value::Object(our), _) => self.object(theirs, our),
            (ast::Value::Array(theirs), Value::Array(our), Some(id)) => self.list(theirs, our, id),
            _ if self.is(old.range(), our) => {}
            _ => {
                let layout = if has_newline(slice(self.text, parent.start(), parent.end())) {
                    Layout::Lines(line_indent(self.text, property.start()).to_owned())
                } else {
                    Layout::Line(is_padded(self.text, parent.start()))
                };
                let value = self.writer.value(our, &layout);
                self.edit(old.start(), old.end(), value);
            }
        }
    }

    /// Whether the value at `range` is ours already, however it is written.
    fn is(&self, range: Range, our: &Value) -> bool {
        let text = slice(self.text, range.start, range.end);
        parse_to_serde_value::<Value>(text, &jsonc()).is_ok_and(|theirs| theirs == *our)
    }

    fn append_elements(&mut self, list: &ast::Array<'_>, values: &[&Value]) {
        let children: Vec<Range> = list.elements.iter().map(Ranged::range).collect();
        let span = Span::new(self.text, &self.writer, list.range, &children);
        // Entries that each stand on a line of their own get neighbours that do.
        let one_line = children
            .iter()
            .all(|child| !has_newline(slice(self.text, child.start, child.end)));
        let layout = match children.last() {
            Some(last) if one_line => Layout::Line(is_padded(self.text, last.start)),
            _ => Layout::Lines(span.indent.clone()),
        };
        let items = values
            .iter()
            .map(|value| self.writer.value(value, &layout))
            .collect();
        self.insert(&span, items);
    }

    fn insert_properties(&mut self, object: &ast::Object<'_>, properties: &[(&str, &Value)]) {
        let children: Vec<Range> = object.properties.iter().map(Ranged::range).collect();
        let span = Span::new(self.text, &self.writer, object.range, &children);
        let layout =
            if children.is_empty() || has_newline(slice(self.text, object.start(), object.end())) {
                Layout::Lines(span.indent.clone())
            } else {
                Layout::Line(is_padded(self.text, object.start()))
            };
        let items = properties
            .iter()
            .map(|(key, value)| self.writer.property(key, value, &layout))
            .collect();
        self.insert(&span, items);
    }

    /// Appends written items to what stands between a pair of brackets.
    fn insert(&mut self, span: &Span, items: Vec<String>) {
        if items.is_empty() {
            return;
        }
        let separator = match span.lines {
            true => format!("{}{}", self.writer.newline, span.indent),
            false => " ".to_owned(),
        };
        let mut text = format!("{separator}{}", items.join(&format!(",{separator}")));
        match span.last_child {
            Some(last) if span.tail.comma.is_none() => {
                self.edit(last, last, ",".to_owned());
                self.edit(span.tail.line_end, span.tail.line_end, text);
            }
            Some(_) => {
                // Who ends the list with a comma wants it ended so.
                text.push(',');
                self.edit(span.tail.line_end, span.tail.line_end, text);
            }
            None => {
                let (start, mut end) = (span.tail.end, span.close);
                if has_newline(slice(self.text, start, end)) {
                    end = start;
                } else {
                    text.push_str(self.writer.newline);
                    text.push_str(&span.outer_indent);
                }
                self.edit(start, end, text);
            }
        }
    }
}

/// A pair of brackets with its children, as far as appending to it needs.
struct Span {
    /// Where the closing bracket stands.
    close: usize,
    /// Where the last child ends.
    last_child: Option<usize>,
    /// What follows the last child, or the opening bracket of an empty pair.
    tail: Tail,
    /// Whether children start on lines of their own.
    lines: bool,
    /// The indentation of children.
    indent: String,
    /// The indentation of the line that opens the pair.
    outer_indent: String,
}

impl Span {
    fn new(text: &str, writer: &Writer<'_>, range: Range, children: &[Range]) -> Self {
        let close = range.end.saturating_sub(1);
        let last_child = children.last().map(|last| last.end);
        let outer_indent = line_indent(text, range.start).to_owned();
        let mut gap_start = range.start;
        let mut lines = children.is_empty();
        for child in children {
            lines |= has_newline(slice(text, gap_start, child.start));
            gap_start = child.end;
        }
        lines |= has_newline(slice(text, gap_start, close));
        let own_line = children
            .iter()
            .rev()
            .map(|child| (line_indent(text, child.start), child.start))
            .find(|(indent, start)| line_start(text, *start) + indent.len() == *start);
        let indent = match (own_line, last_child) {
            (Some((indent, _)), _) => indent.to_owned(),
            // On the line of the bracket: the end of the last child tells.
            (None, Some(last)) if !lines => line_indent(text, last).to_owned(),
            _ => format!("{outer_indent}{}", writer.unit),
        };
        Self {
            close,
            last_child,
            tail: Tail::scan(text, last_child.unwrap_or(range.start + 1), close),
            lines,
            indent,
            outer_indent,
        }
    }
}

/// What stands between a last child and the closing bracket.
struct Tail {
    /// Where the trailing comma stands.
    comma: Option<usize>,
    /// Where the line of the last child, or of its comma, ends: after the
    /// comments that belong to it, before those on lines of their own.
    line_end: usize,
    /// Where the last comment or comma ends.
    end: usize,
}

impl Tail {
    fn scan(text: &str, from: usize, to: usize) -> Self {
        let mut tail = Self {
            comma: None,
            line_end: from,
            end: from,
        };
        let mut same_line = true;
        let mut at = from;
        while at < to {
            let rest = slice(text, at, to);
            let length = token_length(rest);
            let token = slice(rest, 0, length);
            at += length;
            if token == "," {
                tail.comma = Some(at - 1);
                same_line = true;
            }
            if token.starts_with([',', '/']) {
                tail.end = at;
                if same_line {
                    tail.line_end = at;
                }
            }
            same_line &= !has_newline(token);
        }
        tail
    }
}

/// The length of the comment, or else of the character, that `rest` starts with.
fn token_length(rest: &str) -> usize {
    if rest.starts_with("//") {
        rest.find(['\n', '\r']).unwrap_or(rest.len())
    } else if let Some(body) = rest.strip_prefix("/*") {
        body.find("*/").map_or(rest.len(), |end| end + 4)
    } else {
        rest.chars().next().map_or(1, char::len_utf8)
    }
}

/// How a value is laid out.
enum Layout {
    /// Over several lines; the indentation of the line it starts on.
    Lines(String),
    /// On one line, with or without blanks inside of braces.
    Line(bool),
}

/// Writes values in the manner of a file.
struct Writer<'t> {
    newline: &'static str,
    unit: &'t str,
}

impl Writer<'_> {
    fn value(&self, value: &Value, layout: &Layout) -> String {
        let inner = match layout {
            Layout::Lines(indent) => Layout::Lines(format!("{indent}{}", self.unit)),
            Layout::Line(padded) => Layout::Line(*padded),
        };
        match value {
            Value::Object(map) if !map.is_empty() => {
                let items = map
                    .iter()
                    .map(|(key, value)| self.property(key, value, &inner));
                self.wrap(('{', '}'), items.collect(), layout)
            }
            Value::Array(list) if !list.is_empty() => {
                let items = list.iter().map(|value| self.value(value, &inner));
                self.wrap(('[', ']'), items.collect(), layout)
            }
            plain => plain.to_string(),
        }
    }

    fn property(&self, key: &str, value: &Value, layout: &Layout) -> String {
        format!("{}: {}", Value::from(key), self.value(value, layout))
    }

    fn wrap(&self, (open, close): (char, char), items: Vec<String>, layout: &Layout) -> String {
        match layout {
            Layout::Lines(indent) => {
                let (newline, unit) = (self.newline, self.unit);
                let between = format!(",{newline}{indent}{unit}");
                let items = items.join(&between);
                format!("{open}{newline}{indent}{unit}{items}{newline}{indent}{close}")
            }
            Layout::Line(padded) => {
                let pad = if *padded && open == '{' { " " } else { "" };
                format!("{open}{pad}{}{pad}{close}", items.join(", "))
            }
        }
    }
}

/// The property that counts: of a doubled key VS Code takes the last.
fn last_property<'o, 't>(
    object: &'o ast::Object<'t>,
    key: &str,
) -> Option<&'o ast::ObjectProp<'t>> {
    let mut properties = object.properties.iter().rev();
    properties.find(|property| property.name.as_str() == key)
}

/// The file's line ending: the first one.
fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// One step of the file's indentation: what the first key of the root stands
/// deeper than the root.
fn unit_of<'t>(text: &'t str, root: &ast::Object<'_>) -> &'t str {
    let unit = root.properties.first().and_then(|first| {
        let apart = has_newline(slice(text, root.start(), first.start()));
        let indent = line_indent(text, first.start());
        let unit = indent.strip_prefix(line_indent(text, root.start()))?;
        (apart && !unit.is_empty()).then_some(unit)
    });
    unit.unwrap_or(DEFAULT_INDENT)
}

/// Where the line that holds `at` starts.
fn line_start(text: &str, at: usize) -> usize {
    slice(text, 0, at)
        .rfind(['\n', '\r'])
        .map_or(0, |newline| newline + 1)
}

/// The blanks that the line of `at` starts with.
fn line_indent(text: &str, at: usize) -> &str {
    let line = slice(text, line_start(text, at), at);
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    slice(line, 0, length)
}

/// Whether the writer put a blank after the brace that opens at `start`.
fn is_padded(text: &str, start: usize) -> bool {
    text.get(start + 1..)
        .is_some_and(|rest| rest.starts_with(' '))
}

fn has_newline(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

/// A piece of the text. Positions come from the parser of that very text, so
/// they always fit; if they ever did not, nothing would be worth a panic.
fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Line and column of a position, counted from 1, as the parser counts them.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let start = line_start(text, at);
    let before = slice(text, 0, start);
    let lines = before.matches(['\n', '\r']).count() - before.matches("\r\n").count();
    (lines + 1, slice(text, start, at).chars().count() + 1)
}

/// The parser's message, for the middle of a sentence.
fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn entry(function: &str, port: u16) -> Entry {
        Entry {
            function: function.to_owned(),
            kind: DebuggerKind::Debugpy,
            host: "localhost".to_owned(),
            port,
            local_root: "${workspaceFolder}/hello".to_owned(),
        }
    }

    /// Merges, and checks what holds for every text: again changes nothing,
    /// and the result is JSONC that has every entry once.
    fn merged(existing: &str, entries: &[Entry]) -> String {
        let once = merge(Some(existing), entries).unwrap();
        assert_eq!(merge(Some(&once), entries).unwrap(), once, "idempotent");
        let bare = once.strip_prefix(BOM).unwrap_or(&once);
        let value: Value = parse_to_serde_value(bare, &jsonc()).unwrap();
        for entry in entries {
            let found: Vec<&Value> = value["configurations"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|found| found["name"] == entry.name())
                .collect();
            assert_eq!(found.len(), 1, "{once}");
            for (key, ours) in entry.to_value().as_object().unwrap() {
                if key != "connect" && key != "pathMappings" {
                    assert_eq!(&found[0][key], ours, "{once}");
                }
            }
            assert_eq!(found[0]["connect"]["port"], entry.port, "{once}");
        }
        once
    }

    const NEW: &str = r#"{
    "version": "0.2.0",
    "configurations": [
        {
            "name": "tether: Hello",
            "type": "debugpy",
            "request": "attach",
            "connect": {
                "host": "localhost",
                "port": 5678
            }
        }
    ]
}
"#;

    #[test]
    fn new_files() {
        let entries = [entry("Hello", 5678)];
        assert_eq!(merge(None, &entries).unwrap(), NEW);
        assert_eq!(merged("", &entries), NEW);
        assert_eq!(merged(" \n\t", &entries), NEW);
        assert_eq!(merged("\r\n", &entries), NEW.replace('\n', "\r\n"));
        assert_eq!(merged("\u{feff}\n", &entries), format!("\u{feff}{NEW}"));
        assert_eq!(merged(NEW, &entries), NEW);
        assert_eq!(
            merge(None, &[]).unwrap(),
            "{\n    \"version\": \"0.2.0\",\n    \"configurations\": []\n}\n"
        );
    }

    #[test]
    fn path_mappings_only_for_another_machine() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]"] {
            let mut entry = entry("Hello", 1);
            entry.host = host.to_owned();
            assert_eq!(entry.to_value().get("pathMappings"), None, "{host}");
            assert_eq!(entry.to_value()["connect"]["host"], host);
        }
        let mut entry = entry("Hello", 1);
        entry.host = "192.168.1.7".to_owned();
        assert_eq!(
            entry.to_value()["pathMappings"],
            json!([{ "localRoot": "${workspaceFolder}/hello", "remoteRoot": "." }])
        );
    }

    #[test]
    fn users_path_mappings_stay() {
        let existing = r#"{ "configurations": [ {
  "name": "tether: Hello",
  "pathMappings": [
    { "localRoot": "${workspaceFolder}/layer", "remoteRoot": "/opt" }, // theirs
    { "localRoot": "old", "remoteRoot": "." },
  ],
} ] }"#;
        let mut entry = entry("Hello", 7);
        entry.host = "box".to_owned();
        let text = merged(existing, &[entry]);
        assert!(text.contains(
            "\"remoteRoot\": \"/opt\" }, // theirs\n    { \"localRoot\": \"${workspaceFolder}/hello\", \"remoteRoot\": \".\" },\n  ],"
        ), "{text}");
    }

    /// What a developer's file looks like, in every line ending, with and
    /// without a byte order mark and a final newline.
    const USERS: &str = r#"// Debugging; ask Ann.
{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0",

  "inputs": [ ],

  "configurations": [

    { "name": "Ünïcode 🚀", "type": "node", "request": "launch", }, // mine
    /* the live one */
    {
      // leave this alone
      "env": {"A":"1",   "B":"2"},
      "name": "tether: Hello", // found by this
      "type": "python", /* old */
      "request": "attach",
      "connect": { "port": 1111, /* why */ "host": "localhost" },
      "justMyCode": false, // libraries too
    }, // after
    // { "name": "commented out" },

  ],
  "compounds": []
}
// end"#;

    const USERS_MERGED: &str = r#"// Debugging; ask Ann.
{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0",

  "inputs": [ ],

  "configurations": [

    { "name": "Ünïcode 🚀", "type": "node", "request": "launch", }, // mine
    /* the live one */
    {
      // leave this alone
      "env": {"A":"1",   "B":"2"},
      "name": "tether: Hello", // found by this
      "type": "debugpy", /* old */
      "request": "attach",
      "connect": { "port": 5678, /* why */ "host": "localhost" },
      "justMyCode": false, // libraries too
    }, // after
    {
      "name": "tether: Other",
      "type": "debugpy",
      "request": "attach",
      "connect": {
        "host": "localhost",
        "port": 5679
      }
    },
    // { "name": "commented out" },

  ],
  "compounds": []
}
// end"#;

    #[test]
    fn everything_else_stays() {
        let entries = [entry("Hello", 5678), entry("Other", 5679)];
        for bom in ["", "\u{feff}"] {
            for newline in ["\n", "\r\n"] {
                for end in ["", "\n", "\n\n"] {
                    let whole = |text: &str| format!("{bom}{text}{end}").replace('\n', newline);
                    assert_eq!(merged(&whole(USERS), &entries), whole(USERS_MERGED));
                }
            }
        }
    }

    #[test]
    fn tabs() {
        let text = merged(
            "{\n\t\"configurations\": [\n\t\t{\n\t\t\t\"name\": \"a\"\n\t\t}\n\t]\n}\n",
            &[entry("Hello", 1)],
        );
        assert_eq!(
            text,
            "{\n\t\"configurations\": [\n\t\t{\n\t\t\t\"name\": \"a\"\n\t\t},\n\t\t{\n\t\t\t\"name\": \"tether: Hello\",\n\t\t\t\"type\": \"debugpy\",\n\t\t\t\"request\": \"attach\",\n\t\t\t\"connect\": {\n\t\t\t\t\"host\": \"localhost\",\n\t\t\t\t\"port\": 1\n\t\t\t}\n\t\t}\n\t]\n}\n"
        );
    }

    const COMPACT: &str = r#"{"name": "tether: Hello", "type": "debugpy", "request": "attach", "connect": {"host": "localhost", "port": 1}}"#;

    #[test]
    fn entries_on_one_line() {
        let padded = COMPACT.replace(r#"{""#, r#"{ ""#).replace("1}}", "1 } }");
        assert_eq!(
            merged(
                "{\n  \"configurations\": [\n    { \"name\": \"a\" } // c\n  ]\n}",
                &[entry("Hello", 1)]
            ),
            format!(
                "{{\n  \"configurations\": [\n    {{ \"name\": \"a\" }}, // c\n    {padded}\n  ]\n}}"
            )
        );
        assert_eq!(
            merged(r#"{"configurations":[{"name":"a"}]}"#, &[entry("Hello", 1)]),
            format!(r#"{{"configurations":[{{"name":"a"}}, {COMPACT}]}}"#)
        );
        assert_eq!(
            merged(
                r#"{"configurations":[{ "name": "tether: Hello" }]}"#,
                &[entry("Hello", 1)]
            ),
            format!(r#"{{"configurations":[{padded}]}}"#)
        );
    }

    #[test]
    fn brackets_on_the_line_of_their_neighbours() {
        assert_eq!(
            merged(
                "{\n  \"configurations\": [{\n    \"name\": \"a\"\n  }, {\n    \"name\": \"b\"\n  }]\n}",
                &[entry("Hello", 1)]
            ),
            "{\n  \"configurations\": [{\n    \"name\": \"a\"\n  }, {\n    \"name\": \"b\"\n  }, {\n    \"name\": \"tether: Hello\",\n    \"type\": \"debugpy\",\n    \"request\": \"attach\",\n    \"connect\": {\n      \"host\": \"localhost\",\n      \"port\": 1\n    }\n  }]\n}"
        );
    }

    #[test]
    fn empty_lists() {
        let body = "        {\n            \"name\": \"tether: Hello\",\n            \"type\": \"debugpy\",\n            \"request\": \"attach\",\n            \"connect\": {\n                \"host\": \"localhost\",\n                \"port\": 5678\n            }\n        }\n";
        let entries = [entry("Hello", 5678)];
        for (before, after) in [
            ("[]", "[\nBODY    ]"),
            ("[ ]", "[\nBODY    ]"),
            ("[\n    ]", "[\nBODY    ]"),
            ("[ // none\n    ]", "[ // none\nBODY    ]"),
            ("[\n        // none\n    ]", "[\n        // none\nBODY    ]"),
            ("[ /* none */ ]", "[ /* none */\nBODY    ]"),
        ] {
            let whole = |list: &str| format!("{{\n    \"configurations\": {list}\n}}\n");
            let expected = whole(&after.replace("BODY", body));
            assert_eq!(merged(&whole(before), &entries), expected, "{before}");
        }
    }

    #[test]
    fn missing_configurations() {
        let entries = [entry("Hello", 5678)];
        let without_version = NEW.replace("    \"version\": \"0.2.0\",\n", "");
        assert_eq!(merged("{}\n", &entries), without_version);
        assert_eq!(merged("{\n    \"version\": \"0.2.0\"\n}\n", &entries), NEW);
        assert_eq!(
            merged("{\n    \"version\": \"0.2.0\", // v\n}\n", &entries),
            NEW.replace("0.2.0\",", "0.2.0\", // v")
                .replace("    ]\n}", "    ],\n}")
        );
        assert_eq!(
            merged(r#"{"version": "0.2.0"}"#, &[entry("Hello", 1)]),
            format!(r#"{{"version": "0.2.0", "configurations": [{COMPACT}]}}"#)
        );
        // Not taken for one: it stands deeper, or in a comment.
        merged(
            "{ \"a\": {\"configurations\": []} /* \"configurations\": [] */ }",
            &entries,
        );
    }

    #[test]
    fn missing_and_wrong_keys_of_an_entry() {
        assert_eq!(
            merged(
                "{\n  \"configurations\": [\n    1, null,\n    {\n      \"name\": \"tether: Hello\", // n\n      \"connect\": 3,\n      \"mine\": [\n        1\n      ] // m\n    }\n  ]\n}",
                &[entry("Hello", 9)]
            ),
            "{\n  \"configurations\": [\n    1, null,\n    {\n      \"name\": \"tether: Hello\", // n\n      \"connect\": {\n        \"host\": \"localhost\",\n        \"port\": 9\n      },\n      \"mine\": [\n        1\n      ], // m\n      \"type\": \"debugpy\",\n      \"request\": \"attach\"\n    }\n  ]\n}"
        );
    }

    #[test]
    fn more_shapes_hold_what_merged_checks() {
        let entries = [entry("He\"llo\\ ü", 1), entry("B", 2)];
        for text in [
            "{\"configurations\":[\n]}",
            "{\"configurations\"\n:\n[\n{}\n,\n{}\n,\n]\n}",
            "{\"configurations\":[{}/* a\nb */]}",
            "{\"configurations\":[{}, // a, b ]\n // c\n ]}",
            "{\"configurations\":[{}, /* , */ /*]*/]}",
            "{\"configurations\":[{} /* , */ , // x\n]}",
            "{\"configurations\": [{\"name\": \"tether: B\", \"connect\": {}}]}",
            "{\"configurations\": [{\"name\": \"tether: B\", \"connect\": {}, \"port\": 3,}],}",
            "{\"configurations\": [{\"name\": \"x\", \"name\": \"tether: B\"}]}",
            "{\"configurations\": 1, \"configurations\": []}",
            "{\"configurations\": [{\"name\": \"tether: \\u0042\", \"type\": null}]}",
            "{\r\n\"configurations\": [\r\n{\r\n\"name\": \"tether: B\"\r\n}\r\n]\r\n}\r\n",
            "{\"configurations\": [ // a\r ]\r}",
        ] {
            merged(text, &entries);
        }
    }

    #[test]
    fn no_entries_no_change() {
        assert_eq!(merged(USERS, &[]), USERS);
        assert_eq!(merged("{}", &[]), "{\n    \"configurations\": []\n}");
    }

    #[test]
    fn of_two_entries_with_one_name_the_later_holds() {
        let twice = [entry("Hello", 1), entry("Hello", 5678)];
        assert_eq!(merge(None, &twice).unwrap(), NEW);
        assert_eq!(merge(Some(NEW), &twice).unwrap(), NEW);
    }

    #[test]
    fn errors_name_the_place_and_what_to_do() {
        let cases = [
            ("{\n  \"configurations\": [\n", (2, 21), "not JSON"),
            ("{\n  \"a\": 1\n  \"b\": 2\n}", (2, 9), "expected comma"),
            ("{\n  'a': 1\n}", (2, 3), "single-quoted"),
            ("{} {}", (1, 4), "more than one"),
            ("\u{feff}// c\r\n  [1]", (2, 3), "an object"),
            ("\"text\"", (1, 1), "an object"),
            ("// nothing\n", (2, 1), "an object"),
            (
                "{\n\t\"ü\": 1, \"configurations\": {}\n}",
                (2, 28),
                "an array",
            ),
            ("{\"configurations\": null}", (1, 20), "an array"),
        ];
        for (text, (line, column), part) in cases {
            let message = merge(Some(text), &[entry("Hello", 1)])
                .unwrap_err()
                .to_string();
            let place = format!("line {line}, column {column}: ");
            assert!(message.starts_with(&place), "{text}: {message}");
            assert!(message.contains(part), "{text}: {message}");
            assert!(message.ends_with("run again"), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
