//! JSON schemas as models are written in: draft 4
//! (<https://datatracker.ietf.org/doc/html/draft-fge-json-schema-validation-00>).
//!
//! All of its keywords but `format`, which draft 4 leaves to implementations, and `$ref` to anything
//! but the document itself or another model of the API. A crate that has every draft would bring two
//! engines for regular expressions and an HTTP client; this file has what models need.

use super::pattern;
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// So deep a schema may refer and nest. Beyond that it refers to itself without end.
const DEPTH: usize = 64;
/// So many comparisons one body may cost.
const STEPS: usize = 200_000;

/// Why a value does not hold against a schema, in one line: where, and what. Values are not told:
/// they are a client's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub(crate) struct Mismatch {
    /// `/pets/0/name`
    at: String,
    what: String,
}

/// Holds a value against the model of that name.
pub(crate) fn check(
    models: &BTreeMap<String, Value>,
    model: &str,
    value: &Value,
) -> Result<(), Mismatch> {
    let Some(schema) = models.get(model) else {
        return Err(Mismatch {
            at: String::new(),
            what: format!("the model {model} is not there"),
        });
    };
    let mut steps = STEPS;
    let mut checker = Checker {
        models,
        document: schema,
        at: String::new(),
        depth: 0,
        steps: &mut steps,
    };
    checker.value(schema, value)
}

struct Checker<'a> {
    models: &'a BTreeMap<String, Value>,
    /// What `#/definitions/x` is looked up in.
    document: &'a Value,
    at: String,
    depth: usize,
    steps: &'a mut usize,
}

type Held = Result<(), Mismatch>;

