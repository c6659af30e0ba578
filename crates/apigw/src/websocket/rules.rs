//! Rules that applications put on top of API Gateway: who may say what on which
//! channel, with which token, and how often. API Gateway has none of them; without
//! any, nothing here has a say.
//!
//! A message is held against them in this order, and the first refusal counts:
//!
//! 1. how often: per connection, then per identity ([`Pace`]);
//! 2. the first of [`Rules::rules`] whose channels and actions it is one of. None:
//!    it only needs the token. A public one asks for nothing more;
//! 3. the token ([`TokenRule`]): the message carries that of its handshake, and it
//!    has not expired;
//! 4. a private rule: the authorizer knows who this is, and its context holds every
//!    permission that the rule requires.
//!
//! What holds an identity and its permissions is the authorizer's context, as events
//! carry it.

use super::json_path::JsonPath;
use super::throttle::{Bucket, Limit};
use super::{Connection, Handshake};
use crate::authorizer::IdentitySource;
use serde_json::Value;
use std::fmt;

/// All of them. The default is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// Where a message says its channel.
    pub channel: Option<Field>,
    /// Where it says its action.
    pub action: Option<Field>,
    /// Which key of the authorizer's context says who it is; `principalId` if none.
    pub identity: Option<String>,
    /// Which key lists permissions, with spaces or commas between; `permissions` if none.
    pub permissions: Option<String>,
    /// The token.
    pub token: Option<TokenRule>,
    /// How often.
    pub pace: Option<Pace>,
    /// Channels and actions, the first match decides.
    pub rules: Vec<Rule>,
}

/// A path into a message: `$request.body.channel`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field(JsonPath);

impl Field {
    /// Reads `$request.body.channel`.
    ///
    /// # Errors
    /// What it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("$request.body");
        let path = path.and_then(|it| JsonPath::parse(it).ok());
        path.map(Self).ok_or_else(|| {
            format!("{text} is no path into a message: $request.body.channel is one")
        })
    }

    fn of(&self, body: &Value) -> Option<String> {
        self.0.find(body).filter(|it| !it.is_empty())
    }
}

/// A token, known from the handshake on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRule {
    /// Where a handshake has it.
    pub connect: IdentitySource,
    /// Where each message has it again; none: only the handshake has.
    pub message: Option<Field>,
    /// Which key of the authorizer's context says when it ends, in seconds since the
    /// epoch, as `exp` of a JWT.
    pub expires: Option<String>,
    /// What a refusal does.
    pub then: Then,
}

/// How often a client may speak.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// Messages a second of one connection.
    pub connection: Option<Limit>,
    /// Of all connections of one identity.
    pub identity: Option<Limit>,
    /// What a refusal does.
    pub then: Then,
}

/// For some channels and actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What a refusal calls it.
    pub name: String,
    /// `lobby`, `room-*`; empty: all, and messages without a channel.
    pub channels: Vec<String>,
    /// The same for actions.
    pub actions: Vec<String>,
    /// Who may.
    pub access: Access,
    /// What the context must hold, all of it.
    pub permissions: Vec<String>,
    /// What a refusal does.
    pub then: Then,
}

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Public,
    /// Whoever the authorizer knows.
    Private,
    /// Nobody.
    Closed,
}

/// What becomes of a connection whose message is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Then {
    /// It stays.
    #[default]
    Keep,
    /// It is closed with 1008, a violated policy
    /// (<https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1>).
    Close,
}

/// Why a message or a handshake is refused. It names no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// As in an error frame: `Forbidden`, `Unauthorized`, `Too Many Requests`.
    pub message: &'static str,
    /// Which rule.
    pub rule: String,
    /// In words.
    pub reason: String,
    /// What becomes of the connection.
    pub then: Then,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} by the rule {}: {}",
            self.message, self.rule, self.reason
        )
    }
}

impl Refusal {
    /// What the client gets.
    #[must_use]
    pub fn frame(&self, connection_id: &str, request_id: &str) -> String {
        serde_json::json!({
            "message": self.message,
            "rule": self.rule,
            "reason": self.reason,
            "connectionId": connection_id,
            "requestId": request_id,
        })
        .to_string()
    }
}

/// What is known of a connection besides what its events carry. The token does not print.
#[derive(Clone, Default)]
pub struct Standing {
    token: Option<String>,
}

impl fmt::Debug for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Standing").finish_non_exhaustive()
    }
}

