//! WebSocket APIs: each on a port of its own, with its `@connections`.

mod admission;
mod connection;
mod door;
mod expressions;
mod handshake;
mod integration;
mod keys;
mod manners;
mod outbox;
mod roster;
mod routing;
mod signed;
mod silence;
mod socket;
mod throttles;

use crate::callers::{Callers, connections_action};
use crate::cloud::{Cloud, Notice};
use crate::descriptors;
use crate::faults::{Call, Cut, Faults};
use crate::iam::{self, Iam};
use crate::id;
use crate::lambda::Lambda;
use crate::local_tls::LocalTls;
use crate::requests::{Asked, Requests};
use crate::signature::Unsigned;
use bytes::Bytes;
use connection::Live;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use keys::KeySource;
use manners::Manners;
use outbox::NotPosted;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Once, PoisonError, RwLock};
use std::time::Duration;
use tether_apigw::InvokeResult;
use tether_apigw::connection_id::is_well_formed;
use tether_apigw::connections::{ConnectionsError, get_answer, parse_path};
use tether_apigw::websocket::limits::MESSAGE_BYTES;
use tether_apigw::websocket::templates::TemplateError;
use tether_apigw::websocket::{RouteSelection, Stamp};
use tether_gateway::{LocalKeys, Meters, Upstream};
use tether_sam::{Route, WebSocketApi};
use throttles::Throttles;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use manners::WebSocketRules;

pub(crate) use door::serve;
pub(crate) use roster::Roster;
pub(crate) use throttles::Connects;

type Answer = Response<Full<Bytes>>;

/// Who invokes functions for an API.
const APIGATEWAY: &str = "apigateway.amazonaws.com";

/// One WebSocket API.
pub(crate) struct Api {
    pub(crate) id: String,
    pub(crate) logical_id: String,
    pub(crate) address: SocketAddr,
    tls: Option<LocalTls>,
    /// Host name as AWS would have it.
    domain_name: String,
    partition: String,
    region: String,
    account_id: String,
    definition: RwLock<Arc<Definition>>,
    /// What API keys are held against; none: the stack declares no key.
    meters: RwLock<Option<Arc<Meters>>>,
    /// That none is checked was said.
    keys_told: Once,
    connections: RwLock<HashMap<String, Arc<Live>>>,
    lambda: Arc<Lambda>,
    callers: Arc<Callers>,
    iam: Arc<Iam>,
    /// What signatures of handshakes are verified by; none: they are believed.
    keys: Option<LocalKeys>,
    /// So long functions may take at least, where somebody debugs.
    patience: Duration,
    /// `--disable-authorizer`: nobody is asked, and no signature is needed.
    lets_everybody_in: bool,
    faults: Arc<Faults>,
    requests: Arc<Requests>,
    /// A client's way to here, and back.
    latency: Duration,
    connects: Arc<Connects>,
    manners: Manners,
    roster: Option<Arc<Roster>>,
    idle: Duration,
    lifetime: Duration,
    /// A client that takes nothing for so long is cut.
    unread: Duration,
    notices: Notice,
    /// To HTTP backends.
    upstream: Upstream,
    tasks: TaskTracker,
    /// Its connections, each until `$disconnect` has returned.
    talking: TaskTracker,
    /// Connections are closed, and functions still run.
    closing: CancellationToken,
    ending: CancellationToken,
}

/// What can be changed of an API while it serves.
struct Definition {
    stages: BTreeMap<String, Stage>,
    selection: RouteSelection,
    keys: KeySource,
    routes: HashMap<String, Route>,
    /// JSON schemas by name.
    models: BTreeMap<String, serde_json::Value>,
}

/// A stage that is served.
struct Stage {
    variables: BTreeMap<String, String>,
    throttles: Throttles,
}

impl Stage {
    fn of(stage: &tether_sam::Stage) -> Self {
        Self {
            variables: stage.variables.clone(),
            throttles: Throttles::of(stage),
        }
    }
}

