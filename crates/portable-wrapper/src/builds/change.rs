//! The differences between two keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::build_script::{CHECKOUT_PATHS, PROGRAM};
use super::super::digest::HASHED;
use super::super::unit_key::linking::LIBRARIES_IN;
use super::super::unit_key::unshared::REMAPPED;
use super::super::unit_key::{DRIVER, OUTPUT_DIRECTORY, STANDARD_LIBRARY, SYSROOT};

/// The length of the digests in records.
const SHORT: usize = 12;
/// The label of the key part with a single argument.
const ARGUMENT: &str = "argument";
/// The prefix of the label of a key part with the digest of a native library.
const LIBRARY: &str = "library ";

/// A part of a key that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The label of the part, such as `file src/lib.rs`, `$NAME`, `argument` or `--extern serde`.
    pub what: String,
    /// The earlier value, or the beginning of its digest. For a variable only `set` or `unset`, unless its value cannot be
    /// secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The value now, in the same form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether it is a variable that the build script of the package sets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_script: bool,
}

/// The kind of a change. A kind may explain the changes of all kinds after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Another version of sccfg makes other keys.
    Format,
    /// The compiler.
    Compiler,
    /// The processor, programs or headers of this machine.
    Machine,
    /// A flag, a feature or a setting of the profile.
    Flag,
    /// A source file, or the package.
    Source,
    /// A variable.
    Variable,
    /// What the build script wrote.
    Generated,
    /// A dependency.
    Dependency,
    /// The linker or a native library.
    Linker,
    /// The path of the checkout.
    Place,
    /// The unit is compiled each time.
    EachTime,
    /// A part that this version does not know.
    Other,
}

/// The part that changed, if its kind alone does not say what to call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Clippy's driver.
    ClippyDriver,
    /// The sources of the standard library (`rust-src`).
    StandardLibrarySources,
    /// The state of the git repository.
    History,
    /// The content of the package.
    Package,
    /// The files of the workspace, which a macro may read.
    Workspace,
    /// The program with this name.
    Program(&'a str),
    /// The native library with this name.
    Library(&'a str),
    /// Any other part.
    Other,
}

impl Change {
    /// The part that changed.
    pub fn part(&self) -> Part<'_> {
        let program = || self.what.strip_prefix(PROGRAM).map(Part::Program);
        let library = || self.what.strip_prefix(LIBRARY).map(Part::Library);
        match self.what.as_str() {
            DRIVER => Part::ClippyDriver,
            SYSROOT => Part::StandardLibrarySources,
            "history" => Part::History,
            "package" => Part::Package,
            "workspace" => Part::Workspace,
            _ => program().or_else(library).unwrap_or(Part::Other),
        }
    }

    /// What it is about.
    pub fn kind(&self) -> Kind {
        kind(&self.what)
    }

    /// The name of the variable, if it is one.
    pub fn variable(&self) -> Option<&str> {
        Self::variable_of(&self.what)
    }

    /// The name of the variable, if the part `what` of a key is one.
    pub(in super::super) fn variable_of(what: &str) -> Option<&str> {
        let read = || what.strip_prefix("env!(")?.strip_suffix(')');
        what.strip_prefix('$').or_else(read)
    }

    /// The path of the source file, if it is one; relative to the workspace.
    pub fn file(&self) -> Option<&str> {
        let prefixes = ["file ", "assembled ", "read ", "found ", "resolved "];
        prefixes
            .iter()
            .find_map(|prefix| self.what.strip_prefix(prefix))
    }

    /// The dependency's name, if it is one.
    pub fn dependency(&self) -> Option<&str> {
        let named = self.what.strip_prefix("--extern ")?;
        // Options stand before the name: `priv,noprelude:core`.
        Some(named.rsplit(':').next().unwrap_or(named))
    }
}

fn kind(what: &str) -> Kind {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| what.starts_with(prefix));
    match what {
        "format" => Kind::Format,
        "compiler" | "version" | DRIVER | SYSROOT | "target specification" => Kind::Compiler,
        "processor"
        | "machine"
        | "headers of the machine"
        | "packages of the machine"
        | "programs of the machine" => Kind::Machine,
        ARGUMENT
        | "emit"
        | "source"
        | "directory"
        | OUTPUT_DIRECTORY
        | "crate"
        | "-l"
        | "arguments in a file" => Kind::Flag,
        "package" | "workspace" | "history" => Kind::Source,
        "OUT_DIR" => Kind::Generated,
        "crate below" | "run of" | "--extern" => Kind::Dependency,
        "linker" | "preloaded library" => Kind::Linker,
        "only here" | "path_map" | CHECKOUT_PATHS => Kind::Place,
        "time" => Kind::EachTime,
        _ if begins(&[REMAPPED]) => Kind::Place,
        _ if begins(&["$", "env!("]) => Kind::Variable,
        _ if begins(&["--extern "]) => Kind::Dependency,
        _ if begins(&["file ", "assembled "]) || what.contains(" above: ") => Kind::Source,
        // Files that macros read or looked up.
        _ if begins(&["read ", "found ", "resolved "]) => Kind::Source,
        _ if begins(&[STANDARD_LIBRARY]) => Kind::Compiler,
        _ if begins(&[PROGRAM, "content of "]) => Kind::Machine,
        _ if begins(&[LIBRARY, LIBRARIES_IN, "-L"]) => Kind::Linker,
        _ => Kind::Other,
    }
}

