//! One invocation, from START to REPORT.

use super::Lambda;
use super::function::Function;
use super::version::{Version, Warm};
use crate::id;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tether_host::{Ended, RunState};
use tether_runtime_api::log::{self, LogFormat, Report, Status};
use tether_runtime_api::{ErrorObject, Invocation, header};

/// A runtime whose function has a short timeout still gets this long to ask
/// for its next event after an answer.
const TIDYING: Duration = Duration::from_secs(1);

/// Who asked for the end of the log waits no longer than this for the runtime
/// to ask for its next event.
const TAIL_WAITS: Duration = Duration::from_secs(1);

/// What to run. It does not print: payloads are in it.
#[derive(Clone)]
pub(crate) struct Call {
    /// The same for each attempt at one asynchronous invocation.
    pub(crate) request_id: String,
    /// As the caller named it, with its qualifier.
    pub(crate) arn: String,
    pub(crate) payload: Bytes,
    /// JSON.
    pub(crate) client_context: Option<String>,
    /// Whether the end of the log is wanted.
    pub(crate) tail: bool,
    /// Who wants the answer while it is written asks here.
    pub(crate) state: RunState,
}

impl Call {
    /// A plain one.
    pub(crate) fn new(request_id: String, arn: String, payload: Bytes) -> Self {
        Self {
            request_id,
            arn,
            payload,
            client_context: None,
            tail: false,
            state: RunState::new(),
        }
    }
}

/// What came of an invocation. It does not print: payloads are in it.
#[derive(Clone)]
pub(crate) struct Invoked {
    pub(crate) request_id: String,
    /// The version that ran.
    pub(crate) version: String,
    /// `X-Amz-Function-Error: Unhandled`
    pub(crate) failed: bool,
    pub(crate) payload: Bytes,
    /// The last 4 KB of its log, if they were wanted.
    pub(crate) tail: Option<Vec<u8>>,
}

/// Runs one invocation in an idle environment, or in a new one.
pub(crate) async fn run(
    lambda: &Lambda,
    function: &Function,
    version: &Arc<Version>,
    call: Call,
) -> Invoked {
    let mut call = call;
    // An environment may end while it is idle; the next one is new.
    for _ in 0..3 {
        let taken = version.take(lambda, &function.workshop, &call.request_id);
        let warm = match taken.await {
            Ok(warm) => warm,
            Err(error) => return failed(version, &call, &error),
        };
        match once(lambda, version, &call, warm).await {
            Ok(invoked) => return invoked,
            Err(payload) => call.payload = payload,
        }
    }
    let error = ErrorObject::exited(&call.request_id, "it ends while idle");
    failed(version, &call, &error)
}

/// The payload comes back if the environment had ended while idle.
async fn once(
    lambda: &Lambda,
    version: &Arc<Version>,
    call: &Call,
    mut warm: Warm,
) -> Result<Invoked, Bytes> {
    let id = &call.request_id;
    let revision = Arc::clone(&warm.revision);
    let configuration = &revision.configuration;
    let name = configuration.version.clone();
    let format = LogFormat::of_variable(configuration.plain.logging("LogFormat"));
    let first = log::start(format, id, &name, tether_host::now().0);
    warm.tap.begin(id, call.tail, first);
    let started = Instant::now();
    let invocation = invocation(call, configuration.timeout);
    let ended = match warm
        .invoke(invocation, call.payload.clone(), &call.state)
        .await
    {
        Ended::NotTaken(_, payload) => {
            warm.stop().await;
            return Err(payload);
        }
        ended => ended,
    };
    let took = started.elapsed();
    let timeout = Duration::from_secs(u64::from(configuration.timeout));
    let last_words = LastWords::of(call, &ended, took, timeout);
    let goes_on = matches!(ended, Ended::Answered { .. } | Ended::Failed { .. });
    let (failed, payload) = match ended.settle(id, timeout.as_secs_f64()) {
        Ok((_, body)) => (false, body),
        Err((_, body)) => (true, body),
    };
    let mut tail = None;
    if call.tail {
        if goes_on {
            let asked = warm.environment.idle();
            let _ = tokio::time::timeout(TAIL_WAITS, asked).await;
        }
        warm.environment.settle().await;
        last_words.clone().conclude(&mut warm);
        warm.tap.end();
        tail = warm.tap.tail();
    }
    let reported = call.tail;
    let conclude = move |warm: &mut Warm| {
        if !reported {
            last_words.conclude(warm);
        }
    };
    if goes_on {
        let patience = timeout.saturating_sub(took).max(TIDYING);
        version.give_back(lambda, warm, patience, conclude);
    } else {
        conclude(&mut warm);
        // Lambda resets the environment.
        warm.stop().await;
    }
    Ok(Invoked {
        request_id: call.request_id.clone(),
        version: name,
        failed,
        payload,
        tail,
    })
}

/// What is said when it is over.
#[derive(Clone)]
struct LastWords {
    request_id: String,
    took: Duration,
    status: Status,
}

impl LastWords {
    fn of(call: &Call, ended: &Ended, took: Duration, timeout: Duration) -> Self {
        let status = match ended {
            Ended::TimedOut => Status::Timeout(timeout),
            Ended::Exited(how) => Status::Exited(how.clone()),
            _ => Status::Success,
        };
        Self {
            request_id: call.request_id.clone(),
            took,
            status,
        }
    }

    fn conclude(self, warm: &mut Warm) {
        let configuration = &warm.revision.configuration;
        let format = LogFormat::of_variable(configuration.plain.logging("LogFormat"));
        let report = Report {
            request_id: self.request_id,
            duration: self.took,
            init: warm.init.take(),
            memory_mb: configuration.memory_mb.into(),
            max_memory_mb: warm.environment.peak_memory_mb(self.took),
            status: self.status,
        };
        let lines = report.lines(format, tether_host::now().0);
        warm.tap.conclude(lines);
    }
}

pub(super) fn failed(version: &Version, call: &Call, error: &ErrorObject) -> Invoked {
    Invoked {
        request_id: call.request_id.clone(),
        version: version.revision().configuration.version.clone(),
        failed: true,
        payload: Bytes::from(error.to_bytes()),
        tail: call.tail.then(Vec::new),
    }
}

pub(super) fn invocation(call: &Call, timeout: u32) -> Invocation {
    let now = tether_host::now();
    let deadline = now.plus(Duration::from_secs(u64::from(timeout)));
    let epoch = now.seconds();
    let trace = format!(
        "Root=1-{epoch:08x}-{};Sampled=0",
        id::hex(&id::random::<12>())
    );
    let mut rest = vec![
        (header::TRACE_ID.to_string(), trace),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    if let Some(context) = &call.client_context {
        // A line break in JSON is white space, and cannot stand in a header.
        let context = context.replace(['\r', '\n'], " ");
        rest.push((header::CLIENT_CONTEXT.to_string(), context));
    }
    Invocation {
        request_id: call.request_id.clone(),
        deadline_ms: deadline.0,
        function_arn: call.arn.clone(),
        invocation_id: Some(id::uuid()),
        rest,
    }
}
