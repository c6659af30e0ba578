//! Collects the edits that bring our values into a text.

use super::jsonc;
use super::layout::*;
use jsonc_parser::ast;
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::parse_to_serde_value;
use serde_json::{Map, Value};

/// What identifies the elements of a list of ours: such a list is merged by
/// element, so that what the user added to it stays. Others are replaced.
pub(super) fn identity(list: &str) -> Option<&'static str> {
    match list {
        "pathMappings" => Some("remoteRoot"),
        _ => None,
    }
}

/// The entries that a compound starts: the user's own among them stay.
const NAMES: &str = "configurations";

/// A piece of the text and what takes its place.
pub(super) struct Edit {
    pub(super) range: Range,
    pub(super) text: String,
}

/// Collects the edits that bring our values into a text.
pub(super) struct Merger<'t> {
    pub(super) text: &'t str,
    pub(super) writer: Writer<'t>,
    pub(super) edits: Vec<Edit>,
}

impl<'t> Merger<'t> {
    pub(super) fn new(text: &'t str, root: &ast::Object<'_>) -> Self {
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
    pub(super) fn finish(mut self) -> String {
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

    pub(super) fn edit(&mut self, start: usize, end: usize, text: String) {
        let range = Range::new(start, end);
        self.edits.push(Edit { range, text });
    }

    /// Updates those elements of a list of objects that have the `id` of one of
    /// ours, and appends the rest.
    pub(super) fn list(&mut self, theirs: &ast::Array<'_>, ours: &[Value], id: &str) {
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

    /// Appends those of our names that a list has not.
    fn names(&mut self, theirs: &ast::Array<'_>, ours: &[Value]) {
        let has = |our: &&Value| theirs.elements.iter().any(|it| self.is(it.range(), our));
        let new: Vec<&Value> = ours.iter().filter(|our| !has(our)).collect();
        self.append_elements(theirs, &new);
    }

    /// Gives an object our values, and leaves its other keys.
    pub(super) fn object(&mut self, theirs: &ast::Object<'_>, ours: &Map<String, Value>) {
        let mut new = Vec::new();
        for (key, our) in ours {
            match last_property(theirs, key) {
                Some(property) => self.update(theirs, property, key, our),
                None => new.push((key.as_str(), our)),
            }
        }
        self.insert_properties(theirs, &new);
    }

    pub(super) fn update(
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
            (ast::Value::Array(theirs), Value::Array(our), None) if key == NAMES => {
                self.names(theirs, our);
            }
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
    pub(super) fn is(&self, range: Range, our: &Value) -> bool {
        let text = slice(self.text, range.start, range.end);
        parse_to_serde_value::<Value>(text, &jsonc()).is_ok_and(|theirs| theirs == *our)
    }

    pub(super) fn append_elements(&mut self, list: &ast::Array<'_>, values: &[&Value]) {
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

    pub(super) fn insert_properties(
        &mut self,
        object: &ast::Object<'_>,
        properties: &[(&str, &Value)],
    ) {
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
    pub(super) fn insert(&mut self, span: &Span, items: Vec<String>) {
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
