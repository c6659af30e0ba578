//! Over real processes: what a runtime does is said by its events.

mod last_words;
mod misbehaving;
mod streams;

use super::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tether_protocol::Secret;

/// A runtime of few words. The event is Python, run for each invocation; what
/// it puts into `answer` is the answer.
const RUNTIME: &str = r#"
import http.client, json, os, subprocess, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
BASE = "/2018-06-01/runtime/invocation/"
def call(method, path, body=None, headers={}):
    api.request(method, path, body, headers)
    it = api.getresponse()
    return it.status, it.headers, it.read()
seen = []
def respond(invocation, body, echo=True):
    id, unique = invocation
    headers = {"Lambda-Runtime-Invocation-Id": unique} if echo else {}
    return call("POST", BASE + id + "/response", body, headers)[0]
while True:
    _, headers, event = call("GET", BASE + "next")
    seen.append((headers["Lambda-Runtime-Aws-Request-Id"], headers["Lambda-Runtime-Invocation-Id"]))
    answer = ""
    exec(event.decode())
    if answer is not None:
        respond(seen[-1], str(answer))
    exec(globals().pop("after", ""))
"#;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    folder: tempfile::TempDir,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("runtime.py"), RUNTIME).unwrap();
        Self {
            folder,
            lines: Arc::default(),
        }
    }

    async fn start(&self) -> ExecutionEnvironment {
        ExecutionEnvironment::start(&self.launch(), &self.sink())
            .await
            .unwrap()
    }

    fn sink(&self) -> LogSink {
        let lines = Arc::clone(&self.lines);
        LogSink::new(move |line| lines.lock().unwrap().push(line.text))
    }

    fn launch(&self) -> Launch {
        let path = std::env::var("PATH").unwrap();
        let environment = BTreeMap::from([
            ("PATH".to_owned(), path.clone()),
            ("_HANDLER".to_owned(), "app.handler".to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME".to_owned(), "hello".to_owned()),
        ]);
        Launch {
            label: "test".into(),
            program: std::env::split_paths(&path)
                .map(|it| it.join("python3"))
                .find(|it| it.is_file())
                .unwrap(),
            arguments: vec!["-u".into(), "runtime.py".into()],
            environment: Secret::new(environment),
            directory: self.folder.path().to_path_buf(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

fn invocation(request_id: &str, unique: &str, patience: Duration) -> Invocation {
    Invocation {
        request_id: request_id.to_owned(),
        deadline_ms: crate::now().plus(patience).0,
        invocation_id: Some(unique.to_owned()),
        ..Invocation::default()
    }
}

async fn run(environment: &mut ExecutionEnvironment, unique: &str, event: String) -> Ended {
    let invocation = invocation("r", unique, PATIENCE);
    environment.invoke(invocation, Bytes::from(event)).await
}

/// The answer of an invocation that went well.
async fn answer(environment: &mut ExecutionEnvironment, unique: &str, event: &str) -> String {
    match run(environment, unique, event.to_owned()).await {
        Ended::Answered { body, .. } => String::from_utf8(body.to_vec()).unwrap(),
        other => panic!("{:?}", other.settle("r", 1.0).map_err(|(_, body)| body)),
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Third field of `/proc/PID/stat`: `T` is stopped; none: there is no such process.
#[cfg(target_os = "linux")]
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_frozen_environment_stands_still_with_its_children_until_its_next_event() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let child = "answer = subprocess.Popen(['sleep', '100']).pid";
    let child: u32 = answer(&mut environment, "1", child).await.parse().unwrap();
    let own = environment.process_id().unwrap();
    assert!(environment.idle().await);
    environment.freeze();
    environment.freeze();
    assert!(environment.is_frozen() && environment.is_alive());
    until("stopped", || [own, child].map(state) == [Some('T'); 2]).await;
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    assert!(!environment.is_frozen());
    until("awake", || state(child) == Some('S')).await;

    environment.freeze();
    environment.thaw();
    environment.thaw();
    until("awake again", || state(child) == Some('S')).await;
    environment.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_frozen_environment_ends_when_it_is_stopped_or_dropped() {
    for stop in [true, false] {
        let stage = Stage::new();
        let mut environment = stage.start().await;
        let child = "answer = subprocess.Popen(['sleep', '100']).pid";
        let child: u32 = answer(&mut environment, "1", child).await.parse().unwrap();
        let own = environment.process_id().unwrap();
        environment.freeze();
        until("stopped", || state(child) == Some('T')).await;
        if stop {
            environment.stop().await;
        } else {
            drop(environment);
        }
        // Somebody else reaps the orphan: a zombie has ended, too.
        let over = |pid| matches!(state(pid), None | Some('Z'));
        until("ended", || over(own) && over(child)).await;
    }
}

#[tokio::test]
async fn idle_waits_for_what_the_runtime_does_behind_its_answer() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let go = stage.path("go");
    let event = "after = 'while not os.path.exists(\"go\"): time.sleep(0.005)'";
    assert_eq!(answer(&mut environment, "1", event).await, "");
    let busy = tokio::time::timeout(Duration::from_millis(100), environment.idle()).await;
    assert!(busy.is_err(), "it has not asked for its next event");
    std::fs::write(go, "").unwrap();
    assert!(environment.idle().await);
    environment.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_a_process_that_has_ended() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = "after = 'sys.exit(3)'";
    assert_eq!(answer(&mut environment, "1", event).await, "");
    assert!(!environment.idle().await);
    assert!(!environment.is_alive());
    environment.freeze();
    environment.stop().await;
}

#[tokio::test]
async fn an_answer_belongs_to_the_invocation_that_it_names() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    assert_eq!(answer(&mut environment, "1", "answer = 1").await, "1");
    // The request id is the same each time, as with a retry.
    let late = "answer = [respond(seen[0], 'late'), respond(('unknown', 'x'), 'never asked for'), \
                respond(('unknown', 'x'), '', echo=False)]";
    assert_eq!(answer(&mut environment, "2", late).await, "[410, 400, 400]");
    let twice = "answer = respond(seen[-1], 'the answer'), respond(seen[-1], 'again'), respond(seen[0], ''); \
                 print(answer); answer = None";
    assert_eq!(answer(&mut environment, "3", twice).await, "the answer");
    until("told", || stage.lines() == ["(202, 403, 410)"]).await;
    environment.stop().await;
}

#[tokio::test]
async fn an_answer_of_an_earlier_request_is_late_and_not_unknown() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let first = invocation("first", "1", PATIENCE);
    let event = Bytes::from_static(b"answer = 1");
    assert!(matches!(
        environment.invoke(first, event).await,
        Ended::Answered { .. }
    ));
    let event = "answer = [respond(seen[0], ''), respond(seen[0], '', echo=False)]";
    assert_eq!(answer(&mut environment, "2", event).await, "[410, 400]");
    environment.stop().await;
}

#[tokio::test]
async fn an_answer_behind_the_deadline_is_gone_and_the_next_one_is_right() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    assert!(environment.ready().await.is_none());
    let event = "while not os.path.exists('go'): time.sleep(0.005)\n\
                 print(respond(seen[-1], 'late')); answer = None";
    let short = invocation("r", "1", Duration::from_millis(100));
    let ended = environment.invoke(short, Bytes::from(event)).await;
    assert!(matches!(ended, Ended::TimedOut));
    std::fs::write(stage.path("go"), "").unwrap();
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    environment.settle().await;
    assert_eq!(stage.lines(), ["410"]);
    environment.stop().await;
}

#[tokio::test]
async fn a_process_that_ended_while_it_started_says_how() {
    let stage = Stage::new();
    std::fs::write(stage.path("runtime.py"), "print('bye'); exit(3)").unwrap();
    let mut environment = stage.start().await;
    until("ended", || !environment.is_alive()).await;
    let ended = run(&mut environment, "1", String::new()).await;
    assert!(matches!(ended, Ended::Exited(how) if how == "exit status 3"));
    environment.settle().await;
    assert_eq!(stage.lines(), ["bye"]);
    environment.stop().await;
}

/// What Go's client does: an extension without events, and a `next` without end.
const REGISTERS: &str = r#"
import signal, threading
def extension(method, path, body=None, **headers):
    it = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    it.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    got = it.getresponse()
    return got.status, got.headers, json.loads(got.read() or "null")
def register(name, *events):
    body = json.dumps({"events": events})
    return extension("POST", "/2020-01-01/extension/register", body, Lambda_Extension_Name=name)
def next_event(id):
    return extension("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=id)
"#;

#[tokio::test]
async fn an_extension_registers_is_told_of_invocations_and_hears_sigterm() {
    let stage = Stage::new();
    let script = r#"
told = []
def watch(id):
    # Python handles signals in its main thread, which must be the one that is woken.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    while True:
        told.append(next_event(id)[2])
status, headers, about = register("watcher", "INVOKE")
print(status, json.dumps(about))
threading.Thread(target=watch, args=[headers["Lambda-Extension-Identifier"]], daemon=True).start()
for refused in register("watcher"), register("other", "SHUTDOWN"), next_event("unknown"):
    print(refused[0], refused[2]["errorType"])
print(extension("PUT", "/2022-07-01/telemetry", "{}")[2]["errorType"])
def bye(*_):
    print("bye")
    os._exit(0)
signal.signal(signal.SIGTERM, bye)
"#;
    std::fs::write(
        stage.path("runtime.py"),
        RUNTIME.replace("seen = []\n", &format!("seen = []\n{REGISTERS}{script}")),
    )
    .unwrap();
    let mut environment = stage.start().await;
    let event = "while not told: time.sleep(0.005)\nanswer = told[0]['requestId']";
    assert_eq!(answer(&mut environment, "1", event).await, "r");
    let closed = "answer = register('late')[2]['errorType']";
    assert_eq!(
        answer(&mut environment, "2", closed).await,
        "Extension.RegistrationClosed"
    );
    assert!(environment.idle().await);
    environment.freeze();
    environment.stop().await;
    let about =
        r#"{"functionName": "hello", "functionVersion": "$LATEST", "handler": "app.handler"}"#;
    assert_eq!(
        stage.lines(),
        [
            &format!("200 {about}"),
            "403 Extension.InvalidExtensionState",
            "403 Extension.InvalidEventType",
            "403 Extension.UnknownExtensionIdentifier",
            "Telemetry.NotSupported",
            "bye",
        ]
    );
}

#[tokio::test]
async fn an_extension_that_works_on_keeps_its_environment_awake() {
    let stage = Stage::new();
    let script = r#"
def watch(id):
    while True:
        next_event(id)
        while not os.path.exists("go"): time.sleep(0.005)
_, headers, _ = register("watcher", "INVOKE")
threading.Thread(target=watch, args=[headers["Lambda-Extension-Identifier"]], daemon=True).start()
"#;
    std::fs::write(
        stage.path("runtime.py"),
        RUNTIME.replace("seen = []\n", &format!("seen = []\n{REGISTERS}{script}")),
    )
    .unwrap();
    let mut environment = stage.start().await;
    assert_eq!(answer(&mut environment, "1", "answer = 1").await, "1");
    let busy = tokio::time::timeout(Duration::from_millis(100), environment.idle()).await;
    assert!(busy.is_err());
    std::fs::write(stage.path("go"), "").unwrap();
    assert!(environment.idle().await);
    environment.stop().await;
}

#[tokio::test]
async fn a_client_of_ours_reads_from_nothing() {
    let stage = Stage::new();
    let clients = crate::Clients::write().unwrap();
    let code = "import os, sys\n\ndef handler(event, context):\n    \
                return [os.getpid(), sys.stdin.read(), os.read(0, 1).decode(), \
                'TETHER_LIFELINE' in os.environ]\n";
    std::fs::write(stage.path("app.py"), code).unwrap();
    let mut launch = stage.launch();
    launch.arguments = vec![clients.python().into(), "app.handler".into()];
    let mut environment = ExecutionEnvironment::start(&launch, &stage.sink())
        .await
        .unwrap();
    let own = environment.process_id().unwrap();
    let said = answer(&mut environment, "1", "{}").await;
    assert_eq!(said, format!(r#"[{own}, "", "", false]"#));
    assert!(environment.idle().await && environment.is_alive());
    environment.stop().await;
}
