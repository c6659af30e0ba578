use crate::desk::{Desk, LONG, Programs};
use bytes::Bytes;
use std::sync::Mutex;
use tether_gateway::{Outcome, Streamed};
use tether_runtime_api::{PRELUDE_CONTENT_TYPE, StreamPart};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

const URL: &str = "
Resources:
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Handler: app.handler
      CodeUri: src/
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}
";

const REST: &str = "
Resources:
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: live}}
  Show:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Handler: app.handler
      CodeUri: src/
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /a, Method: get, ResponseTransferMode: RESPONSE_STREAM}}
";

struct Writer {
    parts: mpsc::Sender<StreamPart>,
    end: oneshot::Sender<Result<(), Bytes>>,
}

impl Writer {
    async fn write(&self, bytes: impl AsRef<[u8]>) {
        let chunk = StreamPart::Chunk(Bytes::copy_from_slice(bytes.as_ref()));
        self.parts.send(chunk).await.unwrap();
    }

    fn end(self, how: Result<(), Bytes>) {
        self.end.send(how).unwrap();
    }
}

/// A function that streams what the writer writes.
fn streaming(content_type: Option<&str>) -> (Programs, Writer) {
    let (parts, receiver) = mpsc::channel(4);
    let (end, ended) = oneshot::channel();
    let content_type = content_type.map(str::to_owned);
    parts.try_send(StreamPart::Head { content_type }).unwrap();
    let streamed = Mutex::new(Some(Streamed {
        parts: receiver,
        ended,
    }));
    let program = move |_: &_| Outcome::Stream(streamed.lock().unwrap().take().unwrap());
    let programs = Programs::default().with("Show", program);
    (programs, Writer { parts, end })
}

async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(end.as_bytes()) {
        let byte = timeout(LONG, stream.read_u8()).await;
        all.push(byte.expect("it does not come").unwrap());
    }
    String::from_utf8(all).unwrap()
}

async fn ask(desk: &Desk, path: &str) -> TcpStream {
    let mut stream = desk.connect().await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

const PRELUDE: &str =
    "{\"statusCode\":418,\"headers\":{\"X-A\":\"b\"},\"cookies\":[\"c=d\"]}\0\0\0\0\0\0\0\0";

#[tokio::test]
async fn a_stream_has_its_own_status_and_passes_while_it_is_written() {
    for (template, path) in [(URL, "/"), (REST, "/live/a")] {
        let (programs, writer) = streaming(Some(PRELUDE_CONTENT_TYPE));
        let desk = Desk::serve(template, programs).await;
        let mut client = ask(&desk, path).await;
        let (one, two) = PRELUDE.split_at(20);
        writer.write(one).await;
        writer.write(two).await;
        let head = until(&mut client, "\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 418 "), "{head}");
        let lower = head.to_lowercase();
        for header in [
            "x-a: b",
            "set-cookie: c=d",
            "transfer-encoding: chunked",
            "x-amzn-requestid",
        ] {
            assert!(lower.contains(header), "{head}");
        }
        writer.write("one").await;
        assert_eq!(until(&mut client, "one\r\n").await, "3\r\none\r\n");
        writer.write("two").await;
        writer.end(Ok(()));
        assert_eq!(
            until(&mut client, "0\r\n\r\n").await,
            "3\r\ntwo\r\n0\r\n\r\n"
        );
    }
}

#[tokio::test]
async fn a_url_streams_what_has_no_head_as_it_comes() {
    let (programs, writer) = streaming(Some("text/event-stream"));
    let desk = Desk::serve(URL, programs).await;
    let mut client = ask(&desk, "/").await;
    let head = until(&mut client, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(
        head.contains("Content-Type: text/event-stream\r\n"),
        "{head}"
    );
    writer.write("{\"statusCode\":500}").await;
    writer.end(Ok(()));
    assert!(until(&mut client, "0\r\n\r\n").await.contains("statusCode"));
}

#[tokio::test]
async fn a_rest_api_wants_a_head() {
    let (programs, writer) = streaming(Some("text/plain"));
    let desk = Desk::serve(REST, programs).await;
    writer.write("hello").await;
    writer.end(Ok(()));
    let got = desk.get("/live/a").await;
    assert_eq!(got.status, 502);
    assert!(
        desk.notices()[0].contains("HTTP metadata"),
        "{:?}",
        desk.notices()
    );
}

#[tokio::test]
async fn a_function_that_fails_at_first_is_a_502_and_later_a_cut() {
    for (template, path) in [(URL, "/"), (REST, "/live/a")] {
        let (programs, writer) = streaming(Some(PRELUDE_CONTENT_TYPE));
        let desk = Desk::serve(template, programs).await;
        writer.end(Err(Bytes::from_static(b"{}")));
        assert_eq!(desk.get(path).await.status, 502);

        let (programs, writer) = streaming(Some(PRELUDE_CONTENT_TYPE));
        let desk = Desk::serve(template, programs).await;
        let mut client = ask(&desk, path).await;
        writer.write(PRELUDE).await;
        writer.write("half").await;
        until(&mut client, "half\r\n").await;
        writer.end(Err(Bytes::from_static(b"{}")));
        let mut rest = Vec::new();
        timeout(LONG, client.read_to_end(&mut rest))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(rest, b"", "there is no last chunk");
        assert!(
            desk.notices()[0].contains("in the middle"),
            "{:?}",
            desk.notices()
        );
    }
}
