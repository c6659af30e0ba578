//! Places for a function's processes.

use super::process::Process;
use crate::environment::ExecutionEnvironment;
use crate::freshness::Fingerprint;
use futures_util::future::select_all;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex as Latch, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// One for each remote environment, up to a limit: beyond it, those that are
/// there are shared.
#[derive(Default)]
pub(super) struct Slots {
    most: Option<NonZeroUsize>,
    /// Locked for a moment only: a slot's own lock is held while it runs.
    places: Latch<HashMap<String, Place>>,
}

#[derive(Clone)]
pub(super) struct Place {
    pub(super) slot: Arc<Mutex<Slot>>,
    pub(super) plate: Plate,
}

/// The code that a slot's process has, to be read by whoever passes by.
#[derive(Clone, Default)]
pub(super) struct Plate(Arc<Latch<Option<Fingerprint>>>);

pub(super) struct Slot {
    pub(super) process: Option<Process>,
    pub(super) plate: Plate,
    pub(super) used: Instant,
    /// An invocation's time was up while it ran, and it runs on under its
    /// debugger.
    pub(super) overdue: bool,
}

/// A place in a local process: nobody else runs there until it is dropped.
pub struct Seat(pub(super) OwnedMutexGuard<Slot>);

impl Slots {
    pub(super) fn at_most(most: Option<NonZeroUsize>) -> Self {
        Self {
            most,
            places: Latch::default(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn all(&self) -> Vec<Place> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn drain(&self) -> Vec<Place> {
        self.lock().drain().map(|(_, place)| place).collect()
    }

    /// Whether there is a place for this remote environment: its own, a new one,
    /// if there may be `more`, or one that is shared.
    pub(super) fn has(&self, remote_environment: &str, more: bool) -> bool {
        let mut places = self.lock();
        if more && self.has_room(&places) {
            own(&mut places, remote_environment);
        }
        places.contains_key(remote_environment) || (self.most.is_some() && !places.is_empty())
    }

    /// A slot that is free now.
    pub(super) fn free(&self, remote_environment: &str) -> Option<Seat> {
        let mut choice = self.choice(remote_environment).into_iter();
        choice.find_map(|slot| {
            let slot = slot.try_lock_owned().ok()?;
            (!slot.is_overdue()).then_some(Seat(slot))
        })
    }

    /// The first one that nobody runs in.
    pub(super) async fn seat(&self, remote_environment: &str, waits: impl FnOnce()) -> Seat {
        if let Some(seat) = self.free(remote_environment) {
            return seat;
        }
        let choice = self.choice(remote_environment);
        if let Some(locked) = choice
            .iter()
            .find_map(|it| Arc::clone(it).try_lock_owned().ok())
        {
            return Seat(locked);
        }
        waits();
        let locks = choice.into_iter().map(|it| Box::pin(it.lock_owned()));
        Seat(select_all(locks).await.0)
    }

    /// Its own first. There is always one.
    fn choice(&self, remote_environment: &str) -> Vec<Arc<Mutex<Slot>>> {
        let mut places = self.lock();
        if self.has_room(&places) {
            own(&mut places, remote_environment);
        }
        let own = places.get(remote_environment);
        let mut choice: Vec<_> = own.iter().map(|it| Arc::clone(&it.slot)).collect();
        if self.most.is_some() {
            let others = places
                .iter()
                .filter(|(name, _)| *name != remote_environment);
            choice.extend(others.map(|(_, place)| Arc::clone(&place.slot)));
        }
        choice
    }

    fn has_room(&self, places: &HashMap<String, Place>) -> bool {
        self.most.is_none_or(|most| places.len() < most.get())
    }

    /// Takes out those that were not used for so long.
    pub(super) fn idle(&self, idle: Duration) -> Vec<OwnedMutexGuard<Slot>> {
        self.take_out(|_, slot| slot.used.elapsed() >= idle)
    }

    /// Takes out those of remote environments that are called like this.
    pub(super) fn named(&self, prefix: &str) -> Vec<OwnedMutexGuard<Slot>> {
        self.take_out(|name, _| name.starts_with(prefix))
    }

    /// Never one that somebody has, or wants: he has a share of it by now, or finds
    /// a new one.
    fn take_out(&self, ends: impl Fn(&str, &Slot) -> bool) -> Vec<OwnedMutexGuard<Slot>> {
        let mut ended = Vec::new();
        self.lock().retain(|name, place| {
            if Arc::strong_count(&place.slot) > 1 {
                return true;
            }
            match Arc::clone(&place.slot).try_lock_owned() {
                Ok(locked) if ends(name, &locked) => {
                    ended.push(locked);
                    false
                }
                _ => true,
            }
        });
        ended
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own(places: &mut HashMap<String, Place>, remote_environment: &str) {
    if !places.contains_key(remote_environment) {
        places.insert(remote_environment.to_owned(), Place::new());
    }
}

impl Place {
    fn new() -> Self {
        let plate = Plate::default();
        let slot = Slot {
            process: None,
            plate: plate.clone(),
            used: Instant::now(),
            overdue: false,
        };
        Self {
            slot: Arc::new(Mutex::new(slot)),
            plate,
        }
    }
}

impl Plate {
    pub(super) fn says(&self, code: Fingerprint) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Some(code)
    }

    fn write(&self, code: Option<Fingerprint>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = code;
    }
}

impl Slot {
    /// A process of this code is about to be started in it.
    pub(super) fn expects(&self, code: Fingerprint) {
        self.plate.write(Some(code));
    }

    /// Whether an earlier invocation still runs, whose time was up.
    pub(super) fn is_overdue(&self) -> bool {
        let process = self.process.as_ref().map(|it| &it.environment);
        self.overdue && !process.is_none_or(ExecutionEnvironment::is_waiting)
    }

    /// Waits until it does not, if there is one.
    pub(super) async fn rests(&mut self) {
        if self.is_overdue()
            && let Some(process) = &mut self.process
        {
            process.environment.idle().await;
        }
        self.overdue = false;
    }

    pub(super) fn take(&mut self) -> Option<Process> {
        self.plate.write(None);
        self.process.take()
    }

    pub(super) async fn stop(&mut self) {
        if let Some(process) = self.take() {
            process.stop().await;
        }
    }
}
