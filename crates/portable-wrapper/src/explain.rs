//! Reports on the units of a target directory, from their manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use serde::Serialize;

use super::binary;
use super::build_dir::{WRAPPER_DIR, wrapper_dir};
use super::build_script;
use super::builds::{Change, Kind, TEST, changes, is_test};
use super::digest::{HASHED, KeyPart, shown_secret};
use super::interface;
use super::path_map::{PathMap, Role};
use super::state_dir::StateDir;
pub use super::unit_manifest::{HAS_FILE_TIMES, OUTSIDE_OF_WORKSPACE};
use super::unit_manifest::{MANIFEST_EXTENSION, Sharing, UnitManifest};
use sccfg_util::{env, fsio};

/// Shown instead of the value of a variable whose digest is of another user or machine.
const ELSEWHERE: &str = "set, possibly to another value (its digest is of another user or machine)";

/// A unit, and between which checkouts it is shared.
#[derive(Debug, Clone, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub struct UnitReport {
    /// The name of the crate.
    pub name: String,
    /// The name of its package.
    pub package: String,
    /// The crate types; `test` for a test, `run` for the run of a build script.
    pub crate_types: Vec<String>,
    /// Whether it is the program of a build script, or a run of that.
    #[serde(skip)]
    pub is_of_build_script: bool,
    /// The path of its manifest.
    #[serde(serialize_with = "sccfg_util::printed::serialize_path")]
    pub record: PathBuf,
    /// The path of its manifest relative to the target directory.
    #[serde(skip)]
    below: PathBuf,
    /// The key.
    pub key: String,
    /// Whether it is shared between all checkouts with the same sources.
    pub is_portable: bool,
    /// Whether it is shared only between checkouts whose paths are equally long, because it is compiled from vendored packages.
    pub needs_same_length: bool,
    /// Whether the wrapper caches it.
    pub is_cached: bool,
    /// Why it is not shared, or not cached.
    pub why: Option<String>,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// Whether the last build took it from the cache.
    pub hit: bool,
    /// The parts of the key, in order: label, and value or the beginning of its digest.
    pub parts: Vec<(String, String)>,
    /// The name of the hasher of variables' values; digests of different hashers cannot be compared.
    #[serde(skip)]
    pub hasher: String,
    /// The digests of its files, as in the keys of dependents.
    #[serde(skip)]
    outputs: Vec<String>,
    /// As `outputs`, also as they are in the keys of units that leave out hashes of crates.
    #[serde(skip)]
    outputs_in_keys: BTreeSet<String>,
    /// What stands for its metadata in the keys of libraries above it, if its hash may be another one in another checkout.
    #[serde(skip)]
    interface: Option<String>,
    /// Whether its metadata contains the path of the checkout, so that libraries above it are not shared.
    #[serde(skip)]
    has_path_in_metadata: bool,
    /// Whether its output contains the path of the checkout, or depends on it.
    #[serde(skip)]
    depends_on_path: bool,
    #[serde(skip)]
    path_map: PathMap,
}

/// The first cause of the difference between two units: if a dependency differs, the difference of that dependency, and so on.
#[derive(Debug, Clone)]
pub struct FirstDifference {
    /// The names of the crates from the unit to the one with the first cause.
    pub through: Vec<String>,
    /// The changes of the key of that crate, the most likely cause first: `from` is the value there, `to` the value here. Empty
    /// if only the path of the checkout differs.
    pub changes: Vec<Change>,
    /// Why the unit here or there has no key, if so.
    pub uncached: Option<String>,
}

/// The maximum depth of a manifest below a target directory: that of an artifact dependency, with `--target`, in cargo's newer
/// layout.
const DEEPEST: &str = "target/debug/build/package/hash/artifact/bin/.sccfg/manifest.json";

/// The units below `target`.
pub fn units(target: &Path) -> Vec<UnitReport> {
    let read = records(target).filter_map(|record| {
        let manifest = UnitManifest::read(&record)?;
        let below = record.strip_prefix(target).ok()?.to_owned();
        Some((manifest, below, record))
    });
    let read: Vec<_> = read.collect();
    let left_out = read
        .iter()
        .map(|(manifest, ..)| manifest.same_code_below.clone());
    let left_out: BTreeSet<BTreeSet<String>> = left_out.chain([BTreeSet::new()]).collect();
    let found = read.into_iter();
    let found = found.map(|(manifest, below, record)| explain(manifest, below, record, &left_out));
    let mut found: Vec<UnitReport> = found.collect();
    found.sort_by(|a, b| (&a.package, &a.name, &a.record).cmp(&(&b.package, &b.name, &b.record)));
    note_paths_in_dependencies(&mut found);
    found
}

