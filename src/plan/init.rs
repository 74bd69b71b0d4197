//! `sccfg init`: sets up a repository.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::direnv::{self, Envrc};
use super::generated::Generator;
use super::nix::{self, FlakeSize, MissingShells, WithFlake};
use super::{
    DEVENV_MODULE, FileKind, Plan, cargo_config, devenv, generated, linker_config, user_config,
};
use crate::repository::Repository;
use crate::sccfg_toml::{
    self, FlakeRef, Incremental, Linker, LinkerConfig, Policy, ShellName, Wrapper,
};
use nix_shell_edit::generate;
use nix_shell_edit::generate::{
    Project, SHELL_NIX, ShellNix, Sources as ProjectFiles, TOOLCHAIN_FILES, Toolchain,
    ToolchainFile,
};
use sccfg_util::fsio;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::size::{ByteSize, CacheSizeError};

/// Options of `sccfg init`.
#[derive(Debug, Clone, Default)]
pub(crate) struct InitOptions {
    /// The cache size to request.
    pub size: Option<ByteSize>,
    /// The cache directory to write into sccache's config file.
    pub cache_dir: Option<PathBuf>,
    /// The new policy for incremental compilation.
    pub incremental: Option<Incremental>,
    /// The new wrapper.
    pub wrapper: Option<Wrapper>,
    /// The new linker.
    pub linker: Option<Linker>,
    /// Whether cargo's configuration names the linker.
    pub linker_config: Option<LinkerConfig>,
    /// Dev shells to manage in addition.
    pub shells: Vec<ShellName>,
    /// The source of Rust in a generated flake.
    pub toolchain: Option<Toolchain>,
    /// Whether sccache's config file stays unchanged.
    pub no_user_config: bool,
    /// Whether contradictions of the policy in cargo's config files are commented out.
    pub fix_cargo_config: bool,
    /// Whether to write `.envrc`.
    pub direnv: bool,
    /// The new URL of sccfg as an input of the flake.
    pub input: Option<FlakeRef>,
}

/// Plans the set-up of a repository.
///
/// # Errors
/// If a file cannot be read, or a dev shell cannot be edited safely.
pub(crate) fn init(repository: &Repository, options: &InitOptions) -> Result<Plan> {
    let mut plan = Plan::new(&repository.root);
    let existing = repository.policy()?;
    let mut policy = existing
        .as_ref()
        .map_or_else(Policy::default, |(policy, _)| policy.clone());
    merge(&mut policy, options, existing.is_some());
    plan.note(&policy);
    plan.warnings.extend(auto_warning(&policy));
    plan.warnings.extend(distance_warning(repository, &policy));

    let take_only_shell = existing.is_none() && options.shells.is_empty();
    // A shell that was renamed is replaced by the one that is asked for.
    let may_be_gone = match (&existing, options.shells.is_empty()) {
        (Some((before, _)), false) => before.shell.names.as_slice(),
        _ => &[],
    };
    let may_be_gone: Vec<ShellName> = may_be_gone
        .iter()
        .filter(|name| !options.shells.contains(name))
        .cloned()
        .collect();
    let missing = MissingShells {
        take_only_shell,
        may_be_gone: &may_be_gone,
    };
    let has_shells = repository.read_file("flake.nix")?.is_some()
        || repository.read_file(DEVENV_MODULE)?.is_some();
    let new_flake = if has_shells {
        None
    } else {
        refuse_other_shells(&policy.shell.names, &may_be_gone)?;
        Some(new_flake(repository, options.toolchain, &mut plan)?)
    };
    let edited = match &new_flake {
        Some(flake) => {
            let sources = WithFlake {
                repository,
                flake: flake.clone(),
            };
            nix::edit(&sources, &policy, missing, FlakeSize::TakeOver)?
        }
        None => nix::edit(repository, &policy, missing, FlakeSize::TakeOver)?,
    };
    if policy.cache.size.is_none()
        && let Some(size) = &edited.size
    {
        match ByteSize::parse_for_cache(size) {
            Ok(size) => policy.cache.size = Some(size),
            Err(error) => plan.warnings.push(size_warning(&error)),
        }
    }
    if take_only_shell && let Some(only) = edited.touched.first() {
        policy.shell.names = vec![only.shell.parse()?];
    }
    let gone = edited.gone.clone();
    policy.shell.names.retain(|name| !gone.contains(name));
    let path = Path::new("flake.nix");
    if let Some(flake) = &new_flake
        && !edited.files.iter().any(|file| file.path == path)
    {
        // The shell is in shell.nix.
        plan.change_parsed_nix(
            repository.path(path),
            None,
            flake.clone(),
            "loads shell.nix".to_owned(),
        );
    }
    nix::add(&mut plan, repository, edited, new_flake.is_some());
    add_policy(
        &mut plan,
        repository,
        &policy,
        existing.map(|(_, text)| text),
        &gone,
    )?;
    if !options.no_user_config {
        user_config::grow(&mut plan, policy.cache.size, options.cache_dir.as_deref())?;
    }
    cargo_config::check(
        &mut plan,
        repository,
        policy.cargo.incremental,
        options.fix_cargo_config,
    )?;
    linker_config::manage(&mut plan, repository, &policy.cargo)?;
    add_next_steps(&mut plan, repository, &policy, new_flake.is_some());
    devenv::manage(&mut plan, repository, &policy)?;
    nix::note_lock(&mut plan, repository, policy.flake.input.as_ref())?;
    let envrc = if options.direnv {
        Envrc::Manage
    } else {
        Envrc::IfManaged
    };
    direnv::manage(&mut plan, repository, &policy, envrc)?;
    Ok(plan.checked()?)
}

