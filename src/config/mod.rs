//! Configuration files of others, text in and text out: sccache's and cargo's.

pub mod keys;
pub mod path;
pub mod size;
mod toml;
