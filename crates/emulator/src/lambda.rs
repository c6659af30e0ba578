//! Lambda: functions, their configurations and their execution environments.

mod api;
mod configuration;
mod environments;
mod error;
mod function;

pub(crate) use api::serve;
pub(crate) use configuration::Configuration;
pub(crate) use environments::interpreter;
pub(crate) use error::LambdaError;
pub(crate) use function::{Code, Function, Invoked};

use crate::cloud::Place;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use tether_host::LogSink;
use tether_host::python::Client;
use tokio_util::task::TaskTracker;

/// All functions and layers of the account.
pub(crate) struct Lambda {
    pub(crate) place: Place,
    pub(crate) endpoint: SocketAddr,
    pub(crate) logs: LogSink,
    pub(crate) tasks: TaskTracker,
    pub(crate) python: Client,
    functions: RwLock<BTreeMap<String, Arc<Function>>>,
    /// Layer version ARN → its content.
    layers: RwLock<HashMap<String, PathBuf>>,
}

impl Lambda {
    pub(crate) fn new(
        place: Place,
        endpoint: SocketAddr,
        logs: LogSink,
        tasks: TaskTracker,
    ) -> std::io::Result<Self> {
        Ok(Self {
            place,
            endpoint,
            logs,
            tasks,
            python: Client::write()?,
            functions: RwLock::default(),
            layers: RwLock::default(),
        })
    }

    pub(crate) fn add_layer(&self, arn: String, content: PathBuf) {
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        layers.insert(arn, content);
    }

    pub(crate) fn layer(&self, arn: &str) -> Option<PathBuf> {
        let layers = self.layers.read().unwrap_or_else(PoisonError::into_inner);
        layers.get(arn).cloned()
    }

    pub(crate) fn add_function(&self, function: Arc<Function>) {
        let name = function.configuration().function_name.clone();
        let mut functions = self
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        functions.insert(name, function);
    }

    pub(crate) fn functions(&self) -> Vec<Arc<Function>> {
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        functions.values().cloned().collect()
    }

    /// Finds a function by name, partial ARN or ARN.
    pub(crate) fn function(&self, reference: &str) -> Result<Arc<Function>, LambdaError> {
        let (name, qualifier) = name_and_qualifier(reference);
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        match functions.get(name) {
            Some(function) if qualifier.is_none_or(|it| it == "$LATEST") => {
                Ok(Arc::clone(function))
            }
            _ => {
                let suffix = qualifier.map(|it| format!(":{it}")).unwrap_or_default();
                Err(LambdaError::NotFound(format!(
                    "Function not found: arn:{}:lambda:{}:{}:function:{name}{suffix}",
                    self.place.partition, self.place.region, self.place.account_id
                )))
            }
        }
    }

    /// Invokes a function and waits for its answer.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        reference: &str,
        payload: Bytes,
        client_context: Option<String>,
    ) -> Result<Invoked, LambdaError> {
        let function = self.function(reference)?;
        let lambda = Arc::clone(self);
        // A caller that hangs up does not end an invocation.
        let running = self
            .tasks
            .spawn(async move { function.invoke(&lambda, payload, client_context).await });
        running
            .await
            .map_err(|error| LambdaError::Failed(error.to_string()))
    }

    pub(crate) async fn stop(&self) {
        for function in self.functions() {
            function.stop().await;
        }
    }
}

/// Splits `name`, `name:qualifier`, `account:function:name` and full ARNs.
fn name_and_qualifier(reference: &str) -> (&str, Option<&str>) {
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
