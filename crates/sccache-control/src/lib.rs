//! [sccache](https://github.com/mozilla/sccache)'s configuration file, server, statistics and cache
//! directory.

pub mod cache;
pub mod config;
pub mod remote;
pub mod server;
pub mod stats;
