//! What the crates of sccfg share: access to the environment, processes and files, errors with a
//! place and a hint, sizes.

pub mod env;
pub mod fsio;
pub mod interrupt;
pub mod portable;
pub mod posix;
pub mod problem;
pub mod proc;
pub mod programs;
pub mod secret;
pub mod size;
