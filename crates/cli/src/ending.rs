//! Ctrl-C, once, twice, and again; and SIGTERM, which is said as often as
//! anybody likes and means the same each time.

use tether_receiver::Ending;

/// How somebody asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Once nothing runs: SIGTERM.
    Gently,
    /// Ctrl-C: gently, and at once by whoever was asked before.
    Again,
}

/// The first signal ends gently, a Ctrl-C after it at once; whoever still waits
/// after that is told of each.
pub(crate) fn watch() -> Ending {
    let ending = Ending::default();
    let signalled = ending.clone();
    // Lives as long as the process.
    tokio::spawn(async move {
        let mut signals = Signals::listen();
        loop {
            let asked = signals.next().await;
            if asked == Asked::Again && signalled.gently.is_cancelled() {
                signalled.at_once.cancel();
            }
            signalled.gently.cancel();
            if asked == Asked::Again {
                signalled.again.notify_waiters();
            }
        }
    });
    ending
}

/// Listens from the beginning on: none is missed between two.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: std::io::Result<Signal>,
    terminate: std::io::Result<Signal>,
}

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()),
            terminate: signal(SignalKind::terminate()),
        }
    }

    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            () = received(&mut self.interrupt) => Asked::Again,
            () = received(&mut self.terminate) => Asked::Gently,
        }
    }
}

/// Never, where there is nothing to listen to.
#[cfg(unix)]
async fn received(signal: &mut std::io::Result<Signal>) {
    if let Ok(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> Self {
        Self
    }

    pub(crate) async fn next(&mut self) -> Asked {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Asked::Again,
            Err(_) => std::future::pending().await,
        }
    }
}
