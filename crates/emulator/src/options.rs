//! How this cloud differs from AWS on request: shorter limits, longer ways.

use crate::cloud::Place;
use crate::tails::Tails;
use crate::websocket::WebSocketRules;
use crate::working_copies::WorkingCopies;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::websocket::limits::{IDLE, LIFETIME};
use tether_gateway::{Access, Keys, LocalKeys, Settings};

/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
const ASYNC_RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const ROLE_SESSION: Duration = Duration::from_secs(3600);

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>
const WEBSOCKET_CONNECTS: u32 = 500;

/// AWS does not say.
const WEBSOCKET_UNREAD: Duration = Duration::from_secs(60);

/// AWS does not say; it has been seen to be some minutes.
const REAP_AFTER: Duration = Duration::from_secs(600);

/// Where connections are kept.
#[derive(Clone, Debug)]
pub struct WebSocketTable {
    /// Its name; it is created if it is not there.
    pub name: String,
    /// In which DynamoDB, if not in the embedded one.
    pub elsewhere: Option<tether_aws::Access>,
}

/// See the module. The default is AWS, next door.
#[derive(Clone)]
pub struct Options {
    /// One way between the laptop and the cloud: each WebSocket message takes
    /// it, and each AWS call of the laptop takes it twice. Setting up a
    /// connection costs its handshake, and no more.
    pub latency: Duration,
    /// What each AWS call takes that is made in the region.
    pub aws_latency: Duration,
    /// A WebSocket without a message for this long is closed.
    pub websocket_idle: Duration,
    /// A WebSocket is closed at this age.
    pub websocket_lifetime: Duration,
    /// So many new WebSocket connections are let in in a second, over all APIs;
    /// none: all.
    pub websocket_connects: Option<NonZeroU32>,
    /// A WebSocket whose client takes no byte of what waits for it for this long
    /// is cut.
    pub websocket_unread: Duration,
    /// Connections are kept in a DynamoDB table; none: nowhere.
    pub websocket_table: Option<WebSocketTable>,
    /// What applications put on top of API Gateway's rules.
    pub websocket_rules: WebSocketRules,
    /// An asynchronous invocation that failed is tried again after these
    /// pauses.
    pub async_retries: [Duration; 2],
    /// The credentials of a role that is assumed are void after this.
    pub role_session: Duration,
    /// An execution environment that is idle for this long is ended.
    pub reap_after: Duration,
    /// So many calls to Lambda's control plane are served in a second; none:
    /// all.
    pub control_plane_rate: Option<NonZeroU32>,
    /// Every request is kept in this file, which must not be there yet: with
    /// payloads and environment variables, so it is for tests.
    pub record_requests: Option<PathBuf>,
    /// Whether everybody may do everything: IAM is not asked.
    pub no_iam: bool,
    /// Tables are kept in this folder from one run to the next, and outlive their
    /// stacks; none: in memory.
    pub data_dir: Option<PathBuf>,
    /// Tables are AWS's own: a stack makes none.
    pub aws_tables: bool,
    /// Whether rules and schedules run what they say.
    pub schedules: bool,
    /// Functions run as these working copies, and nothing of their code is
    /// copied.
    pub working_copies: Option<Arc<dyn WorkingCopies>>,
    /// Where working copies' lines pass by on their way; see [`Tails::sink`].
    pub tails: Tails,
    /// The first API's port, the next one's is one higher; none, or 0: free
    /// ones.
    pub first_api_port: Option<u16>,
    /// Where APIs listen.
    pub host: IpAddr,
    /// All HTTP APIs share one port, and stages stand in no path.
    pub one_port: bool,
    /// How HTTP APIs are served; who is let in, WebSocket APIs as well.
    pub http: HttpOptions,
    /// Hears of each request that an API has answered.
    pub access: AccessSink,
}

/// Hears of requests.
pub type AccessSink = Arc<dyn Fn(&Access<'_>) + Send + Sync>;

/// How HTTP APIs are served.
#[derive(Clone, Default)]
pub struct HttpOptions {
    /// Whether everybody is let in, whatever routes ask for.
    pub disable_authorizer: bool,
    /// What tokens are verified by; none: their issuers' own keys.
    pub keys: Option<Arc<Keys>>,
    /// Secrets by access key: signatures are verified by them. None: they are
    /// believed.
    pub access_keys: BTreeMap<String, String>,
    /// How long integrations may take at least, where somebody debugs.
    pub patience: Option<Duration>,
}

impl HttpOptions {
    /// None: every signature is believed.
    pub(crate) fn local_keys(&self, place: &Place) -> Option<LocalKeys> {
        let keys = || LocalKeys::new(&place.account_id, self.access_keys.clone());
        (!self.access_keys.is_empty()).then(keys)
    }

    pub(crate) fn apply(&self, place: &Place, settings: &mut Settings) {
        settings.disable_authorizer = self.disable_authorizer;
        settings.patience = self.patience;
        if let Some(keys) = &self.keys {
            settings.keys = Arc::clone(keys);
        }
        let keys = LocalKeys::new(&place.account_id, self.access_keys.clone());
        settings.callers = Arc::new(keys);
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            aws_latency: Duration::ZERO,
            websocket_idle: IDLE,
            websocket_lifetime: LIFETIME,
            websocket_connects: NonZeroU32::new(WEBSOCKET_CONNECTS),
            websocket_unread: WEBSOCKET_UNREAD,
            websocket_table: None,
            websocket_rules: WebSocketRules::default(),
            async_retries: ASYNC_RETRIES,
            role_session: ROLE_SESSION,
            reap_after: REAP_AFTER,
            control_plane_rate: None,
            record_requests: None,
            no_iam: false,
            data_dir: None,
            aws_tables: false,
            schedules: true,
            working_copies: None,
            tails: Tails::default(),
            first_api_port: None,
            host: IpAddr::from([127, 0, 0, 1]),
            one_port: false,
            http: HttpOptions::default(),
            access: Arc::new(|_| {}),
        }
    }
}
