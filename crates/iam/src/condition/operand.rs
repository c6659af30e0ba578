//! A value of a policy that a request's values are compared with.

use super::operator::{Compares, Operator};
use crate::answer::Match;
use crate::context::Context;
use crate::kind;
use crate::pattern::{Colons, Pattern, Syntax};
// Addresses are values; only sockets touch the world.
use core::net::IpAddr;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Text(Pattern),
    /// Part by part.
    Arn(Vec<Pattern>),
    /// `*` where an ARN is meant.
    EveryArn,
    /// Something else where an ARN is meant: nothing matches it.
    NoArn,
    Number(f64),
    Date(OffsetDateTime),
    Flag(bool),
    Network(Network),
}

/// `203.0.113.0/24`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Operand {
    pub(super) fn read(
        operator: &Operator,
        value: &Value,
        variables: bool,
    ) -> Result<Self, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            other => return Err(format!("it holds {} and not a string", kind(other))),
        };
        let syntax = |wildcards| Syntax {
            wildcards,
            variables,
        };
        let wrong = |what: &str| format!("{text:?} is not {what}");
        match operator.compares {
            Compares::Text {
                ignores_case,
                wildcards,
            } => {
                let pattern = Pattern::read(&text, syntax(wildcards))?;
                let pattern = if ignores_case {
                    pattern.lowered()
                } else {
                    pattern
                };
                Ok(Self::Text(pattern))
            }
            Compares::Arn => {
                let parts = Pattern::read(&text, syntax(true))?.arn_parts();
                Ok(match parts {
                    Some(parts) => Self::Arn(parts),
                    None if text == "*" => Self::EveryArn,
                    None => Self::NoArn,
                })
            }
            Compares::Number(_) => text
                .trim()
                .parse()
                .map(Self::Number)
                .map_err(|_| wrong("a number")),
            Compares::Date(_) => date(&text).map(Self::Date).ok_or_else(|| wrong("a date")),
            Compares::Bool | Compares::Null => flag(&text)
                .map(Self::Flag)
                .ok_or_else(|| wrong("true or false")),
            Compares::Address => {
                let network = Network::read(&text);
                network
                    .map(Self::Network)
                    .ok_or_else(|| wrong("an address or a network"))
            }
        }
    }

    /// Whether a request's value is it. One of another kind is as good as none.
    pub(super) fn matches(&self, operator: &Operator, value: &str, context: &Context) -> Match {
        let or_none = |found: Option<bool>| found.map_or(Match::NoValue, Match::from);
        match (self, operator.compares) {
            (
                Self::Text(pattern),
                Compares::Text {
                    ignores_case: true, ..
                },
            ) => pattern.matches(&value.to_lowercase(), Colons::Free, context),
            (Self::Text(pattern), _) => pattern.matches(value, Colons::Free, context),
            (Self::Arn(parts), _) => arn(parts, value, context),
            (Self::EveryArn, _) => Match::Yes,
            (Self::Number(ours), Compares::Number(order)) => {
                let theirs: Option<f64> = value.trim().parse().ok();
                let compared = theirs.and_then(|it| it.partial_cmp(ours));
                or_none(compared.map(|it| order.holds(it)))
            }
            (Self::Date(ours), Compares::Date(order)) => {
                or_none(date(value).map(|it| order.holds(it.cmp(ours))))
            }
            (Self::Flag(ours), _) => or_none(flag(value).map(|it| it == *ours)),
            (Self::Network(network), _) => {
                let address: Option<IpAddr> = value.parse().ok();
                or_none(address.map(|it| network.holds(it)))
            }
            // It was read for this operator.
            (Self::NoArn | Self::Number(_) | Self::Date(_), _) => Match::NoValue,
        }
    }
}

/// Each of the six parts is compared by itself.
fn arn(parts: &[Pattern], value: &str, context: &Context) -> Match {
    let theirs: Vec<&str> = value.splitn(6, ':').collect();
    if theirs.len() != 6 {
        return Match::NoValue;
    }
    for (part, their) in parts.iter().zip(theirs) {
        match part.matches(their, Colons::Free, context) {
            Match::Yes => {}
            other => return other,
        }
    }
    Match::Yes
}

fn flag(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// ISO 8601, a day alone, or seconds since 1970
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date>).
fn date(text: &str) -> Option<OffsetDateTime> {
    if let Ok(seconds) = text.parse() {
        return OffsetDateTime::from_unix_timestamp(seconds).ok();
    }
    let whole = if text.contains('T') {
        text.to_owned()
    } else {
        format!("{text}T00:00:00Z")
    };
    OffsetDateTime::parse(&whole, &Iso8601::DEFAULT).ok()
}

impl Network {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = width(address);
        let bits = bits.map_or(Some(most), |it| it.parse().ok())?;
        (bits <= most).then_some(Self { address, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        let differ = number(self.address) ^ number(address);
        let unused = width(self.address) - self.bits;
        width(self.address) == width(address) && differ.checked_shr(unused).unwrap_or(0) == 0
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(it) => u128::from(it.to_bits()),
        IpAddr::V6(it) => it.to_bits(),
    }
}
