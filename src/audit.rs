//! `sccfg audit`: the settings and problems of the repositories below some directories, and contradictions with other repositories
//! or the machine.
//!
//! [`search`] finds the repositories, [`settings`] reads the settings of a repository without a policy, [`checks`] finds its problems,
//! [`contradictions`] compares it with the others, [`fixes`] plans the changes of `--fix`, [`target_dirs`] measures target directories.

mod checks;
mod contradictions;
mod fixes;
mod search;
mod settings;
mod target_dirs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::doctor::{Check, Diagnosis, Files, allowed_by_direnv};
use crate::plan::{self, FileKind, InitOptions};
use crate::repository::Repository;
use crate::sccfg_toml::{FILE_NAME, Policy};
use crate::worktrees::{Gone, Worktree};
pub(crate) use contradictions::CHECKS;
use contradictions::Machine;
pub(crate) use fixes::{Step, Unmanaged, steps};
use nix_shell_edit::OwnSetting;
use sccfg_util::fsio;
use sccfg_util::parallel::each_at_once;
use sccfg_util::problem::Problem;

/// The result of an audit.
#[derive(Debug)]
pub(crate) struct Audit {
    /// The repositories, by path.
    pub(crate) repositories: Vec<Audited>,
    /// Problems of the machine, not of one repository.
    pub(crate) machine: Vec<Diagnosis>,
}

/// A repository: one checkout of it, and git's list of the others.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(crate) files: Files,
    /// Without a policy: the settings in its shells and files.
    pub(crate) own: Vec<OwnSetting>,
    pub(crate) setup: Setup,
    /// Its checkouts, the examined one first.
    pub(crate) worktrees: Vec<Checkout>,
    /// The linked worktrees whose directory no longer exists.
    pub(crate) gone: Vec<Gone>,
    pub(crate) found: Vec<Diagnosis>,
}

/// A checkout of a repository.
#[derive(Debug)]
pub(crate) struct Checkout {
    /// The directory of the flake and the policy in it.
    pub(crate) root: PathBuf,
    pub(crate) is_linked: bool,
    pub(crate) has_policy: bool,
    /// Its target directory, if that was measured and exists.
    pub(crate) target: Option<TargetDir>,
}

/// A target directory.
#[derive(Debug, Clone)]
pub(crate) struct TargetDir {
    pub(crate) path: PathBuf,
    /// The bytes that its removal would free: those of files without a hard link elsewhere.
    pub(crate) frees: u64,
}

/// The changes that `apply` or `init` would make in a repository.
#[derive(Debug)]
pub(crate) enum Setup {
    /// It has a policy; these files are out of date.
    Managed { outdated: Vec<String> },
    /// Its policy is faulty.
    Faulty,
    /// `init` would edit or create these files.
    Edits(Vec<String>),
    /// It has no flake: `init` would generate one.
    Generates,
    /// `init` refuses.
    Refused(Problem),
}

impl Audited {
    /// The directory of the repository.
    pub(crate) fn root(&self) -> &Path {
        &self.files.repository.root
    }

    /// The policy, if it has one that can be read.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.files.policy()
    }

    /// Whether its builds use sccache: by its policy, or by a wrapper that it sets itself.
    pub(crate) fn uses_sccache(&self) -> bool {
        self.policy().is_some() || settings::wrapper(&self.own).is_some_and(settings::is_sccache)
    }

    /// The wrapper of its shells: that of the policy, or a program.
    pub(crate) fn wrapper(&self) -> Option<&str> {
        match self.policy() {
            Some(policy) => Some(policy.cargo.wrapper.name()),
            None => settings::program(&settings::wrapper(&self.own)?.value),
        }
    }

    fn add(
        &mut self,
        check: &'static Check,
        finding: impl IntoIterator<Item = crate::doctor::Finding>,
    ) {
        let findings = finding.into_iter();
        self.found
            .extend(findings.map(|finding| Diagnosis { check, finding }));
    }
}

/// The progress of an audit.
pub(crate) trait Listener: Sync {
    /// A step begins, with a number of parts if that is known.
    fn begin(&self, what: &str, parts: Option<u64>);
    /// A part is done.
    fn part(&self, path: &Path);
}

