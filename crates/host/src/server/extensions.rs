//! The Extensions API, for what runs inside the runtime's process: Go's client
//! registers one there to be told of the end by SIGTERM
//! (<https://github.com/aws/aws-lambda-go/blob/main/lambda/sigterm.go>).
//!
//! There are *internal* extensions only: nothing under `/opt/extensions` is
//! started. Like Lambda, this refuses them SHUTDOWN. Log and telemetry
//! subscriptions are answered as AWS's runtime interface emulator answers them:
//! accepted with the words that they are not supported, and nothing is delivered.

use super::{Answer, accepted, answer, text_header};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tether_protocol::Environment;
use tether_runtime_api::environment::HANDLER;
use tether_runtime_api::{ErrorObject, Invocation, header};
use tokio::sync::watch;

const NAME: HeaderName = HeaderName::from_static("lambda-extension-name");
const IDENTIFIER: HeaderName = HeaderName::from_static("lambda-extension-identifier");
const EVENT_IDENTIFIER: HeaderName = HeaderName::from_static("lambda-extension-event-identifier");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-extension-function-error-type");

/// Extensions of one function
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>).
const MOST: usize = 10;

/// A registration or an error report is small.
const MAX_BODY: usize = 64 * 1024;

/// What a registration is answered with.
pub(crate) struct About {
    name: String,
    version: String,
    handler: String,
}

impl About {
    /// Reads it from what Lambda puts into every environment.
    pub(crate) fn of(environment: &Environment) -> Self {
        let variable = |name: &str| environment.expose().get(name).cloned();
        Self {
            name: variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
            version: variable("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or("$LATEST".to_owned()),
            handler: variable(HANDLER).unwrap_or_default(),
        }
    }
}

pub(super) struct Extensions {
    about: About,
    registered: Mutex<Vec<Extension>>,
    /// What of them there is; each change wakes who waits.
    standing: watch::Sender<Standing>,
}

/// What the environment knows of its extensions.
#[derive(Clone, Copy, Default)]
pub(crate) struct Standing {
    pub(crate) registered: usize,
    /// Those that do not wait for an event.
    pub(crate) busy: usize,
}

struct Extension {
    id: String,
    name: String,
    /// Whether it is told of invocations.
    invoke: bool,
    events: VecDeque<Bytes>,
    waits: bool,
}

/// What a request is; none: it is not about extensions.
pub(super) enum Verb {
    Register,
    Next,
    InitError,
    ExitError,
    Telemetry,
    Logs,
}

impl Verb {
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        let verb = match (method, path) {
            (&Method::POST, "/2020-01-01/extension/register") => Self::Register,
            (&Method::GET, "/2020-01-01/extension/event/next") => Self::Next,
            (&Method::POST, "/2020-01-01/extension/init/error") => Self::InitError,
            (&Method::POST, "/2020-01-01/extension/exit/error") => Self::ExitError,
            (&Method::PUT, "/2022-07-01/telemetry") => Self::Telemetry,
            (&Method::PUT, "/2020-08-15/logs") => Self::Logs,
            _ => return None,
        };
        Some(verb)
    }
}

