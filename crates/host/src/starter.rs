//! How a function's processes are started: one variant for each language.
//!
//! A [`Source`] is what template and settings say of a function; a [`Starter`]
//! is what was found for it on this machine, once. It is asked for a
//! [`StartCommand`] before each process.

mod build;
mod command;
mod compiled;
mod dotnet;
mod error;
mod esbuild;
mod foreign;
mod go;
mod java;
mod layers;
mod machine;
mod make;
pub mod node;
pub mod python;
mod ruby;
mod rust;
mod tailored;
mod tool;
mod typescript;
mod virtualenv;
mod wish;

pub use error::StartError;

use crate::clients::Clients;
use crate::debugger::{Debugger, native};
use command::Program;
use dotnet::DotNet;
use foreign::Foreign;
use go::Go;
use java::Java;
use make::Make;
use node::Node;
use python::Python;
use ruby::Ruby;
use rust::Rust;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tailored::Tailored;
use tether_protocol::Environment;
use tether_runtime_api::runtimes::Language;

/// A function as template and settings describe it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// Its logical id, for people.
    pub name: String,
    /// The folder of its code.
    pub code: PathBuf,
    /// `app.handler`
    pub handler: String,
    /// `python3.13`, as the template or Lambda names it.
    pub runtime: String,
    /// `x86_64` or `arm64`
    pub architecture: String,
    /// The folders of its layers on this machine, the first one lowest.
    pub layers: Vec<PathBuf>,
    /// Where `sam build` puts it, for packages that the code's own folder has not.
    pub built: Option<PathBuf>,
    /// The resource's `Metadata`, where SAM's build settings stand.
    pub metadata: serde_json::Value,
    /// What starts it, if the developer says so.
    pub command: Option<Vec<OsString>>,
    /// What the developer has run before each start of changed code.
    pub build: Option<Vec<OsString>>,
    /// The debugger of a command's process.
    pub debugger: Option<DebuggerKind>,
    /// Whether it is started under its debugger: what is compiled for it, is
    /// compiled for that.
    pub debugged: bool,
    /// More folders whose change is one of its code.
    pub watch: Vec<PathBuf>,
    /// What is no change of its code, as `.gitignore` writes it.
    pub ignore: Vec<String>,
    /// Variables above all others of its process.
    pub variables: Environment,
}

/// Which debugger a process has, and so what an editor speaks to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DebuggerKind {
    /// Python's: the Debug Adapter Protocol.
    Debugpy,
    /// Node's inspector: the Chrome DevTools Protocol.
    Node,
    /// gdbserver, for machine code: gdb's remote protocol.
    Native,
    /// Go's Delve: the Debug Adapter Protocol, and its own.
    Delve,
    /// The JVM's: the Java Debug Wire Protocol.
    Jdwp,
}

impl DebuggerKind {
    /// The name for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debugpy => "debugpy",
            Self::Node => "node",
            Self::Native => "native",
            Self::Delve => "delve",
            Self::Jdwp => "jdwp",
        }
    }
}

/// What a process is told of the debugger that it is to have.
#[derive(Clone, Debug, Default)]
pub struct DebugTarget {
    /// The file into which it writes where it listens:
    /// `{"client": {"host": "127.0.0.1", "port": 40123}}`
    pub endpoints: PathBuf,
    /// Its code waits for whoever debugs it.
    pub wait: bool,
    /// Where the editor listens that it connects to, if it is to: PyCharm's
    /// debug server. It listens nowhere itself then.
    pub editor: Option<(String, u16)>,
}

/// A process to be, apart from what every function's process gets.
#[derive(Clone, Debug, Default)]
pub struct StartCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables of its own: the runtime's, the debugger's.
    pub variables: BTreeMap<String, String>,
}

/// What a function runs on here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsOn {
    /// `Python 3.13 (/home/ada/shop/.venv/bin/python)`
    pub what: String,
    /// Whether that is what the template says.
    pub as_meant: bool,
}

/// A build that failed: what people and callers are told.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuildFailed {
    /// The compiler's first error, in one line.
    pub message: String,
}

impl BuildFailed {
    /// Of several lines, the first one tells it.
    pub(crate) fn new(message: impl AsRef<str>) -> Self {
        let line = message.as_ref().trim().lines().next();
        Self {
            message: line
                .unwrap_or("the build fails and does not say why")
                .to_owned(),
        }
    }
}

