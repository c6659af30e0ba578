//! How a text is laid out: where its brackets, lines and indents are.

use jsonc_parser::ast;
use jsonc_parser::common::{Range, Ranged};
use serde_json::Value;

use super::DEFAULT_INDENT;

/// A pair of brackets with its children, as far as appending to it needs.
pub(super) struct Span {
    /// Where the closing bracket stands.
    pub(super) close: usize,
    /// Where the last child ends.
    pub(super) last_child: Option<usize>,
    /// What follows the last child, or the opening bracket of an empty pair.
    pub(super) tail: Tail,
    /// Whether children start on lines of their own.
    pub(super) lines: bool,
    /// The indentation of children.
    pub(super) indent: String,
    /// The indentation of the line that opens the pair.
    pub(super) outer_indent: String,
}

impl Span {
    pub(super) fn new(text: &str, writer: &Writer<'_>, range: Range, children: &[Range]) -> Self {
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
pub(super) struct Tail {
    /// Where the trailing comma stands.
    pub(super) comma: Option<usize>,
    /// Where the line of the last child, or of its comma, ends: after the
    /// comments that belong to it, before those on lines of their own.
    pub(super) line_end: usize,
    /// Where the last comment or comma ends.
    pub(super) end: usize,
}

impl Tail {
    pub(super) fn scan(text: &str, from: usize, to: usize) -> Self {
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
pub(super) fn token_length(rest: &str) -> usize {
    if rest.starts_with("//") {
        rest.find(['\n', '\r']).unwrap_or(rest.len())
    } else if let Some(body) = rest.strip_prefix("/*") {
        body.find("*/").map_or(rest.len(), |end| end + 4)
    } else {
        rest.chars().next().map_or(1, char::len_utf8)
    }
}

/// How a value is laid out.
pub(super) enum Layout {
    /// Over several lines; the indentation of the line it starts on.
    Lines(String),
    /// On one line, with or without blanks inside of braces.
    Line(bool),
}

/// Writes values in the manner of a file.
pub(super) struct Writer<'t> {
    pub(super) newline: &'static str,
    pub(super) unit: &'t str,
}

impl Writer<'_> {
    pub(super) fn value(&self, value: &Value, layout: &Layout) -> String {
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

    pub(super) fn property(&self, key: &str, value: &Value, layout: &Layout) -> String {
        format!("{}: {}", Value::from(key), self.value(value, layout))
    }

    pub(super) fn wrap(
        &self,
        (open, close): (char, char),
        items: Vec<String>,
        layout: &Layout,
    ) -> String {
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
pub(super) fn last_property<'o, 't>(
    object: &'o ast::Object<'t>,
    key: &str,
) -> Option<&'o ast::ObjectProp<'t>> {
    let mut properties = object.properties.iter().rev();
    properties.find(|property| property.name.as_str() == key)
}

/// The file's line ending: the first one.
pub(super) fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// One step of the file's indentation: what the first key of the root stands
/// deeper than the root.
pub(super) fn unit_of<'t>(text: &'t str, root: &ast::Object<'_>) -> &'t str {
    let unit = root.properties.first().and_then(|first| {
        let apart = has_newline(slice(text, root.start(), first.start()));
        let indent = line_indent(text, first.start());
        let unit = indent.strip_prefix(line_indent(text, root.start()))?;
        (apart && !unit.is_empty()).then_some(unit)
    });
    unit.unwrap_or(DEFAULT_INDENT)
}

/// Where the line that holds `at` starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    slice(text, 0, at)
        .rfind(['\n', '\r'])
        .map_or(0, |newline| newline + 1)
}

/// The blanks that the line of `at` starts with.
pub(super) fn line_indent(text: &str, at: usize) -> &str {
    let line = slice(text, line_start(text, at), at);
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    slice(line, 0, length)
}

/// Whether the writer put a blank after the brace that opens at `start`.
pub(super) fn is_padded(text: &str, start: usize) -> bool {
    text.get(start + 1..)
        .is_some_and(|rest| rest.starts_with(' '))
}

pub(super) fn has_newline(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

/// A piece of the text. Positions come from the parser of that very text, so
/// they always fit; if they ever did not, nothing would be worth a panic.
pub(super) fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Line and column of a position, counted from 1, as the parser counts them.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let start = line_start(text, at);
    let before = slice(text, 0, start);
    let lines = before.matches(['\n', '\r']).count() - before.matches("\r\n").count();
    (lines + 1, slice(text, start, at).chars().count() + 1)
}

/// The parser's message, for the middle of a sentence.
pub(super) fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}
