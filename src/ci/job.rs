//! A job of a workflow or pipeline: its runner, and how it runs cargo.

use std::collections::BTreeSet;

use serde::Serialize;

use super::nix::NixShell;
use crate::cargo_use::CargoUse;
use sccfg_util::problem::Problem;

/// A job with steps.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact")]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) runner: Runner,
    /// Its `runs-on`, as it is written.
    pub(crate) runs_on: String,
    pub(crate) cargo: CargoUse,
    /// The shell of Nix in which cargo runs.
    pub(crate) nix: NixShell,
    /// The directories in which cargo compiles, relative to the repository; empty for its root.
    pub(crate) directories: BTreeSet<String>,
    pub(crate) has_rust_cache: bool,
    /// Whether the user has added the step of sccfg outside of a region.
    pub(crate) has_our_step: bool,
    /// Whether its workflow publishes releases only.
    pub(crate) is_release: bool,
    /// The byte at which the first step that runs cargo starts, behind its dash.
    pub(crate) step: Option<usize>,
    /// The reason why no step can be inserted there.
    pub(crate) obstacle: Option<String>,
    /// The job whose steps these are, by an alias: what is added there is added here.
    pub(crate) shares: Option<String>,
    /// Variables of steps that take the place of those that the step of sccfg sets.
    pub(crate) overrides: Vec<Problem>,
}

impl Job {
    /// A job in which nothing is known to run.
    pub(super) fn new(name: &str, runner: Runner, runs_on: String) -> Self {
        Self {
            name: name.to_owned(),
            runner,
            runs_on,
            cargo: CargoUse::Nothing,
            nix: NixShell::None,
            directories: BTreeSet::new(),
            has_rust_cache: false,
            has_our_step: false,
            is_release: false,
            step: None,
            obstacle: None,
            shares: None,
            overrides: Vec::new(),
        }
    }
}

/// The runner of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runner {
    /// A machine that starts empty.
    Hosted,
    /// A machine of one's own, whose disk stays.
    SelfHosted,
}

/// The directory, relative to the repository, in which a script that starts in `directory` runs cargo.
pub(super) fn directory_of(directory: &str, script: &str) -> String {
    let words: Vec<&str> = script
        .split(|c: char| c.is_whitespace() || ";&()\"'=".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let after = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    let manifest =
        after("--manifest-path").map(|path| path.rsplit_once('/').map_or("", |parts| parts.0));
    let inner = manifest.or_else(|| after("cd")).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    for name in directory.split('/').chain(inner.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}
