//! One process of a function, and what it was started from.

use super::WorkingCopy;
use crate::debugger::{DebugPort, Debuggee, Sessions};
use crate::environment::ExecutionEnvironment;
use crate::freshness::Fingerprint;
use crate::launch::Launch;
use crate::logs::LogSink;
use crate::starter::DebugTarget;
use crate::world;
use tether_protocol::{Environment, Secret};
use tether_runtime_api::environment::FUNCTION_VERSION;

/// A process that serves one slot.
pub(super) struct Process {
    pub(super) environment: ExecutionEnvironment,
    /// It as a debugger sees it, if it is debugged.
    debuggee: Option<Debuggee>,
    /// The code when it was started.
    code: Fingerprint,
    variables: Environment,
    /// The developer starts it: nobody else replaces it.
    is_foreign: bool,
    /// No invocation has used it: how its start went is still to be told.
    fresh: bool,
}

impl Process {
    /// Starts it. Who connects to the debugger's port from now on is connected
    /// to this process.
    pub(super) async fn start(
        copy: &WorkingCopy,
        code: Fingerprint,
        variables: &Environment,
        port: Option<&DebugPort>,
        sink: &LogSink,
    ) -> std::io::Result<Self> {
        let debuggee = port.map(DebugPort::expect);
        let launch = launch(copy, variables, debuggee.as_ref());
        let read = debuggee.as_ref().map(|it| it.reads(sink));
        let sink = read.as_ref().unwrap_or(sink);
        let environment = match copy.starter.as_foreign() {
            Some(foreign) => {
                ExecutionEnvironment::serve(&launch, foreign.listen().await?, sink).await?
            }
            None => ExecutionEnvironment::start(&launch, sink).await?,
        };
        if let Some(debuggee) = &debuggee {
            debuggee.has_started(environment.process_id());
        }
        Ok(Self {
            environment,
            debuggee,
            code,
            variables: variables.clone(),
            is_foreign: copy.starter.as_foreign().is_some(),
            fresh: true,
        })
    }

    /// Whether an invocation with these variables may have it.
    pub(super) fn is_current(&mut self, code: Fingerprint, variables: &Environment) -> bool {
        self.is_foreign
            || self.is_of(code)
                && same(&self.variables, variables)
                && (self.fresh || self.environment.is_alive())
    }

    /// Whether it was told of the version of the function that these variables
    /// tell of.
    pub(super) fn is_of_version(&self, variables: &Environment) -> bool {
        let version = |it: &Environment| it.expose().get(FUNCTION_VERSION).cloned();
        version(&self.variables) == version(variables)
    }

    /// The version of the code that it was started from.
    pub(super) fn code(&self) -> Fingerprint {
        self.code
    }

    pub(super) fn is_of(&self, code: Fingerprint) -> bool {
        self.code == code
    }

    /// An invocation has it.
    pub(super) fn is_used(&mut self) {
        self.fresh = false;
    }

    /// Who debugs it, if it is debugged.
    pub(super) fn sessions(&self) -> Option<Sessions> {
        self.debuggee.as_ref().map(Debuggee::sessions)
    }

    pub(super) async fn stop(self) {
        self.environment.stop().await;
    }
}

fn launch(copy: &WorkingCopy, variables: &Environment, debuggee: Option<&Debuggee>) -> Launch {
    let target = debug_target(copy, debuggee);
    let start = copy.starter.command(target.as_ref());
    let start = match debuggee {
        Some(debuggee) => debuggee.around(start),
        None => start,
    };
    let (handler, code) = (&copy.handler, &copy.code);
    Launch {
        label: copy.name.as_str().into(),
        program: start.program,
        arguments: start.arguments,
        environment: Secret::new(world::environment(
            handler,
            code,
            variables,
            start.variables,
        )),
        directory: code.clone(),
    }
}

/// What a process is told of its debugger.
fn debug_target(copy: &WorkingCopy, debuggee: Option<&Debuggee>) -> Option<DebugTarget> {
    let debugger = copy.debugger.as_ref()?;
    match debuggee {
        Some(debuggee) => Some(debuggee.target()),
        None => Some(DebugTarget {
            wait: debugger.wait,
            editor: Some((debugger.host.clone(), debugger.port)),
            ..DebugTarget::default()
        }),
    }
}

/// Whether the function's own variables are the same. What Lambda sets is no
/// reason for a new process, and a debugger's, least of all.
fn same(had: &Environment, have: &Environment) -> bool {
    own(had).eq(own(have))
}

fn own(variables: &Environment) -> impl Iterator<Item = (&String, &String)> {
    let all = variables.expose().iter();
    all.filter(|(name, _)| !of_lambda(name))
}

fn of_lambda(name: &str) -> bool {
    const OTHERS: [&str; 3] = ["LANG", "TZ", "LC_CTYPE"];
    OTHERS.contains(&name)
        || ["AWS_", "LAMBDA_", "_"]
            .iter()
            .any(|it| name.starts_with(it))
}
