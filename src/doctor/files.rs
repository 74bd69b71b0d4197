//! The files of one repository, read once: what the checks look at that need neither a shell nor a server.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::as_problem;
use crate::cargo_config::{self, Contradiction};
use crate::plan::{Plan, UserConfig, apply};
use crate::repository::Repository;
use crate::sccfg_toml::{Incremental, Policy};
use crate::worktrees::Worktree;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// A repository, or one of its worktrees.
#[derive(Debug)]
#[allow(clippy::struct_field_names, reason = "some are files, others are not")]
pub(crate) struct Files {
    pub(crate) repository: Repository,
    /// `sccfg.toml`, if there is one.
    pub(crate) policy: Result<Option<Policy>, Problem>,
    /// The config files of cargo that the checks look at, the nearest first.
    pub(crate) cargo_files: Vec<CargoFile>,
    /// The git worktree that contains the repository.
    pub(crate) worktree: Option<Worktree>,
    plan: OnceCell<(Result<Plan, Problem>, Option<Problem>)>,
    shell_files: OnceCell<Vec<ShellFile>>,
}

/// A config file of cargo.
#[derive(Debug)]
pub(crate) struct CargoFile {
    pub(crate) path: PathBuf,
    /// Its path as it is shown.
    pub(crate) shown: PathBuf,
    pub(crate) text: String,
    /// Whether it is the user's file, which applies to every project.
    pub(crate) is_users: bool,
}

/// A file from which a shell takes variables or commands.
#[derive(Debug)]
pub(crate) struct ShellFile {
    pub(crate) path: PathBuf,
    /// Its path as it is shown.
    pub(crate) shown: PathBuf,
    pub(crate) text: String,
}

impl ShellFile {
    /// The file at `path`, if it is a text.
    pub(super) fn read(shown: PathBuf, path: PathBuf) -> Option<Self> {
        let text = fsio::read_text(&path)?;
        Some(Self { path, shown, text })
    }
}

impl Files {
    /// Those of `repository`, with every config file of cargo that applies in `start`.
    pub(super) fn around(repository: Repository, start: &Path) -> Self {
        let users = cargo_config::user_file();
        let mut paths: Vec<PathBuf> = start
            .ancestors()
            .filter_map(cargo_config::file_of)
            .collect();
        paths.extend(users.clone().filter(|users| !paths.contains(users)));
        Self::with(repository, paths, users.as_deref())
    }

    /// Those in `repository` alone.
    pub(crate) fn inside(repository: Repository) -> Self {
        let own = cargo_config::file_of(&repository.root);
        // A home directory may be a repository.
        let users = cargo_config::user_file();
        let own = own.filter(|own| users.as_ref() != Some(own));
        Self::with(repository, own.into_iter().collect(), None)
    }

    fn with(repository: Repository, cargo_files: Vec<PathBuf>, users: Option<&Path>) -> Self {
        let policy = repository
            .policy()
            .map(|found| found.map(|(policy, _)| policy));
        let cargo_files = cargo_files.into_iter().filter_map(|path| {
            Some(CargoFile {
                text: fsio::read_text(&path)?,
                shown: shown(&path, &repository),
                is_users: users == Some(path.as_path()),
                path,
            })
        });
        Self {
            cargo_files: cargo_files.collect(),
            worktree: Worktree::around(&repository.root),
            policy,
            plan: OnceCell::new(),
            shell_files: OnceCell::new(),
            repository,
        }
    }

    /// The policy of the repository, if it has one that can be read.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref().ok()?.as_ref()
    }

    /// The policy for incremental compilation, if the repository has one.
    pub(crate) fn incremental(&self) -> Option<Incremental> {
        Some(self.policy()?.cargo.incremental)
    }

    /// The path relative to the repository, or the whole path outside of it.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        shown(path, &self.repository)
    }

    /// Whether a path is in this worktree, or relative.
    pub(super) fn is_in_worktree(&self, path: impl AsRef<Path>) -> bool {
        let worktree = self.worktree.as_ref();
        let root = worktree.map_or(&self.repository.root, |worktree| &worktree.root);
        path.as_ref().is_relative() || path.as_ref().starts_with(root)
    }

    /// The changes that `sccfg apply` would make; `None` without a policy.
    pub(crate) fn plan(&self) -> Option<&Result<Plan, Problem>> {
        self.policy()?;
        let (plan, _) = self.plan_and_refusal();
        Some(plan)
    }

    /// Why sccache's config file cannot grow to the requested size, for example because home-manager
    /// manages it.
    pub(super) fn growth_refused(&self) -> Option<&Problem> {
        self.policy()?;
        self.plan_and_refusal().1.as_ref()
    }

    fn plan_and_refusal(&self) -> &(Result<Plan, Problem>, Option<Problem>) {
        self.plan.get_or_init(|| {
            let grown = apply(&self.repository, UserConfig::Grow).map_err(as_problem);
            match grown {
                Ok(plan) => (Ok(plan), None),
                Err(refused) => {
                    let kept = apply(&self.repository, UserConfig::Keep).map_err(as_problem);
                    let is_of_config = kept.is_ok();
                    (kept, Some(refused).filter(|_| is_of_config))
                }
            }
        })
    }

    /// The files from which shells of the repository take variables and commands.
    pub(crate) fn shell_files(&self) -> &[ShellFile] {
        self.shell_files.get_or_init(|| {
            let root = &self.repository.root;
            let below = |directory: PathBuf| {
                let names = fsio::names_in(&directory).into_iter();
                names.map(move |name| directory.join(name))
            };
            let nix = below(root.clone()).chain(below(root.join("nix")));
            let nix = nix.filter(|path| path.extension().is_some_and(|end| end == "nix"));
            nix.chain([root.join(".envrc")])
                .filter_map(|path| ShellFile::read(self.shown(&path), path))
                .collect()
        })
    }

    /// The contradictions in cargo's config files, and in profiles of `Cargo.toml`, that matter in
    /// the dev shell.
    pub(crate) fn contradictions(&self) -> Vec<(Option<&CargoFile>, Contradiction)> {
        let incremental = self.incremental().unwrap_or_default();
        let mut all = Vec::new();
        for file in &self.cargo_files {
            let found = cargo_config::contradictions(&file.text, &file.shown, incremental);
            // cargo reports a file that is not TOML.
            let found = found.unwrap_or_default().into_iter();
            all.extend(found.map(|found| (Some(file), found)));
        }
        let manifest = self.repository.read_file("Cargo.toml");
        if let Ok(Some(text)) = manifest {
            let found = cargo_config::contradictions(&text, Path::new("Cargo.toml"), incremental);
            let found = found.unwrap_or_default().into_iter();
            all.extend(found.map(|found| (None, found)));
        }
        all.retain(|(_, found)| found.severity != cargo_config::Severity::Mild);
        all
    }
}

fn shown(path: &Path, repository: &Repository) -> PathBuf {
    path.strip_prefix(&repository.root)
        .unwrap_or(path)
        .to_owned()
}
