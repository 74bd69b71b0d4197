//! Configuration files of others, text in and text out: sccache's and cargo's.

pub mod check;
mod describe;
mod diagnostic;
pub mod edit;
pub mod effective;
pub mod file;
pub mod keys;
pub mod path;
mod schema;
pub mod secrets;
pub mod toml;
pub mod variables;
pub mod version;

use std::path::Path as FilePath;

use sccfg_util::problem::Problem;

/// Makes sure that a text is TOML.
///
/// # Errors
/// When it does not parse.
pub fn check_syntax(path: &FilePath, text: &str) -> Result<(), Problem> {
    toml::parse(text, path)
        .map(drop)
        .map_err(|problem| problem.hint("mend it, then run sccfg again"))
}
