//! Answers that are streamed.

use super::*;
use crate::AnswerStream;
use tether_runtime_api::{MAX_PAYLOAD, MAX_STREAM, StreamPart};

/// What an event may call besides.
const STREAMS: &str = r#"
import base64, select, socket
def begin(mode="streaming"):
    api.putrequest("POST", BASE + seen[-1][0] + "/response")
    api.putheader("Lambda-Runtime-Function-Response-Mode", mode)
    api.putheader("Content-Type", "text/plain")
    api.putheader("Transfer-Encoding", "chunked")
    api.endheaders()
def write(chunk):
    api.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
def end(trailers=""):
    api.send(b"0\r\n" + trailers.encode() + b"\r\n")
    it = api.getresponse()
    return it.status, it.read().decode()
def fail(kind, body):
    body = base64.b64encode(body.encode()).decode()
    return end("Lambda-Runtime-Function-Error-Type: %s\r\nLambda-Runtime-Function-Error-Body: %s\r\n" % (kind, body))
def until(name):
    while not os.path.exists(name): time.sleep(0.005)
"#;

/// What was streamed, and how it ended.
struct Streamed {
    read: Vec<u8>,
    ended: Ended,
}

/// Runs an event, and hands its stream to `reader` meanwhile.
async fn stream<R: Future>(
    stage: &Stage,
    patience: Duration,
    event: &str,
    reader: impl FnOnce(AnswerStream) -> R,
) -> (Ended, R::Output, ExecutionEnvironment) {
    let mut environment = stage.start().await;
    assert!(environment.ready().await.is_none());
    let state = RunState::new();
    let stream = state.stream();
    let event = Bytes::from(format!("{STREAMS}\nanswer = None\n{event}"));
    let run = async {
        let _streams = state.streams();
        let invocation = invocation("r", "1", patience);
        environment.run(invocation, event, &state, None).await
    };
    let (ended, read) = tokio::join!(run, reader(stream));
    (ended, read, environment)
}

async fn next(stream: &mut AnswerStream) -> Option<StreamPart> {
    let next = tokio::time::timeout(PATIENCE, stream.next());
    next.await.expect("the stream goes on or ends")
}

fn chunk(bytes: &'static [u8]) -> StreamPart {
    StreamPart::Chunk(Bytes::from_static(bytes))
}

fn head() -> StreamPart {
    let content_type = Some("text/plain".to_owned());
    StreamPart::Head { content_type }
}

/// All of a stream.
async fn all(mut stream: AnswerStream) -> Vec<u8> {
    assert_eq!(next(&mut stream).await, Some(head()));
    let mut read = Vec::new();
    while let Some(part) = next(&mut stream).await {
        match part {
            StreamPart::Chunk(chunk) => read.extend_from_slice(&chunk),
            head @ StreamPart::Head { .. } => panic!("{head:?} in the middle"),
        }
    }
    read
}

async fn run_to_the_end(stage: &Stage, event: &str) -> Streamed {
    let (ended, read, environment) = stream(stage, PATIENCE, event, all).await;
    environment.stop().await;
    Streamed { read, ended }
}

fn error_type(ended: Ended) -> String {
    match ended {
        Ended::Failed { error_type, .. } => error_type.unwrap(),
        _ => panic!("it did not fail"),
    }
}

fn is_empty_answer(ended: &Ended) -> bool {
    matches!(ended, Ended::Answered { body, content_type }
        if body.is_empty() && content_type.as_deref() == Some("text/plain"))
}

