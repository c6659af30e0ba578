//! Who may connect, and whether a session lives.

use crate::records::{SessionRecord, SessionStatus, WhenOffline};
use crate::{ConnectionId, Timestamp, Token};

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such row.
    #[error("the session does not exist")]
    Unknown,
    /// Somebody else's token.
    #[error("the token is not this session's")]
    WrongToken,
    /// Past its TTL; DynamoDB has not deleted the row yet.
    #[error("the session has expired")]
    Expired,
    /// Ended on purpose.
    #[error("the session is closed")]
    Closed,
}

/// Whether a connection may be opened for this session now.
///
/// # Errors
/// The reason why not.
pub fn admit(
    session: Option<&SessionRecord>,
    token: &Token,
    now: Timestamp,
) -> Result<(), Refusal> {
    let session = session.ok_or(Refusal::Unknown)?;
    if !session.token_hash.matches(token) {
        return Err(Refusal::WrongToken);
    }
    if session.status == SessionStatus::Closed {
        return Err(Refusal::Closed);
    }
    if session.ttl <= now.seconds() {
        return Err(Refusal::Expired);
    }
    Ok(())
}

/// A session as the bootstrap and the manager see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Events can be carried to this connection.
    Active(ConnectionId),
    /// It may come back.
    Away,
    /// It will not come back.
    Over,
}

/// How a session stands now. A lease that ran out counts as away, whatever
/// the row says: `$disconnect` is best effort.
#[must_use]
pub fn standing(session: Option<&SessionRecord>, now: Timestamp) -> Standing {
    let Some(session) = session else {
        return Standing::Over;
    };
    match (session.status, &session.connection_id) {
        (SessionStatus::Closed, _) => Standing::Over,
        (SessionStatus::Active, Some(connection)) if session.lease_until > now => {
            Standing::Active(connection.clone())
        }
        _ => Standing::Away,
    }
}

/// Whether an event that cannot get to the laptop fails instead of going to the
/// deployed code: if the developer wished so, and only as long as the lease
/// lasts, so that a function is not down for ever when nobody comes back.
#[must_use]
pub fn fails_offline(policy: WhenOffline, lease_until: Timestamp, now: Timestamp) -> bool {
    policy == WhenOffline::Fail && lease_until > now
}

/// Whether a session may still own what it instrumented. What this denies, the
/// sweeper restores.
#[must_use]
pub fn is_live(session: Option<&SessionRecord>, now: Timestamp) -> bool {
    session.is_some_and(|session| match session.status {
        SessionStatus::Closed => false,
        SessionStatus::Pending => session.ttl > now.seconds(),
        SessionStatus::Active | SessionStatus::Disconnected => session.lease_until > now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, SessionId, TokenHash};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn session(status: SessionStatus) -> SessionRecord {
        SessionRecord {
            session_id: SessionId::new("s"),
            connection_id: Some(ConnectionId::new("c")),
            connected_at: None,
            status,
            ttl: NOW.seconds() + 60,
            stack_name: "app".into(),
            token_hash: TokenHash::of(&Secret::new("t".into())),
            lease_until: Timestamp(NOW.0 + 1),
            created_at: NOW,
            owner: "me@here".into(),
            functions: vec![],
            timeout: None,
            take_over: false,
            when_offline: WhenOffline::Passthrough,
        }
    }

    #[test]
    fn only_the_right_token_of_a_living_session_is_let_in() {
        let good = Secret::new("t".into());
        let bad = Secret::new("x".into());
        for status in [
            SessionStatus::Pending,
            SessionStatus::Active,
            SessionStatus::Disconnected,
        ] {
            assert_eq!(admit(Some(&session(status)), &good, NOW), Ok(()));
        }
        assert_eq!(admit(None, &good, NOW), Err(Refusal::Unknown));
        let pending = session(SessionStatus::Pending);
        assert_eq!(admit(Some(&pending), &bad, NOW), Err(Refusal::WrongToken));
        let closed = session(SessionStatus::Closed);
        assert_eq!(admit(Some(&closed), &good, NOW), Err(Refusal::Closed));
        let late = Timestamp(NOW.0 + 60_000);
        assert_eq!(admit(Some(&pending), &good, late), Err(Refusal::Expired));
    }

    #[test]
    fn a_lease_that_ran_out_is_away_whatever_the_row_says() {
        let active = session(SessionStatus::Active);
        assert_eq!(
            standing(Some(&active), NOW),
            Standing::Active(ConnectionId::new("c"))
        );
        let later = Timestamp(NOW.0 + 1);
        assert_eq!(standing(Some(&active), later), Standing::Away);
        assert!(!is_live(Some(&active), later));
        assert_eq!(standing(None, NOW), Standing::Over);
    }
}