impl Definition {
    fn of(api: &WebSocketApi) -> Result<Self, String> {
        let selection = RouteSelection::parse(&api.route_selection_expression)
            .map_err(|error| format!("{}: {error}", api.logical_id))?;
        api.routes.iter().try_for_each(expressions::check)?;
        let stages = api.stages.iter().map(|it| (it.name.clone(), Stage::of(it)));
        let routes = api
            .routes
            .iter()
            .map(|it| (it.route_key.clone(), it.clone()));
        Ok(Self {
            stages: stages.collect(),
            selection,
            keys: KeySource::of(api)?,
            routes: routes.collect(),
            models: api.models.clone(),
        })
    }
}

impl Api {
    /// An API that is about to serve at `address`.
    pub(crate) fn new(
        cloud: &Cloud,
        api: &WebSocketApi,
        address: SocketAddr,
    ) -> Result<Self, String> {
        let definition = Definition::of(api)?;
        let ending = cloud.ending.child_token();
        Ok(Self {
            id: api.id.clone(),
            logical_id: api.logical_id.clone(),
            address,
            tls: cloud.local_tls().cloned(),
            domain_name: match &cloud.options.working_copies {
                // Working copies post to their clients by it.
                Some(_) => address.to_string(),
                None => cloud.api_host(&api.id),
            },
            partition: cloud.place.partition.clone(),
            region: cloud.place.region.clone(),
            account_id: cloud.place.account_id.clone(),
            definition: RwLock::new(Arc::new(definition)),
            meters: RwLock::default(),
            keys_told: Once::new(),
            connections: RwLock::default(),
            lambda: Arc::clone(&cloud.lambda),
            callers: Arc::clone(&cloud.callers),
            iam: Arc::clone(&cloud.iam),
            keys: cloud.options.http.local_keys(&cloud.place),
            patience: cloud.options.http.patience.unwrap_or_default(),
            lets_everybody_in: cloud.options.http.disable_authorizer,
            faults: Arc::clone(&cloud.faults),
            requests: Arc::clone(&cloud.requests),
            latency: cloud.options.latency,
            idle: cloud.options.websocket_idle,
            lifetime: cloud.options.websocket_lifetime,
            unread: cloud.options.websocket_unread,
            connects: Arc::clone(&cloud.connects),
            manners: Manners::new(cloud.options.websocket_rules.clone()),
            roster: cloud.roster(),
            notices: Arc::clone(&cloud.notices),
            tasks: cloud.tasks.clone(),
            upstream: Upstream::default(),
            talking: TaskTracker::new(),
            closing: ending.child_token(),
            ending,
        })
    }

    fn definition(&self) -> Arc<Definition> {
        let definition = self.definition.read();
        Arc::clone(&definition.unwrap_or_else(PoisonError::into_inner))
    }

    /// Other routes and stages from now on; connections stay.
    pub(crate) fn redefine(&self, api: &WebSocketApi) -> Result<(), String> {
        let defined = Arc::new(Definition::of(api)?);
        let mut definition = self
            .definition
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *definition = defined;
        Ok(())
    }

    /// Ends its connections and closes its port.
    pub(crate) fn end(&self) {
        self.ending.cancel();
    }

