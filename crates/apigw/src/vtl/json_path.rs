//! JSONPath, as `$input.json`, `$input.path` and parameter mappings have it: names, indexes, slices,
//! unions, the wildcard, `..` and `length()`. Filters are refused by name instead of selecting
//! something else.

use serde_json::Value;

/// So many values may one path select.
const FOUND: usize = 100_000;

/// Why a path cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("it does not begin with $")]
    NoRoot,
    #[error("a name is missing at {0:?}")]
    NoName(String),
    #[error("a [ is not closed")]
    Unclosed,
    #[error("{0:?} is not supported: use names, indexes, slices, * and ..")]
    Unsupported(String),
    #[error("it selects more than {FOUND} values")]
    TooMany,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(i64),
    All,
    Slice(Option<i64>, Option<i64>),
    Several(Vec<Step>),
    /// Everything below, and the value itself.
    Below,
    Length,
}

/// A parsed path, such as `$.data.items[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Step>);

impl JsonPath {
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        let mut rest = text.trim().strip_prefix('$').ok_or(PathError::NoRoot)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.last() == Some(&Step::Length) {
                return Err(PathError::Unsupported(rest.to_owned()));
            }
            if let Some(after) = rest.strip_prefix("..") {
                steps.push(Step::Below);
                if after.starts_with('[') {
                    rest = after;
                    continue;
                }
                rest = named(after, rest, &mut steps)?;
            } else if let Some(after) = rest.strip_prefix('.') {
                rest = named(after, rest, &mut steps)?;
            } else if let Some(inner) = rest.strip_prefix('[') {
                let (step, after) = bracket(inner)?;
                steps.push(step);
                rest = after;
            } else {
                return Err(PathError::NoName(rest.to_owned()));
            }
        }
        Ok(Self(steps))
    }

    /// One value for a path that can only lead to one, a list for every other; none if the one is
    /// not there.
    pub(crate) fn find(&self, root: &Value) -> Result<Option<Value>, PathError> {
        let mut found = vec![root];
        let (steps, length) = match self.0.split_last() {
            Some((Step::Length, before)) => (before, true),
            _ => (self.0.as_slice(), false),
        };
        for step in steps {
            let mut next = Vec::new();
            for value in found {
                follow(step, value, &mut next);
                if next.len() > FOUND {
                    return Err(PathError::TooMany);
                }
            }
            found = next;
        }
        let found = found.into_iter();
        let mut found: Vec<Value> = match length {
            true => found.filter_map(length_of).collect(),
            false => found.cloned().collect(),
        };
        match self.is_definite() {
            true => Ok(found.pop()),
            false => Ok(Some(Value::Array(found))),
        }
    }

    fn is_definite(&self) -> bool {
        let single = |step: &Step| matches!(step, Step::Name(_) | Step::Index(_) | Step::Length);
        self.0.iter().all(single)
    }
}

fn named<'a>(after: &'a str, rest: &str, steps: &mut Vec<Step>) -> Result<&'a str, PathError> {
    let end = after.find(['.', '[']).unwrap_or(after.len());
    let (name, left) = after.split_at(end);
    steps.push(match name {
        "" => return Err(PathError::NoName(rest.to_owned())),
        "*" => Step::All,
        "length()" | "size()" => Step::Length,
        name if name.ends_with("()") => return Err(PathError::Unsupported(name.to_owned())),
        name => Step::Name(name.to_owned()),
    });
    Ok(left)
}

fn bracket(inner: &str) -> Result<(Step, &str), PathError> {
    let mut steps = Vec::new();
    let mut rest = inner.trim_start();
    loop {
        let (step, after) = one_of(rest)?;
        steps.push(step);
        let after = after.trim_start();
        if let Some(left) = after.strip_prefix(']') {
            let only = steps.len() == 1;
            let step = steps.pop().filter(|_| only);
            return Ok((step.unwrap_or_else(|| Step::Several(several(inner))), left));
        }
        rest = after
            .strip_prefix(',')
            .ok_or(PathError::Unclosed)?
            .trim_start();
    }
}

/// All of a union again.
fn several(inner: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = inner.trim_start();
    while let Ok((step, after)) = one_of(rest) {
        steps.push(step);
        match after.trim_start().strip_prefix(',') {
            Some(left) => rest = left.trim_start(),
            None => break,
        }
    }
    steps
}

