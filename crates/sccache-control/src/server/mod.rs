//! The sccache server of this machine: where it listens, what it does, and what it should do.
//!
//! ```text
//! desired_state  what the config file requires ──┐
//! listener       which process listens ──────────┤
//! query          what the server reports ────────┼─→ supervisor ──→ stop, start
//! probe_cache    what it reported before ────────┤   (under the lock, when no build runs)
//! activity       which builds use it ────────────┘
//! ```

pub mod activity;
pub mod address;
pub mod desired_state;
pub mod failing_unit;
pub mod largest_request;
pub mod listener;
mod lock;
pub mod orphans;
pub mod probe;
mod probe_cache;
pub mod process;
pub mod program;
pub mod query;
pub mod runtime_dir;
pub mod select_address;
mod service;
pub mod start;
mod stop;
pub mod supervisor;
pub mod zero_stats;
