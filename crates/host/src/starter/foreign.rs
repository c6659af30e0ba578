//! A function whose process the developer starts, under an IDE for example: it
//! connects to a Runtime API that stays where it is.

use super::RunsOn;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpListener;

/// Somebody else's process.
#[derive(Clone, Debug)]
pub struct Foreign {
    host: String,
    port: u16,
    /// The free port that it took for 0, for example.
    address: Arc<OnceLock<SocketAddr>>,
}

impl Foreign {
    pub(super) fn at(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            address: Arc::default(),
        }
    }

    pub(super) fn check() -> RunsOn {
        RunsOn {
            what: "the process that you start".to_owned(),
            as_meant: true,
        }
    }

    pub(super) fn program(&self) -> &Path {
        Path::new(&self.host)
    }

    /// Always at the same address.
    pub(crate) async fn listen(&self) -> std::io::Result<TcpListener> {
        let listener = match self.address.get() {
            Some(address) => TcpListener::bind(address).await?,
            None => TcpListener::bind((self.host.as_str(), self.port)).await?,
        };
        let _ = self.address.set(listener.local_addr()?);
        Ok(listener)
    }

    /// Where, as soon as it was listened there.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// The port that is wanted.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
