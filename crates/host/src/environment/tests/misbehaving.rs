//! Processes that do what they should not.

use super::*;
use std::fmt::Write as _;

/// One invocation as a function's own runs it, with its lines in the log.
async fn reported(
    environment: &mut ExecutionEnvironment,
    event: &str,
    patience: Duration,
    init: Option<Duration>,
) -> Ended {
    let invocation = invocation("r", "1", patience);
    let event = Bytes::from(event.to_owned());
    let state = RunState::new();
    let (ended, _) = environment.report(invocation, event, &state, init).await;
    environment.settle().await;
    ended
}

fn is_error(ended: Ended, error: &str) -> bool {
    let Err((_, body)) = ended.settle("r", 1.0) else {
        return false;
    };
    String::from_utf8_lossy(&body).contains(error)
}

#[tokio::test]
async fn a_process_that_never_asks_is_given_up_and_then_has_the_invocations_own_time() {
    let stage = Stage::new();
    std::fs::write(stage.path("runtime.py"), "import time\ntime.sleep(100)").unwrap();
    let mut environment = stage.start().await;
    let short = Some(Duration::from_millis(100));
    let ended = reported(&mut environment, "", PATIENCE, short).await;
    assert!(matches!(ended, Ended::NotTaken(..)));
    let lines = stage.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("INIT_REPORT Init Duration: "));
    assert!(lines[0].ends_with("Phase: init\tStatus: timeout\t"));

    let ended = reported(&mut environment, "", Duration::from_millis(100), None).await;
    assert!(is_error(ended, "Task timed out"));
    let lines = stage.lines();
    assert_eq!(lines[1], "START RequestId: r Version: $LATEST");
    assert!(lines[2].contains("Z r Task timed out after 0."));
    assert_eq!(lines[3], "END RequestId: r");
    assert!(lines[4].contains("Status: timeout"));
    environment.stop().await;
}

#[tokio::test]
async fn an_end_by_a_signal_or_a_code_is_lambdas_exit_error() {
    for (how, event) in [
        ("signal: killed", "os.kill(os.getpid(), 9)"),
        (
            "exit status 7",
            "print('bye', end=''); sys.stdout.flush(); os._exit(7)",
        ),
    ] {
        let stage = Stage::new();
        let mut environment = stage.start().await;
        let ended = reported(&mut environment, event, PATIENCE, None).await;
        assert!(matches!(ended, Ended::Exited(it) if it == how));
        let lines = stage.lines();
        assert_eq!(lines[0], "START RequestId: r Version: $LATEST");
        let error = format!("RequestId: r Error: Runtime exited with error: {how}");
        assert!(lines.contains(&error), "{lines:?}");
        let last = lines.last().unwrap();
        assert!(last.ends_with("Error Type: Runtime.ExitError\t"), "{last}");
        environment.stop().await;
    }
}

#[tokio::test]
async fn who_asks_twice_at_once_gets_the_same_event_twice() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = "it = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n\
                 it.request('GET', BASE + 'next')\n\
                 again = it.getresponse()\n\
                 same = again.headers['Lambda-Runtime-Invocation-Id'] == seen[-1][1]\n\
                 answer = same and again.read() == event";
    assert_eq!(answer(&mut environment, "1", event).await, "True");
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    environment.stop().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_rest_goes_on() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = "import socket\n\
                 host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n\
                 it = socket.create_connection((host, int(port)))\n\
                 it.sendall(b'\\0\\xffgarbage\\r\\n\\r\\n')\n\
                 refused = it.recv(100)\n\
                 answer = refused[:12] in (b'', b'HTTP/1.1 400')";
    assert_eq!(answer(&mut environment, "1", event).await, "True");
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    environment.stop().await;
}

#[tokio::test]
async fn a_flood_of_connections_takes_a_few_descriptors() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = "import socket\n\
                 host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n\
                 flood = [socket.socket() for _ in range(400)]\n\
                 for it in flood: it.setblocking(False); it.connect_ex((host, int(port)))\n\
                 answer = len(flood)";
    assert_eq!(answer(&mut environment, "1", event).await, "400");
    let open = environment.server.connections.clone();
    until("full", || *open.borrow() == 128).await;
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    assert_eq!(*open.borrow(), 128);
    environment.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_that_holds_output_and_connection_holds_up_nobody_and_ends_with_its_group() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = "fd = api.sock.fileno(); os.set_inheritable(fd, True)\n\
                 child = subprocess.Popen(['sleep', '100'], close_fds=False)\n\
                 print(child.pid, flush=True)\n\
                 os._exit(4)";
    let ended = reported(&mut environment, event, PATIENCE, None).await;
    assert!(matches!(ended, Ended::Exited(it) if it == "exit status 4"));
    let child: u32 = stage.lines()[1].parse().unwrap();
    assert!(matches!(state(child), Some('S' | 'R' | 'D')));
    environment.stop().await;
    until("ended", || matches!(state(child), None | Some('Z'))).await;
}

#[tokio::test]
async fn whoever_ignores_sigterm_is_killed_after_its_grace() {
    let stage = Stage::new();
    let script = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                  print(register('stays', 'INVOKE')[0])\n";
    std::fs::write(
        stage.path("runtime.py"),
        RUNTIME.replace("seen = []\n", &format!("seen = []\n{REGISTERS}{script}")),
    )
    .unwrap();
    let mut environment = stage.start().await;
    assert!(environment.ready().await.is_none());
    environment.settle().await;
    assert_eq!(stage.lines(), ["200"]);
    let stopping = tokio::time::timeout(PATIENCE, environment.stop());
    assert!(stopping.await.is_ok());
}

