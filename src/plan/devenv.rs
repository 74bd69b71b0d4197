//! What the command `devenv` reads besides `devenv.nix`: `devenv.yaml`, with the modules that it imports and its inputs, and
//! the user's own `devenv.local.nix`.
//!
//! ```yaml
//! inputs:
//!   # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//!   sccfg:
//!     url: github:owner/sccfg
//!     inputs:
//!       nixpkgs:
//!         follows: nixpkgs
//!   # <<< sccfg <<<
//!   nixpkgs:
//!     url: github:cachix/devenv-nixpkgs/rolling
//! ```

use std::path::{Path, PathBuf};

use super::{FileKind, Plan};
use crate::repository::Repository;
use crate::sccfg_toml::{FlakeRef, Incremental, Policy};
use crate::yaml::{self, Node};
use nix_shell_edit::region;
use nix_shell_edit::{Sources, own_settings, strip};
use sccfg_util::problem::{Place, Problem};

/// The module that the command loads.
pub(crate) const MODULE: &str = "devenv.nix";
const YAML: &str = "devenv.yaml";
/// A module of one user, which git ignores.
const LOCAL: &str = "devenv.local.nix";
/// The limit of files that import each other.
const DEPTH: u32 = 8;

/// The modules that `devenv.yaml` imports from the repository, and those that its imports import in the same way. None if the
/// file cannot be read: devenv reports that.
pub(super) fn imports(sources: &dyn Sources) -> Vec<PathBuf> {
    let mut found = Vec::new();
    add_imports(sources, Path::new(""), DEPTH, &mut found);
    found
}

fn add_imports(sources: &dyn Sources, directory: &Path, depth: u32, found: &mut Vec<PathBuf>) {
    let path = directory.join(YAML);
    let Ok(Some(text)) = sources.read(&path) else {
        return;
    };
    let Ok(Some(root)) = yaml::parse(&path, &text) else {
        return;
    };
    for import in root.get("imports").map_or(&[][..], Node::items) {
        // Others name an input, or a path outside of the repository.
        let Some(relative) = import.text().and_then(|text| text.strip_prefix("./")) else {
            continue;
        };
        let below = directory.join(relative);
        let is_file = below.extension().is_some_and(|end| end == "nix");
        let module = if is_file {
            below.clone()
        } else {
            below.join(MODULE)
        };
        if found.contains(&module) || depth == 0 {
            continue;
        }
        found.push(module);
        if !is_file {
            add_imports(sources, &below, depth - 1, found);
        }
    }
}

/// Plans to add sccfg to the inputs in `devenv.yaml`, to change its URL or to remove it, as the policy requires. Needs to know
/// which shells of the plan are managed. Warns of what contradicts `devenv.nix`.
///
/// # Errors
/// If the file is written in a way to which nothing can be added safely.
pub(super) fn manage(
    plan: &mut Plan,
    repository: &Repository,
    policy: &Policy,
) -> Result<(), Problem> {
    if plan.managed.in_devenv {
        plan.warnings.extend(local_warnings(repository, policy));
    }
    let before = repository.read_file(YAML)?;
    let own = own_text(before.as_deref().unwrap_or_default())?;
    let wanted = policy
        .flake
        .input
        .as_ref()
        .filter(|_| plan.managed.in_devenv);
    let after = match (wanted, &before) {
        (None, None) => None,
        // Without the region, a file that sccfg has created is empty.
        (None, Some(text)) => Some(own).filter(|own| !own.is_empty() || text.is_empty()),
        // `remove` deletes a file that is empty without the region.
        (Some(url), Some(text)) if text.is_empty() => {
            return Err(refuse(text, 0, url, "the file is empty; delete it"));
        }
        (Some(url), _) => Some(with_input(&own, url)?),
    };
    let summary = if wanted.is_some() {
        "input sccfg"
    } else {
        "restored"
    };
    plan.change(
        FileKind::DevenvYaml,
        repository.path(YAML),
        before,
        after,
        summary,
    );
    Ok(())
}

/// Plans to remove sccfg from the inputs in `devenv.yaml`.
///
/// # Errors
/// If the region was edited.
pub(super) fn remove(plan: &mut Plan, repository: &Repository) -> Result<(), Problem> {
    manage(plan, repository, &Policy::default())
}

/// The text without the region.
fn own_text(text: &str) -> Result<String, Problem> {
    let path = Path::new(YAML);
    for region in region::all(path, text)? {
        let mut offset = region.start;
        for line in text[region].split_inclusive('\n') {
            let is_ours = |line: &str| {
                let begins = [region::BEGIN, region::END, "url: "];
                let keys = ["inputs:", "sccfg:", "nixpkgs:", "follows: nixpkgs"];
                begins.iter().any(|begin| line.starts_with(begin)) || keys.contains(&line)
            };
            if !is_ours(line.trim()) {
                return Err(region::manual_edit(line, Place::at(path, text, offset)));
            }
            offset += line.len();
        }
    }
    strip(path, text)
}

