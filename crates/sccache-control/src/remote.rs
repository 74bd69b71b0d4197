//! Remote back ends: their variables, and whether they work.

mod failure;
mod reach;
pub mod secret_command;
mod table;
mod trial;

pub use failure::{Failure, FailureKind};
pub(crate) use reach::unreachable;
use table::variables_of_table;
pub use table::{BACK_ENDS, BackEnd, find};
pub use trial::{Outage, Sample, Trial};
