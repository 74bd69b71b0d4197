//! S060: `.envrc` sets a variable after it has loaded the dev shell.

use std::path::Path;

use super::files::Files;
use super::server_stopped_by_hooks::comment_out;
use super::{Check, Finding, Remedy, Where};
use crate::sccfg_toml::Wrapper;
use crate::worktrees::Worktree;
use nix_shell_edit::{Assigned, assigned};
use sccfg_util::problem::Place;

pub(super) static CHECK: Check = Check {
    code: "S060",
    name: "variable set after the dev shell",
    why: "the later value replaces it, so the policy of sccfg.toml has no effect in shells that direnv loads",
    find: |context| find(context),
};

pub(super) fn find(files: &Files) -> Vec<Finding> {
    let mut all = files.shell_files().iter();
    let Some(file) = all.find(|file| file.path.ends_with(".envrc")) else {
        return Vec::new();
    };
    let mut offset = 0;
    let mut is_loaded = false;
    let mut findings = Vec::new();
    for line in file.text.split_inclusive('\n') {
        let start = offset + (line.len() - line.trim_start().len());
        offset += line.len();
        is_loaded |= line.trim_start().starts_with("use flake");
        if !is_loaded {
            continue;
        }
        let Some(found) = assigned(line) else {
            continue;
        };
        if is_harmless(&found, files) {
            continue;
        }
        let place = Place::at(&file.shown, &file.text, start);
        let what = format!("{} is set after `use flake`", found.name);
        let remedy = Remedy::Words("delete the line, or move it above `use flake`".to_owned());
        let fix = comment_out(file, &place).filter(|_| found.is_whole);
        let finding = Finding::warning(what, remedy).at(Where::File(place));
        findings.push(finding.fixed_by(fix));
    }
    findings
}

/// Whether the value is the one that the dev shell has anyway.
fn is_harmless(found: &Assigned, files: &Files) -> bool {
    let Some(policy) = files.policy() else {
        return true;
    };
    let Some(value) = &found.value else {
        return false;
    };
    match found.name {
        "RUSTC_WRAPPER" => {
            let is_sccache = Path::new(value)
                .file_stem()
                .is_some_and(|stem| stem == "sccache");
            is_sccache && policy.cargo.wrapper == Wrapper::Sccache
        }
        "CARGO_INCREMENTAL" => {
            let is_linked = files.worktree.as_ref().is_some_and(Worktree::is_linked);
            policy.cargo.incremental.is_off(is_linked) && value == "0"
        }
        _ => false,
    }
}
