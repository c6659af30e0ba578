//! One function: its code, its configuration, its execution environments.

use super::Lambda;
use super::configuration::Configuration;
use super::environments::{self, Start};
use super::error::LambdaError;
use crate::{files, id};
use bytes::Bytes;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tether_host::{Ended, ExecutionEnvironment, LogLine};
use tether_runtime_api::{ErrorObject, Invocation, header};

/// A change of configuration takes this long here; on AWS it takes seconds.
/// Invocations meanwhile meet the old one.
const UPDATE_TAKES: Duration = Duration::from_millis(150);

/// Lambda gives a start this long
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
const INIT: Duration = Duration::from_secs(10);

/// A copy of a function's code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// `/var/task`
    pub(crate) root: PathBuf,
    /// What runs it, for runtimes that need one.
    pub(crate) interpreter: Option<PathBuf>,
}

/// See the module.
pub(crate) struct Function {
    code: Code,
    /// Where `/opt` folders are laid out.
    work: PathBuf,
    access_key: String,
    state: Mutex<State>,
}

struct State {
    /// What `GetFunctionConfiguration` shows.
    shown: Configuration,
    /// What new environments run with.
    active: Arc<Configuration>,
    /// Counts the changes of `active`: older environments are not reused.
    generation: u64,
    idle: Vec<Idle>,
}

struct Idle {
    environment: ExecutionEnvironment,
    generation: u64,
}

/// What came of an invocation.
#[derive(Clone, Debug)]
pub(crate) struct Invoked {
    pub(crate) request_id: String,
    /// `X-Amz-Function-Error: Unhandled`
    pub(crate) failed: bool,
    pub(crate) payload: Bytes,
}

