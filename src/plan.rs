//! Policy and present state → changes.
//!
//! A [`Plan`] is data: commands show it as a diff, as JSON or as one line per file, and
//! [`sccfg_util::fsio::commit`] writes it.

mod apply;
mod cargo_config;
mod cargo_user;
mod ci;
mod devenv;
mod direnv;
mod dist;
mod docker;
mod generated;
mod home;
mod init;
mod linker_config;
mod managed_files;
mod nix;
mod policy_check;
mod remote;
mod remove;
mod user_config;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub(crate) use apply::{UserConfig, apply};
pub(crate) use cargo_user::{UserWrapper, cargo_user, remove_cargo_user};
pub(crate) use ci::{CiReport, ci_provider};
pub(crate) use devenv::MODULE as DEVENV_MODULE;
pub(crate) use direnv::evaluates_at_each_entry;
pub(crate) use dist::{dist_client, dist_config};
pub(crate) use docker::{DockerReport, Files, add_docker, remove_docker_and_policy};
pub(crate) use home::{Configuration, ExistingConfig, HomeOptions, home, remove_home};
pub(crate) use init::{InitOptions, auto_warning, init};
pub(crate) use remote::{CopiedSecret, Levels, Secret, add_remote, remove_remote};
pub(crate) use remove::remove;

use crate::sccfg_toml::{Policy, Wrapper};
use crate::yaml;
use nix_shell_edit::{self, OwnSetting, Touched};
use sccache_control::config;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FileKind {
    /// `flake.nix` or `devenv.nix`, or a file that one imports.
    Nix,
    /// `devenv.yaml`.
    DevenvYaml,
    /// `sccfg.toml`.
    Policy,
    /// sccache's user config file.
    UserConfig,
    /// sccfg's own settings of this user.
    UserSettings,
    /// A config file of cargo.
    CargoConfig,
    /// The user's config file of cargo.
    UserCargoConfig,
    /// `.envrc`, of direnv.
    Envrc,
    /// A workflow, or a file of the action.
    Ci,
    /// A config file of sccache-dist.
    DistConfig,
    /// A Dockerfile, or a file that belongs to one.
    Docker,
}

/// A file that will change.
#[derive(Debug, Clone)]
pub(crate) struct PlannedFile {
    /// The texts before and after.
    pub change: fsio::Change,
    pub kind: FileKind,
    /// The edit in a few words: `dev shell default`.
    pub summary: String,
    /// Whether the editor of Nix files made the new text, and parsed it.
    is_parsed: bool,
}

impl PlannedFile {
    /// `create`, `edit` or `delete`.
    pub(crate) fn action(&self) -> &'static str {
        match (&self.change.before, &self.change.after) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "edit",
        }
    }
}

/// Which dev shells of a repository are managed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Managed {
    /// Shells of the flake, which `nix develop` enters.
    pub in_flake: bool,
    /// The shell of `devenv.nix`, which `devenv shell` enters.
    pub in_devenv: bool,
}

impl Managed {
    /// Whether there is only the shell of `devenv.nix`.
    pub(crate) fn is_only_devenv(self) -> bool {
        self.in_devenv && !self.in_flake
    }
}

/// Changes that are made together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The directory of the repository.
    pub root: PathBuf,
    /// The files that will change, in the order of writing.
    pub files: Vec<PlannedFile>,
    /// Whether shells use the portable wrapper of the user's directory.
    pub needs_wrapper: bool,
    /// The dev shells that are edited.
    pub shells: Vec<Touched>,
    /// The names of the dev shells that are not managed.
    pub other_shells: Vec<String>,
    /// Which dev shells are managed.
    pub managed: Managed,
    /// What the edited dev shells set by themselves.
    pub own: Vec<OwnSetting>,
    /// Problems that do not prevent the plan.
    pub warnings: Vec<Problem>,
    /// Steps that are left to the user.
    pub next: Vec<String>,
    /// New files that git has to track before Nix sees them.
    pub untracked: Vec<PathBuf>,
}

