//! Controls [sccache](https://github.com/mozilla/sccache): its configuration file, its server, its
//! statistics and its cache directory.

pub mod cache;
pub mod config;
pub mod server;
pub mod stats;
