//! Templates, run.

use super::VtlError;
use super::arithmetic::{arithmetic, compare, range};
use super::gateway::{self, Input};
use super::methods;
use super::syntax::{Expression, Loop, Node, Operator, Reference, Step, Template};
use super::value::{Block, Value};
use indexmap::IndexMap;
use std::rc::Rc;

/// So many nodes and expressions may one run visit.
const STEPS: usize = 500_000;
/// So many bytes may it make: the longest body.
const BYTES: usize = 10 * 1024 * 1024;
/// So deep may blocks be within blocks while they run.
const DEPTH: usize = 100;
/// Runs a template. `variables` are `context`, `stageVariables` and what else it may name; `#set`
/// changes them.
pub(crate) fn render(
    template: &Template,
    input: &Input,
    variables: &mut IndexMap<String, Value>,
) -> Result<String, VtlError> {
    let mut run = Run {
        input,
        variables,
        out: String::new(),
        steps: 0,
        bytes: 0,
        depth: 0,
    };
    run.nodes(&template.0)?;
    Ok(run.out)
}

struct Run<'a> {
    input: &'a Input,
    variables: &'a mut IndexMap<String, Value>,
    out: String,
    steps: usize,
    /// Made by expressions so far, what was thrown away included.
    bytes: usize,
    depth: usize,
}

/// How nodes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Stop,
}

