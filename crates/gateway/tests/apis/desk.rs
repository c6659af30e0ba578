//! A template that is served, functions that are closures, and a client.

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tether_apigw::http::Whereabouts;
use tether_gateway::http1::Limits;
use tether_gateway::{Access, Call, Front, Functions, OnePort, Outcome, Settings, Sink};
use tether_sam::api::Api;
use tether_sam::{Context, LogicalNames, Template};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Long enough for every machine; reached only by what hangs.
pub(crate) const LONG: Duration = Duration::from_secs(20);

type Program = Box<dyn Fn(&Call) -> Outcome + Send + Sync>;

/// Functions by their names in the template.
#[derive(Default)]
pub(crate) struct Programs {
    programs: HashMap<String, Program>,
    calls: Mutex<Vec<Call>>,
}

impl Programs {
    /// A function that returns what the closure makes of its event.
    pub(crate) fn returning(
        mut self,
        name: &str,
        program: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        let program = move |call: &Call| {
            let event = serde_json::from_slice(&call.payload).unwrap();
            Outcome::Answer(program(&event).to_string().into())
        };
        self.programs.insert(name.to_owned(), Box::new(program));
        self
    }

    pub(crate) fn with(
        mut self,
        name: &str,
        program: impl Fn(&Call) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        self.programs.insert(name.to_owned(), Box::new(program));
        self
    }

    /// A function whose body is its event.
    pub(crate) fn echo(self, name: &str) -> Self {
        self.returning(
            name,
            |event| json!({ "statusCode": 200, "body": event.to_string() }),
        )
    }
}

#[async_trait]
impl Functions for Programs {
    async fn invoke(&self, call: Call) -> Outcome {
        let program = self.programs.get(&call.function);
        let outcome = match program {
            Some(program) => program(&call),
            None => Outcome::Failed(format!("there is no function {}", call.function)),
        };
        self.calls.lock().unwrap().push(call);
        match outcome {
            // One that never returns.
            Outcome::Failed(why) if why == "never" => std::future::pending().await,
            outcome => outcome,
        }
    }
}

#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) notices: Mutex<Vec<String>>,
    pub(crate) lines: Mutex<Vec<String>>,
}

impl Sink for Heard {
    fn answered(&self, access: &Access<'_>) {
        let line = format!(
            "{} {} {} {} {} {}",
            access.api,
            access.method,
            access.path,
            access.route.unwrap_or("-"),
            access.function.unwrap_or("-"),
            access.status
        );
        self.lines.lock().unwrap().push(line);
    }

    fn notice(&self, line: &str) {
        self.notices.lock().unwrap().push(line.to_owned());
    }
}

pub(crate) fn apis(template: &str) -> Vec<Api> {
    let none = BTreeMap::new();
    let context = Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &none,
        names: &LogicalNames,
    };
    let template = Template::parse("template.yaml", template);
    let stack = template.and_then(|it| it.resolve(&context));
    let apis = stack.and_then(|it| it.apis());
    apis.unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is served, and what was heard of it.
pub(crate) struct Desk {
    pub(crate) fronts: Vec<Arc<Front>>,
    ports: Vec<u16>,
    pub(crate) programs: Arc<Programs>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) now: Arc<AtomicU64>,
    _ending: tokio_util::sync::DropGuard,
    ending: CancellationToken,
}

pub(crate) const NOW: u64 = 1_644_163_811_849;

impl Desk {
    pub(crate) async fn serve(template: &str, programs: Programs) -> Self {
        Self::with(template, programs, |_| {}).await
    }

    /// Each API of a template on a port of its own.
    pub(crate) async fn with(
        template: &str,
        programs: Programs,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let (programs, heard) = (Arc::new(programs), Arc::new(Heard::default()));
        let now = Arc::new(AtomicU64::new(NOW));
        let functions: Arc<dyn Functions> = Arc::<Programs>::clone(&programs);
        let sink: Arc<dyn Sink> = Arc::<Heard>::clone(&heard);
        let mut settings = Settings::new(functions, sink);
        let clock = Arc::clone(&now);
        settings.clock = Arc::new(move || clock.load(Ordering::SeqCst));
        change(&mut settings);
        let ending = CancellationToken::new();
        let mut desk = Self {
            fronts: Vec::new(),
            ports: Vec::new(),
            programs,
            heard,
            now,
            _ending: ending.clone().drop_guard(),
            ending,
        };
        for api in apis(template) {
            let at = Whereabouts {
                api_id: api.id.clone(),
                partition: "aws".to_owned(),
                region: "eu-west-1".to_owned(),
                account_id: "123456789012".to_owned(),
                domain_name: format!("{}.execute-api.eu-west-1.amazonaws.com", api.id),
            };
            let front = Front::new(settings.clone(), at, &api).unwrap();
            let (listener, port) = listen().await;
            tokio::spawn(Arc::clone(&front).serve(listener, desk.ending.clone()));
            desk.fronts.push(front);
            desk.ports.push(port);
        }
        desk
    }

    /// All of them on one port more, which is the first then.
    pub(crate) async fn on_one_port(mut self) -> (Self, Vec<String>) {
        let (one, collisions) = OnePort::new(Limits::default(), self.fronts.clone());
        let (listener, port) = listen().await;
        tokio::spawn(one.serve(listener, self.ending.clone()));
        self.ports.insert(0, port);
        let collisions = collisions.iter().map(ToString::to_string).collect();
        (self, collisions)
    }

    pub(crate) fn redefine(&self, template: &str) {
        for (front, api) in self.fronts.iter().zip(apis(template)) {
            front.redefine(&api).unwrap();
        }
    }

    /// Why a template is not served in place of the one before.
    pub(crate) fn refuses(&self, template: &str) -> String {
        let (front, api) = (&self.fronts[0], &apis(template)[0]);
        front.redefine(api).unwrap_err().to_string()
    }

    /// Lets time pass for caches and buckets.
    pub(crate) fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.ask("GET", path, &[], "").await
    }

    /// Asks the first API.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Got {
        let body = body.as_ref();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut stream = self.connect().await;
        stream
            .write_all(format!("{head}\r\n").as_bytes())
            .await
            .unwrap();
        stream.write_all(body).await.unwrap();
        let mut all = Vec::new();
        let read = timeout(LONG, stream.read_to_end(&mut all)).await;
        read.expect("no answer came").unwrap();
        Got::read(&all)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.ports[0]))
            .await
            .unwrap()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.programs.calls.lock().unwrap().clone()
    }

    /// Names of the functions that were invoked, in their order.
    pub(crate) fn invoked(&self) -> Vec<String> {
        self.calls().into_iter().map(|it| it.function).collect()
    }

    pub(crate) fn notices(&self) -> Vec<String> {
        self.heard.notices.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.heard.lines.lock().unwrap().clone()
    }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Got {
    fn read(all: &[u8]) -> Self {
        let end = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let pair = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Self {
            status: status.parse().unwrap(),
            headers: lines.map(pair).collect(),
            body: Bytes::copy_from_slice(&all[end + 4..]),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        let found = all.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Status and body.
    pub(crate) fn said(&self) -> (u16, &str) {
        (self.status, self.text())
    }
}
