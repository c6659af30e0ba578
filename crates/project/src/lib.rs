//! A project on this machine: its template, and where the code of each of its
//! functions is.
//!
//! [`load`] reads the template; [`LocalCode`] is one function as it can be run
//! here, [`tether_host::Source`] the part of it that says how.

mod error;
mod working_copies;

pub use error::ProjectError;
pub use working_copies::{LocalCode, Place, WorkingCopies, load};
