//! What a template consists of.

use super::value::Value;
use std::rc::Rc;

/// A template that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template(pub(super) Rc<[Node]>);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// `$x` and how it was written, for one that is not defined.
    Print(Reference, String),
    Set(Reference, Expression),
    If(Vec<(Expression, Rc<[Node]>)>, Rc<[Node]>),
    Foreach(Loop),
    Define(String, Rc<[Node]>),
    Break,
    Stop,
}

/// `#foreach($name in over)`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loop {
    /// From 1 on.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) over: Expression,
    pub(super) body: Rc<[Node]>,
}

/// `$!{name.step(…)[0]}`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    /// From 1 on.
    pub(super) line: usize,
    /// `$!`: what is not defined is empty.
    pub(super) quiet: bool,
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Property(String),
    Method(String, Vec<Expression>),
    Index(Expression),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Value(Value),
    /// A text in double quotes.
    Text(Rc<[Node]>),
    Reference(Reference),
    List(Vec<Expression>),
    Range(Box<(Expression, Expression)>),
    Map(Vec<(Expression, Expression)>),
    Not(Box<Expression>),
    Minus(Box<Expression>),
    Both(Operator, Box<(Expression, Expression)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    By,
    Modulo,
}
