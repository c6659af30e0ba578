//! The life of an execution environment: event after event.

use crate::access::Layer;
use crate::deployed::{self, Deployed};
use crate::guest::{self, Guest};
use crate::settings::Settings;
use crate::upstream::{Event, Upstream};
use crate::{carrier, log, now};
use bytes::Bytes;
use std::collections::HashSet;
use tether_protocol::Timestamp;
use tether_protocol::carry::{Failure, Verdict, Why};
use tether_protocol::constants::{BELIEVE_ACTIVE, BELIEVE_DISCONNECTED};
use tether_protocol::records::{HeadRecord, InvocationStatus};
use tether_protocol::session::{Standing, standing};
use tether_runtime_api::ErrorObject;

/// Runs until the environment ends; returns the process's exit code.
pub async fn run(settings: Settings, guest: Guest) -> i32 {
    let upstream = Upstream::new(settings.runtime_api.clone());
    let deployed = match Deployed::bind(guest.clone(), upstream.clone()).await {
        Ok(deployed) => deployed,
        Err(error) => {
            log::line(&format!(
                "no port to serve the deployed code on ({error}): stepping aside"
            ));
            return exec(&guest);
        }
    };
    let layer = Layer::new(&settings);
    let environment_id = carrier::nonce().to_string();
    let life = Life {
        settings,
        upstream,
        layer,
        deployed,
        environment_id,
        belief: None,
        suspect: None,
        said: HashSet::new(),
    };
    life.live().await
}

/// Executes the original command in our place; returns only if that fails.
pub(crate) fn exec(guest: &Guest) -> i32 {
    let error = guest.exec();
    log::line(&format!(
        "the function's own command cannot be started: {error}"
    ));
    // As a shell has it for a command that cannot be executed.
    126
}

struct Life {
    settings: Settings,
    upstream: Upstream,
    layer: Layer,
    deployed: Deployed,
    /// Names this environment to the laptop: one local process each.
    environment_id: String,
    belief: Option<Belief>,
    /// The state in which an event was not claimed.
    suspect: Option<Belief>,
    /// What was said since the laptop last had an event.
    said: HashSet<String>,
}

/// What is known of the session, since when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Belief {
    standing: Standing,
    /// A keep-alive renews it: a suspect connection is trusted again then.
    lease: Timestamp,
    since: Timestamp,
}

impl Life {
    async fn live(mut self) -> i32 {
        let mut signals = Signals::new();
        let upstream = self.upstream.clone();
        // The first event is asked for at once; the session is looked up
        // meanwhile.
        let mut event = tokio::select! {
            (event, ()) = async { tokio::join!(upstream.next(), self.refresh()) } => event,
            () = signals.terminate() => return self.terminated().await,
        };
        loop {
            let arrived = match event {
                Ok(event) => event,
                Err(error) => {
                    log::line(&format!("the Runtime API is gone: {error}"));
                    return 1;
                }
            };
            let end = tokio::select! {
                end = self.invocation(arrived) => end,
                () = signals.terminate() => Some(self.terminated().await),
            };
            if let Some(code) = end {
                return code;
            }
            event = tokio::select! {
                event = upstream.next() => event,
                status = self.deployed.exit() => return guest::end_as(status),
                () = signals.terminate() => return self.terminated().await,
            };
        }
    }

    /// SIGTERM: the deployed code hears it too, and ends as it likes; Lambda's
    /// SIGKILL comes soon enough.
    async fn terminated(&mut self) -> i32 {
        if !self.deployed.terminate() {
            return 128 + 15;
        }
        guest::end_as(self.deployed.exit().await)
    }

    /// One invocation: the deployed code unless the laptop can have it.
    /// A number ends the environment.
    async fn invocation(&mut self, event: Event) -> Option<i32> {
        let received_at = now();
        let connection = match self.connection().await {
            Ok(connection) => connection,
            Err(reason) => return self.deploy(event, &reason).await,
        };
        let ended = carrier::carry(
            &self.layer,
            &self.settings,
            &event,
            connection,
            &self.environment_id,
            received_at,
        )
        .await;
        match ended.verdict {
            Verdict::Deployed(why) => {
                self.learn(&why);
                // The mark against a second run stays until its TTL.
                let outdated = (why != Why::Unclaimed).then_some(ended.key);
                let correlation = self.layer.correlation.clone();
                let tidy = async {
                    if let Some(key) = outdated {
                        let _ = correlation.remove(&key).await;
                    }
                };
                let reason = why.to_string();
                let (end, ()) = tokio::join!(self.deploy(event, &reason), tidy);
                end
            }
            Verdict::Fail(failure) => {
                self.fail(&event, failure).await;
                None
            }
            Verdict::Answered => {
                self.answer(&event, ended.record, received_at).await;
                // The caller has its answer; the record has done its work.
                let _ = self.layer.correlation.remove(&ended.key).await;
                None
            }
        }
    }

