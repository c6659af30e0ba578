//! Ctrl-C, once, twice, and again; and SIGTERM, which is said as often as
//! anybody likes and means the same each time. So is SIGHUP, of a terminal that
//! is closed.

use tether_receiver::Ending;

/// How somebody asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Once nothing runs: SIGTERM, or SIGHUP.
    Gently,
    /// Ctrl-C: gently, and at once by whoever was asked before.
    Again,
}

/// The first signal ends gently, a Ctrl-C after it at once; whoever still waits
/// after that is told of each.
pub(crate) fn watch() -> Ending {
    let ending = Ending::default();
    let signalled = ending.clone();
    // From now on, and not from when the task's turn has come.
    let mut signals = Signals::listen();
    // Lives as long as the process.
    tokio::spawn(async move {
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
    /// None: it is not heard by this process.
    hangup: Option<std::io::Result<Signal>>,
}

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()),
            terminate: signal(SignalKind::terminate()),
            hangup: is_hangup_heard().then(|| signal(SignalKind::hangup())),
        }
    }

    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            () = received(&mut self.interrupt) => Asked::Again,
            () = received(&mut self.terminate) => Asked::Gently,
            () = hung_up(&mut self.hangup) => Asked::Gently,
        }
    }
}

/// Whoever said `nohup` wants this process to go on without its terminal; so
/// does `attach --background`, which has left it.
#[cfg(unix)]
fn is_hangup_heard() -> bool {
    // What the kernel says of signals that are ignored (`proc(5)`).
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    !crate::background::has_left_terminal() && ignored.unwrap_or(0) & 1 == 0
}

#[cfg(unix)]
async fn hung_up(hangup: &mut Option<std::io::Result<Signal>>) {
    match hangup {
        Some(hangup) => received(hangup).await,
        None => std::future::pending().await,
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
