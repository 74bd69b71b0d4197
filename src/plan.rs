//! Policy plus what is there → the changes to make.
//!
//! A [`Plan`] is data: commands show it as a diff, as JSON or as one line a file, and
//! [`sccfg_util::fsio::commit`] makes it real.

mod apply;
mod cargo_config;
mod direnv;
mod generated;
mod home;
mod init;
mod nix;
mod remove;
mod user_config;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub(crate) use apply::{Machine, apply};
pub(crate) use home::{Configuration, Home, InTheWay, home, remove_home};
pub(crate) use init::{Init, init};
pub(crate) use remove::remove;

use crate::sccfg_toml::{Policy, Wrapper};
use nix_shell_edit::{self, Touched};
use sccache_control::config;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// What a file is to sccfg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// `flake.nix`, or a file that it imports.
    Nix,
    /// `sccfg.toml`.
    Policy,
    /// sccache's user config file.
    UserConfig,
    /// A config file of cargo.
    CargoConfig,
    /// `.envrc`, of direnv.
    Envrc,
}

/// A file that is to change.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// The change.
    pub change: fsio::Change,
    /// What the file is.
    pub what: What,
    /// What is done to it, for people: `dev shell default`.
    pub summary: String,
}

impl Planned {
    /// Whether the file is made, edited or deleted.
    pub(crate) fn action(&self) -> &'static str {
        match (&self.change.before, &self.change.after) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "edit",
        }
    }
}

/// Changes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The directory of the repository.
    pub root: PathBuf,
    /// The files that are to change, in the order they are written.
    pub files: Vec<Planned>,
    /// Whether shells take the portable wrapper from the user's directory.
    pub needs_front: bool,
    /// The dev shells that were found and edited.
    pub shells: Vec<Touched>,
    /// The names of the dev shells that stay as they are.
    pub other_shells: Vec<String>,
    /// What somebody should know.
    pub warnings: Vec<Problem>,
    /// What to do after it, one step a line.
    pub next: Vec<String>,
    /// New files that git has to know before Nix sees them.
    pub unknown_to_git: Vec<PathBuf>,
}

impl Plan {
    fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ..Self::default()
        }
    }

    /// Notes what `policy` needs beside files. A flake with sccfg as an input brings the wrapper.
    fn note(&mut self, policy: &Policy) {
        self.needs_front =
            policy.cargo.wrapper == Wrapper::Portable && policy.flake.input.is_none();
    }

    /// Adds a change, if it is one.
    fn change(
        &mut self,
        what: What,
        path: PathBuf,
        before: Option<String>,
        after: Option<String>,
        summary: impl Into<String>,
    ) {
        if before == after {
            return;
        }
        let links = match what {
            What::UserConfig => fsio::Links::Anywhere,
            What::CargoConfig if !path.starts_with(&self.root) => fsio::Links::Anywhere,
            _ => fsio::Links::Below(self.root.clone()),
        };
        let change = fsio::Change {
            path,
            before,
            after,
            links,
            new_file_mode: match what {
                // It may get a password later.
                What::UserConfig => fsio::NewFileMode::Private,
                _ => fsio::NewFileMode::Umask,
            },
        };
        self.files.push(Planned {
            change,
            what,
            summary: summary.into(),
        });
    }

    /// The plan, if every text that it writes can be read by what it is for.
    ///
    /// # Errors
    /// When one cannot: then nothing of the plan is to be written.
    fn checked(self) -> Result<Self, Problem> {
        for file in &self.files {
            let Some(after) = &file.change.after else {
                continue;
            };
            let shown = PathBuf::from(self.display(&file.change.path));
            let fault = match file.what {
                What::Nix => nix_shell_edit::check_syntax(&shown, after),
                What::Policy | What::CargoConfig | What::UserConfig => {
                    config::check_syntax(&shown, after)
                }
                What::Envrc => Ok(()),
            };
            fault.map_err(|fault| Problem {
                what: format!(
                    "nothing was written, for this file would not parse: {}",
                    fault.what
                ),
                ..fault
            })?;
        }
        Ok(self)
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file's name for people: below the repository, or whole.
    pub(crate) fn display(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub(crate) fn make(&self) -> Result<(), Problem> {
        let changes: Vec<fsio::Change> = self
            .files
            .iter()
            .map(|planned| planned.change.clone())
            .collect();
        fsio::commit(&changes)
    }
}