    /// Closes its connections, and waits until `$disconnect` has been told.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.talking.close();
        self.talking.wait().await;
    }

    /// Lets its functions hear of connections that an earlier run has left.
    pub(crate) async fn tell_of_earlier(self: Arc<Self>) {
        if let Some(roster) = &self.roster {
            roster.tell_of_earlier(&self).await;
        }
    }

    /// `ws://127.0.0.1:1234/live`, for the first stage.
    pub(crate) fn url(&self) -> String {
        let definition = self.definition();
        let stage = definition.stages.keys().next().map_or("", String::as_str);
        format!("ws://{}/{stage}", self.address)
    }

    /// Whether a path of `@connections` names one of its connections, at the stage that it is of.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let held = parse_path(path).and_then(|it| {
            let live = self.live(&it.connection_id)?;
            Some(live.connection.stage == it.stage)
        });
        held == Some(true)
    }

    /// Whether a path of `@connections` names one of its stages.
    pub(crate) fn serves(&self, path: &str) -> bool {
        let definition = self.definition();
        parse_path(path).is_some_and(|it| definition.stages.contains_key(&it.stage))
    }

    fn live(&self, connection_id: &str) -> Option<Arc<Live>> {
        let connections = self
            .connections
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        connections.get(connection_id).cloned()
    }

    fn register(&self, live: &Arc<Live>) {
        let id = live.connection.connection_id.clone();
        let connections = self.connections.write();
        let mut connections = connections.unwrap_or_else(PoisonError::into_inner);
        connections.insert(id, Arc::clone(live));
        descriptors::make_room(connections.len());
        drop(connections);
        if let Some(roster) = &self.roster {
            roster.opened(self, live);
        }
    }

    fn unregister(&self, live: &Live) {
        let connections = self.connections.write();
        let mut connections = connections.unwrap_or_else(PoisonError::into_inner);
        connections.remove(&live.connection.connection_id);
        drop(connections);
        if let Some(roster) = &self.roster {
            roster.closed(live);
        }
    }

    fn stamp(&self, message: bool) -> Stamp {
        let request_id = tether_apigw::connection_id::from_random(&id::random());
        Stamp {
            message_id: message.then(|| tether_apigw::connection_id::from_random(&id::random())),
            request_id,
            now_ms: tether_host::now().0,
        }
    }

    fn notice(&self, line: String) {
        (self.notices)(line);
    }

    /// Invokes a function for one of its parts: `live/$connect`, `authorizers/a1b2c3`.
    async fn call(&self, part: &str, function: &str, event: &serde_json::Value) -> CallResult {
        let source = iam::api_arn(&self.lambda.place, &self.id, part);
        if let Err(denied) = self
            .iam
            .check_invoke(&self.lambda, APIGATEWAY, &source, function)
        {
            // Clients hear of an internal error.
            self.notice(format!(
                "{}: {denied}; add an AWS::Lambda::Permission for {source}",
                self.logical_id
            ));
            return CallResult::Refused(Refusal::INTERNAL);
        }
        let payload = Bytes::from(event.to_string());
        match self.lambda.invoke(function, payload, None).await {
            Ok(invoked) if invoked.failed => CallResult::FunctionError(invoked.payload),
            Ok(invoked) => CallResult::Answer(invoked.payload),
            Err(error) => {
                self.notice(format!("{}: {error}", self.logical_id));
                CallResult::Failed
            }
        }
    }
}

/// What came of a call, owned.
enum CallResult {
    Answer(Bytes),
    FunctionError(Bytes),
    /// By the API's own configuration, or its patience: there is no answer to read.
    Refused(Refusal),
    Failed,
}

/// What a client hears of that.
#[derive(Clone, Copy)]
struct Refusal {
    status: u16,
    message: &'static str,
}

impl Refusal {
    const INTERNAL: Self = Self {
        status: 500,
        message: "Internal server error",
    };

    /// Observed: <https://github.com/aws/chalice/issues/1406>,
    /// <https://github.com/Kludex/mangum/issues/128>. A handshake's status is REST's `[inf]`.
    const TIMED_OUT: Self = Self {
        status: 504,
        message: "Endpoint request timed out",
    };

    fn of(error: &TemplateError) -> Self {
        let (status, message) = error.refusal();
        Self { status, message }
    }
}

impl CallResult {
    fn borrowed(&self) -> InvokeResult<'_> {
        match self {
            Self::Answer(bytes) => InvokeResult::Answer(bytes),
            Self::FunctionError(bytes) => InvokeResult::FunctionError(bytes),
            Self::Refused(_) | Self::Failed => InvokeResult::Failed,
        }
    }
}

