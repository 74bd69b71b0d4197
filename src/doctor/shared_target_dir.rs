//! S034: one target directory for every project.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use crate::cargo_config::string_in;
use sccfg_util::env;

pub(super) static CHECK: Check = Check {
    code: "S034",
    name: "target directory for every project",
    why: "builds of different projects and worktrees wait for its lock, and replace each other's programs",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
        let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        if is_shared(Path::new(&value), context) {
            let what = format!(
                "{name} is {}, which is not the directory of one project",
                Path::new(&value).display()
            );
            let place = Where::Variable(name.to_owned());
            let remedy = Remedy::Command(format!("unset {name}"));
            return vec![Finding::warning(what, remedy).at(place)];
        }
    }
    let root = root_of(context);
    let all = context.cargo_files.iter();
    // A file in the repository applies to it alone, but for its worktrees.
    let mut set = all.filter(|file| file.is_users || !file.path.starts_with(&root));
    let found = set.find_map(|file| {
        let key = ["build", "target-dir"];
        let (value, place) = string_in(&file.text, &file.shown, &key)?;
        Some((PathBuf::from(value), place))
    });
    let Some((directory, place)) = found.filter(|(directory, _)| is_shared(directory, context))
    else {
        return Vec::new();
    };
    let what = format!(
        "`build.target-dir` is {} for all projects below this file",
        directory.display()
    );
    let remedy = Remedy::Words(
        "remove the line; to keep build files elsewhere, set `build.build-dir` with \
         `{workspace-path-hash}` in it (cargo 1.91)"
            .to_owned(),
    );
    vec![Finding::warning(what, remedy).at(Where::File(place))]
}

fn root_of(context: &Context) -> PathBuf {
    let worktree = context.worktree.as_ref();
    worktree.map_or_else(
        || context.repository.root.clone(),
        |worktree| worktree.root.clone(),
    )
}

/// Whether a target directory is outside of the worktree, and not named after it.
fn is_shared(directory: &Path, context: &Context) -> bool {
    let root = root_of(context);
    let name = root.file_name().unwrap_or(OsStr::new("/"));
    directory.is_absolute()
        && !directory.starts_with(&root)
        && !directory.iter().any(|part| part == name)
}