/// A value for each unit, which depends on those of its `dependencies`. `value` gets the number of the unit, its dependencies, and the
/// values so far, and is called until none changes.
fn for_each_unit<T: Clone + Default + PartialEq>(
    dependencies: &[Vec<(usize, bool)>],
    value: impl Fn(usize, &[(usize, bool)], &[T]) -> T,
) -> Vec<T> {
    let mut values = vec![T::default(); dependencies.len()];
    loop {
        let next = dependencies.iter().enumerate();
        let next: Vec<T> = next.map(|(at, used)| value(at, used, &values)).collect();
        if next == values {
            return values;
        }
        values = next;
    }
}

/// Units that use a library that depends on the path of the checkout are not shared either, if its contents are in their keys: what is
/// linked from it, and a library if the path is in the metadata.
fn note_paths_in_dependencies(units: &mut [UnitReport]) {
    // The unit with this digest, and whether it is that of code.
    let mut producers = BTreeMap::new();
    for (at, unit) in units.iter().enumerate() {
        producers.extend(
            unit.interface
                .iter()
                .map(|digest| (digest.clone(), (at, false))),
        );
        producers.extend(
            unit.outputs_in_keys
                .iter()
                .map(|digest| (digest.clone(), (at, true))),
        );
    }
    // Keys have the beginnings of the digests.
    let producer = |digest: &String| {
        let (found, producer) = producers.range(digest.clone()..).next()?;
        (!digest.is_empty() && found.starts_with(digest)).then_some(*producer)
    };
    let below = |unit: &UnitReport| -> Vec<(usize, bool)> {
        let parts = unit.parts.iter();
        let of_dependencies = parts.filter(|(what, _)| is_of_dependency(what));
        let found = of_dependencies.filter_map(|(_, digest)| producer(digest));
        found.collect()
    };
    let dependencies: Vec<Vec<(usize, bool)>> = units.iter().map(below).collect();
    // The unit that depends on the path, for each unit that does or uses one that does.
    let sources = for_each_unit(&dependencies, |at, used, before: &[Option<usize>]| {
        let own = units[at].depends_on_path.then_some(at);
        own.or_else(|| used.iter().find_map(|(used, _)| before[*used]))
    });
    // Whether the key of a unit differs between checkouts because of one below it.
    let differs = for_each_unit(&dependencies, |_, used, before: &[bool]| {
        used.iter().any(|(used, is_code)| {
            let is_in_metadata = || units[*used].has_path_in_metadata || before[*used];
            sources[*used].is_some() && (*is_code || is_in_metadata())
        })
    });
    for (at, source) in sources.into_iter().enumerate() {
        let Some(source) = source.filter(|source| *source != at && differs[at]) else {
            continue;
        };
        if units[at].is_portable {
            let name = units[source].name.clone();
            units[at].why = Some(format!(
                "it uses {name}, which depends on the path of the checkout"
            ));
            units[at].is_portable = false;
        }
    }
}

/// Whether a part of a key is the digest of a dependency, from its label.
fn is_of_dependency(what: &str) -> bool {
    what.starts_with("--extern ") || what == "crate below"
}