/// Examines every repository below `directories`. Sizes of target directories are slow to read.
///
/// # Errors
/// If one of the directories does not exist, or there is no home directory.
pub(crate) fn audit(
    directories: &[PathBuf],
    with_sizes: bool,
    listener: &dyn Listener,
) -> anyhow::Result<Audit> {
    listener.begin("searching", None);
    let found = search::repositories(directories, &|path| listener.part(path))?;
    listener.begin("checking", Some(found.len() as u64));
    let allowed = OnceLock::new();
    let mut repositories = each_at_once(&found, usize::MAX, |root| {
        let audited = examine(root, &|| allowed.get_or_init(allowed_by_direnv));
        listener.part(root);
        audited
    });
    if with_sizes {
        target_dirs::measure(&mut repositories, listener);
    }
    let machine = Machine::read()?;
    contradictions::compare(&mut repositories, &machine);
    Ok(Audit {
        machine: contradictions::of_machine(&repositories),
        repositories,
    })
}

fn examine<'a>(root: &Path, allowed: &dyn Fn() -> &'a BTreeSet<PathBuf>) -> Audited {
    let repository = Repository {
        root: root.to_owned(),
    };
    let files = Files::inside(repository);
    let (setup, in_shells) = setup(&files);
    let own = match (&files.policy, &setup) {
        (Ok(None), _) => settings::own(&files, in_shells),
        _ => Vec::new(),
    };
    let mut audited = Audited {
        worktrees: checkouts(&files),
        gone: files
            .worktree
            .as_ref()
            .map_or_else(Vec::new, Worktree::gone),
        found: Vec::new(),
        own,
        setup,
        files,
    };
    checks::run(&mut audited, allowed);
    audited
}

/// The changes that `apply` or `init` would make, and the existing settings of the dev shells.
fn setup(files: &Files) -> (Setup, Vec<OwnSetting>) {
    let repository = &files.repository;
    if files.policy.is_err() {
        return (Setup::Faulty, Vec::new());
    }
    if let Some(plan) = files.plan() {
        let outdated = plan.as_ref().map(|plan| {
            let outdated = plan
                .files
                .iter()
                .filter(|file| file.kind != FileKind::UserConfig);
            outdated
                .map(|file| plan.display(&file.change.path))
                .collect()
        });
        let outdated = outdated.unwrap_or_default();
        return (Setup::Managed { outdated }, Vec::new());
    }
    let has = |name| fsio::exists(&repository.path(name));
    if !has("flake.nix") && !has(plan::DEVENV_MODULE) {
        return (Setup::Generates, Vec::new());
    }
    match plan::init(repository, &init_options()) {
        Ok(plan) => {
            let names = plan.files.iter();
            let names = names.map(|file| plan.display(&file.change.path)).collect();
            (Setup::Edits(names), plan.own)
        }
        Err(problem) => (Setup::Refused(as_problem(problem)), Vec::new()),
    }
}

/// How `audit --fix --init` sets up a repository.
fn init_options() -> InitOptions {
    InitOptions {
        no_user_config: true,
        ..InitOptions::default()
    }
}

fn as_problem(error: anyhow::Error) -> Problem {
    error
        .downcast::<Problem>()
        .unwrap_or_else(|error| Problem::new(format!("{error:#}")))
}

/// The checkouts of the repository, the examined one first.
fn checkouts(files: &Files) -> Vec<Checkout> {
    let root = &files.repository.root;
    let checkout = |root: PathBuf, is_linked| Checkout {
        has_policy: fsio::exists(&root.join(FILE_NAME)),
        target: None,
        is_linked,
        root,
    };
    let Some(worktree) = &files.worktree else {
        return vec![checkout(root.clone(), false)];
    };
    let mut all = vec![checkout(root.clone(), worktree.is_linked())];
    let Ok(below) = root.strip_prefix(&worktree.root) else {
        return all;
    };
    let others = worktree.siblings().into_iter().map(|other| {
        let root: PathBuf = other.root.join(below).components().collect();
        checkout(root, other.is_linked())
    });
    all.extend(others);
    all
}