/// Refuses shells that a generated flake does not have, but for names that may be gone.
fn refuse_other_shells(names: &[ShellName], may_be_gone: &[ShellName]) -> Result<(), Problem> {
    let is_other = |name: &&ShellName| name.as_str() != "default" && !may_be_gone.contains(name);
    let Some(other) = names.iter().find(is_other) else {
        return Ok(());
    };
    let what = format!("no dev shell `{other}`: there is no flake.nix");
    Err(Problem::new(what).hint(
        "write a flake.nix with this shell first; \
         or let sccfg generate one, with the shell default: sccfg init --shell default",
    ))
}

fn merge(policy: &mut Policy, options: &InitOptions, existing: bool) {
    policy.cache.size = options.size.or(policy.cache.size);
    policy.cargo.incremental = options.incremental.unwrap_or(policy.cargo.incremental);
    policy.cargo.wrapper = options.wrapper.unwrap_or(policy.cargo.wrapper);
    policy.cargo.linker = options.linker.unwrap_or(policy.cargo.linker);
    policy.cargo.linker_config = options.linker_config.unwrap_or(policy.cargo.linker_config);
    policy.flake.input = options.input.clone().or(policy.flake.input.take());
    if !options.shells.is_empty() && !existing {
        policy.shell.names.clear();
    }
    for name in &options.shells {
        if !policy.shell.names.contains(name) {
            policy.shell.names.push(name.clone());
        }
    }
}

/// A warning about `auto`: the variable `CARGO_INCREMENTAL`, which is part of sccache's keys, is only
/// set in linked worktrees.
pub(crate) fn auto_warning(policy: &Policy) -> Option<Problem> {
    let is_auto =
        policy.cargo.incremental == Incremental::Auto && policy.cargo.wrapper == Wrapper::Sccache;
    is_auto.then(|| {
        Problem::new(
            "with incremental = \"auto\", linked worktrees share nothing with the primary checkout: \
             CARGO_INCREMENTAL is part of sccache's keys",
        )
        .hint("use --wrapper portable to share dependencies, or --incremental off")
    })
}

/// A warning if cargo runs above the directory of the flake. The hook does not find `sccfg.toml` from there, and the shell
/// has only what the flake itself sets.
fn distance_warning(repository: &Repository, policy: &Policy) -> Option<Problem> {
    let needs_the_hook = policy.cache.size.is_some()
        || policy.cargo.wrapper == Wrapper::Portable
        || policy.cargo.incremental != Incremental::Off;
    let root = std::path::absolute(&repository.root).ok()?;
    let has = |directory: &Path, name: &str| fsio::exists(&directory.join(name));
    if !needs_the_hook || has(&root, ".git") || has(&root, "Cargo.toml") {
        return None;
    }
    let mut above = root.ancestors().skip(1);
    let in_git = above.clone().position(|directory| has(directory, ".git"))?;
    let cargo = above
        .by_ref()
        .take(in_git + 1)
        .find(|directory| has(directory, "Cargo.toml"))?;
    let below = root.strip_prefix(cargo).ok()?.to_string_lossy();
    let enter = repository.enter_command();
    let of = match enter {
        "devenv shell" => "devenv.nix",
        _ => "the flake",
    };
    Some(
        Problem::new(format!(
            "a shell that is entered in {} does not use {}: it is searched upwards from there",
            cargo.display(),
            sccfg_toml::FILE_NAME
        ))
        .hint(format!(
            "enter it in the directory of {of}: cd {} && {enter}",
            quote(&below)
        )),
    )
}

/// A warning about a flake with shells in a directory directly below, if it belongs to this repository.
fn other_flake_warning(repository: &Repository) -> Option<Problem> {
    let mut names = fsio::names_in(&repository.root);
    names.retain(|name| {
        let has = |file: &str| fsio::exists(&repository.path(name).join(file));
        let path = Path::new(name).join("flake.nix");
        let flake = repository.read_file(path).ok().flatten();
        flake.is_some_and(|text| text.contains("devShell")) && !has(".git") && !has("Cargo.toml")
    });
    let name = names.first()?;
    Some(
        Problem::new(format!("the new flake does not use {name}/flake.nix")).hint(format!(
            "to set up that one instead: sccfg init {}",
            quote(name)
        )),
    )
}

