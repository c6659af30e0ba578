//! AWS on the desk: deploys templates and serves what they ask for, behaving
//! as AWS does, on one machine and without an account.
//!
//! `endpoint` is the port for SDKs: it tells services apart as AWS tells them
//! and hands requests to `lambda`, `websocket` (`@connections`), `query` (STS,
//! and the protocol of `cloudformation`), `s3` and `dynamodb` (both embedded).
//! `cloudformation` makes stacks of templates, those that `deploy` gives it at
//! the start included; each WebSocket API then listens on a port of its own.
//! `iam` decides who may do what, by the policies of the templates.
//! `callers` knows whose a `signature` is and so how far away they are: with
//! latencies in [`Options`], a WAN is played. It counts all calls, too:
//! `GET /_tether/calls` on the endpoint. `faults` are calls that fail on request,
//! and `requests` keeps what was asked.

mod body;
mod callers;
mod cloud;
mod cloudformation;
mod delay;
mod deploy;
mod descriptors;
mod dynamodb;
mod endpoint;
mod faults;
mod files;
mod http_api;
mod iam;
mod id;
mod known;
mod lambda;
mod local_tls;
mod names;
mod options;
mod query;
mod requests;
mod s3;
mod schedule;
mod signature;
mod tails;
mod websocket;
mod working_copies;

pub use cloud::{Cloud, Notice, Place};
pub use deploy::{
    DeployError, DeployedApi, DeployedFunction, DeployedRoute, Deployment, StackSource,
};
pub use faults::{FaultHit, FaultSink};
pub use known::Known;
pub use options::{AccessSink, HttpOptions, Options, WebSocketTable};
pub use tails::Tails;
pub use tether_apigw::websocket::rules::Rules;
pub use tether_gateway::{Access, Keys};
pub use tether_host::{LogLine, LogSink};
pub use websocket::WebSocketRules;
pub use working_copies::{Certificates, WantedCopy, WorkingCopies};

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A cloud that serves.
pub struct Emulator {
    cloud: Arc<Cloud>,
}

/// Why the emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken.
    #[error(
        "port {port} cannot be served ({error}): end what listens there, or choose another with --endpoint-port (0 takes a free one)"
    )]
    Port {
        /// Which.
        port: u16,
        /// Why.
        error: std::io::Error,
    },
    /// The work folder or DynamoDB.
    #[error("{0}")]
    Other(String),
}

impl Emulator {
    /// Serves the endpoint on this port of the loopback interface.
    ///
    /// # Errors
    /// When the port is taken or there is no room for temporary files.
    pub async fn start(
        port: u16,
        place: Place,
        options: Options,
        logs: LogSink,
        notices: Notice,
        faults: FaultSink,
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .map_err(|error| StartError::Port { port, error })?;
        let cloud = Cloud::new(&listener, place, options, logs, notices, faults)
            .await
            .map_err(|error| StartError::Other(error.to_string()))?;
        let serving = endpoint::serve(listener, Arc::clone(&cloud));
        cloud.tasks.spawn(serving);
        Ok(Self { cloud })
    }

    /// The endpoint's address.
    #[must_use]
    pub fn endpoint(&self) -> SocketAddr {
        self.cloud.endpoint
    }

    /// Deploys a template.
    ///
    /// # Errors
    /// Everything that is wrong with it; nothing of it serves then.
    pub async fn deploy(&self, source: &StackSource) -> Result<Deployment, DeployError> {
        deploy::deploy(&self.cloud, source).await
    }

    /// Makes a stack that it has deployed what its template says now.
    ///
    /// # Errors
    /// Everything that is wrong with it; what was there goes on serving then.
    pub async fn update(&self, source: &StackSource) -> Result<Deployment, DeployError> {
        deploy::update(&self.cloud, source).await
    }

    /// Ends every connection and every process.
    pub async fn stop(&self) {
        self.cloud.stop().await;
    }
}
