//! `sccfg init`: from a repository as it is to one with sccache in force.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::direnv::{self, Wish};
use super::generated::Maker;
use super::nix::{self, OwnSize, WithFlake};
use super::{Plan, What, cargo_config, generated, user_config};
use crate::repository::Repository;
use crate::sccfg_toml::{self, FlakeRef, Incremental, Policy, ShellName, Wrapper};
use nix_shell_edit::generate;
use nix_shell_edit::generate::{
    Project, Sources as ProjectFiles, TOOLCHAIN_FILES, Toolchain, ToolchainFile,
};
use sccfg_util::problem::Problem;
use sccfg_util::size::{ByteSize, ParseSizeError};

/// What is asked of `init`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Init {
    /// The cache size to ask of the machine.
    pub size: Option<ByteSize>,
    /// The cache directory to write into the user config.
    pub cache_dir: Option<PathBuf>,
    /// The policy on incremental compilation, if it is to change.
    pub incremental: Option<Incremental>,
    /// The wrapper, if it is to change.
    pub wrapper: Option<Wrapper>,
    /// The dev shells to manage beside those that are.
    pub shells: Vec<ShellName>,
    /// Where a generated flake takes Rust from.
    pub toolchain: Option<Toolchain>,
    /// Whether the user's sccache config is left alone.
    pub no_user_config: bool,
    /// Whether cargo's config files are edited where they contradict the policy.
    pub fix_cargo_config: bool,
    /// Whether direnv is to enter the shell.
    pub direnv: bool,
    /// Where sccfg comes from as an input of the flake, if that is to change.
    pub input: Option<FlakeRef>,
}

/// Plans the set-up of a repository.
///
/// # Errors
/// When a file cannot be read, or a dev shell cannot be edited safely.
pub(crate) fn init(repository: &Repository, wanted: &Init) -> Result<Plan> {
    let mut plan = Plan::new(&repository.root);
    let existing = repository.policy()?;
    let mut policy = existing
        .as_ref()
        .map_or_else(Policy::default, |(policy, _)| policy.clone());
    merge(&mut policy, wanted, existing.is_some());
    nix::check_supported(&policy)?;
    plan.note(&policy);
    plan.warnings.extend(shares_nothing(&policy));

    let take_only_shell = existing.is_none() && wanted.shells.is_empty();
    let new_flake = match repository.read_file("flake.nix")? {
        Some(_) => None,
        None => Some(new_flake(repository, wanted.toolchain, &mut plan)?),
    };
    let edited = match &new_flake {
        Some(flake) => {
            let sources = WithFlake {
                repository,
                flake: flake.clone(),
            };
            nix::edit(&sources, &policy, take_only_shell, OwnSize::TakeOver)?
        }
        None => nix::edit(repository, &policy, take_only_shell, OwnSize::TakeOver)?,
    };
    if policy.cache.size.is_none()
        && let Some(size) = &edited.size
    {
        match size.parse() {
            Ok(size) => policy.cache.size = Some(size),
            Err(error) => plan.warnings.push(unread_size(&error)),
        }
    }
    if take_only_shell && let Some(only) = edited.touched.first() {
        policy.shell.names = vec![only.shell.parse()?];
    }
    nix::add(&mut plan, repository, edited, new_flake.is_some());
    add_policy(
        &mut plan,
        repository,
        &policy,
        existing.map(|(_, text)| text),
    )?;
    if !wanted.no_user_config {
        user_config::grow(&mut plan, policy.cache.size, wanted.cache_dir.as_deref())?;
    }
    cargo_config::look(
        &mut plan,
        repository,
        policy.cargo.incremental,
        wanted.fix_cargo_config,
    )?;
    what_next(&mut plan, repository, new_flake.is_some());
    nix::note_lock(&mut plan, repository, policy.flake.input.as_ref())?;
    let wish = if wanted.direnv {
        Wish::Manage
    } else {
        Wish::AsItIs
    };
    direnv::manage(&mut plan, repository, &policy, wish)?;
    Ok(plan.checked()?)
}

