//! CloudFormation: stacks, their change sets and events
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html>).
//!
//! `api` reads requests and `describe` writes answers; `stack` is what is
//! known of a stack, `wish` what one is to become. `target` resolves a wish,
//! `plan` compares it with what is there, `engine` does it, one resource after
//! the other by `resources`, and takes it back if it fails.

mod api;
mod around;
mod capabilities;
mod change_set;
mod describe;
mod engine;
mod expand;
mod nested;
mod plan;
mod records;
mod resources;
mod rights;
mod stack;
mod target;
mod template;
mod wish;

pub(crate) use api::serve;
pub(crate) use engine::{OnFailure, Order, create_now, update_now};
pub(crate) use records::Records;
pub(crate) use resources::unsupported;
pub(crate) use rights::By;
pub(crate) use stack::{Stack as KnownStack, Stacks};
pub(crate) use wish::Wish;
