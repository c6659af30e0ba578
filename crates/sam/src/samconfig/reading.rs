//! TOML as a tree with positions.

use crate::problem::{Position, Problems, Report};
use crate::tree::{Member, Members, Node, Tree};
use serde_json::Number;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a document.
pub(super) fn toml(file: &str, text: &str) -> Result<Node, Problems> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut report = Report::new(file);
    let lines = Lines::of(text);
    for error in errors {
        let place = error.span().map_or(0, |span| span.start);
        let message = error.message().replace('\n', ", ");
        let message = format!("this is not valid TOML: {message}.");
        report.section(Some(lines.position(place)), "", message);
    }
    let position = Position { line: 1, column: 1 };
    let root = Node::new(position, lines.table(document.get_ref()));
    report.finish(root)
}

struct Lines<'t> {
    text: &'t str,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// As editors count.
    fn position(&self, place: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= place);
        let start = line.checked_sub(1).and_then(|it| self.starts.get(it));
        let before = self.text.get(start.copied().unwrap_or(0)..place);
        Position {
            line,
            column: before.unwrap_or_default().chars().count() + 1,
        }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let tree = match value.get_ref() {
            DeValue::String(text) => Tree::Text(text.to_string()),
            DeValue::Integer(number) => {
                let digits = number.as_str().replace('_', "");
                let number = i64::from_str_radix(&digits, number.radix());
                number.map_or(Tree::Text(digits), |it| Tree::Number(it.into()))
            }
            DeValue::Float(number) => {
                let digits = number.as_str().replace('_', "");
                let number = digits.parse().ok().and_then(Number::from_f64);
                number.map_or(Tree::Text(digits), Tree::Number)
            }
            DeValue::Boolean(bool) => Tree::Bool(*bool),
            DeValue::Datetime(time) => Tree::Text(time.to_string()),
            DeValue::Array(items) => Tree::List(items.iter().map(|it| self.node(it)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Node::new(self.position(value.span().start), tree)
    }

    fn table(&self, table: &DeTable<'_>) -> Tree {
        let members = table.iter().map(|(key, value)| {
            let member = Member {
                key: self.position(key.span().start),
                value: self.node(value),
            };
            (key.get_ref().to_string(), member)
        });
        Tree::Map(members.collect::<Members>())
    }
}