/// Told of a build's steps and of the compiler's lines.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// How one function's processes are started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Starter {
    /// By the project's interpreter and our client.
    Python(Python),
    /// By the project's Node and our client.
    Node(Node),
    /// By what the developer says, or by its executable `bootstrap`.
    Command(Program),
    /// Built by cargo.
    Rust(Arc<Rust>),
    /// Built by go.
    Go(Arc<Go>),
    /// Built by its Makefile.
    Make(Arc<Make>),
    /// By AWS's client.
    Java(Arc<Java>),
    /// By AWS's client.
    Ruby(Arc<Ruby>),
    /// By .NET, and AWS's client where it needs one.
    DotNet(Arc<DotNet>),
    /// One of them, with what the developer says besides.
    Tailored(Arc<Tailored>),
    /// By the developer.
    Foreign(Foreign),
}

impl Starter {
    /// Looks for what the function needs on this machine. Nothing is run.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn find(source: &Source, clients: &Arc<Clients>) -> Result<Self, StartError> {
        let starter = Self::of_language(source, clients)?;
        let tailored = Tailored::around(starter.clone(), source);
        Ok(tailored.map_or(starter, |it| Self::Tailored(Arc::new(it))))
    }

    /// The developer starts its process, which finds its Runtime API at this
    /// address of the loopback interface; port 0 takes a free one.
    #[must_use]
    pub fn foreign(port: u16) -> Self {
        Self::Foreign(Foreign::at("127.0.0.1", port))
    }

    /// Whether the developer starts its process.
    pub(crate) fn as_foreign(&self) -> Option<&Foreign> {
        match self {
            Self::Foreign(it) => Some(it),
            _ => None,
        }
    }

    fn of_language(source: &Source, clients: &Arc<Clients>) -> Result<Self, StartError> {
        if let Some(command) = &source.command {
            return Program::new(source, command).map(Self::Command);
        }
        match Language::of(&source.runtime) {
            Some(Language::Python) => Python::find(source, clients).map(Self::Python),
            Some(Language::Node) => Node::find(source, clients).map(Self::Node),
            language => compiled::find(source, language),
        }
    }

    /// What people should know before it runs, if anything.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        match self {
            Self::Python(it) => it.notes(),
            Self::Node(it) => it.notes(),
            Self::Tailored(it) => it.notes(),
            _ => vec![],
        }
    }

    /// The program that is started, for people.
    #[must_use]
    pub fn program(&self) -> &Path {
        match self {
            Self::Python(it) => &it.interpreter,
            Self::Node(it) => &it.interpreter,
            Self::Command(it) => it.program(),
            Self::Rust(it) => it.program(),
            Self::Go(it) => it.program(),
            Self::Make(it) => it.program(),
            Self::Java(it) => it.program(),
            Self::Ruby(it) => it.program(),
            Self::DotNet(it) => it.program(),
            Self::Foreign(it) => it.program(),
            Self::Tailored(it) => it.starter.program(),
        }
    }

    /// Asks the program what it is.
    ///
    /// # Errors
    /// When it does not run, or is too old.
    pub async fn check(&self) -> Result<RunsOn, StartError> {
        match self {
            Self::Python(it) => it.check().await,
            Self::Node(it) => it.check().await,
            Self::Command(it) => Ok(it.check()),
            Self::Rust(it) => it.check().await,
            Self::Go(it) => it.check().await,
            Self::Make(it) => Ok(it.check()),
            Self::Java(it) => it.check().await,
            Self::Ruby(it) => it.check().await,
            Self::DotNet(it) => it.check().await,
            Self::Foreign(_) => Ok(Foreign::check()),
            Self::Tailored(it) => Box::pin(it.starter.check()).await,
        }
    }

    /// The debugger that its processes have under `--debug`; none: there is
    /// none for it.
    #[must_use]
    pub fn debugger(&self) -> Option<DebuggerKind> {
        match self {
            Self::Python(_) => Some(DebuggerKind::Debugpy),
            Self::Node(_) => Some(DebuggerKind::Node),
            Self::Command(it) => it.debugger(),
            Self::Rust(_) | Self::Make(_) => Some(DebuggerKind::Native),
            Self::Go(_) => Some(DebuggerKind::Delve),
            Self::Java(_) => Some(DebuggerKind::Jdwp),
            Self::Ruby(_) | Self::DotNet(_) | Self::Foreign(_) => None,
            Self::Tailored(it) => it.starter.debugger(),
        }
    }

    /// The program that a debugger of machine code reads, built or not yet; none:
    /// it has no place that stays.
    ///
    /// # Errors
    /// When its build tool does not know it.
    pub async fn machine_code(&self) -> Result<Option<PathBuf>, StartError> {
        match self {
            Self::Rust(it) => it.will_be().await.map(Some),
            Self::Command(it) => Ok(Some(it.program().to_path_buf())),
            Self::Tailored(it) => Box::pin(it.starter.machine_code()).await,
            _ => Ok(None),
        }
    }

    /// Makes sure that the debugger can start.
    ///
    /// # Errors
    /// When it is missing, with what to install.
    pub async fn check_debugger(&self, debugger: &Debugger) -> Result<(), StartError> {
        let none = |reason: &str| StartError::NoDebugger {
            name: self.program().display().to_string(),
            reason: reason.to_owned(),
        };
        match (self, self.debugger()) {
            (Self::Python(it), _) => {
                python::check_debugger(&it.interpreter, debugger.editor_listens).await
            }
            (Self::Tailored(it), _) => Box::pin(it.starter.check_debugger(debugger)).await,
            (Self::Command(it), None) => Err(it.no_debugger()),
            (Self::Foreign(_), _) => Err(none("you start its process, and its debugger with it")),
            (_, Some(DebuggerKind::Native)) if debugger.wait => native::check_waiting(none),
            (_, None) => Err(none("tether starts none for its language yet")),
            _ => Ok(()),
        }
    }

    /// Makes what is run of what was saved.
    ///
    /// # Errors
    /// The compiler's.
    pub async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        match self {
            Self::Node(it) => it.build(progress).await,
            Self::Python(_) | Self::Command(_) | Self::Ruby(_) => Ok(()),
            Self::Rust(it) => it.build(progress).await,
            Self::Go(it) => it.build(progress).await,
            Self::Make(it) => it.build(progress).await,
            Self::Java(it) => it.build(progress).await,
            Self::DotNet(it) => it.build(progress).await,
            Self::Foreign(_) => Ok(()),
            Self::Tailored(it) => it.build(progress).await,
        }
    }

    /// The next process, as the code is now.
    #[must_use]
    pub fn command(&self, debugged: Option<&DebugTarget>) -> StartCommand {
        match self {
            Self::Python(it) => it.command(debugged),
            Self::Node(it) => it.command(debugged),
            Self::Command(it) => it.command(debugged),
            Self::Rust(it) => it.command(),
            Self::Go(it) => it.command(),
            Self::Make(it) => it.command(),
            Self::Java(it) => it.command(debugged.is_some()),
            Self::Ruby(it) => it.command(),
            Self::DotNet(it) => it.command(),
            Self::Foreign(_) => StartCommand::default(),
            Self::Tailored(it) => it.command(it.starter.command(debugged)),
        }
    }

    /// Folders whose change is a new version of the code.
    #[must_use]
    pub fn watched(&self) -> Vec<PathBuf> {
        match self {
            Self::Python(it) => vec![it.code.clone()],
            Self::Node(it) => it.watched(),
            Self::Command(it) => vec![it.code.clone()],
            Self::Rust(it) => it.watched(),
            Self::Go(it) => it.watched(),
            Self::Make(it) => it.watched(),
            Self::Java(it) => it.watched(),
            Self::Ruby(it) => it.watched(),
            Self::DotNet(it) => it.watched(),
            // Whoever starts it, starts it anew.
            Self::Foreign(_) => vec![],
            Self::Tailored(it) => it.watched(),
        }
    }

    /// What is no change of the code in them, as `.gitignore` writes it: what
    /// its build makes, and what the developer says.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        let built: &[&str] = match self {
            Self::Tailored(it) => return it.ignored(),
            Self::Rust(_) => &["target/"],
            Self::Java(_) => &["target/", "build/", ".gradle/"],
            Self::DotNet(_) => &["bin/", "obj/"],
            _ => &[],
        };
        built.iter().map(|it| (*it).to_owned()).collect()
    }
}
