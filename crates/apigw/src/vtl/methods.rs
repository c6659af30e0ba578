//! The methods of strings, lists, maps and numbers that templates use.

use super::VtlError;
use super::value::Value;
use regex_lite::RegexBuilder;

/// Largest text that one method makes.
const BYTES: usize = 10 * 1024 * 1024;

/// What a method gives. Those that change their object get it to change.
pub(super) fn call(object: &mut Value, name: &str, args: &[Value]) -> Result<Value, VtlError> {
    if let Some(value) = of_everything(object, name, args) {
        return Ok(value);
    }
    let found = match object {
        Value::Null => return Ok(Value::Null),
        Value::Text(text) => of_text(text, name, args)?,
        Value::List(items) | Value::JsonList(items) => of_list(items, name, args),
        Value::Map(_) => of_map(object, name, args),
        Value::Number(_) => of_number(object, name, args),
        Value::Bool(_) | Value::Block(_) => None,
    };
    found.ok_or_else(|| {
        let kinds: Vec<&str> = args.iter().map(Value::kind).collect();
        let kinds = kinds.join(", ");
        VtlError::Unknown(format!("{} has no method {name}({kinds})", object.kind()))
    })
}

fn of_everything(object: &Value, name: &str, args: &[Value]) -> Option<Value> {
    match (name, args) {
        ("toString", []) if *object != Value::Null => Some(Value::Text(object.text())),
        ("equals", [other]) => Some(Value::Bool(object.equals(other))),
        _ => None,
    }
}

fn of_text(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, VtlError> {
    let texts: Vec<String> = args.iter().map(Value::text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let owned = |text: &str| Value::from(text);
    let position = |found: Option<usize>| match found {
        Some(at) => Value::count(text[..at].chars().count()),
        None => Value::integer(-1),
    };
    Ok(Some(match (name, texts.as_slice()) {
        ("length" | "size", []) => Value::count(text.chars().count()),
        ("isEmpty", []) => Value::Bool(text.is_empty()),
        ("trim" | "strip", []) => owned(text.trim()),
        ("toLowerCase", []) => Value::Text(text.to_lowercase()),
        ("toUpperCase", []) => Value::Text(text.to_uppercase()),
        ("contains", [part]) => Value::Bool(text.contains(part)),
        ("startsWith", [part]) => Value::Bool(text.starts_with(part)),
        ("endsWith", [part]) => Value::Bool(text.ends_with(part)),
        ("indexOf", [part]) => position(text.find(part)),
        ("lastIndexOf", [part]) => position(text.rfind(part)),
        ("concat", [other]) => Value::Text(format!("{text}{other}")),
        ("equalsIgnoreCase", [other]) => Value::Bool(text.to_lowercase() == other.to_lowercase()),
        ("compareTo", [other]) => Value::integer(text.cmp(other) as i64),
        ("replace", [from, to]) => bounded(text, from, to)?,
        ("matches", [expression]) => {
            Value::Bool(regex(&format!("^(?:{expression})$"))?.is_match(text))
        }
        ("replaceAll", [expression, to]) => replaced(text, expression, to, 0)?,
        ("replaceFirst", [expression, to]) => replaced(text, expression, to, 1)?,
        ("split", [expression]) => split(text, expression)?,
        ("charAt", _) => cut(text, args.first(), None, 1),
        ("substring", [_]) => cut(text, args.first(), None, usize::MAX),
        ("substring", [_, _]) => cut(text, args.first(), args.get(1), usize::MAX),
        _ => return Ok(None),
    }))
}

/// What a replacement grows to is known before it grows.
fn bounded(text: &str, from: &str, to: &str) -> Result<Value, VtlError> {
    let times = text.matches(from).count();
    match times.saturating_mul(to.len()).saturating_add(text.len()) > BYTES {
        true => Err(VtlError::Length(BYTES)),
        false => Ok(Value::Text(text.replace(from, to))),
    }
}

fn regex(expression: &str) -> Result<regex_lite::Regex, VtlError> {
    let compiled = RegexBuilder::new(expression).size_limit(1 << 20).build();
    compiled.map_err(|_| {
        let what = "is not understood: look-around and back references are not supported";
        VtlError::Unknown(format!("the regular expression {expression:?} {what}"))
    })
}

/// `$1` is a group, as in Java, where a backslash takes the meaning from what follows.
fn replaced(text: &str, expression: &str, to: &str, most: usize) -> Result<Value, VtlError> {
    let expression = regex(expression)?;
    let mut replacement = String::new();
    let mut letters = to.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('$') => replacement.push_str("$$"),
                Some(other) => replacement.push(other),
                None => {}
            },
            '$' => match letters.clone().next().filter(char::is_ascii_digit) {
                Some(digit) => {
                    letters.next();
                    replacement.push_str(&format!("${{{digit}}}"));
                }
                None => replacement.push_str("$$"),
            },
            other => replacement.push(other),
        }
    }
    let groups = replacement.matches("${").count();
    let grown = expression.find_iter(text);
    let grown = grown.map(|found| found.len().saturating_mul(groups) + replacement.len());
    if grown.fold(text.len(), usize::saturating_add) > BYTES {
        return Err(VtlError::Length(BYTES));
    }
    let made = expression.replacen(text, most, replacement.as_str());
    Ok(Value::Text(made.into_owned()))
}