/// A call of `@connections`; none: its body is too large.
async fn call(api: Arc<Api>, parts: Parts, body: Option<Bytes>) -> Result<Answer, Cut> {
    let (query, now) = (parts.uri.query(), tether_host::now());
    let signature = match api.callers.admit(&parts.headers, query, now) {
        Ok(signature) => signature,
        Err(unsigned) => return Ok(refuse_unsigned(&unsigned)),
    };
    api.requests.keep(|| Asked {
        service: "execute-api",
        principal: api.callers.principal(&signature.access_key),
        parts: &parts,
        body: body.as_deref().unwrap_or_default(),
    });
    let action = connections_action(&parts.method);
    let caught = api.faults.catch(|| Call {
        service: "execute-api",
        action: &action,
        principal: Some(api.callers.principal(&signature.access_key)),
        texts: [
            parts.uri.path().as_bytes(),
            body.as_deref().unwrap_or_default(),
        ],
    });
    let way = api
        .callers
        .arrive(&signature.access_key, "execute-api", action);
    way.go().await;
    let perform = {
        let (api, key) = (Arc::clone(&api), signature.access_key);
        async move {
            let ask = iam::ask_connections(&api.lambda.place, &api.id, &parts);
            if let Err(denied) = api.iam.authorize(&key, &ask) {
                return iam::refuse("execute-api", &denied);
            }
            match body {
                Some(body) => serve_connections(&api, &parts.method, parts.uri.path(), &body),
                None => refuse(&ConnectionsError::PayloadTooLarge),
            }
        }
    };
    let answer = match caught {
        None => perform.await,
        Some(caught) => api.faults.play(caught, perform).await?,
    };
    way.come_back().await;
    Ok(answer)
}

fn refuse_unsigned(unsigned: &Unsigned) -> Answer {
    let body = serde_json::json!({ "message": unsigned.message() });
    let mut answer = plain(StatusCode::FORBIDDEN, body.to_string());
    let name = http::HeaderValue::from_static(unsigned.name());
    answer.headers_mut().insert("x-amzn-errortype", name);
    answer
}

/// `POST`, `GET`, `DELETE /{stage}/@connections/{id}`.
pub(crate) fn serve_connections(api: &Api, method: &Method, path: &str, body: &Bytes) -> Answer {
    let definition = api.definition();
    let wanted = parse_path(path).filter(|it| definition.stages.contains_key(&it.stage));
    let Some(wanted) = wanted else {
        return refuse(&ConnectionsError::Forbidden);
    };
    let id = wanted.connection_id;
    if !is_well_formed(&id) {
        return refuse(&ConnectionsError::InvalidConnectionId(id));
    }
    // A connection belongs to its stage: by another one's endpoint it is not there.
    let live = api.live(&id);
    let Some(live) = live.filter(|it| it.connection.stage == wanted.stage) else {
        return refuse(&ConnectionsError::Gone);
    };
    match *method {
        Method::POST if body.len() > MESSAGE_BYTES => refuse(&ConnectionsError::PayloadTooLarge),
        Method::POST => {
            let text = String::from_utf8_lossy(body).into_owned();
            match live.post(text) {
                Ok(()) => plain(StatusCode::OK, String::new()),
                Err(NotPosted::Full) => refuse(&ConnectionsError::LimitExceeded),
                Err(NotPosted::Gone) => refuse(&ConnectionsError::Gone),
            }
        }
        Method::GET => {
            let answer = get_answer(&live.connection, live.last_active());
            plain(StatusCode::OK, answer.to_string())
        }
        Method::DELETE => {
            api.unregister(&live);
            live.delete();
            plain(StatusCode::NO_CONTENT, String::new())
        }
        _ => refuse(&ConnectionsError::Forbidden),
    }
}

fn refuse(error: &ConnectionsError) -> Answer {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = plain(status, error.body());
    for (name, value) in error.headers() {
        if let Ok(name) = http::HeaderName::from_bytes(name.as_bytes()) {
            answer
                .headers_mut()
                .insert(name, http::HeaderValue::from_static(value));
        }
    }
    answer
}

fn plain(status: StatusCode, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer
}