    /// The connection to carry an event to, or why there is none.
    async fn connection(&mut self) -> Result<tether_protocol::ConnectionId, String> {
        if !self.believes() {
            self.refresh().await;
        }
        let Some(belief) = &self.belief else {
            return Err("the session cannot be looked up".to_owned());
        };
        match &belief.standing {
            Standing::Active(_) if self.is_suspect(belief) => {
                Err("the laptop did not answer before, and has not been heard of since".to_owned())
            }
            Standing::Active(connection) => {
                let connection = connection.clone();
                self.layer.assume().await?;
                Ok(connection)
            }
            Standing::Away => Err("the laptop is away".to_owned()),
            Standing::Over => Err("the session is over".to_owned()),
        }
    }

    fn believes(&self) -> bool {
        let Some(belief) = &self.belief else {
            return false;
        };
        let age = now().since(belief.since);
        match belief.standing {
            Standing::Active(_) => age < BELIEVE_ACTIVE,
            Standing::Away => age < BELIEVE_DISCONNECTED,
            Standing::Over => true,
        }
    }

    fn is_suspect(&self, belief: &Belief) -> bool {
        self.suspect.as_ref().is_some_and(|suspect| {
            suspect.standing == belief.standing && suspect.lease == belief.lease
        })
    }

    async fn refresh(&mut self) {
        if let Err(reason) = self.layer.assume().await {
            self.belief = None;
            self.say(&format!("{reason}; the deployed code answers"));
            return;
        }
        let session = self.settings.attachment.session_id.clone();
        match self.layer.sessions.read(&session).await {
            Ok(row) => {
                self.belief = Some(Belief {
                    standing: standing(row.as_ref(), now()),
                    lease: row.map_or(Timestamp(0), |row| row.lease_until),
                    since: now(),
                });
            }
            Err(error) => {
                self.belief = None;
                self.say(&format!("{error}; the deployed code answers"));
            }
        }
    }

    fn learn(&mut self, why: &Why) {
        match why {
            Why::Unclaimed => self.suspect = self.belief.take(),
            // Whoever is away is believed to be for a while.
            Why::ConnectionGone => {
                if let Some(belief) = &mut self.belief {
                    belief.standing = Standing::Away;
                    belief.since = now();
                }
            }
            Why::PostRefused(_) | Why::Declined => {}
        }
    }

    async fn deploy(&mut self, event: Event, reason: &str) -> Option<i32> {
        self.say(&format!("the deployed code answers: {reason}"));
        let own = self.settings.attachment.config.timeout;
        let invocation = event.invocation.clone();
        match self.deployed.handle(event, own).await {
            deployed::Ended::Asked => None,
            deployed::Ended::TimedOut => {
                let id = &invocation.request_id;
                let error = ErrorObject::timed_out(id, f64::from(own));
                self.post_error(&invocation, &error).await;
                None
            }
            deployed::Ended::Exited(status) => Some(guest::end_as(status)),
            deployed::Ended::NotStarted(error) => {
                log::line(&format!(
                    "the function's own command cannot be started: {error}"
                ));
                Some(126)
            }
        }
    }

    async fn answer(&mut self, event: &Event, record: Option<HeadRecord>, since: Timestamp) {
        let Some(record) = record else {
            return self.fail(event, Failure::Unconfirmed).await;
        };
        let failed = record.status == InvocationStatus::Failed;
        let payload = record.response.map(tether_protocol::Payload::open);
        let Some(Ok(bytes)) = payload else {
            return self.fail(event, Failure::Unconfirmed).await;
        };
        let (invocation, bytes) = (&event.invocation, Bytes::from(bytes));
        let posted = if failed {
            let kind = record.error.as_deref().unwrap_or("Runtime.Unknown");
            self.upstream.error(invocation, kind, bytes).await
        } else {
            let kind = record.content_type.as_deref();
            self.upstream.response(invocation, kind, bytes).await
        };
        let took = now().since(since).as_millis();
        let id = &invocation.request_id;
        match posted {
            Ok(status) if status.is_success() => self.log_line(&format!(
                "{id} answered by the laptop in {took} ms (session {})",
                record.session_id
            )),
            // Lambda has ended the invocation: the answer is dropped.
            Ok(status) => self.log_line(&format!("{id}: Lambda refused the answer with {status}")),
            Err(error) => self.log_line(&format!("{id}: the answer could not be posted: {error}")),
        }
    }

    async fn fail(&mut self, event: &Event, failure: Failure) {
        let error = ErrorObject::new(failure.error_type(), format!("tether: {failure}"));
        self.log_line(&format!("{}: {failure}", event.invocation.request_id));
        self.post_error(&event.invocation, &error).await;
    }

    async fn post_error(&self, invocation: &tether_runtime_api::Invocation, error: &ErrorObject) {
        let body = Bytes::from(error.to_bytes());
        if let Err(error) = self
            .upstream
            .error(invocation, &error.error_type, body)
            .await
        {
            log::line(&format!("the error could not be posted: {error}"));
        }
    }

    fn log_line(&mut self, text: &str) {
        log::line(text);
        self.said.clear();
    }

    /// Says a thing once, and not at every invocation.
    fn say(&mut self, text: &str) {
        if self.said.insert(text.to_owned()) {
            log::line(text);
        }
    }
}

/// SIGTERM: Lambda sends it before the end where an extension is registered.
struct Signals(Option<tokio::signal::unix::Signal>);

impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::terminate()).ok())
    }

    async fn terminate(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}
