//! A project on this machine: its template, and where the code of each of its
//! functions is.
//!
//! [`load`] reads the template; [`LocalCode`] is one function as it can be run
//! here, [`tether_host::Source`] the part of it that says how. [`settings`] is
//! what `tether.toml` says besides, [`samconfig`] what a file of SAM's does.

mod cdk;
mod env_vars;
mod error;
mod imports;
mod inline;
mod layers;
mod overrides;
mod running;
pub mod samconfig;
pub mod settings;
mod template_file;
mod working_copies;

pub use env_vars::EnvVars;
pub use error::ProjectError;
pub use imports::import_values;
pub use overrides::parameter_overrides;
pub use running::{Debugging, External};
pub use template_file::{Glance, TemplateFile, glance};
pub use working_copies::{LocalCode, Place, Wishes, WorkingCopies, load, load_as};
