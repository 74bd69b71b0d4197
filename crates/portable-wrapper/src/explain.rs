//! Reports on the units of a target directory, from their manifests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use serde::Serialize;

use super::digest::{HASHED, KeyPart};
use super::path_map::Role;
use super::unit_manifest::{MANIFEST_EXTENSION, Sharing, UnitManifest, WRAPPER_DIR};

/// For a variable in a manifest of another user or machine.
const ELSEWHERE: &str = "set, possibly to another value (its digest is of another user or machine)";

/// A unit, and between which checkouts it is shared.
#[derive(Debug, Clone, Serialize)]
pub struct UnitReport {
    /// The name of the crate.
    pub name: String,
    /// The name of its package.
    pub package: String,
    /// The crate types.
    pub crate_types: Vec<String>,
    /// The path of its manifest.
    pub record: PathBuf,
    /// The same relative to the target directory.
    #[serde(skip)]
    below: PathBuf,
    /// The key.
    pub key: String,
    /// Whether it is shared between all checkouts with the same sources.
    pub is_portable: bool,
    /// Whether the wrapper caches it.
    pub is_cached: bool,
    /// Why it is not shared, or not cached.
    pub why: Option<String>,
    /// What can be done about that.
    pub hint: Option<String>,
    /// Whether the last build took it from the cache.
    pub hit: bool,
    /// The parts of the key, in order: label, and value or the beginning of its digest.
    pub parts: Vec<(String, String)>,
    /// The name of the hasher of variables' values; digests of different hashers cannot be compared.
    #[serde(skip)]
    pub hasher: String,
}

/// The deepest manifest below a target directory: of an artifact dependency, with `--target`, in cargo's newer
/// layout.
const DEEPEST: &str = "target/debug/build/package/hash/artifact/bin/.sccfg/manifest.json";

/// The units below `target`; only those whose crate or package is called `name`, if it is given.
pub fn units(target: &Path, name: Option<&str>) -> Vec<UnitReport> {
    let wanted = |manifest: &UnitManifest| {
        name.is_none_or(|name| {
            manifest.package == name
                || manifest.name == name.replace('-', "_")
                || manifest.name == name
        })
    };
    let mut found: Vec<UnitReport> = records(target)
        .filter_map(|record| {
            let manifest = UnitManifest::read(&record).filter(wanted)?;
            let below = record.strip_prefix(target).ok()?.to_owned();
            Some(explain(manifest, below, record))
        })
        .collect();
    found.sort_by(|a, b| (&a.package, &a.name, &a.record).cmp(&(&b.package, &b.name, &b.record)));
    found
}

/// The paths of the manifests below `target`.
fn records(target: &Path) -> impl Iterator<Item = PathBuf> {
    WalkBuilder::new(target)
        .standard_filters(false)
        .max_depth(Some(Path::new(DEEPEST).components().count()))
        .build()
        .flatten()
        .map(ignore::DirEntry::into_path)
        .filter(|path| {
            let directory = path.parent().and_then(Path::file_name);
            directory.is_some_and(|name| name == WRAPPER_DIR)
                && path
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().ends_with(MANIFEST_EXTENSION))
        })
}

/// The roots of the workspaces whose units are below `target`.
pub fn workspaces(target: &Path) -> BTreeSet<PathBuf> {
    let manifests = records(target).filter_map(|record| UnitManifest::read(&record));
    let roots = manifests.filter_map(|manifest| {
        let root = manifest.path_map.directory(Role::Workspace)?;
        Some(PathBuf::from(root))
    });
    roots.collect()
}

fn explain(manifest: UnitManifest, below: PathBuf, record: PathBuf) -> UnitReport {
    let (why, hint) = match &manifest.sharing {
        Sharing::Everywhere => (None, None),
        Sharing::PathLeaked(leak) => (Some(leak.describe()), Some(leak.hint().to_owned())),
        Sharing::KeyedByPath(why) => (Some(why.clone()), None),
        Sharing::NotCached(why) => (
            Some(why.describe().to_owned()),
            why.hint().map(str::to_owned),
        ),
    };
    let pairs = |part: KeyPart| (part.what, part.value);
    UnitReport {
        name: manifest.name,
        package: manifest.package,
        crate_types: manifest.crate_types,
        record,
        below,
        key: manifest.key,
        is_portable: why.is_none(),
        is_cached: !matches!(manifest.sharing, Sharing::NotCached(_)),
        why,
        hint,
        hit: manifest.hit,
        parts: manifest.parts.into_iter().map(pairs).collect(),
        hasher: manifest.hasher,
    }
}

/// The unit among `others`, of another checkout, that corresponds to `unit`: with the same path, or with the same
/// file name where cargo's layouts differ.
pub fn counterpart<'a>(unit: &UnitReport, others: &'a [UnitReport]) -> Option<&'a UnitReport> {
    let is_one = |other: &&UnitReport| {
        (&other.package, &other.name, &other.crate_types)
            == (&unit.package, &unit.name, &unit.crate_types)
    };
    let all = || others.iter().filter(is_one);
    let file = |of: &UnitReport| of.record.file_name().map(ToOwned::to_owned);
    all()
        .find(|other| other.below == unit.below)
        .or_else(|| all().find(|other| file(other) == file(unit)))
        .or_else(|| all().next())
}

/// The parts in which two keys differ: label, value here, value there.
pub fn differences(here: &UnitReport, there: &UnitReport) -> Vec<(String, String, String)> {
    let value = |of: &UnitReport, name: &str, nth: usize| {
        let mut values = of.parts.iter().filter(|(part, _)| part == name);
        values
            .nth(nth)
            .map_or_else(|| "missing".to_owned(), |(_, value)| value.clone())
    };
    let mut names: Vec<&String> = here
        .parts
        .iter()
        .chain(&there.parts)
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        let count = |of: &UnitReport| of.parts.iter().filter(|(part, _)| part == name).count();
        for nth in 0..count(here).max(count(there)) {
            let (ours, theirs) = (value(here, name, nth), value(there, name, nth));
            let is_hashed = |value: &String| value.starts_with(HASHED);
            if here.hasher != there.hasher && is_hashed(&ours) && is_hashed(&theirs) {
                unknown.push((name.clone(), "set".to_owned(), ELSEWHERE.to_owned()));
            } else if ours != theirs {
                found.push((name.clone(), ours, theirs));
            }
        }
    }
    // A key may have the same part twice.
    let mut found = if found.is_empty() { unknown } else { found };
    found.dedup();
    found
}
