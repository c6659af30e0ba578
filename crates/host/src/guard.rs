//! A process with its children, which all end with this process, however that
//! one ends.
//!
//! Each group has a guard: a shell that leads it before anything else is in it,
//! and that waits at a pipe from here. When nobody has the other end any more,
//! after `kill -9` as well, it kills its own group. It needs no list of groups
//! that could be out of date: it is a member of the one that it kills, and as
//! long as it has not been reaped, nobody else's group has its number.

#[cfg(unix)]
pub(crate) use unix::Group;

#[cfg(not(unix))]
pub(crate) use elsewhere::Group;

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    use std::process::Stdio;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use tokio::io::AsyncReadExt as _;
    use tokio::process::{Child, ChildStdout, Command};
    use tokio::task::JoinSet;

    /// What a guard does. Signals that ask for an end are not for it: it ends
    /// last. A child that has left the group, a daemon say, is known by the
    /// Runtime API in its environment, where the system tells environments.
    /// SIGKILL to 0 is for the group, itself included.
    const GUARD: &str = r#"
trap '' HUP INT QUIT TERM TSTP TTIN TTOU PIPE
read -r _
for _ in 1 2 3; do
    strays=$(grep -lzFx "AWS_LAMBDA_RUNTIME_API=$1" /proc/[0-9]*/environ 2>/dev/null)
    [ -n "$strays" ] || break
    for stray in $strays; do
        stray=${stray#/proc/}
        kill -9 "${stray%/environ}" 2>/dev/null
    done
done
kill -9 0
"#;

    /// Stands in the list of processes.
    const NAME: &str = "tether-guard";

    /// Somebody who ends guard after guard has his reasons.
    const MOST_GUARDS: usize = 16;

    /// See the module.
    pub(crate) struct Group {
        state: Arc<Mutex<State>>,
        pub(super) runtime_api: Arc<str>,
        /// Looks after the guard.
        _watch: JoinSet<()>,
    }

    pub(super) struct State {
        /// None: it has been killed.
        pub(super) leader: Option<Pid>,
        frozen: bool,
        /// The last one is on duty. None is reaped while the group lives: the
        /// first one's number is the group's.
        pub(super) guards: Vec<Child>,
    }

    impl Group {
        /// A group with nothing but its guard in it.
        pub(crate) fn new(runtime_api: &str) -> std::io::Result<Self> {
            let (guard, on_duty) = start(0, runtime_api)?;
            let leader = pid_of(&guard).ok_or(std::io::ErrorKind::NotFound)?;
            let state = Arc::new(Mutex::new(State {
                leader: Some(leader),
                frozen: false,
                guards: vec![guard],
            }));
            let runtime_api: Arc<str> = runtime_api.into();
            let mut watch = JoinSet::new();
            watch.spawn(look_after(
                Arc::clone(&state),
                on_duty,
                Arc::clone(&runtime_api),
            ));
            Ok(Self {
                state,
                runtime_api,
                _watch: watch,
            })
        }

        /// The process starts in this group, from its first instruction on.
        pub(crate) fn take_in(&self, command: &mut Command) {
            if let Some(leader) = self.state().leader {
                command.process_group(leader.as_raw_nonzero().get());
            }
        }

        /// Ends all of it at once, the first time it is called. What is stopped
        /// ends as well: SIGKILL waits for nothing.
        pub(crate) fn kill(&self) {
            let mut state = self.state();
            state.send(Signal::KILL);
            if state.leader.take().is_some() {
                strays::kill(&self.runtime_api);
            }
        }

        /// Asks all of it to end.
        pub(crate) fn terminate(&self) {
            self.state().send(Signal::TERM);
        }

        /// Stops all of it, but for the guard. If this process dies between
        /// these two signals, the kernel sends SIGHUP and SIGCONT to the group
        /// that is orphaned by it (`_exit(2)`), and the guard is awake again.
        pub(crate) fn freeze(&self) {
            let mut state = self.state();
            if !state.frozen {
                state.send(Signal::STOP);
                let guard = state.guards.last().and_then(pid_of);
                if let (Some(guard), Some(_)) = (guard, state.leader) {
                    let _ = kill_process(guard, Signal::CONT);
                }
            }
            state.frozen = true;
        }

        /// Lets it go on.
        pub(crate) fn thaw(&self) {
            let mut state = self.state();
            if state.frozen {
                state.send(Signal::CONT);
            }
            state.frozen = false;
        }

        pub(crate) fn is_frozen(&self) -> bool {
            self.state().frozen
        }

        pub(super) fn state(&self) -> MutexGuard<'_, State> {
            lock(&self.state)
        }
    }

    impl State {
        fn send(&self, signal: Signal) {
            if let Some(leader) = self.leader {
                let _ = kill_process_group(leader, signal);
            }
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            self.kill();
        }
    }

    fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A guard, and what ends with it. `group` 0 is a new one.
    fn start(group: i32, runtime_api: &str) -> std::io::Result<(Child, Option<ChildStdout>)> {
        let mut guard = Command::new("/bin/sh")
            .args(["-c", GUARD, NAME, runtime_api])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(group)
            .spawn()?;
        let on_duty = guard.stdout.take();
        Ok((guard, on_duty))
    }

    /// Puts another guard where one was killed. It is not reaped before: the
    /// group keeps its number.
    async fn look_after(
        state: Arc<Mutex<State>>,
        mut on_duty: Option<ChildStdout>,
        runtime_api: Arc<str>,
    ) {
        while let Some(mut pipe) = on_duty.take() {
            // It never writes: this is its end.
            let _ = pipe.read(&mut [0]).await;
            let mut state = lock(&state);
            let Some(leader) = state.leader.filter(|_| state.guards.len() < MOST_GUARDS) else {
                return;
            };
            // It cannot be where nobody is left to be guarded.
            let next = start(leader.as_raw_nonzero().get(), &runtime_api);
            if let Ok((guard, its)) = next {
                state.guards.push(guard);
                on_duty = its;
            }
        }
    }

    fn pid_of(child: &Child) -> Option<Pid> {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        pid.and_then(Pid::from_raw)
    }

    #[cfg(target_os = "linux")]
    mod strays {
        use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

        /// debugpy's other half, which leaves its group, tells the editor that the
        /// function's process has ended, and then ends by itself. The function's
        /// own children do not have the variable: our client takes it away.
        const DEBUGGER: &[u8] = b"DEBUGPY_ADAPTER_ENDPOINTS=";

        /// Kills what has left its group, and all that it has started, by the
        /// Runtime API in its environment.
        pub(super) fn kill(runtime_api: &str) {
            let mark = format!("AWS_LAMBDA_RUNTIME_API={runtime_api}");
            // What one of them starts meanwhile is found by the next look.
            for _ in 0..3 {
                if !look(mark.as_bytes()) {
                    return;
                }
            }
        }

        /// Whether there were any.
        fn look(mark: &[u8]) -> bool {
            let Ok(folder) = std::fs::read_dir("/proc") else {
                return false;
            };
            let names = folder.flatten().map(|it| it.file_name());
            let pids = names.filter_map(|it| it.to_str()?.parse().ok());
            let killed = pids.filter_map(Pid::from_raw).filter(|pid| end(*pid, mark));
            killed.count() > 0
        }

        /// Nobody else gets its number between the look and the signal.
        fn end(pid: Pid, mark: &[u8]) -> bool {
            if !has(pid, mark) {
                return false;
            }
            let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
                return false;
            };
            has(pid, mark) && pidfd_send_signal(&handle, Signal::KILL).is_ok()
        }

        fn has(pid: Pid, mark: &[u8]) -> bool {
            let file = format!("/proc/{}/environ", pid.as_raw_nonzero());
            let variables = std::fs::read(file).unwrap_or_default();
            let mut variables = variables.split(|it| *it == 0);
            let is_marked = variables.clone().any(|it| it == mark);
            is_marked && !variables.any(|it| it.starts_with(DEBUGGER))
        }
    }

    #[cfg(not(target_os = "linux"))]
    mod strays {
        /// Nobody tells environments here: what leaves its group lives on.
        pub(super) fn kill(_: &str) {}
    }
}

/// Windows has job objects for this: until they are used here, the process
/// itself ends with this one as far as `kill_on_drop` goes, and its children are
/// not known.
#[cfg(not(unix))]
mod elsewhere {
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::process::Command;

    pub(crate) struct Group(AtomicBool);

    impl Group {
        pub(crate) fn new(_: &str) -> std::io::Result<Self> {
            Ok(Self(AtomicBool::new(false)))
        }

        pub(crate) fn take_in(&self, _: &mut Command) {}

        pub(crate) fn kill(&self) {}

        /// There is no such thing here: it is ended at once.
        pub(crate) fn terminate(&self) {}

        /// There is no such thing here: the process stays awake.
        pub(crate) fn freeze(&self) {
            self.0.store(true, Ordering::Relaxed);
        }

        pub(crate) fn thaw(&self) {
            self.0.store(false, Ordering::Relaxed);
        }

        pub(crate) fn is_frozen(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests;
