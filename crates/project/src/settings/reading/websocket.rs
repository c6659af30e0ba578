//! `[websocket]`: rules on top of API Gateway's.

use super::{Reader, Value};
use tether_apigw::authorizer::IdentitySource;
use tether_apigw::websocket::rules::{Access, Field, Pace, Rule, Rules, Then, TokenRule};
use tether_apigw::websocket::throttle::Limit;
use tether_sam::did_you_mean;
use toml::de::{DeTable, DeValue};

const KEYS: [&str; 7] = [
    "channel",
    "action",
    "identity",
    "permissions",
    "token",
    "pace",
    "rules",
];
const OF_TOKEN: [&str; 4] = ["connect", "message", "expires", "on-refusal"];
const OF_PACE: [&str; 3] = ["connection", "identity", "on-refusal"];
const OF_RULE: [&str; 6] = [
    "name",
    "channels",
    "actions",
    "access",
    "permissions",
    "on-refusal",
];

impl Reader<'_> {
    pub(super) fn websocket(&mut self, value: &Value<'_>) -> Rules {
        let mut rules = Rules::default();
        let Some(table) = self.table("websocket", value, &KEYS) else {
            return rules;
        };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = format!("websocket.{name}");
            match name {
                "channel" => rules.channel = self.field(&path, value),
                "action" => rules.action = self.field(&path, value),
                "identity" => rules.identity = self.word(&path, value),
                "permissions" => rules.permissions = self.word(&path, value),
                "token" => rules.token = self.token(&path, value),
                "pace" => rules.pace = self.pace(&path, value),
                "rules" => rules.rules = self.rules(&path, value),
                // It has been said.
                _ => {}
            }
        }
        rules
    }

    /// The members of a table; what may not stand in it is said.
    fn table<'v, 'd>(
        &mut self,
        path: &str,
        value: &'v Value<'d>,
        keys: &[&str],
    ) -> Option<&'v DeTable<'d>> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(
                value,
                path,
                &format!("write [{path}], and settings below it"),
            );
            return None;
        };
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !keys.contains(&name) {
                let hint = did_you_mean(name, keys.iter().copied());
                let message = format!("there is no such setting, but {}.{hint}", keys.join(", "));
                self.complain(key.span().start, &format!("{path}.{name}"), message);
            }
        }
        Some(table)
    }

    fn word(&mut self, path: &str, value: &Value<'_>) -> Option<String> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong(value, path, "write a string");
            return None;
        };
        Some(text.to_string())
    }

    fn field(&mut self, path: &str, value: &Value<'_>) -> Option<Field> {
        let text = self.word(path, value)?;
        match Field::parse(&text) {
            Ok(field) => Some(field),
            Err(message) => {
                self.complain(value.span().start, path, message);
                None
            }
        }
    }

    fn token(&mut self, path: &str, value: &Value<'_>) -> Option<TokenRule> {
        let table = self.table(path, value, &OF_TOKEN)?;
        let below = |name: &str| format!("{path}.{name}");
        let Some(connect) = table.get("connect") else {
            let message = "say where a handshake has it: route.request.querystring.token";
            self.complain(value.span().start, &below("connect"), message);
            return None;
        };
        let connect = self.source(&below("connect"), connect);
        let message = table.get("message");
        let message = message.and_then(|it| self.field(&below("message"), it));
        let expires = table.get("expires");
        let expires = expires.and_then(|it| self.word(&below("expires"), it));
        let then = self.then(path, table);
        Some(TokenRule {
            connect: connect?,
            message,
            expires,
            then,
        })
    }

    fn source(&mut self, path: &str, value: &Value<'_>) -> Option<IdentitySource> {
        let text = self.word(path, value)?;
        match IdentitySource::parse(&text) {
            Ok(source) => Some(source),
            Err(error) => {
                self.complain(value.span().start, path, error.to_string());
                None
            }
        }
    }

    fn pace(&mut self, path: &str, value: &Value<'_>) -> Option<Pace> {
        let table = self.table(path, value, &OF_PACE)?;
        let mut limit = |name: &str| {
            let value = table.get(name)?;
            self.limit(&format!("{path}.{name}"), value)
        };
        let (connection, identity) = (limit("connection"), limit("identity"));
        Some(Pace {
            connection,
            identity,
            then: self.then(path, table),
        })
    }

    /// Messages a second.
    fn limit(&mut self, path: &str, value: &Value<'_>) -> Option<Limit> {
        let count = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<u32>().ok().map(f64::from),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        match count.filter(|it| it.is_finite() && *it > 0.0) {
            // Less than one a second is one after a while.
            Some(count) => Some(Limit {
                burst: count.max(1.0),
                rate: count,
            }),
            None => {
                let message = "write how many messages a second, more than 0";
                self.complain(value.span().start, path, message);
                None
            }
        }
    }

    fn rules(&mut self, path: &str, value: &Value<'_>) -> Vec<Rule> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, path, "write [[websocket.rules]] for each rule");
            return Vec::new();
        };
        let each = items.iter().enumerate();
        each.filter_map(|(index, it)| self.rule(&format!("{path}[{}]", index + 1), it))
            .collect()
    }

    fn rule(&mut self, path: &str, value: &Value<'_>) -> Option<Rule> {
        let table = self.table(path, value, &OF_RULE)?;
        let mut texts = |name: &str| {
            let value = table.get(name)?;
            Some(self.texts(&format!("{path}.{name}"), value))
        };
        let (channels, actions) = (texts("channels"), texts("actions"));
        let permissions = texts("permissions").unwrap_or_default();
        let name = table.get("name");
        let name = name.and_then(|it| self.word(&format!("{path}.name"), it));
        let access = table.get("access");
        let access = access.and_then(|it| self.access(&format!("{path}.access"), it));
        if access.is_some_and(|it| it != Access::Private) && !permissions.is_empty() {
            let message = "only a private rule has permissions: write access = \"private\"";
            self.complain(value.span().start, path, message);
        }
        Some(Rule {
            name: name.unwrap_or_else(|| path.trim_start_matches("websocket.").to_owned()),
            channels: channels.unwrap_or_default(),
            actions: actions.unwrap_or_default(),
            access: access.unwrap_or(Access::Private),
            permissions,
            then: self.then(path, table),
        })
    }

    fn access(&mut self, path: &str, value: &Value<'_>) -> Option<Access> {
        match self.word(path, value)?.as_str() {
            "public" => Some(Access::Public),
            "private" => Some(Access::Private),
            "closed" => Some(Access::Closed),
            other => {
                let message = format!("{other} is none of public, private and closed");
                self.complain(value.span().start, path, message);
                None
            }
        }
    }

    fn then(&mut self, path: &str, table: &DeTable<'_>) -> Then {
        let Some(value) = table.get("on-refusal") else {
            return Then::Keep;
        };
        let path = format!("{path}.on-refusal");
        match self.word(&path, value).as_deref() {
            Some("close") => Then::Close,
            Some("keep") | None => Then::Keep,
            Some(other) => {
                let message = format!("{other} is neither close nor keep");
                self.complain(value.span().start, &path, message);
                Then::Keep
            }
        }
    }
}

#[cfg(test)]
#[path = "websocket_tests.rs"]
mod tests;
