//! What was measured: a table for people, one object for programs.

use crate::figures::Times;
use serde_json::{Map, Value, json};

/// Whether a budget is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    Yes,
    No,
    /// Nothing was asked for.
    NoBudget,
    /// It could not be measured here.
    Unknown,
}

impl Met {
    pub(crate) fn when(met: bool) -> Self {
        if met { Self::Yes } else { Self::No }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "NO",
            Self::NoBudget => "",
            Self::Unknown => "?",
        }
    }

    fn to_json(self) -> Value {
        match self {
            Self::Yes => json!(true),
            Self::No => json!(false),
            Self::NoBudget | Self::Unknown => Value::Null,
        }
    }
}

#[derive(Debug)]
struct Row {
    what: String,
    budget: String,
    measured: String,
    met: Met,
    predecessor: &'static str,
}

/// What the last column stands on.
const PREDECESSOR: &str =
    "PLLDB: version 0.1.3, its real code over stand-ins for AWS, on another machine of two cores.";

/// Everything that the parts found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    details: Vec<String>,
    figures: Map<String, Value>,
    failures: Vec<String>,
}

impl Report {
    /// A line of the table.
    pub(crate) fn row(&mut self, what: &str, budget: &str, measured: impl Into<String>, met: Met) {
        self.rows.push(Row {
            what: what.to_owned(),
            budget: budget.to_owned(),
            measured: measured.into(),
            met,
            predecessor: "",
        });
    }

    /// What the predecessor had for the last line.
    pub(crate) fn predecessor(&mut self, had: &'static str) {
        if let Some(row) = self.rows.last_mut() {
            row.predecessor = had;
        }
    }

    /// A line below the table.
    pub(crate) fn detail(&mut self, line: impl Into<String>) {
        self.details.push(line.into());
    }

    /// A distribution: a line below the table, and a figure for programs.
    pub(crate) fn times(&mut self, name: &str, times: &Times) {
        self.details.push(format!("{name}: {}", times.line()));
        self.figures.insert(name.to_owned(), times.to_json());
    }

    /// A figure for programs alone.
    pub(crate) fn figure(&mut self, name: &str, value: Value) {
        self.figures.insert(name.to_owned(), value);
    }

    /// Something is not as it must be: the bench ends with an error.
    pub(crate) fn failure(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    pub(crate) fn to_json(&self, machine: &str) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "what": row.what,
                    "budget": row.budget,
                    "measured": row.measured,
                    "met": row.met.to_json(),
                    "predecessor": row.predecessor,
                })
            })
            .collect();
        json!({
            "machine": machine,
            "rows": rows,
            "figures": self.figures,
            "details": self.details,
            "failures": self.failures,
        })
    }

    /// Markdown, aligned, so that it can be read here and pasted elsewhere.
    pub(crate) fn to_text(&self, machine: &str) -> String {
        let mut text = table(&self.rows);
        text.push_str(&format!("\n{machine}\n{PREDECESSOR}\n"));
        if !self.details.is_empty() {
            text.push_str("\nDetails\n");
        }
        for line in &self.details {
            text.push_str(&format!("- {line}\n"));
        }
        for line in &self.failures {
            text.push_str(&format!("FAILED: {line}\n"));
        }
        text
    }
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![["what", "budget", "measured", "met", "PLLDB"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        [
            row.what.clone(),
            row.budget.clone(),
            row.measured.clone(),
            row.met.word().to_owned(),
            row.predecessor.to_owned(),
        ]
    }));
    let width = |column: usize| {
        let all = lines.iter().map(|line| line[column].chars().count());
        all.max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if number == 0 {
            let rules = widths.map(|width| "-".repeat(width));
            text.push_str(&format!("| {} |\n", rules.join(" | ")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_markdown_with_straight_columns() {
        let mut report = Report::default();
        report.row("a thing", "≤ 10 ms", "9.1 ms", Met::when(true));
        report.predecessor("90 ms");
        report.row("another", "", "7", Met::NoBudget);
        let text = report.to_text("2 cores");
        let lines: Vec<&str> = text.lines().take(4).collect();
        assert_eq!(lines[0], "| what    | budget  | measured | met | PLLDB |");
        assert_eq!(lines[1], "| ------- | ------- | -------- | --- | ----- |");
        assert_eq!(lines[2], "| a thing | ≤ 10 ms | 9.1 ms   | yes | 90 ms |");
        assert_eq!(lines[3], "| another |         | 7        |     |       |");
    }
}
