//! What starts tether by F5: a task, and what waits for it.
//!
//! A task is in another file, `.vscode/tasks.json`. It stays in the background:
//! the editor connects its debuggers when a line says that tether serves.

use super::{Entry, List};
use serde_json::{Value, json};

/// A task that starts tether.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// What entries name it by.
    pub(crate) label: String,
    /// The arguments of `tether`.
    pub(crate) arguments: Vec<String>,
    /// An expression that finds the line which says that debuggers can connect.
    pub(crate) ready: &'static str,
}

/// Asked for by the editor each time, where no flag told it.
pub(crate) const STACK_NAME: &str = "tetherStackName";

impl Task {
    fn to_value(&self) -> Value {
        json!({
            "label": self.label,
            "type": "process",
            "command": "tether",
            "args": self.arguments,
            "isBackground": true,
            "problemMatcher": {
                "owner": "tether",
                "fileLocation": ["autoDetect", "${workspaceFolder}"],
                "pattern": {
                    "regexp": "^error: ([^:\\s]+):(\\d+):(\\d+): (.*)$",
                    "file": 1, "line": 2, "column": 3, "message": 4,
                },
                "background": {
                    "activeOnStart": true,
                    "beginsPattern": "^… ",
                    "endsPattern": self.ready,
                },
            },
        })
    }
}

/// The lists of a tasks.json that these need.
pub(crate) fn tasks(tasks: &[Task]) -> Vec<List> {
    let asks = |it: &String| it.contains(&format!("${{input:{STACK_NAME}}}"));
    let mut lists = vec![List {
        key: "tasks",
        identity: "label",
        values: tasks.iter().map(Task::to_value).collect(),
    }];
    if tasks.iter().any(|it| it.arguments.iter().any(asks)) {
        lists.push(List {
            key: "inputs",
            identity: "id",
            values: vec![json!({
                "id": STACK_NAME,
                "type": "promptString",
                "description": "The deployed stack that tether attaches to",
            })],
        });
    }
    lists
}

/// Every function's entry at once, behind the task that starts tether. It ends
/// the sessions together, and not tether: its terminal does.
pub(crate) fn compound(name: &str, task: Option<&Task>, entries: &[Entry]) -> Value {
    let names: Vec<String> = entries.iter().map(Entry::name).collect();
    let mut compound = json!({ "name": name, "configurations": names, "stopAll": true });
    if let Some(task) = task {
        compound["preLaunchTask"] = json!(task.label);
    }
    compound
}
