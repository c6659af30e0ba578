//! A server that echoes, and a client that knows no HTTP.

use async_trait::async_trait;
use bytes::Bytes;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tether_apigw::http::{Answer, Request};
use tether_gateway::http1::{Chunks, Cut, Handler, Limits, Malformed, Received, Reply, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Long enough for every machine; reached only by what hangs.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Answers by path.
pub(crate) struct Echo {
    /// What was not understood.
    pub(crate) refused: Mutex<Vec<Malformed>>,
    /// Adds one when a request to `/wait` arrives.
    pub(crate) arrived: Semaphore,
    /// A request to `/wait` takes one before it is answered.
    pub(crate) go: Semaphore,
    /// What `/stream` sends.
    pub(crate) stream: Mutex<Option<mpsc::Receiver<Result<Bytes, Cut>>>>,
}

struct FromChannel(mpsc::Receiver<Result<Bytes, Cut>>);

#[async_trait]
impl Chunks for FromChannel {
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        self.0.recv().await
    }
}

/// The request as one text: each thing in its line, as it came.
fn told(request: &Request) -> String {
    let mut text = format!("{} {} ?{}\n", request.method, request.path, request.query);
    for (name, value) in &request.headers {
        text += &format!("{name}={value}\n");
    }
    text + &String::from_utf8_lossy(&request.body)
}

fn plain(status: u16, body: impl Into<Bytes>) -> Answer {
    Answer {
        status,
        headers: vec![("X-CaSe".to_owned(), "kept".to_owned())],
        body: body.into(),
    }
}

#[async_trait]
impl Handler for Echo {
    async fn answer(&self, received: Received) -> Reply {
        let request = &received.request;
        if received.too_large {
            return Reply::Whole(plain(413, "too large"));
        }
        match request.path.as_str() {
            "/wait" => {
                self.arrived.add_permits(1);
                self.go.acquire().await.unwrap().forget();
                Reply::Whole(plain(200, "waited"))
            }
            "/stream" => {
                let parts = self.stream.lock().unwrap().take().unwrap();
                Reply::Streamed(plain(200, "first,"), Box::new(FromChannel(parts)))
            }
            "/upgrade" => Reply::Upgrade(
                Answer {
                    status: 101,
                    headers: vec![("Upgrade".to_owned(), "echo".to_owned())],
                    body: Bytes::new(),
                },
                Box::new(|mut stream, read| {
                    Box::pin(async move {
                        stream.write_all(&read).await.unwrap();
                        let (mut from, mut to) = stream.split();
                        tokio::io::copy(&mut from, &mut to).await.unwrap();
                    })
                }),
            ),
            "/length" => Reply::Whole(plain(200, request.body.len().to_string())),
            "/large" => Reply::Whole(plain(200, vec![b'x'; 3_000_000])),
            "/204" => Reply::Whole(plain(204, "must not be sent")),
            "/hangup" => Reply::Hangup,
            _ => Reply::Whole(plain(200, told(request))),
        }
    }

    fn refuse(&self, why: Malformed) -> Answer {
        self.refused.lock().unwrap().push(why);
        Answer::message(why.status(), why.message())
    }

    fn cannot_accept(&self, error: &io::Error) {
        panic!("{error}");
    }
}

pub(crate) struct Server {
    pub(crate) echo: Arc<Echo>,
    pub(crate) ending: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    port: u16,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let echo = Arc::new(Echo {
            refused: Mutex::default(),
            arrived: Semaphore::new(0),
            go: Semaphore::new(0),
            stream: Mutex::default(),
        });
        let ending = CancellationToken::new();
        let serving = serve(listener, Arc::clone(&echo), limits, ending.clone());
        Self {
            serving: tokio::spawn(serving),
            echo,
            ending,
            port,
        }
    }

    pub(crate) fn streams(&self) -> mpsc::Sender<Result<Bytes, Cut>> {
        let (sender, parts) = mpsc::channel(1);
        *self.echo.stream.lock().unwrap() = Some(parts);
        sender
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(("127.0.0.1", self.port)).await.unwrap())
    }

    /// Sends bytes, and gives back all that comes until the server closes.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }

    pub(crate) fn refused(&self) -> Vec<Malformed> {
        self.echo.refused.lock().unwrap().clone()
    }
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(LONG, self.0.write_all(bytes.as_ref()))
            .await
            .unwrap()
            .unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn half_close(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    pub(crate) async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        let read = timeout(LONG, self.0.read_to_end(&mut all)).await;
        read.expect("the server neither answers nor closes")
            .unwrap();
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Reads until `end` is the end of what was read.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut all = Vec::new();
        while !all.ends_with(end.as_bytes()) {
            let byte = timeout(LONG, self.0.read_u8()).await;
            let byte =
                byte.unwrap_or_else(|_| panic!("no {end:?}: {}", String::from_utf8_lossy(&all)));
            all.push(byte.unwrap());
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}
