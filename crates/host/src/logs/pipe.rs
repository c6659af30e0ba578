//! One of a process's streams, read from here.

#[cfg(not(unix))]
pub(super) use elsewhere::Pipe;
#[cfg(unix)]
pub(super) use unix::Pipe;

#[cfg(unix)]
mod unix {
    use std::os::fd::OwnedFd;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use tokio::net::unix::pipe::Receiver;

    /// See the module. Places in it are counted in bytes from the beginning.
    pub(in super::super) struct Pipe {
        receiver: Receiver,
        /// Where the next read begins. Locked while it is read and asked.
        place: Mutex<u64>,
    }

    impl Pipe {
        pub(in super::super) fn new(end: std::io::Result<OwnedFd>) -> std::io::Result<Self> {
            Ok(Self {
                receiver: Receiver::from_owned_fd(end?)?,
                place: Mutex::default(),
            })
        }

        /// Waits for more: where it begins, and how much it is. Nothing: this
        /// is the end.
        pub(in super::super) async fn read(&self, bytes: &mut [u8]) -> (u64, usize) {
            loop {
                let readable = self.receiver.readable().await;
                let mut place = self.place();
                match readable.and_then(|()| self.receiver.try_read(bytes)) {
                    Ok(read) => return (advance(&mut place, read), read),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return (*place, 0),
                }
            }
        }

        /// So much stands before this mark and has not been read, in bytes.
        pub(in super::super) fn before(&self, mark: u64) -> usize {
            between(*self.place(), mark)
        }

        /// Reads what there is before this mark; nothing: that was all.
        pub(in super::super) fn read_to(&self, mark: u64, bytes: &mut [u8]) -> usize {
            let mut place = self.place();
            let end = between(*place, mark).min(bytes.len());
            let room = bytes.get_mut(..end).unwrap_or_default();
            if room.is_empty() {
                return 0;
            }
            // It is there: the pipe itself is asked, not what is known of it.
            let read = rustix::io::read(&self.receiver, room).unwrap_or(0);
            advance(&mut place, read);
            read
        }

        /// Behind everything that has been written so far.
        pub(in super::super) fn mark(&self) -> u64 {
            let place = self.place();
            let waiting = rustix::io::ioctl_fionread(&self.receiver);
            place.saturating_add(waiting.unwrap_or(0))
        }

        fn place(&self) -> MutexGuard<'_, u64> {
            self.place.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    fn between(place: u64, mark: u64) -> usize {
        usize::try_from(mark.saturating_sub(place)).unwrap_or(usize::MAX)
    }

    fn advance(place: &mut u64, read: usize) -> u64 {
        let began = *place;
        *place = began.saturating_add(u64::try_from(read).unwrap_or(0));
        began
    }
}

/// Nobody tells here how much is in a pipe: what Lambda says stands where it is
/// heard.
#[cfg(not(unix))]
mod elsewhere {
    use tokio::io::{AsyncRead, AsyncReadExt as _};
    use tokio::sync::Mutex;

    pub(in super::super) struct Pipe(Mutex<Box<dyn AsyncRead + Send + Unpin>>);

    impl Pipe {
        pub(in super::super) fn new(end: impl AsyncRead + Send + Unpin + 'static) -> Self {
            Self(Mutex::new(Box::new(end)))
        }

        pub(in super::super) async fn read(&self, bytes: &mut [u8]) -> (u64, usize) {
            (0, self.0.lock().await.read(bytes).await.unwrap_or(0))
        }

        pub(in super::super) fn before(&self, _: u64) -> usize {
            0
        }

        pub(in super::super) fn read_to(&self, _: u64, _: &mut [u8]) -> usize {
            0
        }

        pub(in super::super) fn mark(&self) -> u64 {
            0
        }
    }
}
