//! S056 and S057: direnv does not load the dev shell, or evaluates it at each entry.

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use crate::plan::evaluates_at_each_entry;
use sccfg_util::env;
use sccfg_util::posix::quote;
use sccfg_util::proc;
use sccfg_util::programs::find_program;

/// `.envrc` is not allowed.
pub(super) static NOT_ALLOWED: Check = Check {
    code: "S056",
    name: "direnv not allowed",
    why: "direnv does not load the dev shell, so cargo runs without sccache and its variables",
    find: find_not_allowed,
};

/// `use flake` without nix-direnv.
pub(super) static NO_CACHE: Check = Check {
    code: "S057",
    name: "use flake without nix-direnv",
    why: "direnv evaluates the flake whenever the directory is entered, and the garbage collector may remove the shell",
    find: find_no_cache,
};

fn has_direnv() -> bool {
    find_program("direnv".as_ref(), &env::search_path()).is_some()
}

fn find_not_allowed(context: &Context) -> Vec<Finding> {
    let envrc = context.repository.path(".envrc");
    if !envrc.is_file() || !has_direnv() {
        return Vec::new();
    }
    let Ok(output) = proc::output("direnv", &["status"], &context.repository.root) else {
        return Vec::new();
    };
    let status = String::from_utf8_lossy(&output.stdout);
    if !is_refused(&status) {
        return Vec::new();
    }
    let what = "direnv is not allowed to load .envrc";
    let path = quote(&context.repository.root.to_string_lossy());
    let remedy = Remedy::Command(format!("direnv allow {path}"));
    vec![Finding::warning(what, remedy).at(Where::Path(context.shown(&envrc)))]
}

/// Whether the output of `direnv status` tells that the file found is not allowed, and was not denied
/// either. Since 2.33 the answer is a number.
fn is_refused(status: &str) -> bool {
    let mut answers = status
        .lines()
        .filter_map(|line| line.strip_prefix("Found RC allowed "));
    answers.any(|answer| matches!(answer.trim(), "false" | "1"))
}

fn find_no_cache(context: &Context) -> Vec<Finding> {
    let envrc = context.repository.path(".envrc");
    let Ok(Some(text)) = context.repository.read_file(".envrc") else {
        return Vec::new();
    };
    if !evaluates_at_each_entry(&text) || !has_direnv() {
        return Vec::new();
    }
    let what = "`use flake` is direnv's own, which does not keep the shell";
    let remedy = Remedy::Words(
        "install nix-direnv (home-manager: `programs.direnv.nix-direnv.enable = true`)".to_owned(),
    );
    vec![Finding::warning(what, remedy).at(Where::Path(context.shown(&envrc)))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direnvs_answer_is_read_in_both_forms() {
        for (answer, expected) in [
            ("true", false),
            ("false", true),
            ("0", false),
            ("1", true),
            ("2", false),
        ] {
            let status =
                format!("No .envrc loaded\nFound RC path /x/.envrc\nFound RC allowed {answer}\n");
            assert_eq!(is_refused(&status), expected, "{answer}");
        }
    }
}
