//! References and expressions, read.

use super::VtlError;
use super::cursor::Cursor;
use super::parse::quoted;
use super::syntax::{Expression, Operator, Reference, Step};
use super::value::Value;

/// A reference at a `$`; none if what stands there is only text.
pub(super) fn reference(cursor: &mut Cursor<'_>) -> Result<Option<Reference>, VtlError> {
    let line = cursor.line();
    if !cursor.eat("$") {
        return Ok(None);
    }
    let quiet = cursor.eat("!");
    let in_braces = cursor.eat("{");
    let Some(name) = cursor.name() else {
        return Ok(None);
    };
    let mut steps = Vec::new();
    loop {
        let place = cursor.at;
        if cursor.eat("[") {
            let index = cursor.deeper(expression)?;
            cursor.expect("]")?;
            steps.push(Step::Index(index));
        } else if cursor.eat(".") {
            match cursor.name() {
                Some(property) => steps.push(step(cursor, property)?),
                None => {
                    cursor.at = place;
                    break;
                }
            }
        } else {
            break;
        }
    }
    if in_braces && !cursor.eat("}") {
        return Err(cursor.error(format!("${{{name} has no }}")));
    }
    Ok(Some(Reference {
        line,
        quiet,
        name: name.to_owned(),
        steps,
    }))
}

fn step(cursor: &mut Cursor<'_>, name: &str) -> Result<Step, VtlError> {
    match cursor.eat("(") {
        true => Ok(Step::Method(name.to_owned(), listed(cursor, ")")?)),
        false => Ok(Step::Property(name.to_owned())),
    }
}

/// Expressions with commas between them, to the closing sign.
fn listed(cursor: &mut Cursor<'_>, close: &str) -> Result<Vec<Expression>, VtlError> {
    let mut all = Vec::new();
    cursor.blank();
    if cursor.eat(close) {
        return Ok(all);
    }
    loop {
        all.push(expression(cursor)?);
        cursor.blank();
        if cursor.eat(close) {
            return Ok(all);
        }
        cursor.expect(",")?;
    }
}

/// Operators by how loosely they bind; the longer of two before its beginning.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("eq", Operator::Equal),
        ("ne", Operator::Unequal),
    ],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("le", Operator::LessOrEqual),
        ("ge", Operator::GreaterOrEqual),
        ("lt", Operator::Less),
        ("gt", Operator::Greater),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[
        ("*", Operator::Times),
        ("/", Operator::By),
        ("%", Operator::Modulo),
    ],
];

pub(super) fn expression(cursor: &mut Cursor<'_>) -> Result<Expression, VtlError> {
    cursor.deeper(|cursor| level(cursor, 0))
}

fn level(cursor: &mut Cursor<'_>, binding: usize) -> Result<Expression, VtlError> {
    let Some(operators) = LEVELS.get(binding) else {
        return unary(cursor);
    };
    let mut left = level(cursor, binding + 1)?;
    while let Some(operator) = operator(cursor, operators) {
        let right = level(cursor, binding + 1)?;
        left = Expression::Both(operator, Box::new((left, right)));
    }
    Ok(left)
}

fn operator(cursor: &mut Cursor<'_>, operators: &[(&str, Operator)]) -> Option<Operator> {
    let place = cursor.at;
    cursor.blank();
    let found = operators.iter().find(|(token, _)| {
        let Some(after) = cursor.rest().strip_prefix(token) else {
            return false;
        };
        // `or` is none in `order`.
        let is_word = token.starts_with(|it: char| it.is_ascii_alphabetic());
        !is_word || !after.starts_with(|it: char| it.is_ascii_alphanumeric())
    });
    match found {
        Some((token, operator)) => {
            cursor.at += token.len();
            Some(*operator)
        }
        None => {
            cursor.at = place;
            None
        }
    }
}

