//! Rules that find settings in cargo's configuration that contradict the policy or defeat the cache.
//!
//! How cargo decides (`Profiles::new` in its `profiles.rs`, `env_config` in its `context`):
//! the variable `CARGO_INCREMENTAL` beats `build.incremental`, which beats the profiles;
//! `RUSTC_WRAPPER` beats `build.rustc-wrapper`; and what `[env]` sets reaches rustc and build
//! scripts (and so sccache), not cargo's own decisions, and only if the variable is not set or the
//! entry has `force = true`.

use std::ffi::OsStr;
use std::path::Path;

use serde::Serialize;
use toml_edit::{Item, Table, TableLike};

use crate::sccfg_toml::Incremental;

/// The severity of a contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It has an effect only outside of the dev shell.
    Mild,
    /// It costs cache hits, or the policy has no effect.
    Costs,
    /// cargo or sccache fails.
    Breaks,
}

/// A contradiction and the path of its key.
pub(super) struct Found {
    pub(super) keys: Vec<String>,
    pub(super) severity: Severity,
    pub(super) what: String,
    pub(super) hint: String,
    pub(super) fixable: bool,
}

/// All contradictions in a parsed `.cargo/config.toml` or `Cargo.toml` at `path`.
pub(super) fn find_all(root: &Table, path: &Path, incremental: Incremental) -> Vec<Found> {
    let mut out = profiles(root, incremental);
    if path.file_name() == Some(OsStr::new("Cargo.toml")) {
        for found in &mut out {
            found.fixable = false;
        }
        return out;
    }
    out.extend(build(root, incremental));
    let env = root.get("env").and_then(Item::as_table_like);
    for (name, item) in env.into_iter().flat_map(TableLike::iter) {
        out.extend(Entry::new(item).and_then(|entry| variable(name, &entry, incremental)));
    }
    out
}

fn found(
    keys: &[&str],
    severity: Severity,
    what: impl Into<String>,
    hint: impl Into<String>,
) -> Found {
    Found {
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
        severity,
        what: what.into(),
        hint: hint.into(),
        fixable: true,
    }
}

fn build(root: &Table, incremental: Incremental) -> Vec<Found> {
    let mut out = Vec::new();
    let Some(build) = root.get("build").and_then(Item::as_table_like) else {
        return out;
    };
    for (key, variable) in [
        ("rustc-wrapper", "RUSTC_WRAPPER"),
        ("rustc-workspace-wrapper", "RUSTC_WORKSPACE_WRAPPER"),
    ] {
        let Some(program) = build
            .get(key)
            .and_then(Item::as_str)
            .filter(|program| !program.is_empty())
        else {
            continue;
        };
        out.push(wrapper(key, variable, program));
    }
    match (
        build.get("incremental").and_then(Item::as_bool),
        incremental,
    ) {
        (Some(true), Incremental::Off) => out.push(found(
            &["build", "incremental"],
            Severity::Mild,
            "outside of the dev shell every profile compiles the workspace incrementally, and \
             sccache caches none of it (in it, CARGO_INCREMENTAL=0 overrides this)",
            "remove the line",
        )),
        (Some(false), Incremental::Workspace | Incremental::Auto) => out.push(found(
            &["build", "incremental"],
            Severity::Costs,
            format!(
                "no workspace member is compiled incrementally, though the policy is `{}`: this \
                 key overrides the profiles, and the shell leaves CARGO_INCREMENTAL unset",
                incremental.name()
            ),
            "remove the line, or set `incremental = \"off\"` in sccfg.toml",
        )),
        _ => {}
    }
    out
}

fn wrapper(key: &str, variable: &str, program: &str) -> Found {
    let keys = ["build", key];
    let is_sccache = Path::new(program).file_stem() == Some(OsStr::new("sccache"));
    match (is_sccache, key) {
        (true, "rustc-wrapper") => found(
            &keys,
            Severity::Breaks,
            format!(
                "cargo fails wherever `{program}` is not installed; in the dev shell \
                 {variable} overrides this key, so it does nothing there"
            ),
            "remove the line: the dev shell sets RUSTC_WRAPPER",
        ),
        (true, _) => found(
            &keys,
            Severity::Breaks,
            format!(
                "cargo fails in the dev shell, because RUSTC_WRAPPER runs it: \
                 `sccache {program} rustc` is an error; and it fails wherever sccache is missing"
            ),
            "remove the line: RUSTC_WRAPPER covers workspace members too",
        ),
        (false, "rustc-wrapper") => Found {
            fixable: false,
            ..found(
                &keys,
                Severity::Costs,
                format!("`{program}` does not run in the dev shell: {variable} overrides this key"),
                format!(
                    "if `{program}` is still needed, set it as `rustc-workspace-wrapper`, which \
                     RUSTC_WRAPPER runs; otherwise remove the line"
                ),
            )
        },
        (false, _) => Found {
            fixable: false,
            ..found(
                &keys,
                Severity::Mild,
                format!(
                    "sccache takes `{program}` for the compiler of workspace members, and shares no \
                     entries with builds that lack it"
                ),
                "ignore this if it is intended",
            )
        },
    }
}

