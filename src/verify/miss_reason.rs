//! Which units missed, and why: told from what sccache logged of this build and of the first one,
//! and from what goes into its keys (`generate_hash_key` in its `compiler/rust.rs`).

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use super::build::Built;
use super::server_log::Unit;
use super::wrapper_records::WrapperRecords;

/// A unit that was not found in the cache.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Missed {
    /// Why.
    pub why: String,
    /// The crate, or for C and C++ the package and the file.
    pub name: String,
}

/// Where a build was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The root of the checkout.
    pub(super) root: PathBuf,
    /// The directory of the results.
    pub(super) target: PathBuf,
}

/// A build and what sccache logged of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged<'a> {
    pub(super) place: &'a Place,
    pub(super) units: &'a [Unit],
    pub(super) records: &'a WrapperRecords,
    pub(super) built: &'a Built,
}

/// What missed in `now`, which `first` had put into the cache.
pub(super) fn missed(now: Logged<'_>, first: Logged<'_>) -> Vec<Missed> {
    let names: BTreeSet<&str> = now
        .units
        .iter()
        .filter(|unit| unit.is_miss && unit.is_rust())
        .map(|unit| unit.name.as_str())
        .collect();
    let mut missed: Vec<Missed> = now
        .units
        .iter()
        .filter(|unit| unit.is_miss && !is_asked_again(unit, now))
        .map(|unit| Missed {
            name: name(unit, now),
            why: held(unit, now)
                .or_else(|| lost(unit, first))
                .unwrap_or_else(|| match unit.portable_key() {
                    Some(key) => now.records.why(key, &unit.name, first.records, &names),
                    None if unit.is_rust() => why_rust(unit, now, first, &names),
                    None => why_native(unit, now, first),
                }),
        })
        .collect();
    missed.sort();
    missed
}

/// Whether the portable wrapper looked this unit up once more, by the key of its place, which is
/// the one that it records.
fn is_asked_again(unit: &Unit, now: Logged<'_>) -> bool {
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
    let is_own =
        source.is_none_or(|source| source.is_relative() || source.starts_with(&now.place.root));
    if is_own && now.place.root != first.place.root {
        return "of this checkout, whose path is in the key".to_owned();
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
    if has_script && now.place.target != first.place.target {
        return "reads the OUT_DIR of its build script, whose path is in the key".to_owned();
    }
    if has_script {
        return "its build script made or said something else".to_owned();
    }
    "its sources, or a variable that is in the key (CARGO_*, env!), are others".to_owned()
}

fn why_native(unit: &Unit, now: Logged<'_>, first: Logged<'_>) -> String {
    let names = |directory: &PathBuf| {
        let directory = directory.to_string_lossy();
        unit.args.iter().any(|arg| arg.contains(&*directory))
    };
    if now.place != first.place && (names(&now.place.root) || names(&now.place.target)) {
        return "its command line names directories of this checkout, and so may its headers"
            .to_owned();
    }
    "what the preprocessor made of it is different".to_owned()
}

/// Why the portable wrapper holds a unit to its place, if it does.
fn held(unit: &Unit, now: Logged<'_>) -> Option<String> {
    now.records.held(unit.portable_key()?, &unit.name)
}

/// Why a unit missed under a key that the first build had used.
fn lost(unit: &Unit, first: Logged<'_>) -> Option<String> {
    let was_there = first
        .units
        .iter()
        .any(|other| other.key == unit.key && !unit.key.is_empty());
    was_there.then(|| "the first build had it under the same key, but it was not kept".to_owned())
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

    fn place(root: &str) -> Place {
        Place {
            root: root.into(),
            target: format!("{root}/target").into(),
        }
    }

    #[test]
    fn each_miss_is_told_by_its_cause() {
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
        let (here, there) = (place("/b"), place("/a"));
        let now = Logged {
            place: &here,
            units: &after,
            records: &nothing,
            built: &built,
        };
        let first = Logged {
            place: &there,
            units: &before,
            records: &nothing,
            built: &built,
        };
        let told: Vec<_> = missed(now, first)
            .into_iter()
            .map(|missed| (missed.name, missed.why))
            .collect();
        let why = |name: &str| &told.iter().find(|(it, _)| it == name).unwrap().1;
        assert!(why("own").contains("of this checkout"));
        assert!(why("sys").contains("OUT_DIR"));
        assert!(why("user").contains("uses sys"));
        assert!(why("cfg").contains("`--cfg`"));
        assert!(why("kept").contains("same key"));
    }
}
