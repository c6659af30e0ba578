//! From the file's text to settings, or to everything that is wrong with it.

mod websocket;

use super::{CommandLine, FunctionSettings, Settings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tether_apigw::websocket::rules::Rules;
use tether_host::DebuggerKind;
use tether_protocol::Secret;
use tether_sam::{Position, Problem, Problems, did_you_mean};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What stands at the top of the file.
const SECTIONS: [&str; 3] = ["defaults", "functions", "websocket"];

/// What a function may have.
const KEYS: [&str; 7] = [
    "command",
    "build",
    "debugger",
    "watch",
    "ignore",
    "environment",
    "inherit",
];

/// What may debug a command's process.
const DEBUGGERS: [DebuggerKind; 5] = [
    DebuggerKind::Debugpy,
    DebuggerKind::Node,
    DebuggerKind::Native,
    DebuggerKind::Delve,
    DebuggerKind::Jdwp,
];

type Value<'a> = Spanned<DeValue<'a>>;

pub(super) fn read(path: &Path, text: &str, functions: &[&str]) -> Result<Settings, Problems> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        path,
        text,
        problems: Vec::new(),
    };
    for error in errors {
        let place = error.span().map_or(0, |span| span.start);
        reader.complain(place, "", error.message().replace('\n', ", "));
    }
    let settings = reader.settings(document.get_ref(), functions);
    let mut problems = reader.problems;
    problems.sort_by_key(|it| it.position);
    match problems.is_empty() {
        true => Ok(settings),
        false => Err(Problems(problems)),
    }
}

