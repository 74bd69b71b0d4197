//! Which units missed, and why: compares sccache's log of this build with that of the first one, by what
//! is part of a key (`generate_hash_key` in its `compiler/rust.rs`).

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use super::build::Built;
use super::server_log::Unit;
use super::wrapper_records::WrapperRecords;

/// A unit that was not found in the cache.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Missed {
    /// The reason.
    pub why: String,
    /// The crate, or for C and C++ the package and the file.
    pub name: String,
}

/// The directories of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directories {
    /// The root of the checkout.
    pub(super) root: PathBuf,
    /// The target directory.
    pub(super) target: PathBuf,
}

/// A build with its log and records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged<'a> {
    pub(super) directories: &'a Directories,
    pub(super) units: &'a [Unit],
    pub(super) records: &'a WrapperRecords,
    pub(super) built: &'a Built,
}

/// The misses in `now`.
pub(super) fn missed(now: Logged<'_>, first: Logged<'_>) -> Vec<Missed> {
    // Those that the local store did not have, and that sccache was not asked for.
    let is_logged = |key: &str| {
        let mut logged = now.units.iter().filter_map(Unit::portable_key);
        logged.any(|logged| logged == key)
    };
    let in_store: Vec<(&str, &str)> = now
        .records
        .missed()
        .filter(|(key, _)| !is_logged(key))
        .collect();
    let names: BTreeSet<&str> = now
        .units
        .iter()
        .filter(|unit| unit.is_miss && unit.is_rust())
        .map(|unit| unit.name.as_str())
        .chain(in_store.iter().map(|(_, name)| *name))
        .collect();
    let by_sccache = now
        .units
        .iter()
        .filter(|unit| unit.is_miss && !is_looked_up_again(unit, now))
        .map(|unit| Missed {
            name: name(unit, now),
            why: why_not_shared(unit, now)
                .or_else(|| lost(unit, first))
                .unwrap_or_else(|| match unit.portable_key() {
                    Some(key) => now.records.why(key, &unit.name, first.records, &names),
                    None if unit.is_rust() => why_rust(unit, now, first, &names),
                    None => why_native(unit, now, first),
                }),
        });
    let by_store = in_store.iter().map(|(key, name)| {
        let not_shared = now.records.why_not_shared(key, name);
        let kept = || first.records.has(key).then(|| NOT_KEPT.to_owned());
        let why = not_shared.or_else(kept);
        Missed {
            name: now.records.name(key, name),
            why: why.unwrap_or_else(|| now.records.why(key, name, first.records, &names)),
        }
    });
    let mut missed: Vec<Missed> = by_sccache.chain(by_store).collect();
    missed.sort();
    missed
}

/// The reason for a miss if the first build used the same key.
const NOT_KEPT: &str = "the first build had the same key, but the entry was not kept";

/// Whether the portable wrapper looked this unit up a second time, with the path of the checkout in the
/// key. That second key is the one in its record.
fn is_looked_up_again(unit: &Unit, now: Logged<'_>) -> bool {
    let is_noted = |unit: &Unit| unit.portable_key().map(|key| now.records.has(key));
    is_noted(unit) == Some(false)
        && now
            .units
            .iter()
            .any(|other| other.is_miss && other.name == unit.name && is_noted(other) == Some(true))
}

fn name(unit: &Unit, now: Logged<'_>) -> String {
    if let Some(key) = unit.portable_key() {
        return now.records.name(key, &unit.name);
    }
    let package = now.built.package_of_script(&unit.args);
    match package.filter(|_| !unit.is_rust()) {
        Some(package) => format!("{package}: {}", unit.name),
        None => unit.name.clone(),
    }
}