fn merge(policy: &mut Policy, wanted: &Init, existing: bool) {
    policy.cache.size = wanted.size.or(policy.cache.size);
    policy.cargo.incremental = wanted.incremental.unwrap_or(policy.cargo.incremental);
    policy.cargo.wrapper = wanted.wrapper.unwrap_or(policy.cargo.wrapper);
    policy.flake.input = wanted.input.clone().or(policy.flake.input.take());
    if !wanted.shells.is_empty() && !existing {
        policy.shell.names.clear();
    }
    for name in &wanted.shells {
        if !policy.shell.names.contains(name) {
            policy.shell.names.push(name.clone());
        }
    }
}

/// What `auto` costs: sccache has `CARGO_INCREMENTAL` in every key, and it is only set in linked
/// worktrees.
fn shares_nothing(policy: &Policy) -> Option<Problem> {
    let is_so =
        policy.cargo.incremental == Incremental::Auto && policy.cargo.wrapper == Wrapper::Sccache;
    is_so.then(|| {
        Problem::new(
            "with incremental = \"auto\", linked worktrees share nothing with the primary checkout: \
             CARGO_INCREMENTAL is in sccache's keys",
        )
        .hint("--wrapper portable shares the dependencies, --incremental off everything")
    })
}

fn unread_size(error: &ParseSizeError) -> Problem {
    Problem::new(format!(
        "the flake's SCCACHE_CACHE_SIZE was taken out: {error}"
    ))
    .hint("say what the repository asks for: sccfg init --size 24GiB")
}

fn new_flake(
    repository: &Repository,
    toolchain: Option<Toolchain>,
    plan: &mut Plan,
) -> Result<String> {
    let root = std::path::absolute(&repository.root)?;
    let directory_name = root
        .file_name()
        .map_or_else(|| "project".into(), |name| name.to_string_lossy());
    let cargo_toml = repository.read_file("Cargo.toml")?;
    let cargo_lock = repository.read_file("Cargo.lock")?;
    let mut toolchain_file = None;
    for name in TOOLCHAIN_FILES {
        if toolchain_file.is_none() {
            toolchain_file = repository.read_file(name)?.map(|text| (name, text));
        }
    }
    let project = Project::detect(&ProjectFiles {
        directory_name: &directory_name,
        cargo_toml: cargo_toml.as_deref(),
        cargo_lock: cargo_lock.as_deref(),
        toolchain_file: toolchain_file.as_ref().map(|(name, text)| ToolchainFile {
            name,
            text: text.as_str(),
        }),
        toolchain,
    })?;
    plan.next.extend(project.left_to_do().map(str::to_owned));
    Ok(generated::with_header(
        Maker::Init,
        &generate::generate(&project)?,
    ))
}

fn add_policy(
    plan: &mut Plan,
    repository: &Repository,
    policy: &Policy,
    before: Option<String>,
) -> Result<()> {
    let path = repository.path(sccfg_toml::FILE_NAME);
    let after = match &before {
        Some(text) => policy.update(Path::new(sccfg_toml::FILE_NAME), text)?,
        None => policy.render()?,
    };
    let asks = policy
        .cache
        .size
        .map_or_else(String::new, |size| format!(", asks for {size}"));
    let keys = match policy.cargo.wrapper {
        Wrapper::Sccache => "",
        Wrapper::Portable => ", portable keys",
    };
    let summary = format!(
        "incremental {}{keys}{asks}",
        policy.cargo.incremental.name()
    );
    plan.change(What::Policy, path, before, Some(after), summary);
    Ok(())
}

fn what_next(plan: &mut Plan, repository: &Repository, generated: bool) {
    if plan.is_empty() {
        return;
    }
    if generated && repository.is_in_git() {
        plan.unknown_to_git = vec!["flake.nix".into(), sccfg_toml::FILE_NAME.into()];
    }
    let has_default = plan.shells.iter().any(|shell| shell.shell == "default");
    let name = match plan.shells.first() {
        Some(shell) if !has_default => format!(" .#{}", shell.shell),
        _ => String::new(),
    };
    plan.next
        .push(format!("enter the shell: nix develop{name}"));
    if !plan.other_shells.is_empty() {
        plan.next.push(format!(
            "other dev shells stay as they are: {}; to add one: sccfg init --shell NAME",
            plan.other_shells.join(", ")
        ));
    }
}