impl Run<'_> {
    fn step(&mut self) -> Result<(), VtlError> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(VtlError::Steps(STEPS));
        }
        if self.out.len() > BYTES || self.bytes > 8 * BYTES {
            return Err(VtlError::Length(BYTES));
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &Rc<[Node]>) -> Result<Flow, VtlError> {
        if self.depth >= DEPTH {
            return Err(VtlError::Depth(DEPTH));
        }
        self.depth += 1;
        for node in nodes.iter() {
            let flow = self.node(node)?;
            if flow != Flow::On {
                self.depth -= 1;
                return Ok(flow);
            }
        }
        self.depth -= 1;
        Ok(Flow::On)
    }

    fn node(&mut self, node: &Node) -> Result<Flow, VtlError> {
        self.step()?;
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Print(reference, written) => return self.print(reference, written),
            Node::Set(target, value) => {
                let set = self.value(value).and_then(|it| self.set(target, it));
                set.map_err(|error| error.at(target.line))?;
            }
            Node::If(branches, otherwise) => {
                for (condition, nodes) in branches {
                    if self.value(condition)?.is_true() {
                        return self.nodes(nodes);
                    }
                }
                return self.nodes(otherwise);
            }
            Node::Foreach(each) => return self.foreach(each),
            Node::Define(name, body) => {
                let block = Value::Block(Block(Rc::clone(body)));
                self.variables.insert(name.clone(), block);
            }
            Node::Break => return Ok(Flow::Break),
            Node::Stop => return Ok(Flow::Stop),
        }
        Ok(Flow::On)
    }

    /// What is not defined prints as it was written, or not at all behind `$!`. What has no value
    /// within something that is defined is empty: so does API Gateway `[inf]`.
    fn print(&mut self, reference: &Reference, written: &str) -> Result<Flow, VtlError> {
        let is_known = self.is_known(&reference.name);
        match self.reference(reference)? {
            Value::Block(block) => return self.nodes(&block.0),
            Value::Null if is_known || reference.quiet => {}
            Value::Null => self.out.push_str(written),
            value => {
                let text = value.text();
                self.out.push_str(&text);
            }
        }
        Ok(Flow::On)
    }

    fn is_known(&self, name: &str) -> bool {
        matches!(name, "input" | "util") || self.variables.contains_key(name)
    }

    fn items(&mut self, over: &Expression) -> Result<Vec<Value>, VtlError> {
        match self.value(over)? {
            Value::List(items) | Value::JsonList(items) => Ok(items),
            Value::Map(pairs) => Ok(pairs.into_values().collect()),
            Value::Null => Ok(Vec::new()),
            other => Err(VtlError::Unknown(format!("#foreach over {}", other.kind()))),
        }
    }

    fn foreach(&mut self, each: &Loop) -> Result<Flow, VtlError> {
        let name = each.name.as_str();
        let items = self.items(&each.over);
        let items = items.map_err(|error| error.at(each.line))?;
        let outer = ["foreach", "velocityCount", name].map(|it| self.variables.get(it).cloned());
        let count = items.len();
        let mut flow = Flow::On;
        for (index, item) in items.into_iter().enumerate() {
            self.step()?;
            self.variables.insert(name.to_owned(), item);
            let place = place(index, count, outer[0].clone());
            self.variables.insert("foreach".to_owned(), place);
            self.variables
                .insert("velocityCount".to_owned(), Value::count(index + 1));
            flow = self.nodes(&each.body)?;
            if flow != Flow::On {
                break;
            }
        }
        for (name, value) in ["foreach", "velocityCount", name].into_iter().zip(outer) {
            match value {
                Some(value) => self.variables.insert(name.to_owned(), value),
                None => self.variables.shift_remove(name),
            };
        }
        Ok(if flow == Flow::Stop {
            Flow::Stop
        } else {
            Flow::On
        })
    }

    /// Assigns. A null is assigned to nothing (Velocity 1.7).
    fn set(&mut self, target: &Reference, value: Value) -> Result<(), VtlError> {
        if matches!(target.name.as_str(), "input" | "util") {
            return Err(VtlError::Unknown(format!("#set of ${}", target.name)));
        }
        if value == Value::Null {
            return Ok(());
        }
        let steps = self.keys(&target.steps)?;
        check_height(&value, steps.len())?;
        let Some((last, before)) = steps.split_last() else {
            self.variables.insert(target.name.clone(), value);
            return Ok(());
        };
        let empty = || Value::Map(IndexMap::new());
        let mut place = self
            .variables
            .entry(target.name.clone())
            .or_insert_with(empty);
        for key in before {
            place = within(place, key, true)
                .ok_or_else(|| VtlError::Unknown(format!("#set below {}", key.text())))?;
        }
        match place {
            Value::Map(pairs) => {
                pairs.insert(last.text(), value);
            }
            list => match within(list, last, false) {
                Some(item) => *item = value,
                None => {
                    return Err(VtlError::Unknown(format!(
                        "#set of {} of {}",
                        last.text(),
                        list.kind()
                    )));
                }
            },
        }
        Ok(())
    }

    /// The steps of something that is assigned to.
    fn keys(&mut self, steps: &[Step]) -> Result<Vec<Value>, VtlError> {
        let mut keys = Vec::new();
        for step in steps {
            keys.push(match step {
                Step::Property(name) => Value::from(name.as_str()),
                Step::Index(index) => self.value(index)?,
                Step::Method(name, _) => {
                    return Err(VtlError::Unknown(format!("#set of the method {name}")));
                }
            });
        }
        Ok(keys)
    }

    fn reference(&mut self, reference: &Reference) -> Result<Value, VtlError> {
        let found = self.find(reference);
        found.map_err(|error| error.at(reference.line))
    }

    fn find(&mut self, reference: &Reference) -> Result<Value, VtlError> {
        self.step()?;
        let name = reference.name.as_str();
        let mut steps = reference.steps.as_slice();
        let mut value = match (name, steps) {
            ("input", [Step::Property(name), rest @ ..]) => {
                steps = rest;
                self.input.property(name).unwrap_or(Value::Null)
            }
            ("input", [Step::Method(name, args), rest @ ..]) => {
                steps = rest;
                let args = self.values(args)?;
                self.input.call(name, &args)?
            }
            ("util", [Step::Method(name, args), rest @ ..]) => {
                steps = rest;
                let args = self.values(args)?;
                gateway::util(name, &args)?
            }
            ("input" | "util", _) => Value::Null,
            _ => return self.variable(name, steps),
        };
        self.count(&value);
        self.follow(&mut value, steps)
    }

    /// The methods that change a list or a map have to change the variable's.
    fn variable(&mut self, name: &str, steps: &[Step]) -> Result<Value, VtlError> {
        let steps = self.arguments(steps)?;
        let Some(place) = self.variables.get_mut(name) else {
            return Ok(Value::Null);
        };
        let mut value = std::mem::replace(place, Value::Null);
        let followed = walk(&mut value, &steps);
        if let Some(place) = self.variables.get_mut(name) {
            *place = value;
        }
        let found = followed?;
        self.count(&found);
        Ok(found)
    }

    fn follow(&mut self, value: &mut Value, steps: &[Step]) -> Result<Value, VtlError> {
        let steps = self.arguments(steps)?;
        walk(value, &steps)
    }

    /// Steps whose arguments have values. Those are computed before the variable is taken, or they
    /// could not name it.
    fn arguments(&mut self, steps: &[Step]) -> Result<Vec<Ready>, VtlError> {
        let mut ready = Vec::new();
        for step in steps {
            ready.push(match step {
                Step::Property(name) => Ready::Key(Value::from(name.as_str())),
                Step::Index(index) => Ready::Key(self.value(index)?),
                Step::Method(name, args) => {
                    let args = self.values(args)?;
                    args.iter()
                        .try_for_each(|arg| check_height(arg, steps.len()))?;
                    Ready::Method(name.clone(), args)
                }
            });
        }
        Ok(ready)
    }

    fn count(&mut self, value: &Value) {
        self.bytes += weight(value);
    }

    fn values(&mut self, all: &[Expression]) -> Result<Vec<Value>, VtlError> {
        all.iter().map(|one| self.value(one)).collect()
    }

    fn value(&mut self, expression: &Expression) -> Result<Value, VtlError> {
        self.step()?;
        Ok(match expression {
            Expression::Value(value) => value.clone(),
            Expression::Reference(reference) => self.reference(reference)?,
            Expression::Text(nodes) => {
                let before = std::mem::take(&mut self.out);
                let flow = self.nodes(nodes);
                let text = std::mem::replace(&mut self.out, before);
                flow?;
                self.bytes += text.len();
                Value::Text(text)
            }
            Expression::List(items) => Value::List(self.values(items)?),
            Expression::Map(pairs) => {
                let mut map = IndexMap::new();
                for (key, value) in pairs {
                    map.insert(self.value(key)?.text(), self.value(value)?);
                }
                Value::Map(map)
            }
            Expression::Range(ends) => range(&self.value(&ends.0)?, &self.value(&ends.1)?)?,
            Expression::Not(inner) => Value::Bool(!self.value(inner)?.is_true()),
            Expression::Minus(inner) => {
                let value = self.value(inner)?;
                arithmetic(Operator::Minus, &Value::integer(0), &value)
            }
            Expression::Both(operator, sides) => self.both(*operator, &sides.0, &sides.1)?,
        })
    }

    fn both(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, VtlError> {
        let left = self.value(left)?;
        match operator {
            Operator::Or if left.is_true() => return Ok(Value::Bool(true)),
            Operator::And if !left.is_true() => return Ok(Value::Bool(false)),
            _ => {}
        }
        let right = self.value(right)?;
        let value = match operator {
            Operator::Or | Operator::And => Value::Bool(right.is_true()),
            Operator::Equal => Value::Bool(left.equals(&right)),
            Operator::Unequal => Value::Bool(!left.equals(&right)),
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => Value::Bool(compare(operator, &left, &right)),
            _ => arithmetic(operator, &left, &right),
        };
        self.count(&value);
        Ok(value)
    }
}

