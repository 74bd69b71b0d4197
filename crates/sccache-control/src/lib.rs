//! [sccache](https://github.com/mozilla/sccache)'s configuration file, server, statistics and cache
//! directory.

pub mod cache;
pub mod config;
pub mod dist;
mod private_server;
pub mod remote;
pub mod server;
pub mod stats;
