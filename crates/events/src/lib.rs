//! The events that AWS's services send to functions: an example of each, made of a few values.
//!
//! [`find`] names one by service and event, as `sam local generate-event` does, with its names;
//! [`Event::generate`] makes it of what is given and of defaults for the rest. An event is the same
//! each time but for its time, so that it can be kept beside the code.
//!
//! The shapes are AWS's as its documentation has them, and are data: one JSON file for each
//! service in `sources/`, each with a link; [`template`] says how they are read. What a consumer
//! could check is right: digests are of the bodies that stand beside them, what is compressed can
//! be unpacked. Signatures are not: those take AWS's keys.

mod catalogue;
mod error;
mod flags;
mod template;
mod values;

pub use catalogue::{Event, Parameter, Service, find, flags, service, services};
pub use error::Error;
