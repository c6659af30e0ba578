//! 1,000 invocations, and a new process after each hundred, leave nothing open.
//! It stands alone: descriptors are those of the whole test process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tether_host::{Clients, ExecutionEnvironment, Launch, LogSink};
use tether_protocol::Secret;
use tether_runtime_api::Invocation;

const PROCESSES: usize = 10;
const INVOCATIONS: usize = 100;

fn launch(clients: &Clients, folder: &Path) -> Launch {
    let path = std::env::var("PATH").unwrap();
    let python = std::env::split_paths(&path).map(|it| it.join("python3"));
    Launch {
        label: "flat".into(),
        program: python.into_iter().find(|it| it.is_file()).unwrap(),
        arguments: vec![clients.python().into(), "app.handler".into()],
        environment: Secret::new(BTreeMap::from([("PATH".to_owned(), path.clone())])),
        directory: folder.to_owned(),
    }
}

async fn one_process(launch: &Launch, sink: &LogSink) {
    let mut environment = ExecutionEnvironment::start(launch, sink).await.unwrap();
    for number in 0..INVOCATIONS {
        let invocation = Invocation {
            request_id: number.to_string(),
            deadline_ms: tether_host::now().plus(Duration::from_secs(20)).0,
            ..Invocation::default()
        };
        let event = Bytes::from(number.to_string());
        let ended = environment.invoke(invocation, event.clone()).await;
        let (_, body) = ended.settle("", 0.0).unwrap();
        assert_eq!(body, event);
    }
    environment.stop().await;
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Zombies included.
fn children() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let lists = threads.map(|it| std::fs::read_to_string(it.path().join("children")));
    let lists: Vec<String> = lists.map(Result::unwrap_or_default).collect();
    lists.iter().map(|it| it.split_whitespace().count()).sum()
}

#[tokio::test]
async fn a_thousand_invocations_leave_no_descriptor_and_no_process_behind() {
    let folder = tempfile::tempdir().unwrap();
    let code = "def handler(event, context):\n    print(event)\n    return event\n";
    std::fs::write(folder.path().join("app.py"), code).unwrap();
    let clients = Clients::write().unwrap();
    let launch = launch(&clients, folder.path());
    let sink = LogSink::new(|_| {});
    // The runtime opens its own with the first.
    one_process(&launch, &sink).await;
    let before = settled(usize::MAX).await;
    for _ in 0..PROCESSES {
        one_process(&launch, &sink).await;
    }
    let after = settled(before).await;
    assert!(after <= before, "{before}, and then {after}");
}

/// The server's connections and the guard are let go of behind the end: until
/// there are no more descriptors than this, and no child.
async fn settled(most: usize) -> usize {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) && (children() > 0 || descriptors() > most) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(children(), 0);
    descriptors()
}
