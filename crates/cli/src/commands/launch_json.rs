//! `tether launch-json`

use crate::args::{Editor, LaunchJson};
use crate::jetbrains::Configuration;
use crate::launch_json::{DebuggerKind, Entry, STACK_NAME, Task, compound, merge, merge_tasks};
use crate::output::Output;
use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tether_host::{Clients, DebuggerKind as Listens, Source, Starter};
use tether_project::Debugging;
use tether_project::Place;
use tether_runtime_api::runtimes::Language;

/// What starts tether by F5, and attaches to every function.
const ATTACH: &str = "tether: attach";
/// What starts tether by F5, and serves the template.
const LOCAL: &str = "tether: local";

/// A file, and the names in it that are ours.
type Written<'a> = (&'a Path, Vec<String>);

pub(crate) async fn run(typed: &LaunchJson, output: &Output) -> Result<ExitCode> {
    let entries = entries(typed, output).await?;
    match typed.editor {
        Editor::Vscode => vscode(typed, &entries, output)?,
        Editor::Jetbrains => jetbrains(typed, &entries, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One for each function that can be debugged here.
async fn entries(typed: &LaunchJson, output: &Output) -> Result<Vec<Entry>> {
    let copies = tether_project::load(&typed.template, &Place::in_region(None))?;
    let debugging = Debugging {
        host: "127.0.0.1".to_owned(),
        first_port: typed.debug_port,
        ..Debugging::default()
    };
    let clients = Arc::new(Clients::write()?);
    let mut entries = Vec::new();
    for (index, (function, code)) in copies.functions.iter().enumerate() {
        let found = match code {
            Ok(code) => kind(&code.source, &clients)
                .await
                .map(|kind| (kind, &code.source.code)),
            Err(reason) => Err(reason.clone()),
        };
        match found {
            Ok((kind, code)) => entries.push(Entry {
                function: function.clone(),
                kind,
                host: debugging.host.clone(),
                port: debugging.port(index)?,
                local_root: in_workspace(code),
                task: None,
            }),
            Err(reason) => output.notice(&format!("no entry for {function}: {reason}")),
        }
    }
    if entries.is_empty() {
        bail!(
            "{} has no function that can be debugged here",
            typed.template.display()
        );
    }
    Ok(entries)
}

/// What an editor will speak to. An interpreter may be missing today.
async fn kind(source: &Source, clients: &Arc<Clients>) -> Result<DebuggerKind, String> {
    let starter = match (Starter::find(source, clients), &source.command) {
        (Ok(starter), _) => starter,
        (Err(error), Some(_)) => return Err(error.to_string()),
        (Err(error), None) => match Language::of(&source.runtime) {
            Some(Language::Python) => return Ok(DebuggerKind::Debugpy),
            Some(Language::Node) => return Ok(DebuggerKind::Node),
            _ => return Err(error.to_string()),
        },
    };
    let kind = match starter.debugger() {
        Some(Listens::Native) => {
            let program = starter.machine_code().await;
            let program = program.map_err(|error| error.to_string())?;
            let program = program.as_deref().map(in_workspace);
            Some(DebuggerKind::Native { program })
        }
        Some(other) => DebuggerKind::named(other.name()),
        None => None,
    };
    kind.ok_or_else(|| {
        let advice = match source.command {
            Some(_) => ": name its command's one as `debugger` in tether.toml",
            None => "",
        };
        format!("tether knows no debugger for it{advice}")
    })
}

fn vscode(typed: &LaunchJson, entries: &[Entry], output: &Output) -> Result<()> {
    let attach = Task {
        label: ATTACH.to_owned(),
        arguments: attach_arguments(typed, format!("${{input:{STACK_NAME}}}")),
        ready: "^attached to ",
    };
    let local = Task {
        label: LOCAL.to_owned(),
        arguments: local_arguments(typed),
        ready: "^ready: ",
    };
    let mut together = vec![compound(ATTACH, Some(&attach), entries)];
    together.push(compound(LOCAL, Some(&local), entries));
    together.extend(entries.iter().map(|entry| {
        let name = format!("{LOCAL} {}", entry.function);
        compound(&name, Some(&local), std::slice::from_ref(entry))
    }));
    let (mut entries, mut tasks) = (entries.to_vec(), vec![attach, local]);
    if let Some(event) = &typed.event {
        for entry in entries.clone() {
            let label = format!("tether: invoke {}", entry.function);
            tasks.push(Task {
                label: label.clone(),
                arguments: invoke_arguments(typed, &entry.function, event),
                ready: "(listens on|is debugged at) ",
            });
            let task = Some(label);
            entries.push(Entry { task, ..entry });
        }
    }
    let (path, beside) = (&typed.output, typed.output.with_file_name("tasks.json"));
    let wrong = |path: &Path, error| anyhow!("{}: {error}", path.display());
    let launch = merge(read(path)?.as_deref(), &entries, together.clone());
    let launch = launch.map_err(|error| wrong(path, error))?;
    let merged = merge_tasks(read(&beside)?.as_deref(), &tasks);
    let merged = merged.map_err(|error| wrong(&beside, error))?;
    write(path, &launch)?;
    write(&beside, &merged)?;
    let mut names: Vec<String> = entries.iter().map(Entry::name).collect();
    let named = together.iter().filter_map(|it| it["name"].as_str());
    names.extend(named.map(str::to_owned));
    let labels = tasks.into_iter().map(|it| it.label).collect();
    tell(output, &[(path, names), (&beside, labels)]);
    Ok(())
}

fn jetbrains(typed: &LaunchJson, entries: &[Entry], output: &Output) -> Result<()> {
    let here = std::env::current_dir().unwrap_or_default();
    let module = here.file_name().unwrap_or_default().to_string_lossy();
    let attaching = entries
        .iter()
        .map(|it| Configuration::attaching(it, &module));
    let mut all: Vec<Configuration> = attaching.collect();
    all.push(Configuration::together("tether: all functions", &all));
    let pycharm = entries.iter().any(|it| it.kind == DebuggerKind::Debugpy);
    let in_pycharm = |arguments: Vec<String>| -> Vec<String> {
        let debug = |it: String| match it.as_str() {
            "--debug" if pycharm => "--debug=pycharm".to_owned(),
            _ => it,
        };
        arguments.into_iter().map(debug).collect()
    };
    if let Some(stack) = &typed.stack_name {
        let arguments = in_pycharm(attach_arguments(typed, stack.clone()));
        all.push(Configuration::starting(ATTACH.to_owned(), &arguments));
    }
    let arguments = in_pycharm(local_arguments(typed));
    all.push(Configuration::starting(LOCAL.to_owned(), &arguments));
    for entry in typed.event.iter().flat_map(|_| entries) {
        let event = typed.event.as_deref().unwrap_or(Path::new("-"));
        let arguments = in_pycharm(invoke_arguments(typed, &entry.function, event));
        let name = format!("tether: invoke {}", entry.function);
        all.push(Configuration::starting(name, &arguments));
    }
    let folder = Path::new(".idea").join("runConfigurations");
    for configuration in &all {
        let path = folder.join(configuration.file_name());
        let existing = read(&path)?;
        write(&path, &configuration.merged(existing.as_deref()))?;
    }
    let names = all.iter().map(|it| it.name().to_owned()).collect();
    tell(output, &[(&folder, names)]);
    Ok(())
}

fn tell(output: &Output, written: &[Written<'_>]) {
    for (path, names) in written {
        output.say(&format!("{}: {}", path.display(), names.join(", ")));
        output.object(&json!({ "event": "launchJson", "path": path, "entries": names }));
    }
}

fn attach_arguments(typed: &LaunchJson, asked: String) -> Vec<String> {
    let stack = typed.stack_name.clone().unwrap_or(asked);
    let mut arguments = vec!["attach".to_owned(), "--stack-name".to_owned(), stack];
    arguments.extend(running(typed));
    arguments
}

fn local_arguments(typed: &LaunchJson) -> Vec<String> {
    let mut arguments = vec!["local".to_owned()];
    arguments.extend(running(typed));
    arguments
}

/// It waits for its debugger: the event comes at once.
fn invoke_arguments(typed: &LaunchJson, function: &str, event: &Path) -> Vec<String> {
    let event = event.display().to_string();
    let mut arguments = ["invoke", function, "--event", &event, "--wait"]
        .map(str::to_owned)
        .to_vec();
    arguments.extend(running(typed));
    arguments
}

fn running(typed: &LaunchJson) -> Vec<String> {
    let port = typed.debug_port.to_string();
    let template = typed.template.display().to_string();
    ["--debug", "--debug-port", &port, "--template", &template]
        .map(str::to_owned)
        .to_vec()
}

fn in_workspace(path: &Path) -> String {
    let here = std::env::current_dir()
        .and_then(|it| it.canonicalize())
        .unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(relative) if relative.as_os_str().is_empty() => "${workspaceFolder}".to_owned(),
        Ok(relative) => format!("${{workspaceFolder}}/{}", relative.display()),
        Err(_) => path.display().to_string(),
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("{} cannot be read: {error}", path.display()),
    }
}

/// Through a file beside it: what is there is never half written.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    let beside = path.with_extension("tether");
    std::fs::write(&beside, text).with_context(failed)?;
    std::fs::rename(&beside, path).with_context(failed)
}
