//! Lambda: functions, their configurations and their execution environments.

mod alias;
mod api;
mod archive;
mod configuration;
mod destination;
mod environments;
mod error;
mod event_invoke;
mod function;
mod later;
mod layers;
mod mappings;
mod rate;
mod records;
mod run;
mod run_here;
mod streamed;
mod tap;
mod version;

pub(crate) use api::serve;
pub(crate) use archive::Archive;
pub(crate) use configuration::{Configuration, LATEST, LayerUse, Plain};
pub(crate) use environments::{Workshop, interpreter};
pub(crate) use error::LambdaError;
pub(crate) use event_invoke::is_function;
pub(crate) use function::Function;
pub(crate) use later::Event;
pub(crate) use layers::{Layers, Wanted};
pub(crate) use mappings::Mappings;
pub(crate) use run::{Call, Invoked};
pub(crate) use streamed::{Answering, Begun};
pub(crate) use version::Code;

use crate::callers::{Callers, lambda_action};
use crate::cloud::{Notice, Place};
use crate::iam::Iam;
use crate::id;
use crate::options::Options;
use crate::tails::Tails;
use bytes::Bytes;
use http::Method;
use rate::{Rate, is_control_plane};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tether_host::{Clients, LogSink, RunState};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// All functions and layers of the account.
pub(crate) struct Lambda {
    pub(crate) place: Place,
    pub(crate) endpoint: SocketAddr,
    pub(crate) callers: Arc<Callers>,
    pub(crate) iam: Arc<Iam>,
    pub(crate) logs: LogSink,
    pub(crate) notices: Notice,
    pub(crate) tasks: TaskTracker,
    pub(crate) ending: CancellationToken,
    /// See [`Options::async_retries`].
    pub(crate) async_retries: [Duration; 2],
    pub(crate) clients: Clients,
    pub(crate) layers: Layers,
    pub(crate) mappings: Mappings,
    /// Ends of logs that somebody wants.
    pub(crate) tails: Tails,
    functions: RwLock<BTreeMap<String, Arc<Function>>>,
    /// See [`Options::control_plane_rate`].
    rate: Option<Rate>,
}

/// A function and what of it is meant.
pub(crate) struct Target {
    pub(crate) function: Arc<Function>,
    /// None: `$LATEST`, and the caller did not say so.
    pub(crate) qualifier: Option<String>,
}

impl Target {
    /// Its ARN, as the caller named it.
    pub(crate) fn arn(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => self.function.qualified(qualifier),
            None => self.function.arn.clone(),
        }
    }

    pub(crate) fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }
}

/// What the emulator's Lambda shares with the rest of the cloud.
pub(crate) struct Surroundings<'a> {
    pub(crate) place: &'a Place,
    pub(crate) endpoint: SocketAddr,
    pub(crate) options: &'a Options,
    pub(crate) callers: Arc<Callers>,
    pub(crate) iam: Arc<Iam>,
    pub(crate) logs: LogSink,
    pub(crate) notices: Notice,
    pub(crate) tasks: TaskTracker,
    pub(crate) ending: CancellationToken,
}

impl Lambda {
    pub(crate) fn start(around: Surroundings<'_>) -> std::io::Result<Arc<Self>> {
        let rate = around.options.control_plane_rate;
        let lambda = Arc::new(Self {
            place: around.place.clone(),
            endpoint: around.endpoint,
            callers: around.callers,
            iam: around.iam,
            logs: around.logs,
            notices: around.notices,
            tasks: around.tasks,
            ending: around.ending,
            async_retries: around.options.async_retries,
            clients: Clients::write().map_err(std::io::Error::other)?,
            layers: Layers::new(around.place.clone())?,
            mappings: Mappings::new(around.place.clone()),
            tails: around.options.tails.clone(),
            functions: RwLock::default(),
            rate: rate.map(|calls| Rate::new(calls, Instant::now())),
        });
        let reaping = reap(Arc::clone(&lambda), around.options.reap_after);
        lambda.tasks.spawn(reaping);
        Ok(lambda)
    }

    /// Whether the account may make this call now.
    fn may_call(&self, method: &Method, path: &str) -> bool {
        let Some(rate) = &self.rate else {
            return true;
        };
        !is_control_plane(&lambda_action(method, path)) || rate.take(Instant::now())
    }

