//! The Nix files of a repository as the policy wants them.

use std::path::Path;

use anyhow::Result;

use super::{Plan, Repository, What};
use crate::flake::{self, Edited, How, Request, Sources};
use crate::hook::HookText;
use crate::policy::{Policy, Wrapper};
use crate::problem::Problem;

/// A flake that is not on disk yet, in front of the repository's other files.
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

    fn list(&self, folder: &Path) -> Vec<String> {
        self.repository.list(folder)
    }
}

/// Edits the flake in `sources` by `policy`.
pub(super) fn edit(
    sources: &dyn Sources,
    policy: &Policy,
    take_only_shell: bool,
) -> Result<Edited> {
    let hook = HookText {
        size: policy.cache.size,
        incremental: policy.cargo.incremental,
        wrapper: policy.cargo.wrapper,
    };
    let hook = hook.render()?;
    let request = Request {
        shells: &policy.shell.names,
        take_only_shell,
        incremental: policy.cargo.incremental,
        hook: &hook,
    };
    Ok(flake::edit(sources, &request)?)
}

/// Adds what was edited to the plan; `generated` when flake.nix is new.
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
        let summary = match (shells.as_slice(), wrapped) {
            ([], _) => "no dev shell any more".to_owned(),
            ([shell], false) => format!("dev shell {shell}"),
            ([shell], true) => format!("dev shell {shell}, wrapped"),
            (several, _) => format!("dev shells {}", several.join(", ")),
        };
        let new = generated && file.path == Path::new("flake.nix");
        let before = (!new).then_some(file.before);
        plan.change(
            What::Nix,
            repository.path(&file.path),
            before,
            Some(file.after),
            summary,
        );
    }
    plan.shells = edited.touched;
    plan.other_shells = edited.others;
    plan.warnings.extend(edited.warnings);
}

/// Refuses what this system cannot do.
pub(super) fn check_supported(policy: &Policy) -> Result<(), Problem> {
    match policy.cargo.wrapper {
        Wrapper::Portable if !cfg!(unix) => Err(Problem::new(
            "cargo.wrapper = \"portable\": there is no portable wrapper on this system",
        )
        .hint("use \"sccache\"")),
        Wrapper::Sccache | Wrapper::Portable => Ok(()),
    }
}