/// Whether the wrapper or a seed has written units below `target`.
pub fn has_units(target: &Path) -> bool {
    records(target).next().is_some()
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

/// Whether there is a manifest for the unit with the dep-info at `dep_info`, so that [`workspaces`] finds its workspace.
pub fn is_recorded(dep_info: &Path) -> bool {
    let record = || {
        let stem = dep_info.file_stem()?.to_str()?;
        let directory = wrapper_dir(dep_info.parent()?);
        UnitManifest::read(&directory.join(format!("{stem}{MANIFEST_EXTENSION}")))
    };
    record().is_some_and(|manifest| manifest.path_map.directory(Role::Workspace).is_some())
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

/// Whether the metadata of the library with this manifest, which is at `record`, contains the path of a mapped directory.
fn has_path_in_metadata(manifest: &UnitManifest, record: &Path) -> bool {
    let directories = manifest.path_map.without_unmapped();
    let out_dir = record.parent().and_then(Path::parent);
    let mut names = manifest.outputs.iter().map(|(name, ..)| name);
    let metadata = names.find(|name| interface::is_metadata(Path::new(name)));
    out_dir.zip(metadata).is_some_and(|(out_dir, name)| {
        let file = fsio::open(&out_dir.join(name));
        let has_path = file.and_then(|file| binary::has_path(&file, &directories));
        has_path.unwrap_or(true)
    })
}

/// `left_out` are the crates whose hashes some keys leave out.
fn explain(
    manifest: UnitManifest,
    below: PathBuf,
    record: PathBuf,
    left_out: &BTreeSet<BTreeSet<String>>,
) -> UnitReport {
    let hint = match &manifest.sharing {
        Sharing::Everywhere => manifest.is_outside.then_some(
            "move the package below the workspace's directory, where all checkouts share it",
        ),
        Sharing::PathLeaked(leak) => Some(leak.hint()),
        Sharing::KeyedByPath(why) => build_script::hint_for_path(why),
        Sharing::NotCached(why) => why.hint(),
    };
    let hint = hint.map(str::to_owned);
    let why = match &manifest.sharing {
        Sharing::NotCached(why) => Some(why.describe_with(manifest.unknown_input.as_deref())),
        _ => manifest.why_not_everywhere(),
    };
    let pairs = |part: KeyPart| (part.what, part.value);
    let has_path_in_metadata =
        manifest.interface.is_some() && has_path_in_metadata(&manifest, &record);
    let is_of_build_script = manifest.is_of_build_script();
    let is_run = manifest.is_run();
    let crate_types = if is_test(&manifest.parts) {
        vec![TEST.to_owned()]
    } else {
        manifest.crate_types
    };
    let (digests, interface) = (&manifest.outputs, manifest.interface.as_ref());
    let in_keys = |without: &BTreeSet<String>| -> Vec<String> {
        let digests = digests.iter().map(|(_, digest, _)| digest);
        digests
            .map(|digest| interface::code_in_key(digest, interface, without))
            .collect()
    };
    let outputs = in_keys(&BTreeSet::new());
    let outputs_in_keys = left_out.iter().flat_map(in_keys).collect();
    UnitReport {
        is_of_build_script,
        name: manifest.name,
        package: manifest.package,
        crate_types,
        record,
        below,
        key: manifest.key,
        is_portable: why.is_none(),
        depends_on_path: match &manifest.sharing {
            Sharing::PathLeaked(leak) => matches!(leak.role(), Role::Workspace | Role::Target),
            _ => false,
        },
        // The key of a run of the workspace has no path of vendored packages.
        needs_same_length: !is_run && manifest.path_map.has_unmapped_vendored(),
        is_cached: !matches!(manifest.sharing, Sharing::NotCached(_)),
        why,
        hint,
        hit: manifest.hit,
        parts: manifest.parts.into_iter().map(pairs).collect(),
        hasher: manifest.hasher,
        outputs,
        outputs_in_keys,
        has_path_in_metadata,
        interface: manifest.interface.map(|interface| interface.digest),
        path_map: manifest.path_map,
    }
}

impl UnitReport {
    /// The name to show: that of the crate, but of build scripts, which have the same name in all packages, that of the package.
    pub fn shown_name(&self) -> String {
        match &*self.crate_types {
            [kind] if kind == "run" => format!("{}: run of the build script", self.package),
            _ if self.is_of_build_script => format!("{}: build script", self.package),
            _ => self.name.clone(),
        }
    }

    /// Whether `name` is the name of its crate or package.
    pub fn is_called(&self, name: &str) -> bool {
        self.package == name || self.name == name || self.name == name.replace('-', "_")
    }

    /// Its name in the [records of builds](super::builds::UnitRecord::unit).
    pub fn unit(&self) -> Option<String> {
        let stem = self.below.file_stem()?.to_str()?;
        if self.crate_types == ["run"] {
            let dir = self.below.parent()?.parent()?;
            return Some(format!("run {}", dir.to_str()?));
        }
        Some(stem.to_owned())
    }

    /// The root of the workspace in which it was compiled, unless it is of a registry.
    pub fn workspace(&self) -> Option<&Path> {
        self.path_map.directory(Role::Workspace).map(Path::new)
    }

    /// The value of the variable in the part `what` of its key, if this process has the same one. It may be secret.
    pub fn value_here(&self, what: &str) -> Option<String> {
        let (_, part) = self.parts.iter().find(|(part, _)| part == what)?;
        let change = Change {
            what: what.to_owned(),
            from: None,
            to: None,
            by_script: false,
        };
        let value = env::var(change.variable()?)?;
        let hasher = StateDir::find()?.hasher()?;
        let hidden = self.path_map.to_placeholders(value.as_bytes());
        let is_same = |value: &[u8]| shown_secret(what, &[b"=", value].concat(), &hasher) == *part;
        (is_same(&hidden) || is_same(value.as_bytes())).then_some(value)
    }

    /// Whether one of its files has this digest, or a digest with this prefix, as in the keys of dependents.
    fn has_output(&self, digest: &str) -> bool {
        let is_one = |output: &String| output.starts_with(digest);
        let mut digests = self.outputs_in_keys.iter().chain(&self.interface);
        !digest.is_empty() && digests.any(is_one)
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.parts.iter();
        parts.map(|(what, value)| (what.as_str(), value.as_str()))
    }
}

/// The first cause of the difference between `here`, one of `ours`, and `there`, one of `theirs`.
pub fn first_difference(
    here: &UnitReport,
    there: &UnitReport,
    ours: &[UnitReport],
    theirs: &[UnitReport],
) -> FirstDifference {
    let (mut here, mut there) = (here, there);
    let mut found = FirstDifference {
        through: Vec::new(),
        changes: Vec::new(),
        uncached: None,
    };
    loop {
        found.through.push(here.shown_name());
        found.changes = changes(there.texts(), here.texts(), here.hasher == there.hasher);
        let has_no_key = [here, there].into_iter().find(|unit| !unit.is_cached);
        if let Some(unit) = has_no_key {
            found.uncached.clone_from(&unit.why);
            return found;
        }
        let next = match found.changes.first().map(Change::kind) {
            Some(Kind::Dependency) => {
                let mut changes = found.changes.iter();
                changes.find_map(|change| used(change, ours, theirs))
            }
            Some(Kind::Generated) => runs(here, there, ours, theirs),
            Some(_) => None,
            None if here.depends_on_path => None,
            None => used_with_other_code(here, ours, theirs),
        };
        // Manifests that were changed may form a cycle.
        let goes_on = found.through.len() <= ours.len();
        match next.filter(|_| goes_on) {
            Some(next) => (here, there) = next,
            None => return found,
        }
    }
}

/// The units of a dependency here and there.
fn used<'a>(
    change: &Change,
    ours: &'a [UnitReport],
    theirs: &'a [UnitReport],
) -> Option<(&'a UnitReport, &'a UnitReport)> {
    change.dependency()?;
    let (from, to) = (change.from.as_deref()?, change.to.as_deref()?);
    let here = ours.iter().find(|unit| unit.has_output(to))?;
    let there = theirs.iter().find(|unit| unit.has_output(from))?;
    Some((here, there))
}

/// The units of a dependency of `unit` here and there, if only what is not in its key differs: what is linked, or the hashes of the
/// crates below.
fn used_with_other_code<'a>(
    unit: &UnitReport,
    ours: &'a [UnitReport],
    theirs: &'a [UnitReport],
) -> Option<(&'a UnitReport, &'a UnitReport)> {
    let parts = unit.parts.iter();
    let digests = parts.filter_map(|(what, digest)| is_of_dependency(what).then_some(digest));
    let mut pairs = digests.filter_map(|digest| {
        let with_output =
            |units: &'a [UnitReport]| units.iter().find(|unit| unit.has_output(digest));
        Some((with_output(ours)?, with_output(theirs)?))
    });
    pairs.find(|(here, there)| here.outputs != there.outputs)
}

