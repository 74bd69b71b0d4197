//! sccfg makes [sccache](https://github.com/mozilla/sccache) simply work in Nix dev shells.
//!
//! The flow is one way: [`cmd`] parses intent, [`plan`] decides what has to change, the pure
//! editors ([`flake`], [`config`], [`render`]) turn text into text, and [`fsio`] writes.
//! ARCHITECTURE.md shows the rooms.

pub mod cache;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod env;
pub mod exports;
pub mod flake;
pub mod fsio;
pub mod hook;
pub mod interrupt;
pub mod plan;
pub mod policy;
pub mod portable;
pub mod problem;
pub mod proc;
pub mod render;
pub mod report;
pub mod server;
pub mod shell;
pub mod stats;
pub mod verify;
#[cfg(unix)]
pub mod wrapper;