/// Without the empty texts at the end, as Java leaves them out.
fn split(text: &str, expression: &str) -> Result<Value, VtlError> {
    let expression = regex(expression)?;
    let mut parts: Vec<&str> = expression.split(text).collect();
    if parts.len() > 1 && parts.first() == Some(&"") && expression.is_match("") {
        parts.remove(0);
    }
    while parts.len() > 1 && parts.last() == Some(&"") {
        parts.pop();
    }
    Ok(Value::List(parts.into_iter().map(Value::from).collect()))
}

/// By characters; what is out of bounds is null, and prints nothing.
fn cut(text: &str, from: Option<&Value>, to: Option<&Value>, most: usize) -> Value {
    let index = |value: Option<&Value>| {
        let number = value.and_then(Value::as_i64);
        number.and_then(|number| usize::try_from(number).ok())
    };
    let length = text.chars().count();
    let Some(from) = index(from).filter(|from| *from <= length) else {
        return Value::Null;
    };
    let to = match to {
        None => length,
        some => match index(some).filter(|to| (from..=length).contains(to)) {
            Some(to) => to,
            None => return Value::Null,
        },
    };
    let taken = (to - from).min(most);
    Value::Text(text.chars().skip(from).take(taken).collect())
}

fn of_list(items: &mut Vec<Value>, name: &str, args: &[Value]) -> Option<Value> {
    let position = |value: &Value| {
        let number = value.as_i64();
        number.and_then(|number| usize::try_from(number).ok())
    };
    let of = |items: &[Value], value: &Value| items.iter().position(|item| item.equals(value));
    Some(match (name, args) {
        ("size" | "length", []) => Value::count(items.len()),
        ("isEmpty", []) => Value::Bool(items.is_empty()),
        ("get", [at]) => position(at)
            .and_then(|at| items.get(at).cloned())
            .unwrap_or(Value::Null),
        ("contains", [value]) => Value::Bool(of(items, value).is_some()),
        ("indexOf", [value]) => match of(items, value) {
            Some(at) => Value::count(at),
            None => Value::integer(-1),
        },
        ("add", [value]) => {
            items.push(value.clone());
            Value::Bool(true)
        }
        ("add", [at, value]) => {
            let at = position(at).filter(|at| *at <= items.len())?;
            items.insert(at, value.clone());
            Value::Null
        }
        ("set", [at, value]) => {
            let place = position(at).and_then(|at| items.get_mut(at))?;
            std::mem::replace(place, value.clone())
        }
        ("remove", [at]) => match position(at).filter(|at| *at < items.len()) {
            Some(at) => items.remove(at),
            None => Value::Bool(false),
        },
        ("addAll", [more]) => {
            items.extend_from_slice(more.items()?);
            Value::Bool(true)
        }
        ("clear", []) => {
            items.clear();
            Value::Null
        }
        _ => return None,
    })
}

fn of_map(object: &mut Value, name: &str, args: &[Value]) -> Option<Value> {
    let Value::Map(pairs) = object else {
        return None;
    };
    let key = args.first().map(Value::text).unwrap_or_default();
    let entry = |(key, value): (&String, &Value)| {
        let pair = [("key", Value::from(key.as_str())), ("value", value.clone())];
        Value::Map(pairs_of(pair))
    };
    Some(match (name, args) {
        ("size", []) => Value::count(pairs.len()),
        ("isEmpty", []) => Value::Bool(pairs.is_empty()),
        ("get", [_]) => pairs.get(&key).cloned().unwrap_or(Value::Null),
        ("getOrDefault", [_, other]) => pairs.get(&key).unwrap_or(other).clone(),
        ("containsKey", [_]) => Value::Bool(pairs.contains_key(&key)),
        ("containsValue", [value]) => Value::Bool(pairs.values().any(|it| it.equals(value))),
        ("keySet", []) => Value::List(pairs.keys().map(|key| Value::from(key.as_str())).collect()),
        ("values", []) => Value::List(pairs.values().cloned().collect()),
        ("entrySet", []) => Value::List(pairs.iter().map(entry).collect()),
        ("put", [_, value]) => pairs.insert(key, value.clone()).unwrap_or(Value::Null),
        ("remove", [_]) => pairs.shift_remove(&key).unwrap_or(Value::Null),
        ("putAll", [Value::Map(more)]) => {
            pairs.extend(more.clone());
            Value::Null
        }
        ("clear", []) => {
            pairs.clear();
            Value::Null
        }
        // Of what `entrySet` gives.
        ("getKey", []) => pairs.get("key").cloned()?,
        ("getValue", []) => pairs.get("value").cloned()?,
        _ => return None,
    })
}

fn pairs_of<const N: usize>(pairs: [(&str, Value); N]) -> indexmap::IndexMap<String, Value> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// `parseInt` and the like are Java's static methods: `#set($Integer = 0)` is how templates reach
/// them.
fn of_number(object: &Value, name: &str, args: &[Value]) -> Option<Value> {
    let number = object.as_f64()?;
    let text = args.first().map(Value::text).unwrap_or_default();
    Some(match (name, args) {
        #[expect(clippy::cast_possible_truncation, reason = "as Java's does")]
        ("intValue" | "longValue", []) => Value::integer(number as i64),
        ("doubleValue" | "floatValue", []) => Value::float(number),
        ("parseInt" | "parseLong" | "valueOf", [_]) if text.trim().parse::<i64>().is_ok() => {
            Value::integer(text.trim().parse().ok()?)
        }
        ("parseDouble" | "parseFloat" | "valueOf", [_]) => Value::float(text.trim().parse().ok()?),
        ("compareTo", [other]) => Value::integer(number.partial_cmp(&other.as_f64()?)? as i64),
        _ => return None,
    })
}
