//! What a rule says, and which calls it is about.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;
use std::collections::BTreeMap;

/// The service of what happens on WebSockets.
const WEBSOCKET: &str = "websocket";

/// A call, as rules see it.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a str,
    pub(crate) action: &'a str,
    /// The caller's role.
    pub(crate) principal: Option<String>,
    /// Where `contains` and `lacks` look: the path with its query, and the body.
    pub(crate) texts: [&'a [u8]; 2],
}

impl<'a> Call<'a> {
    /// What happens on a WebSocket.
    pub(crate) fn websocket(action: &'a str, texts: [&'a str; 2]) -> Self {
        Self {
            service: WEBSOCKET,
            action,
            principal: None,
            texts: texts.map(str::as_bytes),
        }
    }
}

/// See the module.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    service: String,
    action: Option<String>,
    /// A part of the name of the caller's role.
    principal: Option<String>,
    contains: Option<String>,
    lacks: Option<String>,
    /// So many calls pass first.
    #[serde(default)]
    pub(super) skip: u64,
    /// So many calls meet it; none: until it is lifted.
    pub(super) times: Option<u64>,
    pub(super) effect: Effect,
}

/// What becomes of a call.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Effect {
    /// Not performed; refused in the service's own shape.
    Refuse(Refusal),
    /// Not performed; answered with this.
    Answer(Given),
    /// Performed; the answer is merged with this (RFC 7386).
    Patch {
        /// `null` removes.
        body: Value,
    },
    /// Performed after a pause.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Performed; the connection ends without an answer.
    Lose,
    /// Not performed; the connection ends without an answer.
    Drop,
    /// Not performed; the connection stays open without an answer.
    Silence,
    /// Waits until the rule is lifted.
    Hold {
        /// Whether the call is performed by then.
        when: Moment,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Moment {
    Before,
    After,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusal {
    #[serde(default = "bad_request", deserialize_with = "status")]
    pub(super) status: StatusCode,
    /// A handshake is refused without one.
    #[serde(default, deserialize_with = "code")]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    #[serde(default = "ok", deserialize_with = "status")]
    pub(super) status: StatusCode,
    /// A text goes out as it is, anything else as JSON.
    pub(super) body: Value,
    #[serde(default, deserialize_with = "headers")]
    pub(super) headers: HeaderMap,
}

impl Rule {
    /// Reads what was posted.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let rule: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        rule.check()?;
        Ok(rule)
    }

    fn check(&self) -> Result<(), String> {
        match (self.service.as_str(), self.action.as_deref(), &self.effect) {
            (WEBSOCKET, Some("message"), Effect::Silence) => Ok(()),
            (WEBSOCKET, Some("message"), _) => Err("a message only knows silence".to_owned()),
            (WEBSOCKET, Some("connect"), Effect::Patch { .. }) => {
                Err("the answer to a handshake is not JSON".to_owned())
            }
            (WEBSOCKET, Some("connect"), _) => Ok(()),
            (WEBSOCKET, _, _) => Err("a WebSocket's action is connect or message".to_owned()),
            ("sts" | "cloudformation", _, Effect::Patch { .. }) => {
                Err(format!("answers of {} are not JSON", self.service))
            }
            (_, _, Effect::Refuse(refusal)) if refusal.code.is_empty() => {
                Err("a refusal needs a code, for example ThrottlingException".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether it is about this call.
    pub(super) fn is_about(&self, call: &Call<'_>) -> bool {
        let has = |part: &str| call.texts.iter().any(|text| holds(text, part.as_bytes()));
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
        let principal = call.principal.as_deref().unwrap_or_default();
        self.service == call.service
            && same(&self.action, call.action)
            && self
                .principal
                .as_deref()
                .is_none_or(|part| principal.contains(part))
            && self.contains.as_deref().is_none_or(has)
            && !self.lacks.as_deref().is_some_and(has)
    }
}

impl Effect {
    /// Whether the call is performed before anything is amiss.
    pub(super) fn performs_first(&self) -> bool {
        matches!(
            self,
            Self::Lose
                | Self::Hold {
                    when: Moment::After
                }
        )
    }
}

/// Whether a part stands in these bytes.
fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|it| it == part)
}

fn ok() -> StatusCode {
    StatusCode::OK
}

fn bad_request() -> StatusCode {
    StatusCode::BAD_REQUEST
}

fn status<'de, D: Deserializer<'de>>(from: D) -> Result<StatusCode, D::Error> {
    let code = u16::deserialize(from)?;
    match StatusCode::from_u16(code) {
        // 1xx is no end of an answer.
        Ok(status) if code >= 200 => Ok(status),
        _ => Err(D::Error::custom(format!("{code} is no status"))),
    }
}

/// It goes into a header and into XML.
fn code<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let code = String::deserialize(from)?;
    let is_name = |it: char| it.is_ascii_alphanumeric() || ".#_".contains(it);
    if code.chars().all(is_name) {
        Ok(code)
    } else {
        Err(D::Error::custom(format!("{code:?} is no name of an error")))
    }
}

fn headers<'de, D: Deserializer<'de>>(from: D) -> Result<HeaderMap, D::Error> {
    let given = BTreeMap::<String, String>::deserialize(from)?;
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        );
        let (Ok(parsed), Ok(value)) = parsed else {
            return Err(D::Error::custom(format!("{name} is no header")));
        };
        headers.insert(parsed, value);
    }
    Ok(headers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(rule: &Value) -> Result<Rule, String> {
        Rule::read(rule.to_string().as_bytes())
    }

    fn update(principal: &str) -> Call<'static> {
        Call {
            service: "dynamodb",
            action: "UpdateItem",
            principal: Some(principal.to_owned()),
            texts: [b"/", br#"{"state":"ABANDONED"}"#],
        }
    }

    #[test]
    fn a_rule_is_about_calls_that_are_all_that_it_says() {
        let call = update("tether-LayerRole-X");
        let about = |more: Value| {
            let mut rule = json!({ "service": "dynamodb", "effect": { "kind": "drop" } });
            let more = more.as_object().unwrap().clone();
            rule.as_object_mut().unwrap().extend(more);
            read(&rule).unwrap().is_about(&call)
        };
        assert!(about(json!({})));
        assert!(about(
            json!({ "action": "UpdateItem", "principal": "LayerRole" })
        ));
        assert!(about(json!({ "contains": "ABANDONED" })));
        assert!(about(json!({ "contains": "" })));
        assert!(!about(json!({ "service": "sts" })));
        assert!(!about(json!({ "action": "Update" })));
        assert!(!about(json!({ "principal": "DeveloperRole" })));
        assert!(!about(json!({ "contains": "CLAIMED" })));
        assert!(about(json!({ "lacks": "CLAIMED" })));
        assert!(!about(json!({ "lacks": "ABANDONED" })));
        assert!(!about(json!({ "contains": "x".repeat(100) })));
    }

    #[test]
    fn a_rule_for_a_role_is_not_about_those_who_have_none() {
        let rule = json!({ "service": "websocket", "action": "connect", "principal": "Role",
            "effect": { "kind": "silence" } });
        let call = Call::websocket("connect", ["/live", ""]);
        assert!(!read(&rule).unwrap().is_about(&call));
    }

    #[test]
    fn each_effect_is_read() {
        let all = [
            json!({ "kind": "refuse", "status": 500, "code": "InternalServerError", "message": "m" }),
            json!({ "kind": "refuse", "code": "Throttled" }),
            json!({ "kind": "answer", "status": 200, "body": "<a/>", "headers": { "x-a": "b" } }),
            json!({ "kind": "answer", "body": { "a": 1 } }),
            json!({ "kind": "patch", "body": { "a": null } }),
            json!({ "kind": "delay", "ms": 1 }),
            json!({ "kind": "lose" }),
            json!({ "kind": "drop" }),
            json!({ "kind": "silence" }),
            json!({ "kind": "hold", "when": "before" }),
            json!({ "kind": "hold", "when": "after" }),
        ];
        let first: Vec<bool> = all
            .iter()
            .map(|effect| {
                let rule = read(&json!({ "service": "lambda", "effect": effect }));
                rule.unwrap().effect.performs_first()
            })
            .collect();
        let told_late: Vec<usize> = (0..first.len()).filter(|it| first[*it]).collect();
        assert_eq!(told_late, [6, 10]);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |service: &str, action: &str, effect: Value| {
            let rule = json!({ "service": service, "action": action, "effect": effect });
            read(&rule).unwrap_err()
        };
        let wrong = [
            (json!({ "kind": "refuse" }), "needs a code"),
            (json!({ "kind": "refuse", "code": "a\nb" }), "no name of an"),
            (
                json!({ "kind": "refuse", "code": "A", "status": 101 }),
                "101",
            ),
            (
                json!({ "kind": "answer", "body": "", "status": 1000 }),
                "1000",
            ),
            (
                json!({ "kind": "answer", "body": "", "headers": { "a b": "" } }),
                "a b",
            ),
            (json!({ "kind": "hold", "when": "then" }), "then"),
            (json!({ "kind": "delay", "ms": 1, "s": 1 }), "unknown field"),
            (json!({ "kind": "explode" }), "explode"),
        ];
        for (effect, words) in wrong {
            let said = refused("lambda", "Invoke", effect);
            assert!(said.contains(words), "{said}");
        }
        let patch = || json!({ "kind": "patch", "body": {} });
        assert!(refused("sts", "AssumeRole", patch()).contains("not JSON"));
        assert!(refused("websocket", "connect", patch()).contains("not JSON"));
        assert!(refused("websocket", "message", patch()).contains("silence"));
        assert!(refused("websocket", "close", json!({ "kind": "drop" })).contains("connect or"));
    }
}
