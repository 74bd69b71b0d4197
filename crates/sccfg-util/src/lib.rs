//! Shared by the crates of sccfg: access to the environment, processes and files; errors with a place
//! and a hint; secrets; sizes.

pub mod clock;
pub mod env;
pub mod fsio;
pub mod interrupt;
pub mod job_token;
pub mod parallel;
pub mod posix;
pub mod printed;
pub mod problem;
pub mod proc;
pub mod programs;
pub mod secret;
pub mod size;
pub mod toml_message;
pub mod wrapper_vars;
