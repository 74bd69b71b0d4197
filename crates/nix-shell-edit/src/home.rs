//! A user's home-manager configuration: where it is, and one more module in its `imports`.
//!
//! Modules may be anywhere and be handed over in any way, so nothing is evaluated from the top:
//! [`find`] looks at every file for what can only be a user's configuration, and follows what is
//! written there to a module.

mod edit;
mod find;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use edit::import;
pub use find::{Found, find};

use super::editor::take_out_marked;
use super::region;
use sccfg_util::problem::Problem;

/// A module that configures a user's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// What it is the configuration of.
    pub of: Of,
    /// The name of the configuration or the user, where it is written out.
    pub name: Option<String>,
    /// The file that holds it; relative to the directory that was searched.
    pub file: PathBuf,
    /// Where in the file, `None` for all of it.
    pub range: Option<Range<usize>>,
}

impl Module {
    /// A file that is a module as a whole.
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self {
            of: Of::File,
            name: None,
            file: file.into(),
            range: None,
        }
    }
}

/// How a home is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// `homeConfigurations.NAME` of a flake.
    Configuration,
    /// `home-manager.users.NAME` of NixOS or nix-darwin.
    User,
    /// A file that is one by itself: `home.nix`.
    File,
}

/// The text of a file without what `sccfg home` put into it.
///
/// # Errors
/// When a region is damaged.
pub fn strip(path: &Path, text: &str) -> Result<String, Problem> {
    region::strip_marked(region::HOME, path, text)
}

/// The text of a file without what `sccfg home` put into it, which parses; `None` where there is
/// nothing of that.
///
/// # Errors
/// When a region is damaged or has a person's lines in it, and when the rest does not parse.
pub fn take_out(path: &Path, text: &str) -> Result<Option<String>, Problem> {
    take_out_marked(region::HOME, path, text)
}