fn one_of(rest: &str) -> Result<(Step, &str), PathError> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = rest.strip_prefix(quote) {
            let (name, after) = quoted.split_once(quote).ok_or(PathError::Unclosed)?;
            return Ok((Step::Name(name.to_owned()), after));
        }
    }
    let end = rest.find([',', ']']).ok_or(PathError::Unclosed)?;
    let (content, after) = rest.split_at(end);
    let content = content.trim();
    let unsupported = || PathError::Unsupported(format!("[{content}]"));
    if content == "*" {
        return Ok((Step::All, after));
    }
    if let Some((from, to)) = content.split_once(':') {
        let bound = |text: &str| match text.trim() {
            "" => Ok(None),
            number => number.parse().map(Some).map_err(|_| unsupported()),
        };
        return Ok((Step::Slice(bound(from)?, bound(to)?), after));
    }
    let index = content.parse().map_err(|_| unsupported())?;
    Ok((Step::Index(index), after))
}

fn follow<'a>(step: &Step, value: &'a Value, out: &mut Vec<&'a Value>) {
    match (step, value) {
        (Step::Name(name), Value::Object(object)) => out.extend(object.get(name)),
        (Step::Index(index), Value::Array(items)) => out.extend(at(items, *index)),
        (Step::All, Value::Object(object)) => out.extend(object.values()),
        (Step::All, Value::Array(items)) => out.extend(items),
        (Step::Slice(from, to), Value::Array(items)) => {
            let bound = |bound: &Option<i64>, missing| match bound {
                None => missing,
                Some(index) => position(items.len(), *index).clamp(0, items.len()),
            };
            let (from, to) = (bound(from, 0), bound(to, items.len()));
            out.extend(items.get(from..to).unwrap_or_default());
        }
        (Step::Several(steps), value) => steps.iter().for_each(|step| follow(step, value, out)),
        (Step::Below, value) => below(value, out),
        _ => {}
    }
}

fn length_of(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Array(items) => items.len().into(),
        Value::Object(object) => object.len().into(),
        Value::String(text) => text.chars().count().into(),
        _ => return None,
    })
}

fn below<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
    if out.len() > FOUND {
        return;
    }
    out.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| below(item, out)),
        Value::Object(object) => object.values().for_each(|item| below(item, out)),
        _ => {}
    }
}

/// A negative index counts from the end.
fn position(length: usize, index: i64) -> usize {
    let size = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    match index < 0 {
        true => length.saturating_sub(size),
        false => size,
    }
}

fn at(items: &[Value], index: i64) -> Option<&Value> {
    let size = usize::try_from(index.unsigned_abs()).ok()?;
    match index < 0 {
        true => items.get(items.len().checked_sub(size)?),
        false => items.get(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn found(path: &str) -> Option<Value> {
        let body = json!({
            "a": { "b.c": 1, "list": [{ "id": 1 }, { "id": 2 }, { "id": 3 }] },
            "id": 0,
            "text": "héllo",
        });
        JsonPath::parse(path).unwrap().find(&body).unwrap()
    }

    #[test]
    fn a_path_that_leads_to_one_value_gives_it() {
        assert_eq!(found("$.id"), Some(json!(0)));
        assert_eq!(found("$['a'][\"b.c\"]"), Some(json!(1)));
        assert_eq!(found("$.a.list[1].id"), Some(json!(2)));
        assert_eq!(found("$.a.list[-1].id"), Some(json!(3)));
        assert_eq!(found("$.a.list.length()"), Some(json!(3)));
        assert_eq!(found("$.text.length()"), Some(json!(5)));
        assert_eq!(found("$.none"), None);
        assert_eq!(found("$.a.list[9]"), None);
        assert_eq!(found("$").unwrap()["id"], 0);
    }

    #[test]
    fn a_path_that_may_lead_to_many_gives_a_list() {
        assert_eq!(found("$.a.list[*].id"), Some(json!([1, 2, 3])));
        assert_eq!(found("$.a.list[0:2].id"), Some(json!([1, 2])));
        assert_eq!(found("$.a.list[-2:].id"), Some(json!([2, 3])));
        assert_eq!(found("$.a.list[0,2].id"), Some(json!([1, 3])));
        assert_eq!(found("$..id"), Some(json!([0, 1, 2, 3])));
        assert_eq!(found("$['id','text']"), Some(json!([0, "héllo"])));
        assert_eq!(found("$.none[*]"), Some(json!([])));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let error = |path| JsonPath::parse(path).unwrap_err();
        assert_eq!(error("a.b"), PathError::NoRoot);
        assert_eq!(error("$."), PathError::NoName(".".to_owned()));
        assert_eq!(error("$[0"), PathError::Unclosed);
        assert!(matches!(
            error("$.a[?(@.id > 1)]"),
            PathError::Unsupported(_)
        ));
        assert!(matches!(error("$.a.max()"), PathError::Unsupported(_)));
    }

    proptest! {
        #[test]
        fn no_path_is_too_strange(path in "\\$[.$\\[\\]*,:'0-9a-é()?-]{0,12}") {
            let body = json!({ "a": [[1, 2], { "a": "b" }] });
            if let Ok(path) = JsonPath::parse(&path) {
                let _ = path.find(&body);
            }
        }
    }
}
