//! Distributed compilation with sccache-dist: whether a compile runs on a build server.

mod failure;
mod trial;

pub use failure::{Failure, FailureKind};
pub use trial::{Sample, Scheduler, Trial};
