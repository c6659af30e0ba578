//! IAM's rules, as functions from values to values: may this principal do this
//! action on this resource, and if not, what does AWS say?
//!
//! | module | answers |
//! |---|---|
//! | [`policy`] | what one policy document says about a request |
//! | [`condition`] | whether a statement's conditions are met |
//! | [`context`] | what is known about a request beside action and resource |
//! | [`principal`] | who asks, and whom a policy names |
//! | [`decision`] | what all policies together say, and AWS's words for a refusal |
//!
//! The rule for what cannot be decided: never more generous than AWS. An operator
//! that does not exist or an element that is not known is an error that names the
//! statement, and not an Allow. Policies are parsed once and evaluated often.

mod answer;
pub mod condition;
pub mod context;
pub mod decision;
mod pattern;
pub mod policy;
pub mod principal;

pub use context::Context;
pub use decision::{Ask, Denied, Policies, authorize};
pub use policy::{Decision, Effect, Policy, PolicyError, Question, evaluate};
pub use principal::Principal;

use serde_json::Value;

/// What a value is, in errors.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
