//! Ctrl-C, once, twice, and again.

use tether_receiver::Ending;

/// The first Ctrl-C (or SIGTERM) ends gently, the second at once; whoever
/// still waits after that is told of each.
pub(crate) fn watch() -> Ending {
    let ending = Ending::default();
    let signalled = ending.clone();
    // Lives as long as the process.
    tokio::spawn(async move {
        let mut signals = Signals::listen();
        loop {
            signals.next().await;
            if signalled.gently.is_cancelled() {
                signalled.at_once.cancel();
            }
            signalled.gently.cancel();
            signalled.again.notify_waiters();
        }
    });
    ending
}

/// Listens from the beginning on: none is missed between two.
#[cfg(unix)]
struct Signals {
    interrupt: std::io::Result<Signal>,
    terminate: std::io::Result<Signal>,
}

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()),
            terminate: signal(SignalKind::terminate()),
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            () = received(&mut self.interrupt) => {}
            () = received(&mut self.terminate) => {}
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
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
