//! Which package of a Go module is a function's.

use crate::starter::{Source, StartError, tool};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A function's package.
#[derive(Debug)]
pub(super) struct Module {
    /// The folder of `go.mod`, or of the code.
    pub(super) root: PathBuf,
    pub(super) code: PathBuf,
    /// Seen from the code's folder: `.`, `./cmd/orders`.
    pub(super) package: OsString,
}

impl Module {
    /// The `package main` in the code's folder, else the one below it that the
    /// handler names (`orders`, `cmd/orders`), else the only one of `cmd`.
    pub(super) fn find(source: &Source) -> Result<Self, StartError> {
        let code = &source.code;
        let commands = commands(code);
        let only = match commands.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        };
        let named = [source.handler.clone(), format!("cmd/{}", source.handler)];
        let named = named.iter().map(String::as_str);
        let found = std::iter::once(".")
            .chain(named.filter(|it| !it.is_empty()))
            .chain(only)
            .find(|it| is_main(&code.join(it)));
        let Some(package) = found else {
            return Err(StartError::Project {
                function: source.name.clone(),
                project: code.clone(),
                reason: match commands.is_empty() {
                    true => "it has no `package main`".to_owned(),
                    false => format!("it has several commands: {}", commands.join(", ")),
                },
                remedy: "let the function's CodeUri be the folder of its `package main`",
            });
        };
        Ok(Self {
            root: tool::nearest(code, &["go.mod"]).unwrap_or_else(|| code.clone()),
            code: code.clone(),
            package: match package {
                "." => ".".into(),
                below => format!("./{below}").into(),
            },
        })
    }
}

/// The folders below `cmd` that are programs.
fn commands(code: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(code.join("cmd")).into_iter().flatten();
    let mut names: Vec<_> = entries
        .flatten()
        .filter(|it| is_main(&it.path()))
        .map(|it| format!("cmd/{}", it.file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}

pub(super) fn has_go_files(folder: &Path) -> bool {
    go_files(folder).next().is_some()
}

fn go_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|it| it.path()).filter(|it| {
        let name = it.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".go") && !name.ends_with("_test.go")
    })
}

fn is_main(folder: &Path) -> bool {
    go_files(folder).any(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        lines.any(|it| it.strip_prefix("package main").is_some_and(is_end))
    })
}

/// Of a word, for the parser: the line's end, or a comment.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([' ', '\t', ';', '/'])
}

/// What `go mod edit -json` says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mod {
    #[serde(default)]
    replace: Option<Vec<Replacement>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replacement {
    new: Replaced,
}

/// A path without a version is a folder.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replaced {
    path: String,
    #[serde(default)]
    version: Option<String>,
}

/// What `go work edit -json` says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Work {
    #[serde(default, rename = "Use")]
    uses: Option<Vec<Used>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Used {
    disk_path: String,
}

/// The folders that a module's `replace` lines name.
pub(super) fn replaced(json: &str, root: &Path) -> Vec<PathBuf> {
    let module = serde_json::from_str::<Mod>(json).ok();
    let all = module.and_then(|it| it.replace).unwrap_or_default();
    let folders = all.into_iter().filter(|it| it.new.version.is_none());
    folders.map(|it| root.join(it.new.path)).collect()
}

/// The modules of a workspace.
pub(super) fn used(json: &str, folder: &Path) -> Vec<PathBuf> {
    let work = serde_json::from_str::<Work>(json).ok();
    let all = work.and_then(|it| it.uses).unwrap_or_default();
    all.into_iter()
        .map(|it| folder.join(it.disk_path))
        .collect()
}

/// Without those that stand in another one.
pub(super) fn outermost(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let real: Vec<_> = folders
        .iter()
        .filter_map(|it| it.canonicalize().ok())
        .collect();
    let mut outermost: Vec<PathBuf> = Vec::new();
    for folder in &real {
        let inside = |other: &PathBuf| folder.starts_with(other) && folder != other;
        if !real.iter().any(inside) && !outermost.contains(folder) {
            outermost.push(folder.clone());
        }
    }
    outermost
}
