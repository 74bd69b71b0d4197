//! The portable wrapper, judged from outside: real cargo, a real sccache, real worktrees. What is
//! shared has to be what a compile in place gives, and what can be shared has to be.

mod behaviour;
mod c;
mod command;
mod crashes;
mod crate_types;
mod debuginfo;
mod diagnostics;
mod environment;
mod faults;
mod flags;
mod freshness;
mod layouts;
mod linking;
mod macro_effects;
mod others;
mod out_dir;
mod places;
mod project;
mod races;
mod registry;
mod secrets;
mod stamps;
mod store;
mod toolchains;