impl Checker<'_> {
    fn mismatch(&self, what: impl Into<String>) -> Mismatch {
        let at = match self.at.is_empty() {
            true => "/".to_owned(),
            false => self.at.clone(),
        };
        Mismatch {
            at,
            what: what.into(),
        }
    }

    fn fail(&self, what: impl Into<String>) -> Held {
        Err(self.mismatch(what))
    }

    fn value(&mut self, schema: &Value, value: &Value) -> Held {
        // `true` and `{}` allow everything; a schema that is none is not held against.
        let Some(schema) = schema.as_object() else {
            return Ok(());
        };
        *self.steps = self.steps.saturating_sub(1);
        if self.depth >= DEPTH || *self.steps == 0 {
            return self.fail("the schema refers to itself too often");
        }
        self.depth += 1;
        let held = match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.reference(reference, value),
            None => self.keywords(schema, value),
        };
        self.depth -= 1;
        held
    }

    fn keywords(&mut self, schema: &Map<String, Value>, value: &Value) -> Held {
        self.kind(schema, value)?;
        match value {
            Value::Number(number) => self.number(schema, number)?,
            Value::String(text) => self.string(schema, text)?,
            Value::Array(items) => self.array(schema, items)?,
            Value::Object(object) => self.object(schema, object)?,
            Value::Null | Value::Bool(_) => {}
        }
        self.combined(schema, value)
    }

    /// `#`, `#/definitions/Pet`, or
    /// `https://apigateway.amazonaws.com/restapis/{id}/models/Pet`.
    fn reference(&mut self, reference: &str, value: &Value) -> Held {
        let (document, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let whole = match document.rsplit_once("/models/") {
            _ if document.is_empty() => Some(self.document),
            Some((_, name)) => self.models.get(name),
            None => None,
        };
        let found = whole.and_then(|whole| whole.pointer(pointer).map(|it| (whole, it)));
        let Some((whole, schema)) = found else {
            return self.fail(format!("the schema's $ref {reference} leads nowhere"));
        };
        let mut there = Checker {
            models: self.models,
            document: whole,
            at: self.at.clone(),
            depth: self.depth,
            steps: self.steps,
        };
        there.value(schema, value)
    }

    fn kind(&self, schema: &Map<String, Value>, value: &Value) -> Held {
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.iter().any(|other| equal(other, value))
        {
            return self.fail("is none of the values of enum");
        }
        let fits = match schema.get("type") {
            Some(Value::String(kind)) => is_a(kind, value),
            Some(Value::Array(kinds)) => {
                let mut kinds = kinds.iter().filter_map(Value::as_str);
                kinds.any(|kind| is_a(kind, value))
            }
            _ => return Ok(()),
        };
        match fits {
            true => Ok(()),
            false => self.fail(format!("is not of type {}", schema["type"])),
        }
    }

    fn number(&self, schema: &Map<String, Value>, number: &Number) -> Held {
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        let excludes = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        let value = number.as_f64().unwrap_or(f64::NAN);
        if let Some(maximum) = limit("maximum")
            && (value > maximum || (excludes("exclusiveMaximum") && value >= maximum))
        {
            return self.fail(format!("is over the maximum {maximum}"));
        }
        if let Some(minimum) = limit("minimum")
            && (value < minimum || (excludes("exclusiveMinimum") && value <= minimum))
        {
            return self.fail(format!("is under the minimum {minimum}"));
        }
        if let Some(unit) = limit("multipleOf").filter(|unit| *unit > 0.0) {
            let times = value / unit;
            if (times - times.round()).abs() > 1e-9 * times.abs().max(1.0) {
                return self.fail(format!("is no multiple of {unit}"));
            }
        }
        Ok(())
    }

    fn string(&self, schema: &Map<String, Value>, text: &str) -> Held {
        let length = text.chars().count();
        self.size(schema, "Length", length, "characters")?;
        let Some(expression) = schema.get("pattern").and_then(Value::as_str) else {
            return Ok(());
        };
        match pattern::found_in(expression, text) {
            Ok(true) => Ok(()),
            Ok(false) => self.fail(format!("does not match the pattern {expression}")),
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn size(&self, schema: &Map<String, Value>, of: &str, size: usize, what: &str) -> Held {
        let limit = |key: String| {
            let limit = schema.get(&key).and_then(Value::as_u64);
            limit.and_then(|limit| usize::try_from(limit).ok())
        };
        if let Some(most) = limit(format!("max{of}")).filter(|most| size > *most) {
            return self.fail(format!("has more than {most} {what}"));
        }
        if let Some(least) = limit(format!("min{of}")).filter(|least| size < *least) {
            return self.fail(format!("has fewer than {least} {what}"));
        }
        Ok(())
    }

    fn array(&mut self, schema: &Map<String, Value>, items: &[Value]) -> Held {
        self.size(schema, "Items", items.len(), "items")?;
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        if unique && has_duplicates(items) {
            return self.fail("has two equal items");
        }
        for (index, item) in items.iter().enumerate() {
            let of_item = match schema.get("items") {
                Some(Value::Array(each)) => match each.get(index) {
                    Some(schema) => Some(schema),
                    None => schema.get("additionalItems"),
                },
                other => other,
            };
            match of_item {
                Some(Value::Bool(false)) => return self.fail("has an additional item"),
                Some(schema) => self.below(&index.to_string(), schema, item)?,
                None => {}
            }
        }
        Ok(())
    }

    fn object(&mut self, schema: &Map<String, Value>, object: &Map<String, Value>) -> Held {
        self.size(schema, "Properties", object.len(), "properties")?;
        let required = schema.get("required").and_then(Value::as_array);
        let names = required.into_iter().flatten().filter_map(Value::as_str);
        let missing: Vec<&str> = names.filter(|name| !object.contains_key(*name)).collect();
        if !missing.is_empty() {
            return self.fail(format!("lacks {}", missing.join(", ")));
        }
        for (name, value) in object {
            self.property(schema, name, value)?;
        }
        self.dependencies(schema, object)
    }

    fn property(&mut self, schema: &Map<String, Value>, name: &str, value: &Value) -> Held {
        let own = schema.get("properties").and_then(|all| all.get(name));
        if let Some(own) = own {
            self.below(name, own, value)?;
        }
        let mut is_known = own.is_some();
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (expression, of_pattern) in patterns.into_iter().flatten() {
            let found = pattern::found_in(expression, name);
            if found.map_err(|error| self.mismatch(error.to_string()))? {
                is_known = true;
                self.below(name, of_pattern, value)?;
            }
        }
        match schema.get("additionalProperties") {
            _ if is_known => Ok(()),
            Some(Value::Bool(false)) => self.fail(format!("has an additional property {name:?}")),
            Some(other) => self.below(name, other, value),
            None => Ok(()),
        }
    }

    fn dependencies(&mut self, schema: &Map<String, Value>, object: &Map<String, Value>) -> Held {
        let all = schema.get("dependencies").and_then(Value::as_object);
        let present = all.into_iter().flatten();
        for (name, needed) in present.filter(|(name, _)| object.contains_key(*name)) {
            match needed {
                Value::Array(names) => {
                    let mut names = names.iter().filter_map(Value::as_str);
                    if let Some(missing) = names.find(|name| !object.contains_key(*name)) {
                        return self.fail(format!("has {name:?} and lacks {missing:?}"));
                    }
                }
                schema => self.value(schema, &Value::Object(object.clone()))?,
            }
        }
        Ok(())
    }

    fn combined(&mut self, schema: &Map<String, Value>, value: &Value) -> Held {
        let each = |key: &str| schema.get(key).and_then(Value::as_array);
        for schema in each("allOf").into_iter().flatten() {
            self.value(schema, value)?;
        }
        if let Some(schemas) = each("anyOf")
            && self.how_many(schemas, value)? == 0
        {
            return self.fail("holds against none of anyOf");
        }
        if let Some(schemas) = each("oneOf") {
            match self.how_many(schemas, value)? {
                1 => {}
                count => return self.fail(format!("holds against {count} of oneOf")),
            }
        }
        match schema.get("not") {
            Some(schema) if self.value(schema, value).is_ok() => self.fail("holds against not"),
            _ => Ok(()),
        }
    }

    fn how_many(&mut self, schemas: &[Value], value: &Value) -> Result<usize, Mismatch> {
        let mut count = 0;
        for schema in schemas {
            count += usize::from(self.value(schema, value).is_ok());
        }
        match *self.steps {
            0 => Err(self.mismatch("the schema refers to itself too often")),
            _ => Ok(count),
        }
    }

    fn below(&mut self, name: &str, schema: &Value, value: &Value) -> Held {
        let length = self.at.len();
        self.at.push('/');
        self.at.push_str(name);
        let held = self.value(schema, value);
        self.at.truncate(length);
        held
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        // Draft 4: a number without a fraction, as it is written.
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        // `any` was draft 3's.
        _ => true,
    }
}

/// 1 and 1.0 are equal.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        _ => one == other,
    }
}

/// By their text first: a quadratic comparison of a long list would be a weapon.
fn has_duplicates(items: &[Value]) -> bool {
    let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    texts.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