impl Rules {
    /// Who a connection belongs to.
    #[must_use]
    pub fn identity<'a>(&self, connection: &'a Connection) -> Option<&'a str> {
        let key = self.identity.as_deref().unwrap_or("principalId");
        let found = connection.authorizer.as_ref()?.get(key)?.as_str();
        found.filter(|it| !it.is_empty())
    }

    /// Holds a handshake against them, when the authorizer has let it in.
    ///
    /// # Errors
    /// Why it is refused: the status is 401.
    pub fn admit(
        &self,
        connection: &Connection,
        handshake: &Handshake,
        stamp: &super::Stamp,
    ) -> Result<Standing, Refusal> {
        let Some(rule) = &self.token else {
            return Ok(Standing::default());
        };
        let token = rule.connect.value(handshake, connection, stamp);
        if token.is_none() {
            return Err(rule.refuse(format!("the handshake has no {}", rule.connect)));
        }
        rule.check_age(connection, stamp.now_ms)?;
        Ok(Standing { token })
    }

    /// Whether a message comes too soon after others.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn pace(
        &self,
        of_connection: &mut Bucket,
        of_identity: Option<&mut Bucket>,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let Some(pace) = &self.pace else {
            return Ok(());
        };
        let refuse = |whose: &str, limit: &Limit| Refusal {
            message: "Too Many Requests",
            rule: format!("pace.{whose}"),
            reason: format!("more than {} messages a second of one {whose}", limit.rate),
            then: pace.then,
        };
        if let Some(limit) = &pace.connection
            && !of_connection.take(limit, now_ms)
        {
            return Err(refuse("connection", limit));
        }
        if let (Some(limit), Some(bucket)) = (&pace.identity, of_identity)
            && !bucket.take(limit, now_ms)
        {
            return Err(refuse("identity", limit));
        }
        Ok(())
    }

    /// Whether a message may be said; how often is [`Rules::pace`].
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(
        &self,
        connection: &Connection,
        standing: &Standing,
        body: &str,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let value = |field: &Option<Field>| field.as_ref().and_then(|it| it.of(&body));
        let (channel, action) = (value(&self.channel), value(&self.action));
        let mut rules = self.rules.iter();
        let rule = rules.find(|it| it.is_about(channel.as_deref(), action.as_deref()));
        match rule.map(|it| it.access) {
            Some(Access::Public) => return Ok(()),
            Some(Access::Closed) => {
                return rule.map_or(Ok(()), |it| Err(it.refuse("nobody may".to_owned())));
            }
            Some(Access::Private) | None => {}
        }
        if let Some(token) = &self.token {
            token.check(connection, standing, &body, now_ms)?;
        }
        match rule {
            Some(rule) => self.check_private(rule, connection),
            None => Ok(()),
        }
    }

    fn check_private(&self, rule: &Rule, connection: &Connection) -> Result<(), Refusal> {
        if self.identity(connection).is_none() {
            let reason = "only for clients that an authorizer knows".to_owned();
            return Err(rule.refuse(reason));
        }
        let key = self.permissions.as_deref().unwrap_or("permissions");
        let context = connection.authorizer.as_ref();
        let held = context.and_then(|it| it.get(key)).and_then(Value::as_str);
        let held: Vec<&str> = held.unwrap_or_default().split([' ', ',']).collect();
        let mut needed = rule.permissions.iter();
        match needed.find(|it| !held.contains(&it.as_str())) {
            Some(missing) => Err(rule.refuse(format!("the permission {missing} is missing"))),
            None => Ok(()),
        }
    }
}

impl TokenRule {
    fn refuse(&self, reason: String) -> Refusal {
        Refusal {
            message: "Unauthorized",
            rule: "token".to_owned(),
            reason,
            then: self.then,
        }
    }

    fn check(
        &self,
        connection: &Connection,
        standing: &Standing,
        body: &Value,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        self.check_age(connection, now_ms)?;
        let Some(field) = &self.message else {
            return Ok(());
        };
        match field.of(body) {
            None => Err(self.refuse("the message has no token".to_owned())),
            Some(token) if standing.token.as_deref() != Some(token.as_str()) => {
                Err(self.refuse("the message's token is not the handshake's".to_owned()))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_age(&self, connection: &Connection, now_ms: u64) -> Result<(), Refusal> {
        let Some(key) = &self.expires else {
            return Ok(());
        };
        let context = connection.authorizer.as_ref();
        let until = context.and_then(|it| it.get(key)).and_then(|it| match it {
            Value::String(text) => text.parse::<u64>().ok(),
            other => other.as_u64(),
        });
        match until {
            Some(until) if until.saturating_mul(1000) > now_ms => Ok(()),
            Some(_) => Err(self.refuse("the token has expired".to_owned())),
            None => Err(self.refuse(format!("the authorizer's context has no {key}"))),
        }
    }
}

impl Rule {
    fn is_about(&self, channel: Option<&str>, action: Option<&str>) -> bool {
        let among = |patterns: &[String], value: Option<&str>| {
            patterns.is_empty()
                || value.is_some_and(|value| patterns.iter().any(|it| is_like(it, value)))
        };
        among(&self.channels, channel) && among(&self.actions, action)
    }

    fn refuse(&self, reason: String) -> Refusal {
        Refusal {
            message: "Forbidden",
            rule: self.name.clone(),
            reason,
            then: self.then,
        }
    }
}

/// Whether a text is like a pattern, in which `*` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts = tail.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