/// Why a request is refused: Lambda's name, and words.
type Refused = (&'static str, String);

impl Extensions {
    pub(super) fn new(about: About) -> (Self, watch::Receiver<Standing>) {
        let (standing, receiver) = watch::channel(Standing::default());
        let extensions = Self {
            about,
            registered: Mutex::default(),
            standing,
        };
        (extensions, receiver)
    }

    pub(super) async fn serve(
        &self,
        verb: Verb,
        request: Request<Incoming>,
        initialized: bool,
    ) -> Answer {
        let served = match verb {
            Verb::Register => self.register(request, initialized).await,
            Verb::Next => self.next(&request).await,
            Verb::InitError | Verb::ExitError => {
                let served = self.leave(&request);
                body(request).await;
                served
            }
            Verb::Telemetry | Verb::Logs => {
                body(request).await;
                Ok(unsupported(verb))
            }
        };
        served.unwrap_or_else(|(name, message)| {
            let error = ErrorObject::new(name, message);
            answer(StatusCode::FORBIDDEN, error.to_bytes())
        })
    }

    /// Tells those of an invocation that asked to be told.
    pub(super) fn tell(&self, invocation: &Invocation) {
        let mut registered = self.lock();
        if !registered.iter().any(|it| it.invoke) {
            return;
        }
        let mut event = serde_json::json!({
            "eventType": "INVOKE",
            "deadlineMs": invocation.deadline_ms,
            "requestId": invocation.request_id,
            "invokedFunctionArn": invocation.function_arn,
        });
        if let Some(trace) = invocation.other(&header::TRACE_ID) {
            event["tracing"] = serde_json::json!({ "type": "X-Amzn-Trace-Id", "value": trace });
        }
        let event = Bytes::from(event.to_string());
        for it in registered.iter_mut().filter(|it| it.invoke) {
            it.events.push_back(event.clone());
        }
        self.publish(&registered);
    }

    async fn register(
        &self,
        request: Request<Incoming>,
        initialized: bool,
    ) -> Result<Answer, Refused> {
        let name = text_header(&request, &NAME).filter(|it| !it.is_empty());
        let body = body(request).await;
        if initialized {
            let message = "Extension registration closed already".to_owned();
            return Err(("Extension.RegistrationClosed", message));
        }
        let empty = || "Empty extension name".to_owned();
        let name = name.ok_or_else(|| ("Extension.InvalidExtensionName", empty()))?;
        let invoke = wants_invoke(&body)?;
        let id = identifier();
        {
            let mut registered = self.lock();
            if registered.iter().any(|it| it.name == name) {
                let message = "Extension with this name already registered".to_owned();
                return Err(("Extension.InvalidExtensionState", message));
            }
            if registered.len() == MOST {
                let message = format!("Extension limit ({MOST}) reached");
                return Err(("Extension.TooManyExtensions", message));
            }
            registered.push(Extension {
                id: id.clone(),
                name,
                invoke,
                events: VecDeque::new(),
                waits: false,
            });
            self.publish(&registered);
        }
        let about = &self.about;
        let body = serde_json::json!({
            "functionName": about.name,
            "functionVersion": about.version,
            "handler": about.handler,
        });
        let mut answer = answer(StatusCode::OK, body.to_string());
        set(&mut answer, IDENTIFIER, &id);
        Ok(answer)
    }

    /// The next event; without a limit of time.
    async fn next(&self, request: &Request<Incoming>) -> Result<Answer, Refused> {
        let id = self.known(request)?;
        let mut changes = self.standing.subscribe();
        let _waits = Waits { all: self, id: &id };
        loop {
            if let Some(event) = self.event_for(&id) {
                let mut answer = answer(StatusCode::OK, event);
                set(&mut answer, EVENT_IDENTIFIER, &identifier());
                return Ok(answer);
            }
            // The sender lives as long as this.
            let _ = changes.changed().await;
        }
    }

    /// Its next event, if there is one; otherwise it waits from now on.
    fn event_for(&self, id: &str) -> Option<Bytes> {
        let mut registered = self.lock();
        let extension = registered.iter_mut().find(|it| it.id == id)?;
        let event = extension.events.pop_front();
        let waits = event.is_none();
        if extension.waits != waits {
            extension.waits = waits;
            self.publish(&registered);
        }
        event
    }

    /// It reports an error, and waits for nothing any more. The process's end
    /// is what counts, and it follows.
    fn leave(&self, request: &Request<Incoming>) -> Result<Answer, Refused> {
        let id = self.known(request)?;
        if text_header(request, &ERROR_TYPE).is_none_or(|it| it.is_empty()) {
            let message = "Lambda-Extension-Function-Error-Type not found".to_owned();
            return Err(("Extension.MissingHeader", message));
        }
        let mut registered = self.lock();
        if let Some(extension) = registered.iter_mut().find(|it| it.id == id) {
            extension.invoke = false;
            extension.waits = true;
            extension.events.clear();
        }
        self.publish(&registered);
        Ok(accepted())
    }

    /// The identifier of a request, if it is somebody's.
    fn known(&self, request: &Request<Incoming>) -> Result<String, Refused> {
        let missing = || "Missing Lambda-Extension-Identifier header".to_owned();
        let id = text_header(request, &IDENTIFIER);
        let id = id.ok_or_else(|| ("Extension.MissingExtensionIdentifier", missing()))?;
        if self.lock().iter().any(|it| it.id == id) {
            return Ok(id);
        }
        let message = format!("Unknown extension {id}");
        Err(("Extension.UnknownExtensionIdentifier", message))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Extension>> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, registered: &[Extension]) {
        let busy = registered
            .iter()
            .filter(|it| !it.waits || !it.events.is_empty());
        self.standing.send_replace(Standing {
            registered: registered.len(),
            busy: busy.count(),
        });
    }
}

/// An extension that waits, until it has its event or gives up.
struct Waits<'a> {
    all: &'a Extensions,
    id: &'a str,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut registered = self.all.lock();
        let own = registered.iter_mut().find(|it| it.id == self.id);
        if let Some(extension) = own.filter(|it| it.waits) {
            extension.waits = false;
            self.all.publish(&registered);
        }
    }
}

/// Whether a registration asks for invocations.
fn wants_invoke(body: &[u8]) -> Result<bool, Refused> {
    let invalid = |error: String| ("InvalidRequestFormat", error);
    let body: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
    let events = match body.get("events") {
        None | Some(serde_json::Value::Null) => return Ok(false),
        Some(serde_json::Value::Array(events)) => events,
        Some(_) => return Err(invalid("events is not a list".to_owned())),
    };
    for event in events {
        let reason = match event.as_str() {
            Some("INVOKE") => continue,
            Some("SHUTDOWN") => "event is not supported for internal extensions",
            _ => "ErrorInvalidEventType",
        };
        let event = event.as_str().unwrap_or_default();
        return Err(("Extension.InvalidEventType", format!("{event}: {reason}")));
    }
    Ok(!events.is_empty())
}

/// Nothing if it is too large or breaks off. It is read even where nobody
/// looks at it: otherwise the connection would be closed.
async fn body(request: Request<Incoming>) -> Bytes {
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    body.map(Collected::to_bytes).unwrap_or_default()
}

fn unsupported(verb: Verb) -> Answer {
    let what = match verb {
        Verb::Logs => "Logs",
        _ => "Telemetry",
    };
    let error = ErrorObject::new(
        format!("{what}.NotSupported"),
        format!("{what} API is not supported"),
    );
    answer(StatusCode::ACCEPTED, error.to_bytes())
}

fn identifier() -> String {
    let mut bytes = [0u8; 16];
    // Only uniqueness in one process matters; the system always has some.
    let _ = getrandom::fill(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut id = hex;
    for place in [8, 13, 18, 23] {
        id.insert(place, '-');
    }
    id
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
