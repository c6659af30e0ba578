//! What is known of the session: looked up at the start of an invocation,
//! believed for a while, and never by a timer that a freeze would stop.

use crate::access::Layer;
use crate::now;
use crate::upstream::Event;
use std::time::Duration;
use tether_protocol::carry::Why;
use tether_protocol::constants::{
    BELIEVE_ACTIVE, BELIEVE_DISCONNECTED, CLAIM_WAIT, SILENCE, share_of,
};
use tether_protocol::records::WhenOffline;
use tether_protocol::session::{Standing, fails_offline, standing};
use tether_protocol::{ConnectionId, SessionId, Timestamp};

/// The session as this environment sees it.
pub(crate) struct Lookup {
    layer: Layer,
    session_id: SessionId,
    belief: Option<Belief>,
    /// When the last look-up failed, and why.
    failed: Option<(Timestamp, String)>,
    /// What the developer wished for offline times, and how long that holds; none:
    /// the session is over, or nothing is known of it.
    offline: Option<(WhenOffline, Timestamp)>,
    /// The state in which an event was not claimed.
    suspect: Option<Belief>,
    /// There are connections that may be dead.
    connected: bool,
}

impl Lookup {
    pub(crate) fn new(layer: Layer, session_id: SessionId) -> Self {
        Self {
            layer,
            session_id,
            belief: None,
            failed: None,
            offline: None,
            suspect: None,
            connected: false,
        }
    }

    /// The connection to carry an event to, or why there is none.
    pub(crate) async fn connection(&mut self, event: &Event) -> Result<ConnectionId, String> {
        let started = now();
        if !self.believes() {
            // A failed look-up is not repeated at once: the network of a
            // function that cannot reach AWS does not heal between two events.
            let failed = self.failed.as_ref();
            if let Some((_, reason)) =
                failed.filter(|(at, _)| started.since(*at) < BELIEVE_DISCONNECTED)
            {
                return Err(reason.clone());
            }
            if tokio::time::timeout(patience(event), self.refresh())
                .await
                .is_err()
            {
                // A short function has no time for SILENCE: its next look-up does not
                // meet the same dead connections.
                self.layer.reconnect();
                self.not_looked_up("AWS does not answer");
            }
        }
        let Some(belief) = &self.belief else {
            let reason = self.failed.as_ref().map(|(_, reason)| reason.clone());
            return Err(reason.unwrap_or_default());
        };
        match &belief.standing {
            Standing::Active(_) if self.is_suspect(belief) => {
                Err("the laptop did not answer before, and has not been heard of since".to_owned())
            }
            Standing::Active(connection) => {
                let connection = connection.clone();
                // Renewed if they would expire in the middle.
                let deadline = Timestamp(event.invocation.deadline_ms);
                let assumed = self.layer.assume(Some(deadline));
                match tokio::time::timeout(patience(event), assumed).await {
                    Ok(assumed) => assumed.map(|()| connection),
                    Err(_) => Err("the layer role cannot be renewed in time".to_owned()),
                }
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

    /// Looks the session up, over new connections where the old ones are silent.
    pub(crate) async fn refresh(&mut self) {
        if self.connected {
            let looked_up = tokio::time::timeout(SILENCE, self.look_up()).await;
            if looked_up.is_ok() {
                return;
            }
            self.layer.reconnect();
        }
        self.look_up().await;
    }

    async fn look_up(&mut self) {
        if let Err(reason) = self.layer.assume(None).await {
            return self.not_looked_up(&reason);
        }
        let session = self.session_id.clone();
        let looked_up = self.layer.clients().sessions.read(&session).await;
        match looked_up {
            Ok(row) => {
                self.connected = true;
                self.failed = None;
                let standing = standing(row.as_ref(), now());
                self.offline = row
                    .as_ref()
                    .filter(|_| standing != Standing::Over)
                    .map(|row| (row.when_offline, row.lease_until));
                self.belief = Some(Belief {
                    standing,
                    lease: row.map_or(Timestamp(0), |row| row.lease_until),
                    since: now(),
                });
            }
            Err(error) => self.not_looked_up(&error.to_string()),
        }
        self.try_rights().await;
    }

    /// Of a session that may have this event: over the connection that has just
    /// answered, and once.
    async fn try_rights(&mut self) {
        let active = |it: &Belief| matches!(it.standing, Standing::Active(_));
        if self.belief.as_ref().is_some_and(active)
            && let Err(missing) = self.layer.may_carry().await
        {
            self.belief = None;
            self.failed = Some((now(), missing.to_string()));
        }
    }

    /// Remembers that a look-up failed.
    pub(crate) fn not_looked_up(&mut self, reason: &str) {
        self.belief = None;
        self.failed = Some((now(), format!("the session cannot be looked up: {reason}")));
    }

    /// Takes what an attempt has shown.
    pub(crate) fn learn(&mut self, why: &Why) {
        match why {
            Why::Unclaimed => self.suspect = self.belief.take(),
            // Whoever is away is believed to be for a while.
            Why::ConnectionGone => self.believe(Standing::Away),
            Why::SessionOver => {
                self.offline = None;
                self.believe(Standing::Over);
            }
            Why::PostRefused(_) | Why::Declined => {}
        }
    }

    fn believe(&mut self, standing: Standing) {
        if let Some(belief) = &mut self.belief {
            belief.standing = standing;
            belief.since = now();
        }
    }

    /// Whether an event that cannot get to the laptop fails, by what is known.
    pub(crate) fn fails_offline(&self) -> bool {
        self.offline
            .is_some_and(|(policy, lease)| fails_offline(policy, lease, now()))
    }

    /// The same, for an event that the deployed code would answer. A laptop that
    /// is silent may have ended its session on purpose: that is looked up first.
    pub(crate) async fn is_offline(&mut self, why: &Why, event: &Event) -> bool {
        if *why == Why::Declined || !self.fails_offline() {
            return false;
        }
        if *why == Why::Unclaimed {
            // What is not known then stays as it was.
            let _ = tokio::time::timeout(patience(event), self.refresh()).await;
        }
        self.fails_offline()
    }
}

/// How long an event may be held up by looking the session up: no longer than
/// by a laptop that does not claim it.
pub(crate) fn patience(event: &Event) -> Duration {
    let left = Timestamp(event.invocation.deadline_ms).since(now());
    CLAIM_WAIT.min(share_of(left))
}

/// What is known of the session, since when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Belief {
    standing: Standing,
    /// A keep-alive renews it: a suspect connection is trusted again then.
    lease: Timestamp,
    since: Timestamp,
}
