//! S054: a path of the Nix store that no longer exists.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::files::Files;
use super::{Check, Finding, Remedy, Where};
use crate::cargo_config::programs_in;
use sccfg_util::{env, fsio};

pub(super) static CHECK: Check = Check {
    code: "S054",
    name: "store path that is gone",
    why: "the garbage collector removed what a shell or a file still names, so programs are missing",
    find,
};

/// Variables that name programs of a build.
const VARIABLES: [&str; 8] = [
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "SCCFG_SCCACHE",
    "RUSTC",
    "RUSTDOC",
    "CC",
    "CXX",
    "LD",
];

fn find(context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    let enter = || {
        Remedy::Words(
            "leave the shell and enter it again: `nix develop`, or `direnv reload`".to_owned(),
        )
    };
    for name in VARIABLES {
        let value = program_of(&env::var(name).unwrap_or_default());
        if is_gone(&value) {
            let what = format!("{name} names {}, which does not exist", value.display());
            let place = Where::Variable(name.to_owned());
            findings.push(Finding::error(what, enter()).at(place));
        }
    }
    findings.extend(in_files(context));
    findings
}

/// The findings in the files of a repository.
pub(super) fn in_files(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    let direnv = files.repository.path(".direnv");
    for name in fsio::names_in(&direnv) {
        let link = direnv.join(name);
        if let Some(target) = fsio::link_target(&link).filter(|target| is_gone(target)) {
            let what = format!(
                "direnv's link to the dev shell leads to {}, which does not exist",
                target.display()
            );
            let place = Where::Path(files.shown(&link));
            let remedy = Remedy::Command("direnv reload".to_owned());
            findings.push(Finding::warning(what, remedy).at(place));
        }
    }
    for file in &files.cargo_files {
        for (program, place) in programs_in(&file.text, &file.shown) {
            let program = program_of(&program);
            if is_gone(&program) {
                let program = program.display();
                let what = format!("{program} does not exist");
                let remedy = Remedy::Words(
                    "write a name that is on PATH in the dev shell instead of a store path"
                        .to_owned(),
                );
                findings.push(Finding::error(what, remedy).at(Where::File(place)));
            }
        }
    }
    findings
}

/// The program of a command, whose arguments may follow; paths of the Nix store have no blanks.
fn program_of(command: &str) -> PathBuf {
    command.split_whitespace().next().unwrap_or_default().into()
}

/// Whether a path of the Nix store does not exist. The store may be elsewhere, as in a chroot.
pub(super) fn is_gone(path: &Path) -> bool {
    path.is_absolute() && path.to_string_lossy().contains("/nix/store/") && !fsio::exists(path)
}