#[tokio::test]
async fn lines_of_two_streams_and_pieces_stay_whole_and_stand_between_start_and_end() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = "for i in range(50_000):\n\
                 \x20 sys.stdout.write('o' * 30); sys.stdout.write(f'{i}\\n')\n\
                 \x20 sys.stderr.write('e' * 30); sys.stderr.write(f'{i}\\n')\n\
                 sys.stdout.write('last'); sys.stdout.flush()\n\
                 answer = 1";
    let ended = reported(&mut environment, event, PATIENCE, None).await;
    assert!(matches!(ended, Ended::Answered { .. }));
    let lines = stage.lines();
    assert_eq!(lines[0], "START RequestId: r Version: $LATEST");
    let of = |mark: &str| {
        let lines = lines.iter().filter(|it| it.starts_with(&mark.repeat(30)));
        lines.fold(String::new(), |mut all, it| {
            let _ = write!(all, "{},", &it[30..]);
            all
        })
    };
    let expected: String = (0..50_000).map(|it| format!("{it},")).collect();
    assert!(of("o") == expected && of("e") == expected);
    let [last, end, report] = &lines[lines.len() - 3..] else {
        panic!("{lines:?}");
    };
    assert_eq!([last.as_str(), end], ["last", "END RequestId: r"]);
    assert!(report.contains("\tInit Duration: "), "{report}");
    // The next invocation's start is not told again.
    let ended = reported(&mut environment, "answer = 2", PATIENCE, None).await;
    assert!(matches!(ended, Ended::Answered { .. }));
    let next = stage.lines().split_off(lines.len());
    assert_eq!(next.len(), 3, "{next:?}");
    assert!(!next[2].contains("Init Duration"));
    environment.stop().await;
}

#[tokio::test]
async fn what_is_printed_between_two_invocations_stands_between_them() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = "answer = 1; after = 'print(\"behind\", flush=True)'";
    let ended = reported(&mut environment, event, PATIENCE, None).await;
    assert!(matches!(ended, Ended::Answered { .. }));
    assert!(environment.idle().await);
    reported(&mut environment, "print('in')", PATIENCE, None).await;
    let lines = stage.lines();
    let lines: Vec<_> = lines
        .iter()
        .map(|it| it.split(['\t', ' ']).next().unwrap())
        .collect();
    let expected = [
        "START", "END", "REPORT", "behind", "START", "in", "END", "REPORT",
    ];
    // What is written as the answer is read may still be the first one's.
    let early = [
        "START", "behind", "END", "REPORT", "START", "in", "END", "REPORT",
    ];
    assert!(lines == expected || lines == early, "{lines:?}");
    environment.stop().await;
}

/// The sink blocks: the process waits, not those who serve it.
#[tokio::test]
async fn a_slow_reader_holds_up_the_process_and_no_memory_grows() {
    let stage = Stage::new();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let taken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let sink = LogSink::new(move |line| {
        if line.stream != crate::Stream::Platform {
            count.fetch_add(line.text.len() + 1, std::sync::atomic::Ordering::SeqCst);
            let _ = gate.lock().unwrap().recv();
        }
    });
    let mut environment = ExecutionEnvironment::start(&stage.launch(), &sink)
        .await
        .unwrap();
    let event = "sys.stdout.write(('x' * 1023 + '\\n') * 1024); sys.stdout.flush()\n\
                 open('printed', 'w').close()\nanswer = 1";
    let mut answered = Box::pin(answer(&mut environment, "1", event));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut answered).await;
    assert!(early.is_err() && !stage.path("printed").exists());
    // One line is being read; the rest waits in the process, the pipe, and one chunk.
    assert!(taken.load(std::sync::atomic::Ordering::SeqCst) <= 2048);
    drop(go);
    assert_eq!(answered.as_mut().await, "1");
    drop(answered);
    environment.settle().await;
    assert_eq!(taken.load(std::sync::atomic::Ordering::SeqCst), 1024 * 1024);
    environment.stop().await;
}

/// A thread of its own for each line costs more than all else that a line does.
#[tokio::test]
async fn only_a_sink_that_may_block_is_called_from_a_thread_that_may_wait() {
    for has_room in [true, false] {
        let stage = Stage::new();
        let served_by = std::thread::current().id();
        let (said, threads) = std::sync::mpsc::channel();
        let sink = LogSink::new(move |line| {
            if line.text == "printed" {
                let _ = said.send(std::thread::current().id());
            }
        });
        let sink = sink.with_room(move || has_room);
        let mut environment = ExecutionEnvironment::start(&stage.launch(), &sink)
            .await
            .unwrap();
        answer(&mut environment, "1", "print('printed')").await;
        environment.settle().await;
        let here: Vec<bool> = threads.try_iter().map(|it| it == served_by).collect();
        assert_eq!(here, [has_room]);
        environment.stop().await;
    }
}

/// One thread serves all of it here, as on a machine with two cores.
#[tokio::test]
async fn what_prints_without_end_leaves_others_their_turn() {
    let stage = Stage::new();
    let sink = LogSink::new(|_| {}).with_room(|| true);
    let mut environment = ExecutionEnvironment::start(&stage.launch(), &sink)
        .await
        .unwrap();
    let event = "open('begun', 'w').close()\nwhile True: os.write(1, b'line\\n' * 10000)";
    let printing = answer(&mut environment, "1", event);
    let others = async {
        until("begun", || stage.path("begun").exists()).await;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let others = tokio::time::timeout(PATIENCE, others);
    tokio::select! {
        _ = printing => panic!("it never answers"),
        done = others => assert!(done.is_ok()),
    }
    environment.stop().await;
}