impl Function {
    pub(crate) fn new(
        configuration: Configuration,
        code: Code,
        work: PathBuf,
        access_key: String,
    ) -> Self {
        Self {
            code,
            work,
            access_key,
            state: Mutex::new(State {
                active: Arc::new(configuration.clone()),
                shown: configuration,
                generation: 0,
                idle: Vec::new(),
            }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn configuration(&self) -> Configuration {
        self.state().shown.clone()
    }

    /// `UpdateFunctionConfiguration`: in progress at first, then in force.
    pub(crate) fn update(
        self: &Arc<Self>,
        lambda: &Lambda,
        request: &Value,
    ) -> Result<Configuration, LambdaError> {
        let shown = {
            let mut state = self.state();
            state.shown = state
                .shown
                .with(request, |arn| lambda.layer(arn).is_some())?;
            state.shown.clone()
        };
        let this = Arc::clone(self);
        lambda.tasks.spawn(async move {
            tokio::time::sleep(UPDATE_TAKES).await;
            for idle in this.put_in_force() {
                idle.environment.stop().await;
            }
        });
        Ok(shown)
    }

    fn put_in_force(&self) -> Vec<Idle> {
        let mut state = self.state();
        state.shown.updating = false;
        state.shown.touch();
        state.active = Arc::new(state.shown.clone());
        state.generation += 1;
        std::mem::take(&mut state.idle)
    }

    /// Runs one invocation in an idle environment, or in a new one.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        lambda: &Lambda,
        payload: Bytes,
        client_context: Option<String>,
    ) -> Invoked {
        let request_id = id::uuid();
        let mut payload = payload;
        // An environment may end while it is idle; the next one is new.
        for _ in 0..3 {
            let (environment, configuration, generation) = match self.take(lambda).await {
                Ok(taken) => taken,
                Err(error) => return failed(request_id, &error),
            };
            let invocation = invocation(&configuration, &request_id, client_context.as_deref());
            let run = Run {
                function: self,
                lambda,
                configuration,
                generation,
                request_id: request_id.clone(),
            };
            match run.invoke(environment, invocation, payload).await {
                Ok(invoked) => return invoked,
                Err(again) => payload = again,
            }
        }
        failed(
            request_id.clone(),
            &ErrorObject::exited(&request_id, "it ends while idle"),
        )
    }

    async fn take(
        &self,
        lambda: &Lambda,
    ) -> Result<(ExecutionEnvironment, Arc<Configuration>, u64), ErrorObject> {
        let (idle, configuration, generation) = {
            let mut state = self.state();
            let generation = state.generation;
            let position = state.idle.iter().position(|it| it.generation == generation);
            let idle = position.map(|it| state.idle.swap_remove(it).environment);
            (idle, Arc::clone(&state.active), generation)
        };
        if let Some(mut environment) = idle
            && environment.is_alive()
        {
            return Ok((environment, configuration, generation));
        }
        let mut environment = self.start(lambda, &configuration).await?;
        // A start has time of its own; one that takes longer goes on in the
        // invocation's. One that failed is told by the invocation.
        let _ = tokio::time::timeout(INIT, environment.ready()).await;
        Ok((environment, configuration, generation))
    }

    async fn start(
        &self,
        lambda: &Lambda,
        configuration: &Configuration,
    ) -> Result<ExecutionEnvironment, ErrorObject> {
        let exited = |how: String| {
            ErrorObject::new(
                "Runtime.ExitError",
                format!(
                    "RequestId: {} Error: Runtime exited with error: {how}",
                    id::uuid()
                ),
            )
        };
        let opt = self
            .opt(lambda, &configuration.layers)
            .map_err(|error| exited(error.to_string()))?;
        match environments::start(lambda, configuration, &self.code, &opt, &self.access_key) {
            Start::Launch(launch) => ExecutionEnvironment::start(&launch, &lambda.logs)
                .await
                .map_err(|error| exited(format!("{}: {error}", launch.program.display()))),
            Start::Dead { log, code } => {
                self.log(lambda, configuration, log);
                Err(exited(format!("exit status {code}")))
            }
        }
    }

    /// `/opt`: the layers one over the other, the last one on top.
    fn opt(&self, lambda: &Lambda, layers: &[String]) -> std::io::Result<PathBuf> {
        let name = id::stable(&layers.join("\n"), 16, id::LOWER);
        let opt = self.work.join("opt").join(name);
        if opt.is_dir() {
            return Ok(opt);
        }
        let unfinished = self.work.join(format!("opt-{}", id::uuid()));
        std::fs::create_dir_all(&unfinished)?;
        for arn in layers {
            if let Some(content) = lambda.layer(arn) {
                files::copy(&content, &unfinished)?;
            }
        }
        std::fs::create_dir_all(self.work.join("opt"))?;
        // Somebody else may have been first with the same.
        if std::fs::rename(&unfinished, &opt).is_err() && !opt.is_dir() {
            return Err(std::io::Error::other("the layers could not be laid out"));
        }
        Ok(opt)
    }

    fn give_back(&self, environment: ExecutionEnvironment, generation: u64) -> Option<Idle> {
        let mut state = self.state();
        let idle = Idle {
            environment,
            generation,
        };
        if state.generation == generation {
            state.idle.push(idle);
            return None;
        }
        Some(idle)
    }

    fn log(&self, lambda: &Lambda, configuration: &Configuration, text: String) {
        (lambda.logs)(LogLine {
            source: configuration.function_name.as_str().into(),
            text,
        });
    }

    pub(crate) async fn stop(&self) {
        let idle = std::mem::take(&mut self.state().idle);
        for it in idle {
            it.environment.stop().await;
        }
    }

    /// Where the code lies: for `GetFunction`.
    pub(crate) fn code_root(&self) -> &Path {
        &self.code.root
    }
}

/// One invocation in one environment.
struct Run<'a> {
    function: &'a Arc<Function>,
    lambda: &'a Lambda,
    configuration: Arc<Configuration>,
    generation: u64,
    request_id: String,
}

impl Run<'_> {
    /// The payload comes back if the environment had ended while idle.
    async fn invoke(
        self,
        mut environment: ExecutionEnvironment,
        invocation: Invocation,
        payload: Bytes,
    ) -> Result<Invoked, Bytes> {
        let id = &self.request_id;
        self.log(format!("START RequestId: {id} Version: $LATEST"));
        let started = Instant::now();
        let ended = environment.invoke(invocation, payload).await;
        let took = started.elapsed();
        match &ended {
            Ended::Answered { .. } | Ended::Failed { .. } => {
                if let Some(outdated) = self.function.give_back(environment, self.generation) {
                    outdated.environment.stop().await;
                }
            }
            // Lambda resets the environment.
            _ => environment.stop().await,
        }
        let ended = match ended {
            Ended::NotTaken(_, payload) => return Err(payload),
            other => other,
        };
        let memory = self.configuration.memory_mb;
        self.log(format!("END RequestId: {id}"));
        self.log(format!(
            "REPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {memory} MB",
            took.as_secs_f64() * 1000.0,
            took.as_millis() + 1,
        ));
        let settled = ended.settle(id, f64::from(self.configuration.timeout));
        let (failed, payload) = match settled {
            Ok((_, body)) => (false, body),
            Err((_, body)) => (true, body),
        };
        Ok(Invoked {
            request_id: self.request_id,
            failed,
            payload,
        })
    }

    fn log(&self, text: String) {
        self.function.log(self.lambda, &self.configuration, text);
    }
}

fn failed(request_id: String, error: &ErrorObject) -> Invoked {
    Invoked {
        request_id,
        failed: true,
        payload: Bytes::from(error.to_bytes()),
    }
}

fn invocation(
    configuration: &Configuration,
    request_id: &str,
    client_context: Option<&str>,
) -> Invocation {
    let now = tether_host::now();
    let deadline = now.plus(Duration::from_secs(u64::from(configuration.timeout)));
    let epoch = now.seconds();
    let trace = format!(
        "Root=1-{epoch:08x}-{};Sampled=0",
        id::hex(&id::random::<12>())
    );
    let mut rest = vec![
        (header::TRACE_ID.to_string(), trace),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    if let Some(context) = client_context {
        rest.push((header::CLIENT_CONTEXT.to_string(), context.to_owned()));
    }
    Invocation {
        request_id: request_id.to_owned(),
        deadline_ms: deadline.0,
        function_arn: configuration.function_arn.clone(),
        invocation_id: Some(id::uuid()),
        rest,
    }
}
