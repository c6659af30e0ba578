//! The helper stack in an account: installed, upgraded, removed.
//!
//! [`Installer`] is whom and where. What is to be done is decided by values
//! (`decision`, `parameters`, `changes`, `course`); whatever happens is told as
//! [`News`]. Nothing is changed before it has been shown: [`Installer::prepare`]
//! says what would be, [`Installer::carry_out`] does it.

mod artifacts;
mod bucket;
mod call;
mod changes;
mod course;
mod decision;
mod detaching;
mod error;
mod found;
mod install;
mod layers;
mod names;
mod news;
mod parameters;
mod place;
mod proposal;
mod refusal;
mod release;
mod stacks;
mod template;
mod uninstall;
mod zips;

pub use artifacts::{Architecture, Artifacts};
pub use changes::{Action, Change, rows, size, table};
pub use decision::Wish;
pub use error::Error;
pub use found::Resource;
pub use install::{Changes, Installed, Installer, Leftovers, Order, Prepared, Rollback, Upload};
pub use news::{News, Reporter, StackEvent};
pub use parameters::Settings;
pub use place::Place;
pub use release::Release;
pub use uninstall::Removal;
