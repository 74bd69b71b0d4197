//! The sccache server of this machine: where it listens, what it does, what it should do, and how
//! it is brought in line without anybody's build being killed.
//!
//! ```text
//! wanted  ── what the machine's file asks for ─┐
//! asked   ── what the server says of itself  ──┤
//! memo    ── what it said when it was asked ───┼─→ ensure ──→ stop, start (under lock, when idle)
//! process ── who listens, since when, children ┘
//! ```

pub mod address;
pub mod asked;
pub mod client;
pub mod ensure;
pub mod idle;
pub mod lock;
pub mod look;
pub mod meet;
pub mod memo;
pub mod process;
pub mod runtime;
pub mod service;
pub mod start;
pub mod stop;
pub mod wanted;
pub mod zero;
