//! The system's watch on Linux, read by ourselves.
//!
//! What inotify has to tell is in its queue when the write returns
//! (`inotify(7)`), so whoever has read the queue to its end knows of everything
//! that was written before: one call of the system, where a library that reads
//! it in a thread of its own would have to be asked by a file that is written
//! for it.

use super::board::Board;
use super::lock;
use notify::event::{EventKind, Flag, ModifyKind, RemoveKind};
use notify::{Error, ErrorKind, Event};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{
    CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Room for some hundred events at once.
const BUFFER: usize = 16 * 1024;

/// See the module.
pub(super) struct System {
    shared: Arc<Shared>,
    /// Ends the thread.
    end: Arc<OwnedFd>,
}

struct Shared {
    queue: OwnedFd,
    /// Held while events are read and told, so that they are told in their
    /// order, and all of them when it is free.
    watched: Mutex<Watched>,
    board: Arc<Mutex<Board>>,
}

#[derive(Default)]
struct Watched {
    paths: HashMap<i32, PathBuf>,
    numbers: HashMap<PathBuf, i32>,
}

impl System {
    /// Watches nothing yet.
    pub(super) fn start(board: &Arc<Mutex<Board>>) -> notify::Result<Self> {
        let queue = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(wrong)?;
        let end = eventfd(0, EventfdFlags::CLOEXEC).map_err(wrong)?;
        let shared = Arc::new(Shared {
            queue,
            watched: Mutex::default(),
            board: Arc::clone(board),
        });
        let system = Self {
            shared: Arc::clone(&shared),
            end: Arc::new(end),
        };
        let end = Arc::clone(&system.end);
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || shared.listen(&end))
            .map_err(Error::io)?;
        Ok(system)
    }

    /// Hears of what happens in a folder, and of what becomes of itself.
    pub(super) fn watch(&mut self, path: &Path) -> notify::Result<()> {
        let wanted = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE
            | WatchFlags::MOVE_SELF;
        let mut watched = lock(&self.shared.watched);
        let number = add_watch(&self.shared.queue, path, wanted).map_err(wrong)?;
        watched.paths.insert(number, path.to_path_buf());
        watched.numbers.insert(path.to_path_buf(), number);
        Ok(())
    }

    /// Hears of it no more.
    pub(super) fn unwatch(&mut self, path: &Path) {
        let mut watched = lock(&self.shared.watched);
        if let Some(number) = watched.numbers.remove(path) {
            watched.paths.remove(&number);
            // The system may have ended it by itself.
            let _ = remove_watch(&self.shared.queue, number);
        }
    }

    /// What tells of everything that was written before.
    pub(super) fn hearing(&self) -> Hearing {
        Hearing(Arc::clone(&self.shared))
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // The thread ends by it, and closes what it holds.
        let _ = rustix::io::write(&*self.end, &1_u64.to_ne_bytes());
    }
}

/// See [`System::hearing`].
#[derive(Clone)]
pub(super) struct Hearing(Arc<Shared>);

impl Hearing {
    /// Tells everything that was written before. False: that is not known.
    pub(super) fn all(&self) -> bool {
        self.0.tell().is_ok()
    }
}

impl Shared {
    /// Tells what comes, until it is to end: nobody may ask for a long time.
    fn listen(&self, end: &OwnedFd) {
        loop {
            let mut waits = [
                PollFd::new(&self.queue, PollFlags::IN),
                PollFd::new(end, PollFlags::IN),
            ];
            match poll(&mut waits, None) {
                Ok(_) if waits[1].revents().contains(PollFlags::IN) => return,
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return,
            }
            if self.tell().is_err() {
                return;
            }
        }
    }

    /// Reads the queue to its end.
    fn tell(&self) -> Result<(), Errno> {
        let mut watched = lock(&self.watched);
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.queue, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error),
            };
            let (number, kind) = (event.wd(), event.events());
            if kind.contains(ReadFlags::QUEUE_OVERFLOW) {
                let event = Event::new(EventKind::Other).set_flag(Flag::Rescan);
                lock(&self.board).hear(Ok(event));
                continue;
            }
            if let Some(path) = watched.paths.get(&number) {
                let name = event.file_name().map(|it| OsStr::from_bytes(it.to_bytes()));
                let path = match name {
                    Some(name) => path.join(name),
                    None => path.clone(),
                };
                let event = Event::new(meaning(kind)).add_path(path);
                lock(&self.board).hear(Ok(event));
            }
            if kind.contains(ReadFlags::IGNORED)
                && let Some(path) = watched.paths.remove(&number)
            {
                // It may be watched again under another number by now.
                if watched.numbers.get(&path) == Some(&number) {
                    watched.numbers.remove(&path);
                }
            }
        }
    }
}

/// Whether something is there no more, or is another one.
fn meaning(kind: ReadFlags) -> EventKind {
    let away = ReadFlags::DELETE
        | ReadFlags::DELETE_SELF
        | ReadFlags::MOVED_FROM
        | ReadFlags::MOVE_SELF
        | ReadFlags::UNMOUNT
        | ReadFlags::IGNORED;
    if kind.intersects(away) {
        EventKind::Remove(RemoveKind::Any)
    } else {
        EventKind::Modify(ModifyKind::Any)
    }
}

/// In the words of the library that serves other systems.
fn wrong(error: Errno) -> Error {
    match error {
        Errno::NOSPC => Error::new(ErrorKind::MaxFilesWatch),
        Errno::NOENT | Errno::NOTDIR => Error::path_not_found(),
        other => Error::io(other.into()),
    }
}
