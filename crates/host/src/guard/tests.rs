//! Over real processes. What becomes of them when this process dies is a story:
//! here its end of the pipe is closed.

use super::unix::{Group, State};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Ignores what can be ignored, as its child does, tells both pids, and stays.
const STUBBORN: &str = "trap '' HUP INT TERM; sleep 100 & echo $$ $!; wait";

/// The same, with a child that has left the group.
const DAEMON: &str = "setsid sleep 100 & echo $$ $!; wait";

/// The Runtime API that a test's processes have: what has another one's is
/// killed with it.
fn runtime_api() -> String {
    static TESTS: AtomicUsize = AtomicUsize::new(0);
    let number = TESTS.fetch_add(1, Ordering::Relaxed);
    format!("test {number} of {}", std::process::id())
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Third field of `/proc/PID/stat`; none: there is no such process.
fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

fn has_ended(pid: Pid) -> bool {
    matches!(state(pid), None | Some('Z'))
}

/// Whether SIGTERM would be for nothing. A guard that has not come so far yet ends by
/// it, and another one comes.
fn ignores_term(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
    let ignored = status.unwrap().lines().find_map(|it| {
        let mask = it.strip_prefix("SigIgn:")?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    ignored.unwrap() & (1 << (Signal::TERM.as_raw() - 1)) != 0
}

fn group_of(pid: Pid) -> Option<Pid> {
    rustix::process::getpgid(Some(pid)).ok()
}

fn group() -> Group {
    Group::new(&runtime_api()).unwrap()
}

async fn start(group: &Group, script: &str) -> (Child, Vec<Pid>) {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .env("AWS_LAMBDA_RUNTIME_API", &*group.runtime_api)
        .stdout(Stdio::piped());
    group.take_in(&mut command);
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.as_mut().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).await.unwrap();
    let pids = line.split_whitespace().map(|it| it.parse().unwrap());
    let pids = pids.map(|it| Pid::from_raw(it).unwrap()).collect();
    (child, pids)
}

/// What happens when this process dies.
fn let_go(state: &mut State) {
    drop(state.guards.last_mut().unwrap().stdin.take());
}

#[tokio::test]
async fn what_ignores_every_signal_ends_with_its_group() {
    for kill in [true, false] {
        let group = group();
        let (mut child, pids) = start(&group, STUBBORN).await;
        let leader = group.state().leader.unwrap();
        assert!(pids.iter().all(|it| group_of(*it) == Some(leader)));
        if kill {
            group.kill();
        } else {
            let_go(&mut group.state());
        }
        child.wait().await.unwrap();
        until("ended", || pids.iter().all(|it| has_ended(*it))).await;
        until("no guard", || has_ended(leader)).await;
    }
}

#[tokio::test]
async fn what_asks_for_an_end_does_not_end_the_guard() {
    let group = group();
    let (mut child, pids) = start(&group, "echo $$; sleep 100").await;
    let leader = group.state().leader.unwrap();
    until("it is on guard", || ignores_term(leader)).await;
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT] {
        kill_process(leader, signal).unwrap();
    }
    group.terminate();
    child.wait().await.unwrap();
    assert!(has_ended(pids[0]) && !has_ended(leader));
    let_go(&mut group.state());
    until("no guard", || has_ended(leader)).await;
}

#[tokio::test]
async fn a_frozen_group_has_a_guard_that_is_awake() {
    let group = group();
    let (mut child, pids) = start(&group, STUBBORN).await;
    let leader = group.state().leader.unwrap();
    group.freeze();
    until("frozen", || pids.iter().all(|it| state(*it) == Some('T'))).await;
    until("awake", || state(leader) == Some('S')).await;
    let_go(&mut group.state());
    child.wait().await.unwrap();
    until("ended", || pids.iter().all(|it| has_ended(*it))).await;
}

#[tokio::test]
async fn another_guard_comes_where_one_is_killed() {
    let group = group();
    let (mut child, pids) = start(&group, STUBBORN).await;
    let leader = group.state().leader.unwrap();
    kill_process(leader, Signal::KILL).unwrap();
    until("another one", || group.state().guards.len() == 2).await;
    assert!(!has_ended(pids[0]));
    // Its number is still the group's, and nobody else's.
    assert_eq!(state(leader), Some('Z'));
    let_go(&mut group.state());
    child.wait().await.unwrap();
    until("ended", || pids.iter().all(|it| has_ended(*it))).await;
}

#[tokio::test]
async fn a_group_that_has_ended_by_itself_is_no_longer_signalled() {
    let group = group();
    let (mut child, _) = start(&group, STUBBORN).await;
    let leader = group.state().leader.unwrap();
    kill_process_group(leader, Signal::KILL).unwrap();
    child.wait().await.unwrap();
    group.kill();
    assert!(group.state().leader.is_none());
    group.freeze();
    group.thaw();
}

#[tokio::test]
async fn what_has_left_its_group_is_found_by_its_runtime_api() {
    for kill in [true, false] {
        let (group, other) = (group(), group());
        let (mut child, pids) = start(&group, DAEMON).await;
        let (_stays, others) = start(&other, DAEMON).await;
        let leader = group.state().leader.unwrap();
        until("it has left", || group_of(pids[1]) != Some(leader)).await;
        if kill {
            group.kill();
        } else {
            let_go(&mut group.state());
        }
        child.wait().await.unwrap();
        until("ended", || pids.iter().all(|it| has_ended(*it))).await;
        assert!(!has_ended(others[1]));
    }
}
