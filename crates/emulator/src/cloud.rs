//! What all services share.

use crate::callers::Callers;
use crate::cloudformation::{Records, Stacks};
use crate::dynamodb::DynamoDb;
use crate::faults::{FaultSink, Faults};
use crate::http_api::{HttpApis, Ports};
use crate::iam::Iam;
use crate::lambda::{Lambda, Surroundings};
use crate::local_tls::LocalTls;
use crate::options::Options;
use crate::requests::Requests;
use crate::s3::S3;
use crate::schedule::Schedules;
use crate::websocket::{Api, Connects, Roster};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tempfile::TempDir;
use tether_host::LogSink;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where this cloud is, in AWS's terms.
#[derive(Clone, Debug)]
pub struct Place {
    /// `us-east-1`
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// `aws`
    pub partition: String,
    /// `amazonaws.com`
    pub url_suffix: String,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            partition: "aws".to_owned(),
            url_suffix: "amazonaws.com".to_owned(),
        }
    }
}

/// Takes lines for people: what the emulator does not do, what went wrong.
pub type Notice = Arc<dyn Fn(String) + Send + Sync>;

/// Who writes the table of connections, if there is one.
fn roster(
    options: &Options,
    place: &Place,
    dynamodb: &DynamoDb,
    notices: &Notice,
) -> Option<Arc<Roster>> {
    let table = options.websocket_table.as_ref()?;
    let access = table.elsewhere.clone();
    let where_to = access.as_ref().and_then(|it| it.endpoint_url.clone());
    let where_to = match &access {
        Some(access) => where_to.unwrap_or_else(|| format!("AWS, {}", access.region)),
        None => "the embedded DynamoDB".to_owned(),
    };
    let access = access.unwrap_or_else(|| tether_aws::Access {
        region: place.region.clone(),
        endpoint_url: Some(dynamodb.url()),
        kind: tether_aws::EndpointKind::default(),
        credentials: SharedCredentialsProvider::new(Credentials::from_keys(
            "emulated", "emulated", None,
        )),
    });
    let url = access.endpoint_url.as_deref().unwrap_or_default();
    let http = if url.starts_with("http://") {
        tether_aws::plain_http_client()
    } else {
        tether_aws::http_client(tether_aws::Trust::Platform)
    };
    let client = aws_sdk_dynamodb::Client::new(&tether_aws::config(&access, PATIENCE, &http));
    Some(Arc::new(Roster::new(
        table.name.clone(),
        where_to,
        client,
        options.websocket_lifetime,
        Arc::clone(notices),
    )))
}

/// For one call about the table of connections.
const PATIENCE: tether_aws::Patience = tether_aws::Patience {
    call: std::time::Duration::from_secs(5),
    attempts: 1,
};

/// `$disconnect` of the connections that are open at the end has so long.
const PARTING: std::time::Duration = std::time::Duration::from_millis(600);

/// One account in one region.
pub struct Cloud {
    pub(crate) place: Place,
    pub(crate) options: Options,
    pub(crate) callers: Arc<Callers>,
    pub(crate) iam: Arc<Iam>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) endpoint: SocketAddr,
    pub(crate) work: TempDir,
    pub(crate) notices: Notice,
    pub(crate) lambda: Arc<Lambda>,
    pub(crate) dynamodb: DynamoDb,
    pub(crate) s3: S3,
    pub(crate) stacks: Stacks,
    /// What exists by name only: roles, log groups.
    pub(crate) records: Records,
    pub(crate) schedules: Schedules,
    /// WebSocket APIs.
    pub(crate) apis: RwLock<Vec<Arc<Api>>>,
    pub(crate) connects: Arc<Connects>,
    /// Once there is a WebSocket API.
    roster: OnceLock<Option<Arc<Roster>>>,
    pub(crate) http_apis: HttpApis,
    pub(crate) ports: Ports,
    /// Once there is a WebSocket API whose functions run as working copies.
    local_tls: OnceLock<Option<LocalTls>>,
    pub(crate) tasks: TaskTracker,
    pub(crate) ending: CancellationToken,
}

