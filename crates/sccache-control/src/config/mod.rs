//! sccache's config file: reading, checking and editing it. All functions take and return text.

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

/// Checks that a text is TOML.
///
/// # Errors
/// When it does not parse.
pub fn check_syntax(path: &FilePath, text: &str) -> Result<(), Problem> {
    toml::parse(text, path)
        .map(drop)
        .map_err(|problem| problem.hint("fix the file, then run sccfg again"))
}
