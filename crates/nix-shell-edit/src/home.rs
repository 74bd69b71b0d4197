//! A user's home-manager configuration: finding it, and adding a module to its `imports`.
//!
//! Modules may be anywhere and passed in any way, so nothing is evaluated from the top: [`find`]
//! looks in every file for a user's configuration, and follows it to a module.

mod edit;
mod find;
mod holder;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use edit::import;
pub use find::{Found, Listing, SessionVariable, find, is_ignored_by_import_tree};

use super::editor::remove_marked_regions;
use super::region;
use sccfg_util::problem::Problem;

/// A module that configures a user's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// How it configures a home.
    pub kind: ModuleKind,
    /// The name of the configuration or the user, where it is not computed.
    pub name: Option<String>,
    /// The file that holds it; relative to the directory that was searched.
    pub file: PathBuf,
    /// Its range in the file; `None` for the whole file.
    pub range: Option<Range<usize>>,
    /// Where the range is that of a binding of one option, `homeManager.home.stateVersion = …;`: how many of its names
    /// are those of the module.
    pub names: Option<usize>,
}

impl Module {
    /// A file that is a module.
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self {
            kind: ModuleKind::File,
            name: None,
            file: file.into(),
            range: None,
            names: None,
        }
    }
}

/// How a module configures a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleKind {
    /// `homeConfigurations.NAME` of a flake.
    Configuration,
    /// `home-manager.users.NAME` of NixOS or nix-darwin.
    User,
    /// A whole file: `home.nix`.
    File,
}

/// The text of a file without the regions of `sccfg home`.
///
/// # Errors
/// When a region is damaged.
pub fn strip(path: &Path, text: &str) -> Result<String, Problem> {
    region::strip_marked(region::HOME, path, text)
}

/// The text of a file without the regions of `sccfg home`, which parses; `None` where it has none.
///
/// # Errors
/// When a region is damaged or was changed, and when the rest does not parse.
pub fn remove_regions(path: &Path, text: &str) -> Result<Option<String>, Problem> {
    remove_marked_regions(region::HOME, path, text)
}
