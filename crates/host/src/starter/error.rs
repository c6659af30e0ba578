//! Why a function cannot be started here, for people.

use std::path::PathBuf;

/// One line: what, why, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No row of the table.
    #[error("{runtime} cannot be run here: {advice}")]
    Unknown {
        /// The template's runtime.
        runtime: String,
        /// What to do.
        advice: &'static str,
    },
    /// Nothing found.
    #[error(
        "no Python interpreter for {project}: create a virtualenv there (`python3 -m venv .venv`) or put python3 on the PATH"
    )]
    NoPython {
        /// The code's folder.
        project: PathBuf,
    },
    /// Nothing found.
    #[error("no Node for {project}: install Node (https://nodejs.org) and put node on the PATH")]
    NoNode {
        /// The code's folder.
        project: PathBuf,
    },
    /// Moved, or its Python was upgraded.
    #[error(
        "the virtualenv {virtualenv} is broken ({reason}): make it anew (`python3 -m venv --clear {virtualenv}`) and install its packages again"
    )]
    BrokenVirtualenv {
        /// Which.
        virtualenv: PathBuf,
        /// Why.
        reason: String,
    },
    /// It runs, and our client does not run in it.
    #[error("{program} is {version}, and tether needs {oldest} or newer: {advice}")]
    TooOld {
        /// Which.
        program: PathBuf,
        /// `Python 3.7`
        version: String,
        /// `3.8`
        oldest: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// Nothing makes JavaScript of it.
    #[error(
        "{file} is TypeScript, and {node} cannot run it: install esbuild (`npm install --save-dev esbuild`), or Node 22.18 or newer"
    )]
    NoTypeScript {
        /// The handler's.
        file: PathBuf,
        /// `Node 20.20.2`
        node: String,
    },
    /// A tool that builds or runs it is not there.
    #[error("{tool} is not found, which {function} needs: {install}")]
    NoTool {
        /// Which.
        tool: &'static str,
        /// Who needs it.
        function: String,
        /// How to get it.
        install: &'static str,
    },
    /// Its command's program is not there.
    #[error("{function} is started by {program}, which is not on the PATH: {advice}")]
    NoProgram {
        /// The function.
        function: String,
        /// Which.
        program: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// Its project is not what its language's tools want.
    #[error("{function} cannot be built from {project}: {reason}: {remedy}")]
    Project {
        /// The function.
        function: String,
        /// The folder.
        project: PathBuf,
        /// Why.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// It does not run.
    #[error("{program} does not run ({reason}): {advice}")]
    Broken {
        /// Which.
        program: PathBuf,
        /// Why.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// The debugger is not there.
    #[error("{package} is missing in {interpreter}: run `{interpreter} -m pip install {package}`")]
    NoPythonDebugger {
        /// Which.
        package: &'static str,
        /// Which.
        interpreter: PathBuf,
    },
    /// There is none for it.
    #[error("{name} cannot be run under a debugger: {reason}")]
    NoDebugger {
        /// The function.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The debugger's port is taken.
    #[error(
        "port {port} for {function}'s debugger is in use: end what listens there, or choose another with --debug-port"
    )]
    PortInUse {
        /// Which.
        port: u16,
        /// Whose.
        function: String,
    },
    /// A debugger's port that cannot be had for another reason.
    #[error(
        "port {port} for the debugger of {function} cannot be listened at ({reason}): choose another with --debug-port"
    )]
    Port {
        /// Which.
        port: u16,
        /// Whose.
        function: String,
        /// Why.
        reason: String,
    },
    /// Where a process of the developer's would find its Runtime API.
    #[error(
        "port {port} for {function}'s Runtime API cannot be had ({reason}): end what listens there, or choose another with --external-port"
    )]
    NoDoor {
        /// Which.
        port: u16,
        /// Whose.
        function: String,
        /// Why.
        reason: String,
    },
    /// The clients could not be written.
    #[error(
        "the runtime clients cannot be written to {folder} ({reason}): make room there, or set TMPDIR to another folder"
    )]
    NotWritten {
        /// Where temporary files go.
        folder: PathBuf,
        /// Why.
        reason: std::io::ErrorKind,
    },
    /// The machine refuses something.
    #[error("no local process can be prepared: {0}")]
    Machine(#[from] std::io::Error),
}
