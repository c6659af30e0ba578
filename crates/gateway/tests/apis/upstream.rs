//! Another server, whose answers a test sets.

use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tether_apigw::http::{Answer, Request};
use tether_gateway::http1::{self, Handler, Limits, Malformed, Received, Reply};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

#[derive(Default)]
struct Scripted {
    answers: Mutex<HashMap<String, Answer>>,
    requests: Mutex<Vec<Request>>,
}

#[async_trait]
impl Handler for Scripted {
    async fn answer(&self, received: Received) -> Reply {
        let path = received.request.path.clone();
        self.requests.lock().unwrap().push(received.request);
        let found = self.answers.lock().unwrap().get(&path).cloned();
        match found {
            // One that never comes.
            Some(answer) if answer.status == 0 => std::future::pending().await,
            found => Reply::Whole(found.unwrap_or_else(|| Answer::message(404, "not here"))),
        }
    }

    fn refuse(&self, why: Malformed) -> Answer {
        panic!("{why}");
    }

    fn cannot_accept(&self, error: &std::io::Error) {
        panic!("{error}");
    }
}

pub(crate) struct Upstream {
    pub(crate) url: String,
    scripted: Arc<Scripted>,
    _ending: DropGuard,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let scripted = Arc::new(Scripted::default());
        let ending = CancellationToken::new();
        let serving = http1::serve(
            listener,
            Arc::clone(&scripted),
            Limits::default(),
            ending.clone(),
        );
        tokio::spawn(serving);
        Self {
            url,
            scripted,
            _ending: ending.drop_guard(),
        }
    }

    /// From now on. Status 0: there is no answer.
    pub(crate) fn answers(&self, path: &str, status: u16, body: &str) {
        let answer = Answer {
            status,
            headers: vec![("X-Upstream".to_owned(), "yes".to_owned())],
            body: body.to_owned().into(),
        };
        let mut answers = self.scripted.answers.lock().unwrap();
        answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.scripted.requests.lock().unwrap().clone()
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.requests().iter().filter(|it| it.path == path).count()
    }
}
