//! The three routes, over whatever keeps sessions and invocations.

use crate::event::{Answer, Event};
use lambda_runtime::tracing::{info, warn};
use tether_protocol::message::{Alive, Hello, Reason, Refused, Reply, ToCloud, ToLaptop, Welcome};
use tether_protocol::{ConnectionId, PROTOCOL_VERSION, SessionId, Timestamp, reading};

/// Who speaks: a session on its connection.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// The session that the authorizer let in.
    pub(crate) session: &'a SessionId,
    /// The connection.
    pub(crate) connection: &'a ConnectionId,
    /// When it was opened.
    pub(crate) connected_at: Timestamp,
}

/// A step that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What it needs does not hold any more, and why.
    Condition(String),
    /// The call failed, or may have.
    Failed(String),
}

/// The steps that messages lead to.
pub(crate) trait Cloud {
    /// Now: the laptop's clock may be minutes off, and is told.
    fn now(&self) -> Timestamp;
    /// The session is ACTIVE on this connection from now on.
    async fn activate(&self, caller: Caller<'_>) -> Result<(), Fault>;
    /// The session's lease runs anew.
    async fn renew(&self, caller: Caller<'_>) -> Result<(), Fault>;
    /// The session is DISCONNECTED, if the connection is still its own.
    async fn disconnect(&self, caller: Caller<'_>) -> Result<(), Fault>;
    /// The session is CLOSED, for good.
    async fn close(&self, caller: Caller<'_>) -> Result<(), Fault>;
    /// The reply is in the correlation record.
    async fn answer(&self, session: &SessionId, reply: &Reply) -> Result<(), Fault>;
    /// The manager is at work on the session's functions.
    async fn instrument(&self, session: &SessionId) -> Result<(), Fault>;
}

/// Handles one event.
pub(crate) async fn handle<C: Cloud>(cloud: &C, event: Event) -> Answer {
    let context = &event.request_context;
    let Some(session) = context.session() else {
        // Only a WebSocket API whose authorizer is not ours gets here.
        warn!("{} without a session", context.route_key);
        return Answer::status(403);
    };
    let caller = Caller {
        session,
        connection: &context.connection_id,
        connected_at: context.connected_at.unwrap_or_else(|| cloud.now()),
    };
    match context.route_key.as_str() {
        "$connect" => connect(cloud, caller).await,
        "$disconnect" => disconnect(cloud, caller).await,
        _ => Answer::message(&default(cloud, caller, event.body.as_deref()).await),
    }
}

async fn connect<C: Cloud>(cloud: &C, caller: Caller<'_>) -> Answer {
    let Caller {
        session,
        connection,
        ..
    } = caller;
    match cloud.activate(caller).await {
        Ok(()) => {
            info!("session {session} is active on {connection}");
            Answer::status(200)
        }
        // It was closed, or expired, since the authorizer looked.
        Err(Fault::Condition(reason)) => {
            warn!("session {session} not let in: {reason}");
            Answer::status(403)
        }
        Err(Fault::Failed(reason)) => {
            warn!("session {session} could not be activated: {reason}");
            Answer::status(500)
        }
    }
}

/// Best effort, as the event itself is: the lease tells the rest.
async fn disconnect<C: Cloud>(cloud: &C, caller: Caller<'_>) -> Answer {
    let Caller {
        session,
        connection,
        ..
    } = caller;
    match cloud.disconnect(caller).await {
        Ok(()) => info!("session {session} has lost {connection}"),
        Err(Fault::Condition(_)) => info!("session {session} has moved on from {connection}"),
        Err(Fault::Failed(reason)) => {
            warn!("session {session} could not be marked as disconnected: {reason}");
        }
    }
    Answer::status(200)
}

async fn default<C: Cloud>(cloud: &C, caller: Caller<'_>, body: Option<&str>) -> ToLaptop {
    let answer = match reading::to_cloud(body) {
        Ok(ToCloud::Hello(hello)) => welcome(cloud, caller, &hello).await,
        Ok(ToCloud::KeepAlive) => keep_alive(cloud, caller).await,
        Ok(ToCloud::Reply(reply)) => store(cloud, caller, reply).await,
        Ok(ToCloud::Goodbye) => goodbye(cloud, caller).await,
        Ok(_) => problem("the helper stack cannot handle this message".to_owned()),
        Err(reason) => problem(reason),
    };
    match &answer {
        ToLaptop::Problem(Reason { reason }) | ToLaptop::SessionEnded(Reason { reason }) => {
            warn!("session {}: {reason}", caller.session);
        }
        ToLaptop::Refused(refused) => {
            warn!(
                "request {}: reply refused: {}",
                refused.key.request_id, refused.reason
            );
        }
        _ => {}
    }
    answer
}

/// A newer laptop is welcome as well: it reads our version, and speaks it.
async fn welcome<C: Cloud>(cloud: &C, caller: Caller<'_>, hello: &Hello) -> ToLaptop {
    let Caller { session, .. } = caller;
    if hello.instrument
        && let Err(Fault::Condition(reason) | Fault::Failed(reason)) =
            cloud.instrument(session).await
    {
        return problem(format!(
            "no function was instrumented, because the manager could not be started ({reason}): attach again"
        ));
    }
    info!("session {session} said hello in version {}", hello.version);
    ToLaptop::Welcome(Welcome {
        version: PROTOCOL_VERSION,
        session_id: session.clone(),
        now: Some(cloud.now()),
    })
}

async fn keep_alive<C: Cloud>(cloud: &C, caller: Caller<'_>) -> ToLaptop {
    match cloud.renew(caller).await {
        Ok(()) => ToLaptop::Alive(Alive {
            now: Some(cloud.now()),
        }),
        Err(Fault::Condition(_)) => ToLaptop::SessionEnded(Reason::new(
            "the session was closed, or is active on another connection: attach again",
        )),
        Err(Fault::Failed(reason)) => problem(format!(
            "the lease could not be renewed ({reason}): it is tried again"
        )),
    }
}

/// Closed before its connection is, so that no function takes it for a laptop
/// that was lost.
async fn goodbye<C: Cloud>(cloud: &C, caller: Caller<'_>) -> ToLaptop {
    match cloud.close(caller).await {
        Ok(()) => ToLaptop::SessionEnded(Reason::new("it said goodbye")),
        Err(Fault::Condition(reason) | Fault::Failed(reason)) => problem(format!(
            "the session could not be closed ({reason}): its lease ends it"
        )),
    }
}

async fn store<C: Cloud>(cloud: &C, caller: Caller<'_>, reply: Reply) -> ToLaptop {
    match cloud.answer(caller.session, &reply).await {
        Ok(()) => ToLaptop::Stored(reply.key),
        Err(Fault::Condition(reason)) => ToLaptop::Refused(Refused {
            key: reply.key,
            reason,
        }),
        Err(Fault::Failed(reason)) => problem(format!(
            "the reply of request {} may not be stored ({reason}): send it again",
            reply.key.request_id
        )),
    }
}

fn problem(reason: String) -> ToLaptop {
    ToLaptop::Problem(Reason { reason })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod tests;