    pub(crate) fn add_function(&self, function: Arc<Function>) {
        let mut functions = self
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        functions.insert(function.name.clone(), function);
    }

    pub(crate) fn remove_function(&self, name: &str) {
        let mut functions = self
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        functions.remove(name);
    }

    pub(crate) fn functions(&self) -> Vec<Arc<Function>> {
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        functions.values().cloned().collect()
    }

    /// Finds a function by name, partial ARN or ARN. A qualifier may stand in
    /// it or beside it.
    pub(crate) fn target(
        &self,
        reference: &str,
        qualifier: Option<&str>,
    ) -> Result<Target, LambdaError> {
        self.check_region(reference)?;
        let (name, derived) = name_and_qualifier(reference);
        if let (Some(derived), Some(given)) = (derived, qualifier)
            && derived != given
        {
            let message =
                "The derived qualifier from the function name does not match the specified \
                 qualifier."
                    .to_owned();
            return Err(LambdaError::InvalidParameter(message));
        }
        let qualifier = qualifier.or(derived);
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(function) = functions.get(name) else {
            let suffix = qualifier.map(|it| format!(":{it}")).unwrap_or_default();
            return Err(LambdaError::NotFound(format!(
                "Function not found: arn:{}:lambda:{}:{}:function:{name}{suffix}",
                self.place.partition, self.place.region, self.place.account_id
            )));
        };
        Ok(Target {
            function: Arc::clone(function),
            qualifier: qualifier.map(str::to_owned),
        })
    }

    fn check_region(&self, reference: &str) -> Result<(), LambdaError> {
        let region = reference
            .strip_prefix("arn:")
            .and_then(|it| it.split(':').nth(2));
        match region {
            Some(region) if region != self.place.region => Err(LambdaError::NotFound(format!(
                "Functions from '{region}' are not reachable in this region ('{}')",
                self.place.region
            ))),
            _ => Ok(()),
        }
    }

    /// Invokes a function and waits for its answer.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        reference: &str,
        payload: Bytes,
        client_context: Option<String>,
    ) -> Result<Invoked, LambdaError> {
        let target = self.target(reference, None)?;
        let call = Call {
            request_id: id::uuid(),
            arn: target.arn(),
            payload,
            client_context,
            tail: false,
            state: RunState::new(),
        };
        self.run(target, call).await
    }

    /// The same, with all that can be said about it. A caller that hangs up
    /// does not end an invocation.
    pub(crate) async fn run(
        self: &Arc<Self>,
        target: Target,
        call: Call,
    ) -> Result<Invoked, LambdaError> {
        let lambda = Arc::clone(self);
        let running = self.tasks.spawn(async move {
            let function = Arc::clone(&target.function);
            function.invoke(&lambda, target.qualifier(), call).await
        });
        running
            .await
            .map_err(|error| LambdaError::Failed(error.to_string()))?
    }

    pub(crate) fn notice(&self, line: String) {
        (self.notices)(line);
    }

    pub(crate) async fn stop(&self) {
        for function in self.functions() {
            function.stop().await;
        }
    }
}

/// Ends environments that have been idle for too long.
async fn reap(lambda: Arc<Lambda>, after: Duration) {
    let often = (after / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
    let mut ticks = tokio::time::interval(often);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = lambda.ending.cancelled() => return,
        }
        for function in lambda.functions() {
            function.reap(after).await;
        }
    }
}

/// Splits `name`, `name:qualifier`, `account:function:name` and full ARNs.
pub(crate) fn name_and_qualifier(reference: &str) -> (&str, Option<&str>) {
    let rest = match reference.split_once("function:") {
        Some((_, rest)) => rest,
        None => reference,
    };
    match rest.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_by_each_form_of_its_name() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:hello";
        assert_eq!(name_and_qualifier("hello"), ("hello", None));
        assert_eq!(name_and_qualifier("hello:live"), ("hello", Some("live")));
        assert_eq!(name_and_qualifier(arn), ("hello", None));
        assert_eq!(
            name_and_qualifier("000000000000:function:hello:7"),
            ("hello", Some("7"))
        );
    }
}
