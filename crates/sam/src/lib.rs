//! Template text in, application out.
//!
//! A template is parsed once ([`Template::parse`]) and resolved against a [`Context`]: parameters,
//! pseudo parameters, and whoever knows what the resources are called ([`PhysicalNames`]). The
//! result is a [`Stack`] of [`Resource`]s whose properties are plain JSON, and typed views over
//! them: [`Function`], [`Layer`], [`Table`], [`WebSocketApi`].
//!
//! ```text
//! text ─parse─► Template ─resolve(Context)─► Stack ─functions()─► Vec<Function>
//!   (YAML/JSON events,      (parameters, conditions,  ─layers(), tables(), websocket_apis()
//!    short tags, lines)      Globals, intrinsics)
//! ```
//!
//! What is wrong is said all at once, each as one [`Problem`] with file, line, column, resource and
//! property. Nothing here reads a file, the clock or the environment.
//!
//! # Deliberate differences from CloudFormation
//!
//! - YAML aliases and merge keys (`<<`) are expanded here, as `sam` and `aws cloudformation package`
//!   do before they upload; the service itself refuses them.
//! - SAM's resources and `Globals` are understood whether or not the template names the transform,
//!   as `sam local` does.
//! - A null value stays null instead of refusing the template.
//! - `Fn::Length`, `Fn::ToJsonString` and `DefaultValue` of `Fn::FindInMap` work without
//!   `AWS::LanguageExtensions`.

pub mod api;
mod checks;
mod cidr;
mod conditions;
mod cycles;
mod definitions;
mod evaluator;
mod function;
mod generated;
mod globals;
mod hint;
mod implicit;
mod intrinsics;
mod layer;
mod macros;
mod names;
mod nested;
mod parameters;
mod parse;
mod policies;
mod problem;
mod reader;
mod references;
mod resources;
pub mod samconfig;
mod scalar;
mod schedule;
mod serverless_websocket;
mod stack;
mod stored;
mod substitution;
pub mod support;
mod surroundings;
mod table;
mod tags;
mod target_input;
mod template;
mod tree;
mod unsupported;
mod websocket;

pub use function::{Architecture, Code, Event, Function};
pub use hint::did_you_mean;
pub use layer::Layer;
pub use names::{Context, LogicalNames, PhysicalNames};
pub use parameters::Parameter;
pub use policies::is_policy_template;
pub use problem::{Position, Problem, Problems};
pub use schedule::{Bounds, Plan, Schedule, Times, Zone, date};
pub use stack::{NestedStack, Output, Resource, Stack};
pub use surroundings::{Files, NoFiles, Surroundings, Unread};
pub use table::Table;
pub use target_input::{EventRule, TargetInput};
pub use template::Template;
pub use websocket::{
    Authorizer, Integration, IntegrationResponse, Route, RouteThrottle, Stage, WebSocketApi,
};

#[cfg(test)]
mod testing;
