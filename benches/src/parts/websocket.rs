//! WebSocket APIs: what ten thousand idle clients cost, and how many messages
//! a second `@connections` takes.

use super::Part;
use crate::cloud::environment;
use crate::figures::{Times, ms};
use crate::proc_fs;
use crate::process::Process;
use crate::report::{Met, Report};
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use rustix::process::{Resource, Signal, getrlimit, setrlimit};
use serde_json::json;
use std::cell::Cell;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TEMPLATE: &str = include_str!("../../websocket/template.yaml");

const IDLE: usize = 10_000;
/// For each of them, in the server's memory.
const IDLE_BYTES: u64 = 20 * 1024;
/// So many open at the same time.
const OPENING: usize = 50;

const RECEIVERS: usize = 100;
const CALLERS: usize = 16;
const POSTS: usize = 200_000;
const PER_SECOND: f64 = 20_000.0;
const MESSAGE: [u8; 100] = [b'm'; 100];
/// A frame of the server: two bytes, then the message.
const FRAME: usize = MESSAGE.len() + 2;

/// The emulator reads signatures and does not verify them.
const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000";

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    more_descriptors()?;
    idle(part, report).await?;
    posts(part, report).await
}

/// As many as this process may have without asking anybody.
fn more_descriptors() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let enough = IDLE + 200;
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        allowed >= enough as u64,
        "this part needs {enough} descriptors and may have {allowed}: raise the limit with ulimit -Hn"
    );
    Ok(())
}

struct Api {
    process: Process,
    /// `127.0.0.1:1234`
    authority: String,
    folder: tempfile::TempDir,
}

impl Api {
    async fn start(part: Part<'_>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tether-bench-").tempdir()?;
        let template = folder.path().join("template.yaml");
        std::fs::write(&template, TEMPLATE)?;
        let arguments = [
            "emulator",
            "--json",
            "--no-helper-stack",
            "--endpoint-port",
            "0",
            "--websocket-connects",
            "0",
            "--deploy",
        ];
        let mut arguments = arguments.map(str::to_owned).to_vec();
        arguments.push(format!("bench={}", template.display()));
        let process = Process::start(
            "tether emulator",
            &part.setting.tether,
            &arguments,
            &environment(None),
            folder.path(),
        )?;
        let ready = process.wait_for("ready").await?;
        let url = ready["apis"][0]["url"].as_str().unwrap_or_default();
        let authority = url
            .strip_prefix("ws://")
            .and_then(|it| it.split('/').next());
        let authority = authority.context("the emulator serves no WebSocket API")?;
        Ok(Self {
            authority: authority.to_owned(),
            process,
            folder,
        })
    }

    async fn end(self) -> Result<()> {
        self.process.end(Signal::TERM).await?;
        self.folder.close()?;
        Ok(())
    }

    /// A client that is connected.
    async fn connect(&self) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        let request = format!(
            "GET /live HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             User-Agent: tether-bench\r\n\r\n",
            self.authority
        );
        stream.write_all(request.as_bytes()).await?;
        let head = head(&mut stream).await?;
        ensure!(head.starts_with("HTTP/1.1 101 "), "no WebSocket: {head}");
        Ok(stream)
    }
}

/// An answer's head, and nothing behind it.
async fn head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(stream.read_buf(&mut head).await? > 0, "the server hangs up");
    }
    Ok(String::from_utf8(head)?)
}

async fn idle(part: Part<'_>, report: &mut Report) -> Result<()> {
    let api = Api::start(part).await?;
    // What the first one costs is not what each one costs.
    drop(api.connect().await?);
    let before = proc_fs::memory(api.process.pid)?.resident;
    let started = Instant::now();
    let left = Cell::new(IDLE);
    let open = async || -> Result<Vec<TcpStream>> {
        let mut streams = Vec::new();
        while left.get() > 0 {
            left.set(left.get() - 1);
            streams.push(api.connect().await?);
        }
        Ok(streams)
    };
    let streams = try_join_all((0..OPENING).map(|_| open())).await?;
    let took = started.elapsed();
    let after = proc_fs::memory(api.process.pid)?.resident;
    let each = after.saturating_sub(before) / IDLE as u64;
    let measured = format!("{:.1} KB", each as f64 / 1024.0);
    let met = Met::when(each <= IDLE_BYTES);
    report.row("idle WebSocket, each of 10,000", "≤ 20 KB", measured, met);
    report.detail(format!(
        "10,000 WebSockets opened in {}, the server's memory from {} to {} KB",
        ms(took),
        before / 1024,
        after / 1024
    ));
    report.figure("websocketIdleBytes", json!(each));
    drop(streams);
    api.end().await
}