fn size_warning(error: &CacheSizeError) -> Problem {
    Problem::new(format!(
        "SCCACHE_CACHE_SIZE was removed from the flake: {error}"
    ))
    .hint("request a size: sccfg init --size 24GiB")
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
    let sources = ProjectFiles {
        directory_name: &directory_name,
        cargo_toml: cargo_toml.as_deref(),
        cargo_lock: cargo_lock.as_deref(),
        toolchain_file: toolchain_file.as_ref().map(|(name, text)| ToolchainFile {
            name,
            text: text.as_str(),
        }),
        toolchain,
    };
    if let Some(text) = repository.read_file(SHELL_NIX)? {
        match (ShellNix::read(&text), toolchain) {
            (Some(shell), None) => {
                let flake = generate::generate_for(shell, &sources)?;
                return Ok(generated::with_header(Generator::Init, &flake));
            }
            (shell, _) => plan.warnings.push(shell_nix_warning(shell, toolchain)),
        }
    }
    plan.warnings.extend(other_flake_warning(repository));
    let project = Project::detect(&sources)?;
    plan.next.extend(project.manual_steps().map(str::to_owned));
    Ok(generated::with_header(
        Generator::Init,
        &generate::generate(&project)?,
    ))
}

/// The warning that a new flake does not load `shell.nix`.
fn shell_nix_warning(loadable: Option<ShellNix>, toolchain: Option<Toolchain>) -> Problem {
    let change = loadable.map_or(
        "copy its packages to flake.nix; or let it take nixpkgs as `{ pkgs ? import <nixpkgs> { } }:`, ",
        |_| "to load it: ",
    );
    let option = toolchain.map_or("", |_| " without --toolchain");
    Problem::new(
        "the new flake does not use shell.nix, whose shell `nix-shell` and `use nix` load as before",
    )
    .hint(format!(
        "{change}delete flake.nix, and run `sccfg init` again{option}"
    ))
}

fn add_policy(
    plan: &mut Plan,
    repository: &Repository,
    policy: &Policy,
    before: Option<String>,
    gone: &[ShellName],
) -> Result<()> {
    let path = repository.path(sccfg_toml::FILE_NAME);
    let after = match &before {
        Some(text) => policy.update(Path::new(sccfg_toml::FILE_NAME), text)?,
        None => policy.render()?,
    };
    let request = policy
        .cache
        .size
        .map_or_else(String::new, |size| format!(", requests {size}"));
    let keys = match policy.cargo.wrapper {
        Wrapper::Sccache => "",
        Wrapper::Portable => ", portable keys",
    };
    let linker = match policy.cargo.linker {
        Linker::System => String::new(),
        other => format!(", linker {}", other.name()),
    };
    let gone: String = gone
        .iter()
        .map(|name| format!(", no longer the dev shell {name}"))
        .collect();
    let summary = format!(
        "incremental {}{keys}{linker}{request}{gone}",
        policy.cargo.incremental.name()
    );
    plan.change(FileKind::Policy, path, before, Some(after), summary);
    Ok(())
}

fn add_next_steps(plan: &mut Plan, repository: &Repository, policy: &Policy, generated: bool) {
    if plan.is_empty() {
        return;
    }
    let reference = repository.flake_reference();
    if generated && repository.is_in_git() && reference == "." {
        plan.untracked = vec!["flake.nix".into(), sccfg_toml::FILE_NAME.into()];
    }
    let names = &policy.shell.names;
    let name = match names.first() {
        Some(first) if !names.contains(&ShellName::default()) => {
            format!(" {}", installable(reference, first.as_str()))
        }
        _ if reference == "." => String::new(),
        _ => format!(" {reference}"),
    };
    if plan.managed.is_only_devenv() {
        plan.next.push("enter the shell: devenv shell".to_owned());
    } else {
        plan.next
            .push(format!("enter the shell: nix develop{name}"));
        if plan.managed.in_devenv {
            plan.next
                .push("enter the shell of devenv.nix: devenv shell".to_owned());
        }
    }
    if !plan.other_shells.is_empty() {
        plan.next.push(format!(
            "other dev shells are not managed: {}; to add one: sccfg init --shell NAME",
            plan.other_shells.join(", ")
        ));
    }
}

/// The argument of `nix develop` for the dev shell `name` of the flake `reference`, quoted for a shell.
fn installable(reference: &str, name: &str) -> String {
    let plain = format!("{reference}#{name}");
    if quote(name) == name {
        plain
    } else {
        quote(&plain)
    }
}
