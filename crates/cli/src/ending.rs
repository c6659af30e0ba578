//! Ctrl-C, once and twice.

use tether_receiver::Ending;

/// The first Ctrl-C (or SIGTERM) ends gently, the second at once.
pub(crate) fn watch() -> Ending {
    let ending = Ending::default();
    let signalled = ending.clone();
    // Lives as long as the process.
    tokio::spawn(async move {
        wait().await;
        signalled.gently.cancel();
        wait().await;
        signalled.at_once.cancel();
    });
    ending
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn wait() {
    let _ = tokio::signal::ctrl_c().await;
}
