//! Configuration files of others, text in and text out: sccache's and cargo's.

pub mod cargo;
mod cargo_rules;
pub mod check;
pub mod edit;
pub mod effective;
mod finding;
pub mod keys;
pub mod path;
mod restore;
pub mod sccache;
mod schema;
pub mod size;
mod toml;
mod variables;
mod wording;