/// Rules of WebSocket messages alone: whoever wants them does not know functions.
pub(super) fn read_rules(path: &Path, text: &str) -> Result<Rules, Problems> {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        path,
        text,
        problems: Vec::new(),
    };
    let section = document.get_ref().get("websocket");
    let rules = section.map(|it| reader.websocket(it)).unwrap_or_default();
    let mut problems = reader.problems;
    problems.sort_by_key(|it| it.position);
    match problems.is_empty() {
        true => Ok(rules),
        false => Err(Problems(problems)),
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn settings(&mut self, document: &DeTable<'_>, functions: &[&str]) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in document {
            match key.get_ref().as_ref() {
                "defaults" => settings.defaults = self.function("defaults", value),
                "functions" => settings.functions = self.functions(value, functions),
                "websocket" => settings.websocket = self.websocket(value),
                other => {
                    let hint = match functions.contains(&other) {
                        true => format!(" Write [functions.{other}]."),
                        false => did_you_mean(other, SECTIONS),
                    };
                    let message =
                        format!("only [defaults], [functions.…] and [websocket] stand here.{hint}");
                    self.complain(key.span().start, other, message);
                }
            }
        }
        settings
    }

    fn functions(
        &mut self,
        value: &Value<'_>,
        known: &[&str],
    ) -> BTreeMap<String, FunctionSettings> {
        let mut all = BTreeMap::new();
        let DeValue::Table(table) = value.get_ref() else {
            let message = "write [functions.LOGICAL_ID], and its settings below it";
            self.wrong(value, "functions", message);
            return all;
        };
        for (key, value) in table {
            let id = key.get_ref().as_ref();
            let path = format!("functions.{id}");
            if !known.contains(&id) {
                let hint = did_you_mean(id, known.iter().copied());
                let message = format!(
                    "the template has no such function, but {}.{hint}",
                    known.join(", ")
                );
                self.complain(key.span().start, &path, message);
            }
            let settings = self.function(&path, value);
            all.insert(id.to_owned(), settings);
        }
        all
    }

    fn function(&mut self, path: &str, value: &Value<'_>) -> FunctionSettings {
        let mut settings = FunctionSettings::default();
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(
                value,
                path,
                &format!("write [{path}], and settings below it"),
            );
            return settings;
        };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = format!("{path}.{name}");
            match name {
                "command" => settings.command = self.command(&path, value),
                "build" => settings.build = self.command(&path, value),
                "debugger" => settings.debugger = self.debugger(&path, value),
                "watch" => settings.watch = self.folders(&path, value),
                "ignore" => settings.ignore = self.texts(&path, value),
                "environment" => {
                    settings.environment = Secret::new(self.variables(&path, value));
                }
                "inherit" => settings.inherit = self.texts(&path, value),
                other => {
                    let hint = did_you_mean(other, KEYS);
                    let message =
                        format!("there is no such setting, but {}.{hint}", KEYS.join(", "));
                    self.complain(key.span().start, &path, message);
                }
            }
        }
        settings
    }

    fn command(&mut self, path: &str, value: &Value<'_>) -> Option<CommandLine> {
        let command = match value.get_ref() {
            DeValue::String(text) => CommandLine::Shell(text.trim().to_owned()),
            DeValue::Array(_) => CommandLine::Words(self.texts(path, value)),
            _ => {
                let write = "write a list ([\"node\", \"server.js\"]) or a string for the shell";
                self.wrong(value, path, write);
                return None;
            }
        };
        let program = match &command {
            CommandLine::Shell(text) => Some(text),
            CommandLine::Words(words) => words.first(),
        };
        if program.is_none_or(|it| it.trim().is_empty()) {
            self.complain(value.span().start, path, "it names no program");
            return None;
        }
        Some(command)
    }

    fn debugger(&mut self, path: &str, value: &Value<'_>) -> Option<DebuggerKind> {
        let names = DEBUGGERS.map(DebuggerKind::name);
        let write = format!("write one of {}", names.join(", "));
        let DeValue::String(text) = value.get_ref() else {
            self.wrong(value, path, &write);
            return None;
        };
        let found = DEBUGGERS.into_iter().find(|it| it.name() == text);
        if found.is_none() {
            let hint = did_you_mean(text, names);
            let message = format!("{text} is no debugger that is known: {write}.{hint}");
            self.complain(value.span().start, path, message);
        }
        found
    }

    fn folders(&mut self, path: &str, value: &Value<'_>) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        let root = std::path::absolute(self.path).unwrap_or_else(|_| self.path.to_path_buf());
        let root = root.parent().unwrap_or(Path::new("."));
        for (place, text) in self.placed_texts(path, value) {
            let folder = root.join(&text);
            match folder.canonicalize() {
                Ok(folder) if folder.is_dir() => folders.push(folder),
                _ => {
                    let message = format!("{} is no folder", folder.display());
                    self.complain(place, path, message);
                }
            }
        }
        folders
    }

    fn texts(&mut self, path: &str, value: &Value<'_>) -> Vec<String> {
        let placed = self.placed_texts(path, value);
        placed.into_iter().map(|(_, text)| text).collect()
    }

    fn placed_texts(&mut self, path: &str, value: &Value<'_>) -> Vec<(usize, String)> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, path, "write a list of strings");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => texts.push((item.span().start, text.to_string())),
                _ => self.wrong(item, path, "write a string"),
            }
        }
        texts
    }

    fn variables(&mut self, path: &str, value: &Value<'_>) -> BTreeMap<String, String> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(value, path, "write NAME = \"value\" for each variable");
            return BTreeMap::new();
        };
        let mut variables = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = format!("{path}.{name}");
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = "no variable has such a name: leave out = and the character 0";
                self.complain(key.span().start, &path, message);
            }
            match value.get_ref() {
                DeValue::String(text) if text.contains('\0') => {
                    let message = "no variable holds the character 0: leave it out";
                    self.complain(value.span().start, &path, message);
                }
                DeValue::String(text) => {
                    variables.insert(name.to_owned(), text.to_string());
                }
                _ => self.wrong(value, &path, "write a string"),
            }
        }
        variables
    }

    fn wrong(&mut self, value: &Value<'_>, path: &str, write: &str) {
        let message = format!("it is {}: {write}", kind(value.get_ref()));
        self.complain(value.span().start, path, message);
    }

    fn complain(&mut self, place: usize, path: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            file: self.path.display().to_string(),
            position: Some(position(self.text, place)),
            resource: None,
            property: (!path.is_empty()).then(|| path.to_owned()),
            message: message.into(),
        });
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// As editors count.
fn position(text: &str, place: usize) -> Position {
    let before = text.get(..place).unwrap_or(text);
    let line = before.rsplit_once('\n').map_or(before, |(_, last)| last);
    Position {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
    }
}
