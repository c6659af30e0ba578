//! `tether.toml`, beside the template: what a template does not say.
//!
//! ```toml
//! [defaults]                          # for every function
//! ignore = ["*.csv"]
//!
//! [functions.OrdersFunction]          # its logical id
//! command = ["node", "server.js"]     # runs it: a process that speaks the Runtime API
//! build = "make orders"               # before it starts, when its sources have changed
//! debugger = "node"                   # debugpy, node, native, delve or jdwp
//! watch = ["../shared"]               # folders whose change is one of its code, too
//! ignore = ["fixtures/"]              # as in .gitignore: no change of its code
//! environment = { LOG_LEVEL = "debug" }
//! inherit = ["SSH_AUTH_SOCK"]         # variables of your own shell that it may see
//!
//! [websocket]                         # rules on top of API Gateway's, for all WebSocket APIs
//! channel = "$request.body.channel"   # where a message says its channel
//! action = "$request.body.action"     # and its action
//! identity = "principalId"            # who it is, in the authorizer's context
//! permissions = "permissions"         # and what they may: text, with spaces or commas
//!
//! [websocket.token]
//! connect = "route.request.querystring.token"  # a handshake without it is refused
//! message = "$request.body.token"     # each message has to have it again
//! expires = "exp"                     # until when it is good, in the authorizer's context
//! on-refusal = "close"                # with 1008; "keep", the default, says no and goes on
//!
//! [websocket.pace]                    # messages a second
//! connection = 10
//! identity = 50                       # of all its connections
//!
//! [[websocket.rules]]                 # the first one that a message is about decides
//! channels = ["lobby", "news-*"]      # without: all
//! access = "public"                   # for everybody, without a token
//!
//! [[websocket.rules]]
//! name = "writers"                    # what a refusal calls it
//! actions = ["write", "delete"]
//! access = "private"                  # for those whom the authorizer knows
//! permissions = ["room:write"]        # and who may all of this
//!
//! [[websocket.rules]]
//! channels = ["admin"]
//! access = "closed"                   # for nobody
//! on-refusal = "close"
//! ```
//!
//! Everything is optional. `command` and `build` run in the function's folder
//! (its `CodeUri`). A list is run as it is; a string is given to the shell
//! (`sh -c`, on Windows `cmd /C`), for pipes and variables. Paths are seen from
//! where `tether.toml` is. Lists and `environment` of a function are added to
//! those of `[defaults]`; its other settings take their place. `--command` wins
//! over both.

mod reading;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tether_apigw::websocket::rules::Rules;
use tether_host::{DebuggerKind, Source};
use tether_protocol::{Environment, Secret};
use tether_sam::{Problem, Problems};

/// Its name, beside the template.
pub const FILE: &str = "tether.toml";

/// What the file says, for each function.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    defaults: FunctionSettings,
    functions: BTreeMap<String, FunctionSettings>,
    /// Rules of WebSocket messages.
    pub websocket: Rules,
}

/// Reads the rules of WebSocket messages in such a file, wherever it is.
///
/// # Errors
/// Everything that is wrong with them, and a file that cannot be read.
pub fn websocket_rules(path: &Path) -> Result<Rules, Problems> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    websocket_rules_of(path, &text)
}

pub(crate) fn websocket_rules_of(path: &Path, text: &str) -> Result<Rules, Problems> {
    reading::read_rules(path, text)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problems {
    Problems(vec![Problem {
        file: path.display().to_string(),
        position: None,
        resource: None,
        property: None,
        message: format!("it cannot be read ({error}): repair it, or move it away"),
    }])
}

/// What it says for one function. Values of variables do not print.
#[derive(Clone, Debug, Default)]
pub struct FunctionSettings {
    /// Runs the function.
    pub command: Option<CommandLine>,
    /// Runs before it, when sources have changed.
    pub build: Option<CommandLine>,
    /// What debugs its process.
    pub debugger: Option<DebuggerKind>,
    /// More folders whose change is one of its code.
    pub watch: Vec<PathBuf>,
    /// What is no change of its code, as `.gitignore` writes it.
    pub ignore: Vec<String>,
    /// Variables, above the template's or the deployed ones.
    pub environment: Environment,
    /// Variables of the developer's own environment that it may see.
    pub inherit: Vec<String>,
}

/// A command, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// A program and its arguments.
    Words(Vec<String>),
    /// For the shell.
    Shell(String),
}

