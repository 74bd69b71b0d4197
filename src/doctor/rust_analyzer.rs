//! S038: rust-analyzer and cargo undo each other's units in one target directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use sccache_control::server::process::variables_of;
use sccfg_util::{env, fsio};

pub(super) static CHECK: Check = Check {
    code: "S038",
    name: "rust-analyzer with another environment",
    why: "build scripts run again whenever a variable that they declared has changed, so cargo and the editor \
          compile the crates above them in turn",
    find,
};

const NAME: &str = "rust-analyzer";
/// The maximum number of build script outputs that are read.
const MAX_OUTPUTS: usize = 500;

fn find(context: &Context) -> Vec<Finding> {
    let root = &context.repository.root;
    let editors: Vec<u32> = processes()
        .filter(|pid| {
            let directory = fsio::read_link(format!("/proc/{pid}/cwd"));
            directory.is_some_and(|directory| directory.starts_with(root))
        })
        .collect();
    if editors.is_empty() || has_own_target_dir(root) {
        return Vec::new();
    }
    let declared = declared_variables(&target_dir(root));
    editors
        .into_iter()
        .filter_map(|pid| {
            let theirs = variables_of(pid, |name| declared.contains(name));
            let mut different = declared.iter().filter(|name| {
                let own = env::var(name);
                own.as_ref() != theirs.get(*name)
            });
            let first = different.next()?;
            let more = match different.count() {
                0 => String::new(),
                more => format!(" and {more} more variables"),
            };
            let what = format!(
                "build scripts depend on {first}{more}, which rust-analyzer has with another value than this shell"
            );
            let remedy = Remedy::Words(
                "start the editor in the dev shell, or give it a target directory of its own: \
                 `rust-analyzer.cargo.targetDir = true`"
                    .to_owned(),
            );
            let place = Where::Process {
                pid,
                what: NAME.to_owned(),
            };
            Some(Finding::warning(what, remedy).at(place))
        })
        .collect()
}

/// The processes of this user that run rust-analyzer.
fn processes() -> impl Iterator<Item = u32> {
    let user = fsio::current_uid();
    fsio::numbers_in("/proc").filter(move |pid| {
        fsio::owner_uid(format!("/proc/{pid}")) == Some(user)
            && fsio::read_bytes(format!("/proc/{pid}/comm"))
                .is_some_and(|name| name.trim_ascii() == NAME.as_bytes())
    })
}

/// Whether a settings file of an editor gives rust-analyzer a target directory of its own.
fn has_own_target_dir(root: &Path) -> bool {
    let names = [
        ".vscode/settings.json",
        ".helix/languages.toml",
        ".zed/settings.json",
        "rust-analyzer.toml",
    ];
    names.iter().any(|name| {
        let text = fsio::read_text(root.join(name)).unwrap_or_default();
        text.contains("targetDir")
    })
}

/// The target directory of the workspace at `root`, without asking cargo.
pub(super) fn target_dir(root: &Path) -> PathBuf {
    let named = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];
    let named = named.into_iter().find_map(env::var_os);
    root.join(named.unwrap_or_else(|| "target".into()))
}

/// The variables on which build scripts of debug builds declared to depend, in both layouts of the build
/// directory.
fn declared_variables(target: &Path) -> BTreeSet<String> {
    let below = |directory: PathBuf| {
        let names = fsio::names_in(&directory).into_iter();
        names.map(move |name| directory.join(name))
    };
    let packages: Vec<PathBuf> = below(target.join("debug/build")).collect();
    let runs = packages.iter().cloned().flat_map(below);
    let outputs = packages.iter().cloned().chain(runs);
    outputs
        .filter_map(|directory| {
            let output = fsio::read_bytes(directory.join("output"));
            output.or_else(|| fsio::read_bytes(directory.join("stdout")))
        })
        .take(MAX_OUTPUTS)
        .flat_map(|output| {
            let output = String::from_utf8_lossy(&output).into_owned();
            let lines: Vec<String> = output
                .lines()
                .filter_map(declared)
                .map(str::to_owned)
                .collect();
            lines
        })
        .collect()
}

fn declared(line: &str) -> Option<&str> {
    let instruction = line
        .strip_prefix("cargo::")
        .or_else(|| line.strip_prefix("cargo:"))?;
    instruction
        .strip_prefix("rerun-if-env-changed=")
        .map(str::trim)
}
