//! Tests of the portable wrapper from outside, with real cargo, a real sccache and real worktrees: output from the
//! cache is the output of an uncached build, and whatever can be shared is.

mod behaviour;
mod build_scripts;
mod c;
mod command;
mod crashes;
mod crate_types;
mod debuginfo;
mod derives;
mod diagnostics;
mod differential;
mod environment;
mod explain;
mod faults;
mod flags;
mod freshness;
mod hidden_inputs;
mod layouts;
mod linking;
mod macro_effects;
mod macro_workspace;
mod memory;
mod native_libraries;
mod others;
mod out_dir;
mod paths;
pub(crate) mod project;
mod races;
mod registry;
mod reports;
mod secrets;
mod seed;
mod shared_runs;
mod stamps;
mod store;
mod toolchains;
mod unknown_inputs;
