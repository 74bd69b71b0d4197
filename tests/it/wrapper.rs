//! The portable wrapper, judged from outside: real cargo, a real sccache, real worktrees. What is
//! shared has to be what a compile in place gives, and what can be shared has to be.

mod behaviour;
mod crate_types;
mod diagnostics;
mod environment;
mod flags;
mod freshness;
mod out_dir;
mod places;
mod project;
mod toolchains;