fn unary(cursor: &mut Cursor<'_>) -> Result<Expression, VtlError> {
    cursor.blank();
    let place = cursor.at;
    let is_not = cursor.name() == Some("not");
    if !is_not {
        cursor.at = place;
    }
    if is_not || (!cursor.rest().starts_with("!=") && cursor.eat("!")) {
        let inner = cursor.deeper(unary)?;
        return Ok(Expression::Not(Box::new(inner)));
    }
    if cursor.eat("-") {
        let inner = cursor.deeper(unary)?;
        return Ok(Expression::Minus(Box::new(inner)));
    }
    primary(cursor)
}

fn primary(cursor: &mut Cursor<'_>) -> Result<Expression, VtlError> {
    let start = cursor.at;
    match cursor.peek() {
        Some('$') => match reference(cursor)? {
            Some(found) => Ok(Expression::Reference(found)),
            None => Err(cursor.error("$ without a name")),
        },
        Some('(') => {
            cursor.next();
            let inner = expression(cursor)?;
            cursor.expect(")")?;
            Ok(inner)
        }
        Some('[') => list(cursor),
        Some('{') => map(cursor),
        Some(quote @ ('"' | '\'')) => text(cursor, quote),
        Some(digit) if digit.is_ascii_digit() => number(cursor),
        _ => match cursor.name() {
            Some("true") => Ok(Expression::Value(Value::Bool(true))),
            Some("false") => Ok(Expression::Value(Value::Bool(false))),
            Some("null") => Ok(Expression::Value(Value::Null)),
            other => {
                let what = other.map_or("an expression is missing".to_owned(), |name| {
                    format!("{name:?} is no expression: put a $ before it, or quotes around it")
                });
                cursor.at = start;
                Err(cursor.error(what))
            }
        },
    }
}

fn list(cursor: &mut Cursor<'_>) -> Result<Expression, VtlError> {
    cursor.next();
    cursor.blank();
    if cursor.eat("]") {
        return Ok(Expression::List(Vec::new()));
    }
    let first = expression(cursor)?;
    cursor.blank();
    if cursor.eat("..") {
        let last = expression(cursor)?;
        cursor.expect("]")?;
        return Ok(Expression::Range(Box::new((first, last))));
    }
    let mut all = vec![first];
    if cursor.eat("]") {
        return Ok(Expression::List(all));
    }
    cursor.expect(",")?;
    all.extend(listed(cursor, "]")?);
    Ok(Expression::List(all))
}

fn map(cursor: &mut Cursor<'_>) -> Result<Expression, VtlError> {
    cursor.next();
    let mut pairs = Vec::new();
    loop {
        cursor.blank();
        if cursor.eat("}") {
            return Ok(Expression::Map(pairs));
        }
        if !pairs.is_empty() {
            cursor.expect(",")?;
        }
        let key = expression(cursor)?;
        cursor.expect(":")?;
        pairs.push((key, expression(cursor)?));
    }
}

/// Single quotes keep what is in them; double quotes are a template of their own. Two quotes in a
/// row are one.
fn text(cursor: &mut Cursor<'_>, quote: char) -> Result<Expression, VtlError> {
    let start = cursor.at;
    let line = cursor.line();
    cursor.next();
    let mut inner = String::new();
    loop {
        match cursor.next() {
            None => {
                cursor.at = start;
                return Err(cursor.error(format!("{quote} is not closed")));
            }
            Some(letter) if letter == quote => {
                if cursor.peek() != Some(quote) {
                    break;
                }
                cursor.next();
                inner.push(quote);
            }
            Some(letter) => inner.push(letter),
        }
    }
    match quote {
        '"' => Ok(Expression::Text(quoted(cursor, line, &inner)?)),
        _ => Ok(Expression::Value(Value::Text(inner))),
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<Expression, VtlError> {
    let start = cursor.at;
    cursor.skip(|letter| letter.is_ascii_digit());
    // `1..3` is a range.
    let mut after = cursor.rest().chars();
    if after.next() == Some('.') && after.next().is_some_and(|it| it.is_ascii_digit()) {
        cursor.next();
        cursor.skip(|letter| letter.is_ascii_digit());
    }
    let parsed = serde_json::from_str(cursor.since(start)).map(Value::Number);
    match parsed {
        Ok(number) => Ok(Expression::Value(number)),
        Err(_) => Err(cursor.error(format!("{} is no number", cursor.since(start)))),
    }
}