enum Ready {
    Key(Value),
    Method(String, Vec<Value>),
}

fn walk(value: &mut Value, steps: &[Ready]) -> Result<Value, VtlError> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(value.clone());
    };
    match step {
        Ready::Method(name, args) => {
            let mut found = methods::call(value, name, args)?;
            walk(&mut found, rest)
        }
        Ready::Key(key) => match within(value, key, false) {
            Some(inner) => walk(inner, rest),
            None => Ok(empty(value, key)),
        },
    }
}

/// `$list.empty` is Java's `isEmpty()`.
fn empty(value: &Value, key: &Value) -> Value {
    match (value, key) {
        (Value::List(items) | Value::JsonList(items), Value::Text(name)) if name == "empty" => {
            Value::Bool(items.is_empty())
        }
        (Value::Text(text), Value::Text(name)) if name == "empty" => Value::Bool(text.is_empty()),
        _ => Value::Null,
    }
}

/// A map's value or a list's item.
fn within<'a>(value: &'a mut Value, key: &Value, makes: bool) -> Option<&'a mut Value> {
    match value {
        Value::Map(pairs) => match makes {
            true => {
                let empty = || Value::Map(IndexMap::new());
                Some(pairs.entry(key.text()).or_insert_with(empty))
            }
            false => pairs.get_mut(&key.text()),
        },
        Value::List(items) | Value::JsonList(items) => {
            let index = usize::try_from(key.as_i64()?).ok()?;
            items.get_mut(index)
        }
        _ => None,
    }
}

/// Whoever stores a list within itself again and again would have a value that nobody can copy
/// without running out of stack.
fn check_height(value: &Value, below: usize) -> Result<(), VtlError> {
    fn fits(value: &Value, left: usize) -> bool {
        left > 0
            && match value {
                Value::List(items) | Value::JsonList(items) => {
                    items.iter().all(|item| fits(item, left - 1))
                }
                Value::Map(pairs) => pairs.values().all(|item| fits(item, left - 1)),
                _ => true,
            }
    }
    match fits(value, (2 * DEPTH).saturating_sub(below)) {
        true => Ok(()),
        false => Err(VtlError::Depth(2 * DEPTH)),
    }
}

/// Bytes that a copy costs, about.
fn weight(value: &Value) -> usize {
    const NODE: usize = 64;
    NODE + match value {
        Value::Text(text) => text.len(),
        Value::List(items) | Value::JsonList(items) => items.iter().map(weight).sum(),
        Value::Map(pairs) => pairs.iter().map(|(key, it)| key.len() + weight(it)).sum(),
        _ => 0,
    }
}

fn place(index: usize, count: usize, parent: Option<Value>) -> Value {
    let mut place = IndexMap::new();
    let mut put = |key: &str, value| place.insert(key.to_owned(), value);
    put("index", Value::count(index));
    put("count", Value::count(index + 1));
    put("hasNext", Value::Bool(index + 1 < count));
    put("first", Value::Bool(index == 0));
    put("last", Value::Bool(index + 1 == count));
    put("parent", parent.unwrap_or(Value::Null));
    Value::Map(place)
}