#[tokio::test]
async fn a_part_arrives_while_the_next_one_is_not_written_yet() {
    let stage = Stage::new();
    let event = "begin(); write(b'one'); until('go'); write(b'two'); print(end())";
    let go = stage.path("go");
    let reader = |mut stream: AnswerStream| async move {
        assert_eq!(next(&mut stream).await, Some(head()));
        assert_eq!(next(&mut stream).await, Some(chunk(b"one")));
        std::fs::write(go, "").unwrap();
        assert_eq!(next(&mut stream).await, Some(chunk(b"two")));
        assert_eq!(next(&mut stream).await, None);
    };
    let (ended, (), mut environment) = stream(&stage, PATIENCE, event, reader).await;
    assert!(is_empty_answer(&ended));
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    assert_eq!(stage.lines(), [r#"(202, '{"status":"OK"}')"#]);
    environment.stop().await;
}

#[tokio::test]
async fn a_stream_that_fails_half_way_ends_as_its_error() {
    let stage = Stage::new();
    let event = "begin(); write(b'half'); fail('Function.Oh', '{\"errorMessage\": \"no\"}')";
    let streamed = run_to_the_end(&stage, event).await;
    assert_eq!(streamed.read, b"half");
    let Ended::Failed { error_type, body } = streamed.ended else {
        panic!("it did not fail");
    };
    assert_eq!(error_type.as_deref(), Some("Function.Oh"));
    assert_eq!(body, r#"{"errorMessage": "no"}"#);
}

#[tokio::test]
async fn a_process_that_dies_within_its_stream_says_how() {
    for (death, expected) in [
        ("os._exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), 9)", "signal: killed"),
    ] {
        let stage = Stage::new();
        let event = format!("begin(); write(b'half'); {death}");
        let streamed = run_to_the_end(&stage, &event).await;
        assert_eq!(streamed.read, b"half");
        assert!(matches!(streamed.ended, Ended::Exited(how) if how == expected));
    }
}

#[tokio::test]
async fn an_answer_counts_though_its_process_ends_at_once() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let body = "'x' * 5000000";
    let event = format!(
        "api.connect(); answer = None; body = ({body}).encode()\n\
         head = 'POST ' + BASE + 'r/response HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body)\n\
         api.sock.sendall(head.encode() + body); os._exit(3)"
    );
    assert_eq!(answer(&mut environment, "1", &event).await.len(), 5_000_000);
    environment.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_given_up_fails_and_the_next_invocation_is_served() {
    let stage = Stage::new();
    let event = "begin(); write(b'half'); api.close()";
    let (ended, read, mut environment) = stream(&stage, PATIENCE, event, all).await;
    assert_eq!(read, b"half");
    assert_eq!(error_type(ended), "Runtime.TruncatedResponse");
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    environment.stop().await;
}

#[tokio::test]
async fn the_deadline_cuts_a_stream_off_though_nobody_reads_it() {
    for (parts, most) in [(1, 1), (100, 50)] {
        let stage = Stage::new();
        let event =
            format!("begin()\nfor _ in range({parts}): write(b'x' * 1000000)\nuntil('never')");
        let patience = Duration::from_millis(500);
        let unread = |stream| std::future::ready(stream);
        let (ended, unread, environment) = stream(&stage, patience, &event, unread).await;
        assert!(matches!(ended, Ended::TimedOut));
        let read = all(unread).await;
        assert!(!read.is_empty() && read.len() <= most * 1_000_000);
        environment.stop().await;
    }
}

#[tokio::test]
async fn a_runtime_waits_for_a_slow_reader() {
    let stage = Stage::new();
    let event = r"
begin()
total = 0
while select.select([], [api.sock], [], 0.3)[1]:
    write(b'x' * 100000)
    total += 100000
open('blocked.new', 'w').write(str(total))
os.rename('blocked.new', 'blocked')
write(b'end')
end()
";
    let blocked = stage.path("blocked");
    let reader = |mut stream: AnswerStream| async move {
        assert_eq!(next(&mut stream).await, Some(head()));
        until("blocked", || blocked.exists()).await;
        let written: usize = std::fs::read_to_string(blocked).unwrap().parse().unwrap();
        // A few parts, and what the kernel keeps for two sockets.
        assert!(written < 40_000_000, "{written}");
        let mut total = 0;
        while let Some(StreamPart::Chunk(chunk)) = next(&mut stream).await {
            total += chunk.len();
        }
        assert_eq!(total, written + 3);
    };
    let (ended, (), environment) = stream(&stage, PATIENCE, event, reader).await;
    assert!(is_empty_answer(&ended));
    environment.stop().await;
}

#[tokio::test]
async fn a_reader_that_goes_away_leaves_the_runtime_to_write_on() {
    let stage = Stage::new();
    let event = "begin()\nfor _ in range(30): write(b'x' * 1000000)\nprint(end()[0])";
    let reader = |mut stream: AnswerStream| async move {
        assert_eq!(next(&mut stream).await, Some(head()));
    };
    let (ended, (), environment) = stream(&stage, PATIENCE, event, reader).await;
    assert!(is_empty_answer(&ended));
    until("told", || stage.lines() == ["202"]).await;
    environment.stop().await;
}

#[tokio::test]
async fn a_stream_of_more_than_200_mb_fails_behind_them() {
    let stage = Stage::new();
    let event = "begin()\nfor _ in range(201): write(b'x' * 1048576)\nprint(end())";
    let reader = |mut stream: AnswerStream| async move {
        let mut total = 0;
        while let Some(part) = next(&mut stream).await {
            if let StreamPart::Chunk(chunk) = part {
                total += chunk.len();
            }
        }
        total
    };
    let (ended, total, mut environment) = stream(&stage, PATIENCE * 3, event, reader).await;
    assert_eq!(total, MAX_STREAM);
    assert_eq!(error_type(ended), "Function.ResponseSizeTooLarge");
    assert_eq!(answer(&mut environment, "2", "answer = 2").await, "2");
    assert!(
        stage.lines()[0].starts_with("(413, "),
        "{:?}",
        stage.lines()
    );
    environment.stop().await;
}

#[tokio::test]
async fn nobody_else_answers_while_an_answer_is_streamed() {
    let stage = Stage::new();
    let event = r#"
begin(); write(b"x")
other = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def post(verb):
    other.request("POST", BASE + "r/" + verb, "{}")
    it = other.getresponse()
    it.read()
    return it.status
print(post("response"), post("error"), end()[0])
"#;
    let (ended, read, environment) = stream(&stage, PATIENCE, event, all).await;
    assert!(is_empty_answer(&ended));
    assert_eq!(read, b"x");
    until("told", || stage.lines() == ["403 403 202"]).await;
    environment.stop().await;
}

#[tokio::test]
async fn a_mode_that_is_none_fails_the_invocation() {
    let stage = Stage::new();
    let event = "begin('Streaming'); write(b'x'); print(end()[0])";
    let nothing = |mut stream: AnswerStream| async move { next(&mut stream).await };
    let (ended, read, environment) = stream(&stage, PATIENCE, event, nothing).await;
    assert_eq!(read, None);
    assert_eq!(error_type(ended), "Runtime.InvalidResponseModeHeader");
    until("told", || stage.lines() == ["400"]).await;
    environment.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_comes_at_the_end() {
    let stage = Stage::new();
    let nothing = |mut stream: AnswerStream| async move { next(&mut stream).await };
    let (ended, read, environment) = stream(&stage, PATIENCE, "answer = 'all'", nothing).await;
    assert_eq!(read, None);
    assert!(matches!(ended, Ended::Answered { body, .. } if body == "all"));
    environment.stop().await;
}

#[tokio::test]
async fn a_stream_that_nobody_asked_for_is_collected_to_6_mb() {
    let stage = Stage::new();
    let mut environment = stage.start().await;
    let event = |script: &str| format!("{STREAMS}\nanswer = None\nbegin()\n{script}");
    let small = event("write(b'one '); write(b'two'); end()");
    assert_eq!(answer(&mut environment, "1", &small).await, "one two");
    let most = event(&format!("write(b'x' * {MAX_PAYLOAD}); end()"));
    assert_eq!(
        answer(&mut environment, "2", &most).await.len(),
        MAX_PAYLOAD
    );
    let more = event(&format!("write(b'x' * {MAX_PAYLOAD}); write(b'x'); end()"));
    let ended = run(&mut environment, "3", more).await;
    assert_eq!(error_type(ended), "Function.ResponseSizeTooLarge");
    let fails = event("write(b'half'); fail('Function.Oh', '{}')");
    let ended = run(&mut environment, "4", fails).await;
    assert_eq!(error_type(ended), "Function.Oh");
    environment.stop().await;
}
