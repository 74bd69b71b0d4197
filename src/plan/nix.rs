//! Edits of a repository's Nix files.

use std::path::Path;

use anyhow::Result;

use super::{FileKind, Managed, Plan, devenv};
use crate::hook_text::{HookText, Settings};
use crate::repository::Repository;
use crate::sccfg_toml::{FlakeRef, Incremental, Policy, ShellName};
use nix_shell_edit::{self, Edited, EditedFile, How, Request, Sources};
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

/// A repository with a generated flake that is not on disk yet.
pub(super) struct WithFlake<'a> {
    pub(super) repository: &'a Repository,
    pub(super) flake: String,
}

impl Sources for WithFlake<'_> {
    fn read(&self, path: &Path) -> Result<Option<String>, Problem> {
        if path == Path::new("flake.nix") {
            return Ok(Some(self.flake.clone()));
        }
        self.repository.read(path)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        self.repository.list(directory)
    }
}

/// The treatment of a cache size in the flake if the policy has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlakeSize {
    TakeOver,
    Drop,
}

/// The treatment of names of shells that the flake does not have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MissingShells<'a> {
    /// Whether to take the only shell that there is.
    pub(super) take_only_shell: bool,
    /// The names that are left out.
    pub(super) may_be_gone: &'a [ShellName],
}

pub(super) fn edit(
    sources: &dyn Sources,
    policy: &Policy,
    missing: MissingShells<'_>,
    flake_size: FlakeSize,
) -> Result<Edited> {
    let text = hook(policy);
    let request = Request {
        shells: &policy.shell.names,
        take_only_shell: missing.take_only_shell,
        may_be_gone: missing.may_be_gone,
        incremental: policy.cargo.incremental,
        hook: &text,
        hook_options: &hook_options(policy),
        wrapper: policy.cargo.wrapper,
        linker: policy.cargo.linker,
        input: policy.flake.input.as_ref().map(FlakeRef::as_str),
        devenv_imports: &devenv::imports(sources),
    };
    let with_size = |size: &str| {
        let mut policy = policy.clone();
        policy.cache.size = Some(ByteSize::parse_for_cache(size).ok()?);
        Some((hook(&policy), hook_options(&policy)))
    };
    Ok(match (policy.cache.size, flake_size) {
        (Some(_), _) | (None, FlakeSize::Drop) => nix_shell_edit::edit(sources, &request)?,
        (None, FlakeSize::TakeOver) => {
            nix_shell_edit::edit_with_size(sources, &request, &with_size)?
        }
    })
}

fn hook(policy: &Policy) -> String {
    HookText {
        size: policy.cache.size,
        incremental: policy.cargo.incremental,
        settings: Settings::InPolicy,
    }
    .render()
}

/// The argument of `lib.shellHook` of sccfg's flake for `policy`.
fn hook_options(policy: &Policy) -> String {
    let size = policy.cache.size.map(|size| format!("size = \"{size}\"; "));
    let incremental = match policy.cargo.incremental {
        Incremental::Off => None,
        other => Some(format!("incremental = \"{}\"; ", other.name())),
    };
    let options: String = size.into_iter().chain(incremental).collect();
    format!("{{ {options}}}")
}

/// Adds the edited files to the plan. `generated`: flake.nix is new.
pub(super) fn add(plan: &mut Plan, repository: &Repository, edited: Edited, generated: bool) {
    for file in edited.files {
        let mut shells: Vec<&str> = edited
            .touched
            .iter()
            .filter(|touched| touched.place.path == file.path)
            .map(|touched| touched.shell.as_str())
            .collect();
        shells.sort_unstable();
        shells.dedup();
        let wrapped = edited
            .touched
            .iter()
            .any(|touched| touched.place.path == file.path && touched.how == How::Wrapped);
        let is_flake = file.path == Path::new("flake.nix");
        let is_devenv = file.path == Path::new(devenv::MODULE) && !edited.in_flake;
        let mut summary = match (shells.as_slice(), wrapped) {
            ([], _) if edited.input => String::new(),
            ([], _) => "no managed dev shell".to_owned(),
            ([_], false) if is_devenv => "dev shell".to_owned(),
            ([_], true) if is_devenv => "dev shell, wrapped".to_owned(),
            ([shell], false) => format!("dev shell {shell}"),
            ([shell], true) => format!("dev shell {shell}, wrapped"),
            (several, _) => format!("dev shells {}", several.join(", ")),
        };
        if edited.input && (is_flake || summary.is_empty()) {
            let what = if is_flake { "input" } else { "argument" };
            let comma = if summary.is_empty() { "" } else { ", " };
            summary.push_str(&format!("{comma}{what} sccfg"));
        }
        plan.warnings.extend(generated_warning(&file));
        let new = generated && is_flake;
        let before = (!new).then_some(file.before);
        plan.change_parsed_nix(repository.path(&file.path), before, file.after, summary);
    }
    plan.managed = Managed {
        in_flake: edited.in_flake,
        in_devenv: edited.in_devenv,
    };
    plan.shells = edited.touched;
    plan.other_shells = edited.others;
    plan.own = edited.own;
    plan.warnings.extend(edited.warnings);
}

/// The warning about a file that another program writes: its first comment says so.
fn generated_warning(file: &EditedFile) -> Option<Problem> {
    let says_so = |line: &str| {
        let line = line.to_lowercase().replace('-', " ");
        ["do not edit", "auto generated", "autogenerated"]
            .iter()
            .any(|words| line.contains(words))
    };
    let comment = file.before.lines().take_while(|line| line.starts_with('#'));
    let (line, _) = comment.enumerate().find(|(_, line)| says_so(line))?;
    let what = "this comment says that the file is generated: writing it again removes the edit";
    let lines = file.before.split_inclusive('\n');
    let offset = lines.take(line).map(str::len).sum();
    Some(
        Problem::new(what)
            .at(Place::at(&file.path, &file.before, offset))
            .hint("run `sccfg apply` each time after that, or add the lines where the file is generated from"),
    )
}

/// Adds a step if the input is missing in `flake.lock`, or no longer needed there.
pub(super) fn note_lock(
    plan: &mut Plan,
    repository: &Repository,
    wanted: Option<&FlakeRef>,
) -> Result<(), Problem> {
    if !plan.files.iter().any(|file| file.kind == FileKind::Nix) {
        return Ok(());
    }
    let Some(lock) = repository.read_file("flake.lock")? else {
        return Ok(());
    };
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap_or_default();
    let root = lock["root"].as_str().unwrap_or("root");
    let is_locked = !lock["nodes"][root]["inputs"]["sccfg"].is_null();
    let verb = match (wanted, is_locked) {
        (Some(_), false) => "adds the input sccfg to",
        (None, true) => "removes the input sccfg from",
        _ => return Ok(()),
    };
    plan.next.push(format!(
        "the next `nix develop` {verb} flake.lock; to do it now: nix flake lock"
    ));
    Ok(())
}