/// The parts in which two keys differ, the most likely cause first: labels with values. Variables whose digests are of
/// different hashers cannot be compared, and are left out.
pub(in super::super) fn changes<'a>(
    before: impl Iterator<Item = (&'a str, &'a str)>,
    now: impl Iterator<Item = (&'a str, &'a str)>,
    is_comparable: bool,
) -> Vec<Change> {
    // A label may occur several times, such as `argument`.
    let mut all: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for (what, value) in before {
        all.entry(what).or_default()[0].push(value);
    }
    for (what, value) in now {
        all.entry(what).or_default()[1].push(value);
    }
    let mut found = Vec::new();
    for (what, [mut from, mut to]) in all {
        from.retain(|value| {
            let same = to.iter().position(|other| other == value);
            same.map(|at| to.remove(at)).is_none()
        });
        if what == ARGUMENT {
            found.extend(changed_arguments(&from, &to));
            continue;
        }
        for nth in 0..from.len().max(to.len()) {
            let (from, to) = (from.get(nth).copied(), to.get(nth).copied());
            let is_hashed =
                |value: Option<&str>| value.is_some_and(|value| value.starts_with(HASHED));
            if is_comparable || !(is_hashed(from) && is_hashed(to)) {
                found.push(change(what, from, to));
            }
        }
    }
    let is_consequence = |change: &Change| {
        let of_cargo = ["metadata=", "extra-filename="];
        let values = change.from.iter().chain(&change.to);
        let mut values = values.filter(|_| change.what == ARGUMENT);
        values.any(|value| of_cargo.iter().any(|name| value.starts_with(name)))
    };
    // cargo's hashes change with everything else that cargo knows.
    if found.iter().any(|change| !is_consequence(change)) {
        found.retain(|change| !is_consequence(change));
    }
    found.sort_by_key(Change::kind);
    // A key may have the same part twice.
    found.dedup();
    found
}

/// Pairs options of the same name: `opt-level=0` and `opt-level=3`.
fn changed_arguments(from: &[&str], to: &[&str]) -> Vec<Change> {
    let name = |word: &str| word.split_once('=').map(|(name, _)| name.to_owned());
    let mut to: Vec<&str> = to.to_vec();
    let mut found = Vec::new();
    for from in from {
        let same = to
            .iter()
            .position(|to| name(from).is_some() && name(to) == name(from));
        let paired = same.map(|at| to.remove(at));
        found.push(change(ARGUMENT, Some(from), paired));
    }
    found.extend(to.into_iter().map(|to| change(ARGUMENT, None, Some(to))));
    // The first word of `-C opt-level=3` is left out.
    let is_bare = |change: &Change| {
        let word = change.from.as_ref().or(change.to.as_ref());
        word.is_some_and(|word| matches!(word.as_str(), "-C" | "--cfg" | "-Z" | "-A" | "-W" | "-D"))
    };
    if !found.iter().all(is_bare) {
        found.retain(|change| !is_bare(change));
    }
    found
}

fn change(what: &str, from: Option<&str>, to: Option<&str>) -> Change {
    let short = |value: &str| {
        if value.starts_with(HASHED) {
            return "set".to_owned();
        }
        let is_digest = value.len() >= 16 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let length = if is_digest { SHORT } else { value.len() };
        value.get(..length).unwrap_or(value).to_owned()
    };
    Change {
        what: what.to_owned(),
        from: from.map(short),
        to: to.map(short),
        by_script: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(before: &[(&str, &str)], now: &[(&str, &str)]) -> Vec<String> {
        let found = changes(before.iter().copied(), now.iter().copied(), true);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let line = |change: &Change| {
            let (from, to) = (text(&change.from), text(&change.to));
            format!("{:?} {}: {from} → {to}", change.kind(), change.what)
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn arguments_are_compared_by_name() {
        let before = [
            (ARGUMENT, "-C"),
            (ARGUMENT, "opt-level=0"),
            (ARGUMENT, "-C"),
            (ARGUMENT, "metadata=1"),
        ];
        let now = [
            (ARGUMENT, "-C"),
            (ARGUMENT, "opt-level=3"),
            (ARGUMENT, "-C"),
            (ARGUMENT, "metadata=2"),
            (ARGUMENT, "--cfg"),
            (ARGUMENT, "fast"),
        ];
        assert_eq!(
            between(&before, &now),
            [
                "Flag argument: opt-level=0 → opt-level=3",
                "Flag argument:  → fast"
            ]
        );
    }

    #[test]
    fn the_most_likely_cause_comes_first() {
        let before = [("--extern low", "1"), ("file a.rs", "1"), ("$A", "unset")];
        let digest = format!("{HASHED}0123456789abcdef");
        let now = [("--extern low", "2"), ("file a.rs", "2"), ("$A", &*digest)];
        assert_eq!(
            between(&before, &now),
            [
                "Source file a.rs: 1 → 2",
                "Variable $A: unset → set",
                "Dependency --extern low: 1 → 2"
            ]
        );
    }

    #[test]
    fn a_file_that_a_macro_read_is_a_source() {
        let change = change("read data/names.txt", Some("1"), Some("2"));
        assert_eq!(change.kind(), Kind::Source);
        assert_eq!(change.file(), Some("data/names.txt"));
    }

    #[test]
    fn variables_of_another_user_are_not_compared() {
        let [one, other] = ["1", "2"].map(|digest| format!("{HASHED}{digest}"));
        let compare = |is_comparable| {
            let (before, now) = ([("$A", &*one)], [("$A", &*other)]);
            changes(before.into_iter(), now.into_iter(), is_comparable).len()
        };
        assert_eq!((compare(true), compare(false)), (1, 0));
    }

    #[test]
    fn a_dependency_is_named_without_its_options() {
        let change = change("--extern priv,noprelude:core", Some("1"), None);
        assert_eq!(change.dependency(), Some("core"));
    }
}
