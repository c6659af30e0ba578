//! The life of an execution environment: event after event.

use crate::access::Layer;
use crate::carrier::Answer;
use crate::deployed::{self, Deployed};
use crate::guarded::{BUG, guarded};
use crate::guest::{self, Guest};
use crate::lookup::{Lookup, patience};
use crate::settings::Settings;
use crate::upstream::{Event, Upstream};
use crate::{carrier, log, now, upstream};
use bytes::Bytes;
use std::collections::HashSet;
use tether_protocol::Timestamp;
use tether_protocol::carry::{Failure, Verdict};
use tether_protocol::constants::LAYER_CALL_TIMEOUT;
use tether_protocol::records::InvocationStatus;
use tether_runtime_api::ErrorObject;

/// Runs until the environment ends; returns the process's exit code.
pub async fn run(settings: Settings, guest: Guest) -> i32 {
    let upstream = Upstream::new(settings.runtime_api.clone());
    let deployed = match Deployed::bind(guest.clone(), upstream.clone()).await {
        Ok(deployed) => deployed,
        Err(error) => {
            let reason = format!("no port to serve the deployed code on ({error})");
            return step_aside(&reason, &guest);
        }
    };
    let Some(layer) = guarded(async { Layer::new(&settings) }).await else {
        return step_aside(BUG, &guest);
    };
    let lookup = Lookup::new(layer.clone(), settings.attachment.session_id.clone());
    let environment_id = carrier::nonce().to_string();
    let life = Life {
        settings,
        upstream,
        layer,
        deployed,
        environment_id,
        lookup,
        said: HashSet::new(),
    };
    life.live().await
}

/// Executes the original command in our place; returns only if that fails.
pub fn step_aside(reason: &str, guest: &Guest) -> i32 {
    log::line(&format!("out of the way: {reason}"));
    not_started(&guest.exec())
}

fn not_started(error: &std::io::Error) -> i32 {
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
    lookup: Lookup,
    /// What was said since the laptop last had an event.
    said: HashSet<String>,
}

impl Life {
    async fn live(mut self) -> i32 {
        let mut signals = Signals::new();
        let upstream = self.upstream.clone();
        let mut event = tokio::select! {
            event = self.first() => event,
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

    /// The first event is asked for at once; the session is looked up
    /// meanwhile, and holds an event up no longer than later look-ups do.
    async fn first(&mut self) -> Result<Event, upstream::Error> {
        let upstream = self.upstream.clone();
        let next = upstream.next();
        tokio::pin!(next);
        let event = {
            let lookup = guarded(self.lookup.refresh());
            tokio::pin!(lookup);
            tokio::select! {
                // A bug of ours: looked up again for the event.
                _ = &mut lookup => None,
                event = &mut next => {
                    let patience = event.as_ref().map_or(LAYER_CALL_TIMEOUT, patience);
                    let looked_up = tokio::time::timeout(patience, lookup).await;
                    Some((event, looked_up.is_ok()))
                }
            }
        };
        match event {
            None => next.await,
            Some((event, looked_up)) => {
                if !looked_up {
                    self.lookup.not_looked_up("AWS does not answer");
                }
                event
            }
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
        let deadline = Timestamp(event.invocation.deadline_ms);
        // Nothing has left yet, so the deployed code may answer.
        let looked_up = guarded(self.lookup.connection(&event)).await;
        let looked_up = looked_up.unwrap_or_else(|| Err(BUG.to_owned()));
        let connection = match looked_up {
            Ok(connection) => connection,
            Err(reason) if self.lookup.fails_offline() => {
                self.fail_offline(&event, &reason).await;
                return None;
            }
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
                self.lookup.learn(&why);
                let correlation = self.layer.clients().correlation;
                let tidying = ended.remains.remove(&correlation, deadline);
                let reason = why.to_string();
                let offline = guarded(self.lookup.is_offline(&why, &event)).await;
                if offline == Some(true) {
                    tokio::join!(self.fail_offline(&event, &reason), tidying);
                    return None;
                }
                let (end, ()) = tokio::join!(self.deploy(event, &reason), tidying);
                return end;
            }
            Verdict::Fail(failure) => {
                let local = ended.local_state.as_deref();
                self.fail(&event, failure, local).await;
            }
            Verdict::Answered => match ended.answer {
                Some(answer) => self.answer(&event, answer, received_at).await,
                None => self.fail(&event, Failure::AnswerLost, None).await,
            },
        }
        // The caller has its answer; the record has done its work.
        ended
            .remains
            .remove(&self.layer.clients().correlation, deadline)
            .await;
        None
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
            deployed::Ended::NotStarted(error) => Some(not_started(&error)),
        }
    }

    async fn answer(&mut self, event: &Event, answer: Answer, since: Timestamp) {
        let Answer { record, bytes } = answer;
        let invocation = &event.invocation;
        let posted = if record.status == InvocationStatus::Failed {
            let kind = record.error.as_deref();
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
            Err(error) => {
                self.log_line(&format!("{id}: the answer could not be posted: {error}"));
                let reason = format!("tether: the answer could not be posted: {error}");
                let error = ErrorObject::new("Tether.Protocol", reason);
                self.post_error(invocation, &error).await;
            }
        }
    }

    async fn fail(&mut self, event: &Event, failure: Failure, local: Option<&str>) {
        let message = failure.message(local);
        self.fail_with(event, failure.error_type(), &message).await;
    }

    /// The developer does not want the deployed code to run meanwhile.
    async fn fail_offline(&mut self, event: &Event, reason: &str) {
        let message = format!(
            "{reason}, and the deployed code shall not answer meanwhile (--when-offline fail): attach again or detach; it answers when the lease of this session is over"
        );
        self.fail_with(event, "Tether.Offline", &message).await;
    }

    async fn fail_with(&mut self, event: &Event, error_type: &str, message: &str) {
        let error = ErrorObject::new(error_type, format!("tether: {message}"));
        self.log_line(&format!("{}: {message}", event.invocation.request_id));
        self.post_error(&event.invocation, &error).await;
    }

    async fn post_error(&self, invocation: &tether_runtime_api::Invocation, error: &ErrorObject) {
        let body = Bytes::from(error.to_bytes());
        if let Err(error) = self
            .upstream
            .error(invocation, Some(&error.error_type), body)
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
        if self.said.len() >= MOST_SAID {
            self.said.clear();
        }
        if self.said.insert(text.to_owned()) {
            log::line(text);
        }
    }
}

/// More different reasons than this are not kept in mind.
const MOST_SAID: usize = 32;

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