/// `incremental` of the profiles, their package overrides and build scripts.
fn profiles(root: &Table, incremental: Incremental) -> Vec<Found> {
    let mut out = Vec::new();
    let all = root.get("profile").and_then(Item::as_table_like);
    for (profile, item) in all.into_iter().flat_map(TableLike::iter) {
        let Some(table) = item.as_table_like() else {
            continue;
        };
        let value = |table: &dyn TableLike| table.get("incremental").and_then(Item::as_bool);
        let mut check = |keys: &[&str], value: Option<bool>| match (value, incremental) {
            (Some(true), Incremental::Off) => out.push(found(
                keys,
                Severity::Mild,
                format!(
                    "outside of the dev shell the `{profile}` profile compiles incrementally, \
                     and sccache caches none of that (in it, CARGO_INCREMENTAL=0 overrides this)"
                ),
                "remove the line",
            )),
            (Some(false), Incremental::Workspace | Incremental::Auto)
                if ["dev", "test"].contains(&profile) && keys.len() == 3 =>
            {
                out.push(found(
                    keys,
                    Severity::Costs,
                    format!(
                        "the `{profile}` profile compiles no workspace member incrementally, \
                         though the policy is `{}`",
                        incremental.name()
                    ),
                    "remove the line, or set `incremental = \"off\"` in sccfg.toml",
                ));
            }
            _ => {}
        };
        check(&["profile", profile, "incremental"], value(table));
        if let Some(script) = table.get("build-override").and_then(Item::as_table_like) {
            check(
                &["profile", profile, "build-override", "incremental"],
                value(script),
            );
        }
        let packages = table.get("package").and_then(Item::as_table_like);
        for (package, item) in packages.into_iter().flat_map(TableLike::iter) {
            let value = item.as_table_like().and_then(value);
            check(
                &["profile", profile, "package", package, "incremental"],
                value,
            );
        }
    }
    out
}

/// An entry of `[env]`: a string, or `{ value, force, relative }`.
struct Entry<'d> {
    value: &'d str,
    force: bool,
    relative: bool,
}

impl<'d> Entry<'d> {
    fn new(item: &'d Item) -> Option<Self> {
        if let Some(value) = item.as_str() {
            return Some(Self {
                value,
                force: false,
                relative: false,
            });
        }
        let table = item.as_table_like()?;
        let flag = |name| table.get(name).and_then(Item::as_bool).unwrap_or(false);
        Some(Self {
            value: table.get("value")?.as_str()?,
            force: flag("force"),
            relative: flag("relative"),
        })
    }
}

fn variable(name: &str, entry: &Entry<'_>, incremental: Incremental) -> Option<Found> {
    let keys = ["env", name];
    let remove = "remove the entry";
    let unfixable = |found: Found| Found {
        fixable: false,
        ..found
    };
    Some(match name {
        "CARGO_INCREMENTAL" => incremental_variable(entry, incremental),
        "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" => found(
            &keys,
            Severity::Mild,
            format!(
                "cargo does not read its wrapper from [env]: only build scripts see this{}",
                if entry.force {
                    ", in place of the dev shell's"
                } else {
                    ""
                }
            ),
            format!("{remove}: the dev shell sets RUSTC_WRAPPER"),
        ),
        "CARGO_HOME" => unfixable(found(
            &keys,
            Severity::Breaks,
            "cargo refuses this key in [env]",
            remove,
        )),
        "SCCACHE_DIR" | "SCCACHE_CACHE_SIZE" | "SCCACHE_DIRECT" | "SCCACHE_LOCAL_RW_MODE" => found(
            &keys,
            Severity::Costs,
            format!(
                "a server that a build of this repository starts ignores the user's table \
                 [cache.disk], also for other projects, because {name} is set{}",
                if entry.force {
                    ""
                } else {
                    " (unless the dev shell sets it)"
                }
            ),
            format!("{remove}, and request a size in sccfg.toml: `cache.size = \"24GiB\"`"),
        ),
        _ if name.starts_with("SCCACHE_") => unfixable(found(
            &keys,
            Severity::Costs,
            "a server that this repository's build starts uses this for every project, and a \
             running server ignores it",
            "set it in sccache's own config with `sccfg config set`, if it has a key there",
        )),
        _ if is_in_the_key(name) && entry.relative => unfixable(found(
            &keys,
            Severity::Costs,
            "sccache's keys contain every CARGO_* variable, and this one is another path in each \
             worktree: no unit is shared between worktrees",
            "rename it so that it does not start with CARGO_: then only units that read it depend on it",
        )),
        _ if is_in_the_key(name) => unfixable(found(
            &keys,
            Severity::Costs,
            "sccache's keys contain every CARGO_* variable: no unit is shared with a repository \
             that lacks this one",
            "rename it so that it does not start with CARGO_, remove it, or set it everywhere",
        )),
        _ => return None,
    })
}

fn incremental_variable(entry: &Entry<'_>, incremental: Incremental) -> Found {
    let keys = ["env", "CARGO_INCREMENTAL"];
    let hint = "remove the entry: the dev shell sets CARGO_INCREMENTAL by the policy";
    let reaches_rustc = entry.force || incremental != Incremental::Off;
    if entry.value == "1" && reaches_rustc {
        return found(
            &keys,
            Severity::Breaks,
            "sccache refuses every compilation with CARGO_INCREMENTAL=1 (\"incremental \
             compilation is prohibited\"), so cargo fails",
            hint,
        );
    }
    let (severity, effect) = if incremental == Incremental::Off {
        (Severity::Mild, "it has no effect in the dev shell")
    } else {
        (
            Severity::Costs,
            "it only changes sccache's keys, so that nothing is shared with repositories that lack it",
        )
    };
    found(
        &keys,
        severity,
        format!("cargo ignores CARGO_INCREMENTAL in [env]; {effect}"),
        hint,
    )
}

/// Whether a variable is part of sccache's Rust keys (`generate_hash_key` in its
/// `compiler/rust.rs`).
pub(crate) fn is_in_the_key(name: &str) -> bool {
    name.starts_with("CARGO_")
        && !name.starts_with("CARGO_REGISTRIES_")
        && ![
            "CARGO_MAKEFLAGS",
            "CARGO_BUILD_JOBS",
            "CARGO_ENCODED_RUSTFLAGS",
        ]
        .contains(&name)
}
