//! Conditions of a statement.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

mod operand;
mod operator;

use crate::answer::{Answer, Match};
use crate::context::{self, Context};
use crate::kind;
use crate::policy::Effect;
use operand::Operand;
use operator::Operator;
use serde_json::Value;

/// One operator on one key. The values of a policy are alternatives.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// As it is written: `ForAnyValue:StringLikeIfExists`.
    pub operator: String,
    /// The key that is asked for.
    pub key: String,
    does: Operator,
    operands: Vec<Operand>,
}

impl Condition {
    /// Whether a request meets it.
    pub(crate) fn met(&self, context: &Context, effect: Effect) -> Answer {
        let values = match context.value(&self.key) {
            context::Value::Unknown => return Answer::Unknown,
            context::Value::Absent => &[],
            context::Value::Present(values) => values,
        };
        if self.does.asks_for_presence() {
            let absent = values.is_empty();
            return self.operands.contains(&Operand::Flag(absent)).into();
        }
        if values.is_empty() {
            return self.does.without_a_value().into();
        }
        let each = values
            .iter()
            .map(|value| self.holds(value, context, effect));
        let answer = if self.does.wants_all() {
            each.min()
        } else {
            each.max()
        };
        answer.unwrap_or(Answer::No)
    }

    /// Whether it is met by one value: one of ours is it, or, negated, none is.
    fn holds(&self, value: &str, context: &Context, effect: Effect) -> Answer {
        let matches = self
            .operands
            .iter()
            .map(|it| it.matches(&self.does, value, context));
        if self.does.negated {
            let none = matches.map(|it| it.is_not(effect)).min();
            none.unwrap_or_else(|| Match::NoValue.is_not(effect))
        } else {
            matches.map(Match::is).max().unwrap_or(Answer::No)
        }
    }
}

/// Reads `Condition`: operators, each with keys, each with a value or a list.
pub(crate) fn read(value: &Value, variables: bool) -> Result<Vec<Condition>, String> {
    let operators = value
        .as_object()
        .ok_or_else(|| format!("Condition is {} and not an object", kind(value)))?;
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let does = Operator::parse(operator)?;
        let keys = keys.as_object().filter(|it| !it.is_empty());
        let keys = keys
            .ok_or_else(|| format!("Condition.{operator} has no keys: add one, or leave it out"))?;
        for (key, values) in keys {
            let values = match values {
                Value::Array(items) => items.as_slice(),
                single => std::slice::from_ref(single),
            };
            let operands = values.iter().map(|it| {
                Operand::read(&does, it, variables)
                    .map_err(|problem| format!("Condition.{operator}.{key}: {problem}"))
            });
            conditions.push(Condition {
                operator: operator.clone(),
                key: key.clone(),
                operands: operands.collect::<Result<_, _>>()?,
                does: does.clone(),
            });
        }
    }
    Ok(conditions)
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
