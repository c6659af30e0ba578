//! What operators make of values.

use super::VtlError;
use super::syntax::Operator;
use super::value::Value;

/// So many numbers may a range have.
const RANGE: i64 = 10_000;

pub(super) fn range(from: &Value, to: &Value) -> Result<Value, VtlError> {
    let (Some(from), Some(to)) = (from.as_i64(), to.as_i64()) else {
        return Ok(Value::Null);
    };
    if from.abs_diff(to) > RANGE.unsigned_abs() {
        return Err(VtlError::Unknown(format!(
            "a range of more than {RANGE} numbers"
        )));
    }
    let numbers: Vec<Value> = match from <= to {
        true => (from..=to).map(Value::integer).collect(),
        false => (to..=from).rev().map(Value::integer).collect(),
    };
    Ok(Value::List(numbers))
}

pub(super) fn compare(operator: Operator, left: &Value, right: &Value) -> bool {
    let order = match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.partial_cmp(&right),
        _ => Some(left.text().cmp(&right.text())),
    };
    order.is_some_and(|order| match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// Whole numbers stay whole. `+` joins texts; anything else that is no number, and a division by
/// zero, is null (Velocity 1.7).
pub(super) fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Value {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        let whole = match operator {
            Operator::Plus => left.checked_add(right),
            Operator::Minus => left.checked_sub(right),
            Operator::Times => left.checked_mul(right),
            Operator::By => left.checked_div(right),
            _ => left.checked_rem(right),
        };
        return whole.map_or(Value::Null, Value::integer);
    }
    if let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) {
        return Value::float(match operator {
            Operator::Plus => left + right,
            Operator::Minus => left - right,
            Operator::Times => left * right,
            Operator::By => left / right,
            _ => left % right,
        });
    }
    let joins = matches!((left, right), (Value::Text(_), _) | (_, Value::Text(_)));
    match operator == Operator::Plus && joins {
        true => Value::Text(left.text() + &right.text()),
        false => Value::Null,
    }
}
