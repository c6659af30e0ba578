//! Who invokes: raw HTTP on connections that are kept, because any client of
//! AWS's would be most of what is measured.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What the handler of the working copy and of the deployed code say.
pub(crate) const LAPTOP: &str = "the laptop";
pub(crate) const DEPLOYED: &str = "the deployed code";

/// The emulator reads signatures and does not verify them.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000";

/// A deployed function.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `127.0.0.1:3100`
    pub(crate) authority: String,
    pub(crate) function: String,
}

/// An event, and what is expected of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    value: Value,
    body: Bytes,
}

impl Event {
    pub(crate) fn of(value: Value) -> Self {
        let body = Bytes::from(value.to_string());
        Self { value, body }
    }

    /// A small one, like no other.
    pub(crate) fn numbered(number: usize) -> Self {
        Self::of(json!({ "n": number }))
    }

    pub(crate) fn size(&self) -> usize {
        self.body.len()
    }
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The working copy, in this process.
    Laptop(u64),
    /// The function, in this process.
    Deployed(u64),
    /// Neither as it should be: what came instead.
    Wrong(String),
}

/// An invocation that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) took: Duration,
    pub(crate) by: By,
}

/// A connection.
struct Caller {
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

impl Caller {
    async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&target.authority)
            .await
            .with_context(|| format!("{} does not answer", target.authority))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(async move {
            // What breaks shows in the sender.
            let _ = connection.await;
        });
        Ok(Self { sender, connection })
    }

    async fn invoke(&mut self, target: &Target, event: &Event) -> Result<Outcome> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!(
                "/2015-03-31/functions/{}/invocations",
                target.function
            ))
            .header("host", &target.authority)
            .header("authorization", AUTHORIZATION)
            .header("x-amz-date", date())
            .header("content-type", "application/json")
            .body(Full::new(event.body.clone()))?;
        let asked = Instant::now();
        let answer = self.sender.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        let took = asked.elapsed();
        let error = head.headers.contains_key("x-amz-function-error");
        let by = if error || !head.status.is_success() {
            By::Wrong(format!("{} {}", head.status, beginning(&body)))
        } else {
            judge(&body, event)
        };
        Ok(Outcome { took, by })
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Now, as signatures have it: AWS refuses those of another time, and so does
/// the emulator.
pub(crate) fn date() -> String {
    let now = time::OffsetDateTime::now_utc();
    let (year, month, day) = now.to_calendar_date();
    let (hour, minute, second) = now.to_hms();
    let month = u8::from(month);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Looks at something of the emulator's own.
pub(crate) async fn look(authority: &str, path: &str) -> Result<(u16, Bytes)> {
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header("host", authority)
        .body(Full::new(Bytes::new()))?;
    let asked = async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}

/// Every answer is looked at in full; not while the clock runs.
fn judge(body: &[u8], event: &Event) -> By {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return By::Wrong(beginning(body));
    };
    let pid = answer["pid"].as_u64().unwrap_or_default();
    match answer["by"].as_str() {
        _ if answer["echo"] != event.value => By::Wrong(beginning(body)),
        Some(LAPTOP) => By::Laptop(pid),
        Some(DEPLOYED) => By::Deployed(pid),
        _ => By::Wrong(beginning(body)),
    }
}

fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..300).unwrap_or(body)).into_owned();
    text.replace('\n', " ")
}

/// Invokes this often, with so many in flight: each caller asks again as soon
/// as it has its answer.
pub(crate) async fn run(
    target: &Target,
    in_flight: usize,
    count: usize,
    event: impl Fn(usize) -> Event,
) -> Result<Vec<Outcome>> {
    let next = Cell::new(0);
    let call = async || -> Result<Vec<Outcome>> {
        let mut caller = Caller::open(target).await?;
        let mut outcomes = Vec::new();
        while next.get() < count {
            let number = next.replace(next.get() + 1);
            outcomes.push(caller.invoke(target, &event(number)).await?);
        }
        Ok(outcomes)
    };
    let all = try_join_all((0..in_flight).map(|_| call())).await?;
    Ok(all.into_iter().flatten().collect())
}

/// So many at once, with a handler that takes this long.
pub(crate) async fn at_once(
    target: &Target,
    in_flight: usize,
    handler: Duration,
) -> Result<Vec<Outcome>> {
    let seconds = handler.as_secs_f64();
    run(target, in_flight, in_flight, |number| {
        Event::of(json!({ "n": number, "sleep": seconds }))
    })
    .await
}

/// Rounds of warming up, at most.
const ROUNDS: usize = 12;

/// Until so many environments are there, and answer as they should; whether
/// they came to be.
pub(crate) async fn warm_up(target: &Target, in_flight: usize, attached: bool) -> Result<bool> {
    for _ in 0..ROUNDS {
        let outcomes = at_once(target, in_flight, Duration::from_millis(400)).await?;
        let processes: HashSet<u64> = outcomes
            .iter()
            .filter_map(|it| match it.by {
                By::Laptop(pid) => attached.then_some(pid),
                By::Deployed(pid) => (!attached).then_some(pid),
                By::Wrong(_) => None,
            })
            .collect();
        if processes.len() == in_flight {
            // Once more, without a pause: connections and caches.
            run(target, in_flight, in_flight * 8, Event::numbered).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Times of all, and the first answer that is not as it should be.
pub(crate) fn not_by_laptop(outcomes: &[Outcome]) -> (usize, Option<String>) {
    let mut others = outcomes.iter().filter_map(|it| match &it.by {
        By::Laptop(_) => None,
        By::Deployed(_) => Some(DEPLOYED.to_owned()),
        By::Wrong(what) => Some(what.clone()),
    });
    let first = others.next();
    (usize::from(first.is_some()) + others.count(), first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_right_only_if_it_is_this_events() {
        let event = Event::numbered(7);
        let answer = |by: &str, n: u32| json!({ "by": by, "pid": 3, "echo": { "n": n } });
        let judged = |answer: Value| judge(answer.to_string().as_bytes(), &event);
        assert_eq!(judged(answer(LAPTOP, 7)), By::Laptop(3));
        assert_eq!(judged(answer(DEPLOYED, 7)), By::Deployed(3));
        assert!(matches!(judged(answer(LAPTOP, 8)), By::Wrong(_)));
        assert!(matches!(judge(b"no", &event), By::Wrong(_)));
    }
}