impl CommandLine {
    /// The program and its arguments.
    #[must_use]
    pub fn words(&self) -> Vec<OsString> {
        match self {
            Self::Words(words) => words.iter().map(Into::into).collect(),
            Self::Shell(text) if cfg!(windows) => vec!["cmd".into(), "/C".into(), text.into()],
            Self::Shell(text) => vec!["sh".into(), "-c".into(), text.into()],
        }
    }
}

impl Settings {
    /// Reads the file beside the template, if there is one, for the template's
    /// functions.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn beside(template: &Path, functions: &[&str]) -> Result<Self, Problems> {
        let path = template.with_file_name(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => reading::read(&path, &text, functions),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    /// What holds for a function.
    #[must_use]
    pub fn of(&self, logical_id: &str) -> FunctionSettings {
        let mut all = self.defaults.clone();
        if let Some(own) = self.functions.get(logical_id) {
            all.command = own.command.clone().or(all.command);
            all.build = own.build.clone().or(all.build);
            all.debugger = own.debugger.or(all.debugger);
            all.watch.extend(own.watch.iter().cloned());
            all.ignore.extend(own.ignore.iter().cloned());
            all.inherit.extend(own.inherit.iter().cloned());
            let mut variables = all.environment.expose().clone();
            variables.extend(own.environment.expose().clone());
            all.environment = Secret::new(variables);
        }
        all
    }
}

impl FunctionSettings {
    /// Says it of a function.
    pub(crate) fn apply(self, source: &mut Source) {
        source.variables = self.variables();
        source.command = self.command.map(|it| it.words());
        source.build = self.build.map(|it| it.words());
        source.debugger = self.debugger;
        source.watch = self.watch;
        source.ignore = self.ignore;
    }

    /// What the function's process finds besides its own variables: `inherit`
    /// as it is here, and above it `environment`.
    fn variables(&self) -> Environment {
        let own = |name: &String| Some((name.clone(), std::env::var(name).ok()?));
        let mut variables: BTreeMap<_, _> = self.inherit.iter().filter_map(own).collect();
        variables.extend(self.environment.expose().clone());
        Secret::new(variables)
    }
}

/// What was typed as `--command`: whose, and what.
pub(crate) fn typed_command(
    typed: &str,
    functions: &[&str],
    only: Option<&str>,
) -> Result<(String, CommandLine), String> {
    let named = typed
        .split_once('=')
        .map(|(id, command)| (id.trim(), command))
        .filter(|(id, _)| functions.contains(id));
    let (id, command) = match (named, only) {
        (Some(named), _) => named,
        (None, Some(only)) => (only, typed),
        (None, None) => return Err(nobodys_command(typed, functions)),
    };
    if command.trim().is_empty() {
        return Err(format!(
            "--command for {id} is empty: write {id}=COMMAND, for example {id}=./bootstrap"
        ));
    }
    let command = CommandLine::Shell(command.trim().to_owned());
    Ok((id.to_owned(), command))
}

fn nobodys_command(typed: &str, functions: &[&str]) -> String {
    let known = functions.join(", ");
    let Some((id, _)) = typed.split_once('=') else {
        return format!(
            "--command {typed} names no function: write LOGICAL_ID=COMMAND with one of {known}"
        );
    };
    let hint = tether_sam::did_you_mean(id, functions.iter().copied());
    format!("--command: there is no function {id}, but {known}.{hint}")
}

#[cfg(test)]
mod tests;
