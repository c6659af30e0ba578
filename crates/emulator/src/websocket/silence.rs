//! A connection that is half open, by a fault: from one message on, nobody
//! reads it, writes to it or closes it, and API Gateway believes in it.

use crate::faults::{Call, Caught, Faults};
use std::sync::OnceLock;
use tokio_util::sync::CancellationToken;

/// The silence on one connection, before it begins and after.
#[derive(Default)]
pub(super) struct Silence {
    began: CancellationToken,
    caught: OnceLock<Caught>,
}

impl Silence {
    /// Whether a message is lost in it: it may be the one with which it begins.
    pub(super) fn takes(&self, faults: &Faults, connection_id: &str, text: &str) -> bool {
        if self.has_begun() {
            return true;
        }
        let call = || Call::websocket("message", [connection_id, text]);
        let Some(caught) = faults.catch(call) else {
            return false;
        };
        self.caught.get_or_init(|| caught).tell();
        self.began.cancel();
        true
    }

    pub(super) fn has_begun(&self) -> bool {
        self.caught.get().is_some()
    }

    pub(super) async fn begins(&self) {
        self.began.cancelled().await;
    }

    /// Waits until it is over; where there is none, for ever.
    pub(super) async fn is_over(&self) {
        match self.caught.get() {
            Some(caught) => caught.lifted().await,
            None => std::future::pending().await,
        }
    }
}
