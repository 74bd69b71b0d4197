//! `sccfg doctor`: what is wrong with this shell, repository and machine. One check a file; each has a
//! stable code and a section in `docs/doctor.md`.

mod build_stamps;
mod cache_full;
mod cargo_env_table;
mod cargo_incremental;
mod cargo_user_wrapper;
mod cargo_wrapper;
mod config_file;
mod config_topics;
mod context;
mod direnv;
mod envrc_overrides;
pub(crate) mod explain;
mod file_systems;
mod files;
mod finding;
mod flakes_disabled;
mod home_manager_link;
mod hostile_flags;
mod ignored_variables;
mod incremental_variable;
mod policy_file;
mod regions;
mod rekeying_variables;
mod running_server;
mod rust_analyzer;
mod sccache_missing;
mod sccache_versions;
mod server_address;
mod server_back_ends;
mod server_orphaned;
mod server_settings;
mod server_stopped_by_hooks;
mod server_version;
mod service_failing;
mod shared_target_dir;
mod size_in_file;
mod store_path_gone;
mod store_settings;
mod unusable_directories;
mod worktrees_without_hook;
mod wrapper_relative;
mod wrapper_unset;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::config_file::ConfigFile;
use crate::repository::Repository;
use crate::sccfg_toml::Wrapper;

pub(crate) use cargo_wrapper::CHECK as WRAPPER_TWICE;
pub(crate) use config_topics::REPLACED_TABLE;
use context::Context;
pub(crate) use files::Files;
pub(crate) use finding::{Diagnosis, Finding, Fix, Remedy, Severity, Where};
pub(crate) use incremental_variable::CHECK as INCREMENTAL;
pub(crate) use regions::{REQUEST, request};
use sccfg_util::problem::Problem;
pub(crate) use worktrees_without_hook::allowed_by_direnv;

/// A check.
#[derive(Debug)]
pub(crate) struct Check {
    /// `S001` and so on. A code is never used again for another check.
    pub code: &'static str,
    /// The name in words, as in the heading of its section in `docs/doctor.md`.
    pub name: &'static str,
    /// Why the problem matters, in one sentence.
    pub why: &'static str,
    find: fn(&Context) -> Vec<Finding>,
}

impl Check {
    /// A check that only `sccfg audit` makes.
    pub(crate) const fn of_audit(
        code: &'static str,
        name: &'static str,
        why: &'static str,
    ) -> Self {
        Self {
            code,
            name,
            why,
            find: |_| Vec::new(),
        }
    }
}

/// All checks, by code.
pub(crate) static CHECKS: &[&Check] = &[
    &sccache_missing::CHECK,
    &sccache_versions::CHECK,
    &wrapper_relative::CHECK,
    &wrapper_unset::CHECK,
    &config_file::CHECK,
    &config_topics::VARIABLE,
    &config_topics::REPLACED_TABLE,
    &config_topics::BACK_ENDS,
    &config_topics::DISK,
    &store_settings::CHECK,
    &size_in_file::CHECK,
    &regions::REQUEST,
    &ignored_variables::CHECK,
    &server_settings::CHECK,
    &server_version::CHECK,
    &server_address::FOREIGN,
    &server_address::UNRESPONSIVE,
    &server_orphaned::CHECK,
    &server_back_ends::CHECK,
    &service_failing::CHECK,
    &incremental_variable::CHECK,
    &cargo_incremental::CHECK,
    &cargo_wrapper::CHECK,
    &cargo_env_table::CHECK,
    &shared_target_dir::CHECK,
    &rekeying_variables::CHECK,
    &hostile_flags::CHECK,
    &build_stamps::CHECK,
    &rust_analyzer::CHECK,
    &cargo_user_wrapper::CHECK,
    &cache_full::CHECK,
    &file_systems::DIFFERENT,
    &file_systems::NETWORK,
    &policy_file::CHECK,
    &regions::OUTDATED,
    &regions::WARNINGS,
    &server_stopped_by_hooks::CHECK,
    &store_path_gone::CHECK,
    &home_manager_link::CHECK,
    &direnv::NOT_ALLOWED,
    &direnv::NO_CACHE,
    &worktrees_without_hook::CHECK,
    &flakes_disabled::CHECK,
    &envrc_overrides::CHECK,
    &unusable_directories::CHECK,
    &cargo_user_wrapper::REGION,
];