/// The URL as a string of YAML.
fn quoted(url: &FlakeRef) -> String {
    serde_json::Value::from(url.as_str()).to_string()
}

fn refuse(text: &str, offset: usize, url: &FlakeRef, why: &str) -> Problem {
    Problem::new(format!(
        "could not add sccfg to the inputs of devenv: {why}"
    ))
    .at(Place::at(Path::new(YAML), text, offset))
    .hint(format!(
        "add it by hand, as `inputs.sccfg` with `url: {}`, and run sccfg again; or run it without --input",
        quoted(url)
    ))
}

/// `text` with the input in front of the others.
fn with_input(text: &str, url: &FlakeRef) -> Result<String, Problem> {
    let path = Path::new(YAML);
    let refuse = |offset, why: &str| refuse(text, offset, url, why);
    let quoted = quoted(url);
    let entry = |indent: &str| {
        let lines = [
            "sccfg:".to_owned(),
            format!("  url: {quoted}"),
            "  inputs:".to_owned(),
            "    nixpkgs:".to_owned(),
            "      follows: nixpkgs".to_owned(),
        ];
        lines.map(|line| format!("{indent}{line}\n")).concat()
    };
    let root = yaml::parse(path, text)?;
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let insert = |at: usize, indent: &str, body: &str| {
        let region = format!(
            "{indent}{} {}\n{body}{indent}{}\n",
            region::BEGIN,
            region::NOTE,
            region::END
        );
        let region = region.replace('\n', line_end);
        let changed = format!("{}{region}{}", &text[..at], &text[at..]);
        let is_undone = strip(path, &changed).is_ok_and(|stripped| stripped == text);
        let is_valid = yaml::parse(path, &changed).is_ok_and(|after| {
            let after = after.as_ref().and_then(|root| root.get("inputs"));
            after.is_some_and(|inputs| inputs.get("sccfg").is_some())
        });
        if is_undone && is_valid {
            Ok(changed)
        } else {
            Err(refuse(at, "the result would not be valid"))
        }
    };
    let whole = format!("inputs:\n{}", entry("  "));
    let Some(root) = root else {
        return if text.trim().is_empty() {
            insert(0, "", &whole)
        } else {
            Err(refuse(0, "the file has no keys"))
        };
    };
    let Some(at) = root.start_of_key("inputs") else {
        let first = root.entries().next().is_some();
        let starts_line = text[..root.start].ends_with('\n') || root.start == 0;
        return if first && starts_line && !text[root.start..].starts_with('{') {
            insert(root.start, "", &whole)
        } else {
            Err(refuse(root.start, "its keys are not written on lines"))
        };
    };
    let inputs = root.get("inputs");
    let Some((first, own)) = inputs.and_then(|inputs| Some((inputs.first_key()?, inputs))) else {
        return Err(refuse(at, "`inputs` has no entries"));
    };
    if let Some(own) = own.get("sccfg") {
        let own_url = own.get("url").and_then(Node::text);
        return if own_url == Some(url.as_str()) {
            Ok(text.to_owned())
        } else {
            Err(refuse(at, "there is another input `sccfg`"))
        };
    }
    let line = text[..first].rfind('\n').map_or(0, |end| end + 1);
    let indent = &text[line..first];
    if line <= at || !indent.bytes().all(|byte| byte == b' ') {
        return Err(refuse(at, "`inputs` is not written on lines"));
    }
    insert(line, indent, &entry(indent))
}

/// Warnings about variables in `devenv.local.nix` that `devenv.nix` sets as well. That file is of one user, so nothing depends
/// on it.
fn local_warnings(repository: &Repository, policy: &Policy) -> Vec<Problem> {
    let Ok(Some(text)) = repository.read_file(LOCAL) else {
        return Vec::new();
    };
    let own = own_settings(Path::new(LOCAL), &text);
    let off = policy.cargo.incremental == Incremental::Off;
    own.into_iter()
        .filter(|own| own.name == "RUSTC_WRAPPER" || off && own.name == "CARGO_INCREMENTAL")
        .map(|own| {
            Problem::new(format!(
                "{LOCAL} sets {} as well, and devenv refuses two values",
                own.name
            ))
            .at(own.place)
            .hint("delete the line, or use `lib.mkForce` to keep your value")
        })
        .collect()
}
