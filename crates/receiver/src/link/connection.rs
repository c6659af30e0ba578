//! One connection: a task that writes, and a task that reads.

use super::Ear;
use std::time::Duration;
use tether_protocol::message::ToCloud;
use tether_relay::{Incoming, Socket, SocketSender};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Messages that wait to be sent. There are few more than invocations in
/// flight: when it is full, the line does not carry what it is asked to.
const UNSENT: usize = 256;

/// A message of 128 KB leaves a slow line in this time.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// A network that swallows everything does not hold the end up.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection; it ends when this is dropped.
pub(super) struct Connection {
    pub(super) number: u64,
    outgoing: mpsc::Sender<ToCloud>,
    /// Filled when it is to be given up.
    lost: mpsc::Sender<String>,
    writer: JoinSet<()>,
    _reader: JoinSet<()>,
}

impl Connection {
    pub(super) fn start(number: u64, socket: Socket, ear: Ear) -> Self {
        let (sender, incoming) = socket.split();
        let (outgoing, unsent) = mpsc::channel(UNSENT);
        let (lost, given_up) = mpsc::channel(1);
        let mut writer = JoinSet::new();
        writer.spawn(write(sender, unsent, lost.clone()));
        let mut reader = JoinSet::new();
        reader.spawn(read(number, incoming, given_up, ear));
        Self {
            number,
            outgoing,
            lost,
            writer,
            _reader: reader,
        }
    }

    /// False: there is no room, or nobody to send it.
    pub(super) fn send(&self, message: ToCloud) -> bool {
        self.outgoing.try_send(message).is_ok()
    }

    /// Less than half of what may wait does.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.capacity() > UNSENT / 2
    }

    pub(super) fn lose(&self, reason: &str) {
        // Full: it is being given up already.
        let _ = self.lost.try_send(reason.to_owned());
    }

    /// Says goodbye, once what waits has been sent.
    pub(super) async fn close(mut self) {
        drop(self.outgoing);
        let sent = async { while self.writer.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, sent).await;
    }
}

async fn write(
    mut sender: SocketSender,
    mut unsent: mpsc::Receiver<ToCloud>,
    lost: mpsc::Sender<String>,
) {
    while let Some(message) = unsent.recv().await {
        let reason = match tokio::time::timeout(SEND_TIMEOUT, sender.send(&message)).await {
            Ok(Ok(())) => continue,
            Ok(Err(reason)) => reason,
            Err(_) => format!("a message did not leave in {} s", SEND_TIMEOUT.as_secs()),
        };
        let _ = lost.try_send(reason);
        return;
    }
    sender.close().await;
}

/// Says the end of the connection last, and once.
async fn read(number: u64, mut incoming: Incoming, mut given_up: mpsc::Receiver<String>, ear: Ear) {
    loop {
        let what = tokio::select! {
            what = incoming.next() => what,
            Some(reason) = given_up.recv() => Err(reason),
        };
        let ended = what.is_err();
        if ear.send((number, what)).await.is_err() || ended {
            return;
        }
    }
}