fn why_rust(unit: &Unit, now: Logged<'_>, first: Logged<'_>, missed: &BTreeSet<&str>) -> String {
    let same: Vec<&Unit> = first
        .units
        .iter()
        .filter(|other| other.name == unit.name)
        .collect();
    if same.is_empty() {
        return "the first build did not compile it".to_owned();
    }
    let source = unit.source();
    let is_own = source
        .is_none_or(|source| source.is_relative() || source.starts_with(&now.directories.root));
    if is_own && now.directories.root != first.directories.root {
        return "in this checkout, whose path is in the key".to_owned();
    }
    let args = unit.hashed_args();
    if !same.iter().any(|other| other.hashed_args() == args) {
        let before = same[0].hashed_args();
        let new = args.iter().find(|arg| !before.contains(arg));
        return match new {
            Some(arg) => format!("called with other arguments, such as `{arg}`"),
            None => "called with other arguments".to_owned(),
        };
    }
    if let Some(used) = unit.uses().find(|used| missed.contains(used.as_str())) {
        return format!("uses {used}, which missed");
    }
    let package = source.and_then(|source| now.built.package_of(source));
    let has_script = package.is_some_and(|package| now.built.with_script.contains(package));
    if has_script && now.directories.target != first.directories.target {
        return "reads the OUT_DIR of its build script, whose path is in the key".to_owned();
    }
    if has_script {
        return "its build script wrote or printed something else".to_owned();
    }
    "its sources differ, or a variable that is in the key (CARGO_*, env!)".to_owned()
}

fn why_native(unit: &Unit, now: Logged<'_>, first: Logged<'_>) -> String {
    let names = |directory: &PathBuf| {
        let directory = directory.to_string_lossy();
        unit.args.iter().any(|arg| arg.contains(&*directory))
    };
    if now.directories != first.directories
        && (names(&now.directories.root) || names(&now.directories.target))
    {
        return "its command line names directories of this checkout, and so may its headers"
            .to_owned();
    }
    "its preprocessed source differs".to_owned()
}

/// Why the portable wrapper does not share the unit, if so.
fn why_not_shared(unit: &Unit, now: Logged<'_>) -> Option<String> {
    now.records.why_not_shared(unit.portable_key()?, &unit.name)
}

/// The reason if the first build used the same key.
fn lost(unit: &Unit, first: Logged<'_>) -> Option<String> {
    let was_there = first
        .units
        .iter()
        .any(|other| other.key == unit.key && !unit.key.is_empty());
    was_there.then(|| NOT_KEPT.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, source: &str, more: &[&str], key: &str) -> Unit {
        let args = ["--crate-name", name, source]
            .into_iter()
            .chain(more.iter().copied());
        Unit {
            name: name.to_owned(),
            args: args.map(str::to_owned).collect(),
            key: key.to_owned(),
            is_miss: true,
        }
    }

    fn directories(root: &str) -> Directories {
        Directories {
            root: root.into(),
            target: format!("{root}/target").into(),
        }
    }

    #[test]
    fn each_miss_has_its_reason() {
        let sys = "/r/sys-1/src/lib.rs";
        let before = [
            unit("own", "src/lib.rs", &[], "1"),
            unit("sys", sys, &["-L", "/a"], "2"),
            unit(
                "user",
                "/r/user/lib.rs",
                &["--extern", "sys=/a/libsys-1f.rmeta"],
                "3",
            ),
            unit("cfg", "/r/cfg/lib.rs", &[], "4"),
            unit("kept", "/r/kept/lib.rs", &[], "5"),
        ];
        let after = [
            unit("own", "src/lib.rs", &[], "11"),
            unit("sys", sys, &["-L", "/b"], "12"),
            unit(
                "user",
                "/r/user/lib.rs",
                &["--extern", "sys=/b/libsys-1f.rmeta"],
                "13",
            ),
            unit("cfg", "/r/cfg/lib.rs", &["--cfg", "fast"], "14"),
            unit("kept", "/r/kept/lib.rs", &[], "5"),
        ];
        let built = Built {
            packages: [(sys.into(), "sys@1".to_owned())].into(),
            with_script: ["sys@1".to_owned()].into(),
            ..Built::default()
        };
        let nothing = WrapperRecords::default();
        let (here, there) = (directories("/b"), directories("/a"));
        let now = Logged {
            directories: &here,
            units: &after,
            records: &nothing,
            built: &built,
        };
        let first = Logged {
            directories: &there,
            units: &before,
            records: &nothing,
            built: &built,
        };
        let reasons: Vec<_> = missed(now, first)
            .into_iter()
            .map(|missed| (missed.name, missed.why))
            .collect();
        let why = |name: &str| &reasons.iter().find(|(missed, _)| missed == name).unwrap().1;
        assert!(why("own").contains("in this checkout"));
        assert!(why("sys").contains("OUT_DIR"));
        assert!(why("user").contains("uses sys"));
        assert!(why("cfg").contains("`--cfg`"));
        assert!(why("kept").contains("same key"));
    }
}