fn as_problem(error: anyhow::Error) -> Problem {
    error
        .downcast::<Problem>()
        .unwrap_or_else(|error| Problem::new(format!("{error:#}")))
}

/// The findings of the checks.
#[derive(Debug)]
pub(crate) struct Examination {
    /// The directory of the repository; places in it are relative to it.
    pub root: PathBuf,
    /// The most severe first.
    pub found: Vec<Diagnosis>,
}

/// The findings in the files of a repository, without those of the shell, the server and the user's own files.
/// Settings that matter to sccache alone are checked if the repository `uses_sccache`.
pub(crate) fn examine_files<'a>(
    files: &Files,
    uses_sccache: bool,
    allowed_by_direnv: &dyn Fn() -> &'a BTreeSet<PathBuf>,
) -> Vec<Diagnosis> {
    let policy = files.policy();
    let is_portable = policy.is_some_and(|policy| policy.cargo.wrapper == Wrapper::Portable);
    let mut found = Vec::new();
    let mut add = |check: &'static Check, findings: Vec<Finding>| {
        let findings = findings.into_iter();
        found.extend(findings.map(|finding| Diagnosis { check, finding }));
    };
    add(&size_in_file::CHECK, size_in_file::find(files));
    if uses_sccache {
        add(&cargo_incremental::CHECK, cargo_incremental::find(files));
        add(&cargo_wrapper::CHECK, cargo_wrapper::find(files));
        let in_env = cargo_env_table::find(files, is_portable);
        add(&cargo_env_table::CHECK, in_env);
        add(
            &hostile_flags::CHECK,
            hostile_flags::in_files(files, is_portable),
        );
    }
    add(&policy_file::CHECK, policy_file::find(files));
    add(&regions::OUTDATED, regions::find_outdated(files));
    add(&regions::WARNINGS, regions::find_warnings(files));
    let stopping = server_stopped_by_hooks::in_files(files);
    add(&server_stopped_by_hooks::CHECK, stopping);
    add(&store_path_gone::CHECK, store_path_gone::in_files(files));
    if policy.is_some() {
        let worktrees = worktrees_without_hook::find(files, allowed_by_direnv());
        add(&worktrees_without_hook::CHECK, worktrees);
        add(&envrc_overrides::CHECK, envrc_overrides::find(files));
    }
    found
}

/// The findings in the user's own files, which concern every repository.
pub(crate) fn examine_users_files() -> Vec<Diagnosis> {
    let root = PathBuf::from("/");
    let repository = Repository { root: root.clone() };
    let files = Files::around(repository, &root);
    let mut found = Vec::new();
    for (check, findings) in [
        (&cargo_user_wrapper::CHECK, cargo_user_wrapper::find(&files)),
        (
            &cargo_user_wrapper::REGION,
            cargo_user_wrapper::find_damage(&files, ConfigFile::load().ok().as_ref()),
        ),
        (
            &cargo_env_table::CHECK,
            cargo_env_table::find(&files, false),
        ),
        (
            &hostile_flags::CHECK,
            hostile_flags::in_files(&files, false),
        ),
        (
            &server_stopped_by_hooks::CHECK,
            server_stopped_by_hooks::in_profiles(),
        ),
        (&store_path_gone::CHECK, store_path_gone::in_files(&files)),
    ] {
        let findings = findings.into_iter();
        found.extend(findings.map(|finding| Diagnosis { check, finding }));
    }
    found
}

/// Runs all checks around `start`.
///
/// # Errors
/// If there is no home directory.
pub(crate) fn examine(start: &Path) -> Result<Examination> {
    let context = Context::gather(start)?;
    let mut found: Vec<Diagnosis> = Vec::new();
    for check in CHECKS.iter().copied() {
        let findings = (check.find)(&context).into_iter();
        found.extend(findings.map(|finding| Diagnosis { check, finding }));
    }
    found.sort_by_key(|diagnosis| std::cmp::Reverse(diagnosis.finding.severity));
    Ok(Examination {
        root: context.repository.root.clone(),
        found,
    })
}