impl Plan {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ..Self::default()
        }
    }

    /// Records whether `policy` needs the wrapper installed. A flake with sccfg as an input provides it.
    fn note(&mut self, policy: &Policy) {
        self.needs_wrapper =
            policy.cargo.wrapper == Wrapper::Portable && policy.flake.input.is_none();
    }

    /// Adds a change, unless the texts are equal.
    fn change(
        &mut self,
        kind: FileKind,
        path: PathBuf,
        before: Option<String>,
        after: Option<String>,
        summary: impl Into<String>,
    ) {
        if before == after {
            return;
        }
        let links = match kind {
            FileKind::UserConfig
            | FileKind::UserSettings
            | FileKind::UserCargoConfig
            | FileKind::DistConfig => fsio::Links::Anywhere,
            FileKind::CargoConfig if !path.starts_with(&self.root) => fsio::Links::Anywhere,
            _ => fsio::Links::Below(self.root.clone()),
        };
        let change = fsio::Change {
            path,
            before,
            after,
            links,
            new_file_mode: match kind {
                // It may get a password later.
                FileKind::UserConfig | FileKind::UserSettings | FileKind::DistConfig => {
                    fsio::NewFileMode::Private
                }
                _ => fsio::NewFileMode::Umask,
            },
        };
        self.files.push(PlannedFile {
            change,
            kind,
            summary: summary.into(),
            is_parsed: false,
        });
    }

    /// Adds a change of a Nix file by the editor, which has parsed the new text.
    fn change_parsed_nix(
        &mut self,
        path: PathBuf,
        before: Option<String>,
        after: String,
        summary: String,
    ) {
        let known = self.files.len();
        self.change(FileKind::Nix, path, before, Some(after), summary);
        for added in &mut self.files[known..] {
            added.is_parsed = true;
        }
    }

    /// The plan, if every text that it writes parses.
    ///
    /// # Errors
    /// If one does not; nothing of the plan may be written then.
    fn checked(self) -> Result<Self, Problem> {
        for file in self.files.iter().filter(|file| !file.is_parsed) {
            let Some(after) = &file.change.after else {
                continue;
            };
            let shown = PathBuf::from(self.display(&file.change.path));
            let fault = match file.kind {
                FileKind::Nix => nix_shell_edit::check_syntax(&shown, after),
                FileKind::Policy
                | FileKind::CargoConfig
                | FileKind::UserConfig
                | FileKind::UserSettings
                | FileKind::UserCargoConfig
                | FileKind::DistConfig => config::check_syntax(&shown, after),
                FileKind::Ci | FileKind::DevenvYaml | FileKind::Docker
                    if shown
                        .extension()
                        .is_some_and(|extension| extension == "yml" || extension == "yaml") =>
                {
                    yaml::check_syntax(&shown, after)
                }
                // Dockerfiles were checked when they were edited.
                FileKind::Envrc | FileKind::Ci | FileKind::DevenvYaml | FileKind::Docker => Ok(()),
            };
            fault.map_err(|fault| Problem {
                what: format!(
                    "no file was changed, because the result would not parse: {}",
                    fault.what
                ),
                ..fault
            })?;
        }
        Ok(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The path relative to the repository, or the whole path for other files.
    pub(crate) fn display(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// As [`display`](Self::display); for a link of the repository also the file that it leads to, which is changed.
    pub(crate) fn display_with_target(&self, path: &Path) -> String {
        let shown = self.display(path);
        let Some(target) = fsio::link_target(path).filter(|_| path.starts_with(&self.root)) else {
            return shown;
        };
        let root = self.root.canonicalize();
        let target = match &root {
            Ok(root) => target.strip_prefix(root).unwrap_or(&target),
            Err(_) => &target,
        };
        format!("{shown} -> {}", target.display())
    }

    /// Writes all changes, or none.
    ///
    /// # Errors
    /// If one of them cannot be written.
    pub(crate) fn write(&self) -> Result<(), Problem> {
        let changes: Vec<fsio::Change> = self
            .files
            .iter()
            .map(|planned| planned.change.clone())
            .collect();
        fsio::commit(&changes)
    }
}
