//! YAML or JSON text to a tree with positions.
//!
//! JSON is read by the YAML parser, being a subset of it but for one thing: characters beyond the
//! basic plane are escaped as two surrogates, which YAML refuses. They are rewritten before parsing,
//! so a column behind one on the same line is two too small.

use crate::problem::{Position, Problems, Report, Reported};
use crate::scalar;
use crate::tags::{self, Meaning};
use crate::tree::{Member, Members, Node, Tree};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Deeper than any template; keeps recursion off the end of the stack.
const DEPTH: usize = 100;
/// More nodes than any template of a megabyte has (the service's limit for a template): aliases
/// of aliases grow without bound.
const NODES: usize = 1_000_000;

/// The one document of `text`, or everything that is wrong with its form.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, Problems> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let json = start.starts_with('{');
    let text = if json {
        joined_surrogates(text)
    } else {
        Cow::Borrowed(text)
    };
    let mut builder = Builder {
        parser: Parser::new_from_str(&text),
        report: Report::new(file),
        anchors: BTreeMap::new(),
        nodes: 0,
        json,
    };
    let root = builder.document();
    let start = Position { line: 1, column: 1 };
    let empty = Node::new(start, Tree::Null);
    builder.report.finish(root.unwrap_or(empty))
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    report: Report,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    json: bool,
}

impl<'t> Builder<'t> {
    fn document(&mut self) -> Result<Node, Reported> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    let message = "a second document begins here; a template is one document.";
                    return Err(self.wrong(span.start, message));
                }
                Event::DocumentStart(_) => {}
                other => root = Some(self.node(other, span, 0)?),
            }
        }
        root.ok_or_else(|| {
            let message = "the template is empty; it needs at least a Resources section.";
            self.report.section(None, "", message)
        })
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Reported> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn syntax(&mut self, error: &ScanError) -> Reported {
        let info = error.info();
        let language = if self.json { "JSON" } else { "YAML" };
        let message = if info.contains("tab") && !self.json {
            "a tab is used for indentation; YAML allows only spaces there.".to_owned()
        } else {
            format!("this is not valid {language}: {info}.")
        };
        self.wrong(*error.marker(), &message)
    }

    fn wrong(&mut self, marker: Marker, message: &str) -> Reported {
        self.report.section(Some(position(marker)), "", message)
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Reported> {
        self.nodes += 1;
        if depth > DEPTH || self.nodes > NODES {
            let message = "the template is nested too deep or expands too far (aliases of \
                           aliases?); it must be made flatter.";
            return Err(self.wrong(span.start, message));
        }
        let start = position(span.start);
        let (anchor, tag, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tree = self.scalar(&text, style, tag.as_deref());
                (anchor, tag, Node::new(start, tree))
            }
            Event::SequenceStart(anchor, tag) => {
                let tree = self.sequence(depth)?;
                (anchor, tag, Node::new(start, tree))
            }
            Event::MappingStart(anchor, tag) => {
                let tree = self.mapping(depth)?;
                (anchor, tag, Node::new(start, tree))
            }
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            _ => return Err(self.wrong(span.start, "a value was expected here.")),
        };
        let node = self.tagged(node, tag.as_deref());
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Tree {
        let typed = match tag.map(tags::meaning) {
            None | Some(Meaning::Unknown(_)) => style == ScalarStyle::Plain,
            Some(Meaning::Plain) => true,
            Some(Meaning::Function(_) | Meaning::Text) => false,
        };
        if typed {
            scalar::plain(text, self.json)
        } else {
            Tree::Text(text.to_owned())
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<Tree, Reported> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Tree::List(items));
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Tree, Reported> {
        let mut members = Members::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.key(event, span)?;
            let (event, below) = self.next()?;
            let value = self.node(event, below, depth + 1)?;
            match key {
                Key::Merge => merged.push(value),
                Key::Name(name) => self.insert(&mut members, name, span.start, value),
            }
        }
        for value in merged {
            self.merge(&mut members, value);
        }
        Ok(Tree::Map(members))
    }

    fn key(&mut self, event: Event<'t>, span: Span) -> Result<Key, Reported> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let merge = text == "<<" && style == ScalarStyle::Plain && tag.is_none();
                if anchor > 0 {
                    let node = Node::text(position(span.start), &text);
                    self.anchors.insert(anchor, node);
                }
                Ok(if merge {
                    Key::Merge
                } else {
                    Key::Name(text.into_owned())
                })
            }
            Event::Alias(anchor) => match self.alias(anchor, span, 0)?.scalar() {
                Some(text) => Ok(Key::Name(text)),
                None => Err(self.wrong(span.start, "a key must be text.")),
            },
            _ => Err(self.wrong(span.start, "a key must be text, not a list or a map.")),
        }
    }

    fn insert(&mut self, members: &mut Members, name: String, at: Marker, value: Node) {
        let key = position(at);
        if let Some(first) = members.get(&name) {
            let line = first.key.line;
            let message = format!(
                "the key {name} stands twice in this map, on lines {line} and {}; remove one.",
                key.line
            );
            self.wrong(at, &message);
            return;
        }
        members.insert(name, Member { key, value });
    }

    /// YAML's merge key: what the map does not say itself comes from the others, earlier ones first.
    fn merge(&mut self, members: &mut Members, value: Node) {
        let at = value.position;
        let sources = match value.tree {
            Tree::List(items) => items,
            _ => vec![value],
        };
        for source in sources {
            let Tree::Map(other) = source.tree else {
                let message = "<< must be given a map or a list of maps.";
                self.report.section(Some(at), "", message);
                return;
            };
            for (name, member) in other {
                members.entry(name).or_insert(member);
            }
        }
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Result<Node, Reported> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let message = "this alias stands inside the value that it names, which has no end.";
            return Err(self.wrong(span.start, message));
        };
        self.nodes += node.size();
        if self.nodes > NODES || depth + node.depth() > DEPTH {
            let message = "aliases of aliases expand to more than a template may hold.";
            return Err(self.wrong(span.start, message));
        }
        Ok(node)
    }

    fn tagged(&mut self, node: Node, tag: Option<&Tag>) -> Node {
        match tag.map(tags::meaning) {
            Some(Meaning::Function(function)) => tags::long_form(node.position, function, node),
            Some(Meaning::Unknown(message)) => {
                self.report.section(Some(node.position), "", message);
                node
            }
            Some(Meaning::Text | Meaning::Plain) | None => node,
        }
    }
}

enum Key {
    Merge,
    Name(String),
}

/// The parser counts columns from 0.
fn position(marker: Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

/// JSON's `\ud83d\ude00` as YAML's `\U0001f600`.
fn joined_surrogates(text: &str) -> Cow<'_, str> {
    let mut output = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        output.push_str(before);
        let (written, length) = match surrogates(escape) {
            Some(code) => (format!("\\U{code:08x}"), 12),
            // A backslash and what it escapes, so that `\\ud83d` is left alone.
            None => {
                let length = escape.chars().take(2).map(char::len_utf8).sum();
                (escape.get(..length).unwrap_or_default().to_owned(), length)
            }
        };
        output.push_str(&written);
        rest = escape.get(length..).unwrap_or_default();
    }
    if output.is_empty() {
        return Cow::Borrowed(text);
    }
    output.push_str(rest);
    Cow::Owned(output)
}

/// The code point if `text` begins with an escaped pair of surrogates.
fn surrogates(text: &str) -> Option<u32> {
    let unit = |from: usize| {
        let escape = text.get(from..from + 6)?;
        let digits = escape.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let (high, low) = (unit(0)?, unit(6)?);
    let pair = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
    pair.then(|| 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