async fn posts(part: Part<'_>, report: &mut Report) -> Result<()> {
    let api = Api::start(part).await?;
    let count = part.setting.rounds(POSTS);
    let mut receivers = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..RECEIVERS {
        let mut stream = api.connect().await?;
        ids.push(id(&mut stream).await?);
        receivers.push(stream);
    }
    let next = Cell::new(0);
    let call = async || caller(&api, &ids, &next, count).await;
    let started = Instant::now();
    let (times, ()) = tokio::try_join!(
        try_join_all((0..CALLERS).map(|_| call())),
        receive(&mut receivers, count)
    )?;
    let took = started.elapsed();
    let rate = count as f64 / took.as_secs_f64();
    let name = "@connections, posts to 100 clients";
    let met = Met::when(rate >= PER_SECOND);
    report.row(name, "≥ 20,000/s", format!("{rate:.0}/s"), met);
    report.times(name, &Times::of(times.into_iter().flatten()));
    report.figure("connectionsPostsPerSecond", json!(rate));
    api.end().await
}

/// A client's connection id: a message without a route is answered with it.
async fn id(stream: &mut TcpStream) -> Result<String> {
    // Masked with zeros.
    stream
        .write_all(&[0x81, 0x82, 0, 0, 0, 0, b'{', b'}'])
        .await?;
    let mut header = [0; 2];
    stream.read_exact(&mut header).await?;
    let length = match header[1] {
        126 => usize::from(stream.read_u16().await?),
        short => usize::from(short),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let frame: serde_json::Value = serde_json::from_slice(&body)?;
    let id = frame["connectionId"].as_str();
    Ok(id
        .context("the error frame has no connectionId")?
        .to_owned())
}

/// Posts until there are enough; how long each took.
async fn caller(
    api: &Api,
    ids: &[String],
    next: &Cell<usize>,
    count: usize,
) -> Result<Vec<Duration>> {
    let requests: Vec<Vec<u8>> = ids.iter().map(|id| post(&api.authority, id)).collect();
    let mut stream = TcpStream::connect(&api.authority).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    while next.get() < count {
        let number = next.replace(next.get() + 1);
        let asked = Instant::now();
        stream.write_all(&requests[number % requests.len()]).await?;
        let head = head(&mut stream).await?;
        times.push(asked.elapsed());
        ensure!(head.starts_with("HTTP/1.1 200 "), "not posted: {head}");
    }
    Ok(times)
}

fn post(authority: &str, id: &str) -> Vec<u8> {
    let mut request = format!(
        "POST /live/@connections/{} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: {CREDENTIAL}\r\n\
         X-Amz-Date: {}\r\nContent-Length: {}\r\n\r\n",
        id.replace('=', "%3D"),
        crate::caller::date(),
        MESSAGE.len()
    )
    .into_bytes();
    request.extend(MESSAGE);
    request
}

/// Reads what was posted, all of it and nothing else.
async fn receive(receivers: &mut [TcpStream], count: usize) -> Result<()> {
    let share = |index: usize| count / RECEIVERS + usize::from(index < count % RECEIVERS);
    let reading = receivers
        .iter_mut()
        .enumerate()
        .map(|(index, stream)| async move {
            let mut left = share(index) * FRAME;
            let mut at = 0;
            let mut buffer = [0; 8 * FRAME];
            while left > 0 {
                let read = stream.read(&mut buffer).await?;
                ensure!(read > 0, "a client was cut off");
                for byte in buffer.iter().take(read) {
                    let expected = match at {
                        0 => 0x81,
                        1 => MESSAGE.len() as u8,
                        _ => b'm',
                    };
                    if *byte != expected {
                        bail!("a client got something else");
                    }
                    at = (at + 1) % FRAME;
                }
                left = left.checked_sub(read).context("a client got too much")?;
            }
            Ok(())
        });
    try_join_all(reading).await.map(drop)
}