impl Cloud {
    pub(crate) async fn new(
        listener: &TcpListener,
        place: Place,
        options: Options,
        logs: LogSink,
        notices: Notice,
        faults: FaultSink,
    ) -> std::io::Result<Arc<Self>> {
        let endpoint = listener.local_addr()?;
        let work = tempfile::Builder::new().prefix("tether-cloud-").tempdir()?;
        let ending = CancellationToken::new();
        let tasks = TaskTracker::new();
        let dynamodb = DynamoDb::start(&tasks, ending.clone(), options.data_dir.as_deref()).await?;
        let connects = Arc::new(Connects::new(options.websocket_connects));
        let callers = Arc::new(Callers::new(&options));
        let requests = Requests::kept_in(options.record_requests.as_deref())?;
        let iam = Arc::new(Iam::new(
            &place,
            &options,
            Arc::clone(&callers),
            Arc::clone(&notices),
        ));
        let faults = Arc::new(Faults::new(faults, tasks.clone(), ending.clone()));
        let lambda = Lambda::start(Surroundings {
            place: &place,
            endpoint,
            options: &options,
            callers: Arc::clone(&callers),
            iam: Arc::clone(&iam),
            logs,
            notices: Arc::clone(&notices),
            tasks: tasks.clone(),
            ending: ending.clone(),
        })?;
        let ports = Ports::from(options.host, options.first_api_port);
        Ok(Arc::new(Self {
            s3: S3::new(&place),
            place,
            callers,
            iam,
            faults,
            requests: Arc::new(requests),
            options,
            endpoint,
            work,
            notices,
            lambda,
            dynamodb,
            stacks: Stacks::default(),
            records: Records::default(),
            schedules: Schedules::default(),
            apis: RwLock::default(),
            connects,
            roster: OnceLock::new(),
            http_apis: HttpApis::default(),
            ports,
            local_tls: OnceLock::new(),
            tasks,
            ending,
        }))
    }

    /// Says something to whoever watches.
    pub(crate) fn notice(&self, line: impl Into<String>) {
        (self.notices)(line.into());
    }

    /// An ARN in this account and region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        let place = &self.place;
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            place.partition, place.region, place.account_id
        )
    }

    /// Puts local addresses where AWS would have its own host names:
    /// `https://{api}.execute-api.{region}.amazonaws.com` becomes
    /// `http://127.0.0.1:{port}`, and `wss` becomes `ws`.
    pub(crate) fn localize(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let apis = self.apis.read().unwrap_or_else(PoisonError::into_inner);
        for api in apis.iter() {
            let host = self.api_host(&api.id);
            if !text.contains(&host) {
                continue;
            }
            let local = api.address.to_string();
            text = text
                .replace(&format!("https://{host}"), &format!("http://{local}"))
                .replace(&format!("wss://{host}"), &format!("ws://{local}"))
                .replace(&host, &local);
        }
        drop(apis);
        self.http_apis.localize(&text, self.options.one_port)
    }

    /// The API that a path of `@connections` is about: the one that has the
    /// connection, or else one with that stage, or else any.
    pub(crate) fn api_of(&self, path: &str) -> Option<Arc<Api>> {
        let apis = self.apis.read().unwrap_or_else(PoisonError::into_inner);
        let holder = apis.iter().find(|api| api.holds(path));
        let of_stage = || apis.iter().find(|api| api.serves(path));
        holder.or_else(of_stage).or_else(|| apis.first()).cloned()
    }

    /// Who writes the table of connections, if there shall be one.
    pub(crate) fn roster(&self) -> Option<Arc<Roster>> {
        let roster = self.roster.get_or_init(|| {
            let made = roster(&self.options, &self.place, &self.dynamodb, &self.notices);
            if let Some(roster) = &made {
                let keeping = Arc::clone(roster).keep(self.ending.clone());
                self.tasks.spawn(keeping);
            }
            made
        });
        roster.clone()
    }

    /// TLS for WebSocket APIs: where functions are deployed copies, they reach
    /// `@connections` by `AWS_ENDPOINT_URL`.
    pub(crate) fn local_tls(&self) -> Option<&LocalTls> {
        self.options.working_copies.as_ref()?;
        let made = self.local_tls.get_or_init(|| {
            let made = LocalTls::new(self.work.path());
            made.inspect_err(|error| {
                self.notice(format!(
                    "there is no TLS for WebSocket APIs ({error}): post to them by http://"
                ));
            })
            .ok()
        });
        made.as_ref()
    }

    /// What functions are told to trust, once there is something.
    pub(crate) fn trust(&self) -> Option<&LocalTls> {
        self.local_tls.get()?.as_ref()
    }

    pub(crate) fn api_host(&self, api_id: &str) -> String {
        let place = &self.place;
        format!("{api_id}.execute-api.{}.{}", place.region, place.url_suffix)
    }

    /// The host of a function URL: <https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html>
    pub(crate) fn url_host(&self, url_id: &str) -> String {
        format!("{url_id}.lambda-url.{}.on.aws", self.place.region)
    }

    pub(crate) async fn stop(&self) {
        // Functions hear of each connection's end, if that is quick.
        let _ = tokio::time::timeout(PARTING, self.close_connections()).await;
        self.ending.cancel();
        self.lambda.stop().await;
        self.tasks.close();
        let patience = std::time::Duration::from_secs(2);
        // What does not end in time ends with the process.
        let _ = tokio::time::timeout(patience, self.tasks.wait()).await;
    }

    async fn close_connections(&self) {
        let apis = self.apis.read();
        let apis = apis.unwrap_or_else(PoisonError::into_inner).clone();
        futures_util::future::join_all(apis.iter().map(|it| it.close())).await;
        if let Some(Some(roster)) = self.roster.get() {
            roster.flush().await;
        }
    }
}