/// The runs of the build scripts of two units, if they differ.
fn runs<'a>(
    here: &UnitReport,
    there: &UnitReport,
    ours: &'a [UnitReport],
    theirs: &'a [UnitReport],
) -> Option<(&'a UnitReport, &'a UnitReport)> {
    let run_of = |unit: &UnitReport, all: &'a [UnitReport]| {
        let mut runs = all.iter().filter(|run| run.crate_types == ["run"]);
        runs.find(|run| run.package == unit.package)
    };
    let runs = (run_of(here, ours)?, run_of(there, theirs)?);
    let differ = runs.0.key != runs.1.key || !runs.0.is_cached;
    differ.then_some(runs)
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
    let is_comparable = here.hasher == there.hasher;
    let value = |value: Option<String>| value.unwrap_or_else(|| "missing".to_owned());
    let found = changes(there.texts(), here.texts(), is_comparable).into_iter();
    let mut found: Vec<_> = found
        .map(|change| (change.what, value(change.to), value(change.from)))
        .collect();
    if found.is_empty() && !is_comparable {
        // No other part differs.
        let of_both = here.parts.iter().filter(|(what, value)| {
            value.starts_with(HASHED) && there.parts.iter().any(|(other, _)| other == what)
        });
        let unknown =
            of_both.map(|(what, _)| (what.clone(), "set".to_owned(), ELSEWHERE.to_owned()));
        found.extend(unknown);
    }
    found.dedup();
    found
}
