//! What a change set will do, for people.

use serde::Serialize;

/// What becomes of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// In words.
    pub action: Action,
    /// In the template.
    pub logical_id: String,
    /// `AWS::Lambda::Function`
    pub resource_type: String,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Made.
    Create,
    /// Changed where it is.
    Update,
    /// Made anew, and the old one removed.
    Replace,
    /// Removed.
    Delete,
    /// It is no part of the stack any more, and stays.
    Keep,
}

impl Action {
    /// Reads CloudFormation's words
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>).
    pub(crate) fn read(action: &str, replacement: &str, policy: &str) -> Self {
        match (action, replacement) {
            ("Add" | "Import", _) => Self::Create,
            ("Remove", _) if policy == "Retain" => Self::Keep,
            ("Remove", _) => Self::Delete,
            (_, "True") => Self::Replace,
            _ => Self::Update,
        }
    }

    /// `create`
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// Rows of columns of equal width.
#[must_use]
pub fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|it| width(it).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Sorted, so that like stands by like.
#[must_use]
pub fn rows(changes: &[Change]) -> Vec<[String; 3]> {
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|it| (it.action, &it.resource_type, &it.logical_id));
    let row = |it: &Change| {
        [
            it.action.word().to_owned(),
            it.logical_id.clone(),
            it.resource_type.clone(),
        ]
    };
    sorted.into_iter().map(row).collect()
}

/// `3.2 MB`
#[must_use]
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10).saturating_add(unit / 2) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", tenths(1_000)),
        _ => format!("{} MB", tenths(1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloudformations_words_are_read() {
        let read = Action::read;
        assert_eq!(read("Add", "", ""), Action::Create);
        assert_eq!(read("Modify", "False", ""), Action::Update);
        assert_eq!(read("Modify", "Conditional", ""), Action::Update);
        assert_eq!(read("Modify", "True", ""), Action::Replace);
        assert_eq!(read("Remove", "", "Delete"), Action::Delete);
        assert_eq!(read("Remove", "", "Retain"), Action::Keep);
    }

    #[test]
    fn changes_are_a_table() {
        let change = |action, id: &str, kind: &str| Change {
            action,
            logical_id: id.into(),
            resource_type: kind.into(),
        };
        let changes = [
            change(Action::Keep, "OldLayer", "AWS::Lambda::LayerVersion"),
            change(Action::Create, "Layer", "AWS::Lambda::LayerVersion"),
        ];
        assert_eq!(
            table(&rows(&changes)),
            [
                "create  Layer     AWS::Lambda::LayerVersion",
                "keep    OldLayer  AWS::Lambda::LayerVersion",
            ]
        );
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [999, 1_000, 3_249_999, 3_250_000].map(size);
        assert_eq!(sizes, ["999 bytes", "1.0 KB", "3.2 MB", "3.3 MB"]);
    }
}
