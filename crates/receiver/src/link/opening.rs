//! Opening a connection, again and again until it succeeds or is refused.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tether_relay::{ConnectError, Socket, Target};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// The pause before the next try to connect, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What became of a try.
pub(super) enum Tried {
    /// There is a connection.
    Opened(Box<Socket>),
    /// There will be none.
    Refused(ConnectError),
    /// The next try follows.
    Failed {
        attempt: u32,
        trying_for: Duration,
        reason: String,
    },
}

/// A connection to be; nothing comes of it when this is dropped.
pub(super) struct Opening {
    tries: mpsc::Receiver<Tried>,
    hurry: Arc<Notify>,
    _task: JoinSet<()>,
}

impl Opening {
    pub(super) fn start(target: Target) -> Self {
        let (tell, tries) = mpsc::channel(1);
        let hurry = Arc::new(Notify::new());
        let mut task = JoinSet::new();
        task.spawn(open(target, Arc::clone(&hurry), tell));
        Self {
            tries,
            hurry,
            _task: task,
        }
    }

    /// The next try is due now.
    pub(super) fn hurry(&self) {
        self.hurry.notify_waiters();
    }

    pub(super) async fn next(&mut self) -> Tried {
        match self.tries.recv().await {
            Some(tried) => tried,
            // It has told its last, and is about to be dropped.
            None => std::future::pending().await,
        }
    }
}

async fn open(target: Target, hurry: Arc<Notify>, tell: mpsc::Sender<Tried>) {
    let began = Instant::now();
    let (mut pause, mut attempt) = (FIRST_PAUSE, 0);
    loop {
        attempt += 1;
        let (tried, last) = match Socket::open(&target).await {
            Ok(socket) => (Tried::Opened(Box::new(socket)), true),
            Err(refused @ ConnectError::Refused { .. }) => (Tried::Refused(refused), true),
            Err(ConnectError::Unreachable { reason, .. }) => {
                let failed = Tried::Failed {
                    attempt,
                    trying_for: began.elapsed(),
                    reason,
                };
                (failed, false)
            }
        };
        if tell.send(tried).await.is_err() || last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = hurry.notified() => pause = FIRST_PAUSE,
        }
    }
}
