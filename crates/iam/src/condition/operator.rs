//! What a condition does with its values.

use std::cmp::Ordering;

/// An operator, with what stands before and behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) compares: Compares,
    pub(super) negated: bool,
    set: Option<Set>,
    if_exists: bool,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compares {
    Text {
        ignores_case: bool,
        wildcards: bool,
    },
    Arn,
    Number(Order),
    Date(Order),
    Bool,
    Address,
    /// Whether the key is there.
    Null,
}

/// Which orders are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Order {
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::AtMost => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::AtLeast => order != Ordering::Less,
        }
    }

    fn parse(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "Equals" => (Self::Equal, false),
            "NotEquals" => (Self::Equal, true),
            "LessThan" => (Self::Less, false),
            "LessThanEquals" => (Self::AtMost, false),
            "GreaterThan" => (Self::Greater, false),
            "GreaterThanEquals" => (Self::AtLeast, false),
            _ => return None,
        })
    }
}

/// How a key with several values is taken
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Any,
    All,
}

impl Operator {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (set, rest) = match text.split_once(':') {
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            _ => (None, text),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let found = compares(name).filter(|(it, _)| *it != Compares::Null || rest == text);
        let (compares, negated) = found
            .filter(|(it, _)| *it != Compares::Null || !if_exists)
            .ok_or_else(|| {
                format!("there is no condition operator {text}: see IAM's list of them")
            })?;
        Ok(Self {
            compares,
            negated,
            set,
            if_exists,
        })
    }

    pub(super) fn asks_for_presence(&self) -> bool {
        self.compares == Compares::Null
    }

    /// Whether it is met by a request that does not have the key.
    pub(super) fn without_a_value(&self) -> bool {
        self.if_exists
            || match self.set {
                Some(Set::All) => true,
                Some(Set::Any) => false,
                None => self.negated,
            }
    }

    /// Whether every value has to meet it, and not only one.
    pub(super) fn wants_all(&self) -> bool {
        match self.set {
            Some(Set::All) => true,
            Some(Set::Any) => false,
            None => self.negated,
        }
    }
}

fn compares(name: &str) -> Option<(Compares, bool)> {
    let text = |ignores_case, wildcards| Compares::Text {
        ignores_case,
        wildcards,
    };
    if let Some(order) = name.strip_prefix("Numeric") {
        return Order::parse(order).map(|(it, negated)| (Compares::Number(it), negated));
    }
    if let Some(order) = name.strip_prefix("Date") {
        return Order::parse(order).map(|(it, negated)| (Compares::Date(it), negated));
    }
    Some(match name {
        "StringEquals" | "BinaryEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(true, false), false),
        "StringNotEqualsIgnoreCase" => (text(true, false), true),
        "StringLike" => (text(false, true), false),
        "StringNotLike" => (text(false, true), true),
        // They are the same.
        "ArnEquals" | "ArnLike" => (Compares::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Compares::Arn, true),
        "Bool" => (Compares::Bool, false),
        "IpAddress" => (Compares::Address, false),
        "NotIpAddress" => (Compares::Address, true),
        "Null" => (Compares::Null, false),
        _ => return None,
    })
}
