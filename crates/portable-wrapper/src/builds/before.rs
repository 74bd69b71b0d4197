//! The previous state of a unit that is compiled again.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::super::args::Unit;
use super::super::build_dir;
use super::super::build_dir::wrapper_dir;
use super::super::digest::KeyPart;
use super::super::package;
use super::super::unit_key::DRIVER;
use super::super::unit_manifest::{MANIFEST_EXTENSION, Sharing, UnitManifest, manifest_path};
use super::recorder::SoFar;
use super::{Before, Change, changes};
use sccfg_util::{env, fsio};

/// The maximum number of changes of a key that are recorded.
const RECORDED: usize = 12;
/// The maximum number of units with the same name that are compared. A crate has several for different features or versions.
const COMPARED: usize = 16;

/// A unit that is about to be compiled.
pub(in super::super) struct BeforeUnit<'a> {
    pub(in super::super) unit: &'a Unit,
    pub(in super::super) parts: &'a [KeyPart],
    pub(in super::super) hasher: &'a str,
    /// The root of the build directory.
    pub(in super::super) root: Option<&'a Path>,
}

impl BeforeUnit<'_> {
    /// Its previous state: that of the same unit, or if cargo gave it another hash, because a flag or a dependency
    /// changed, of the unit of the same name that differs least. Has to be called before its manifest is written.
    pub(in super::super) fn find(&self) -> Option<Before> {
        let is_same = |found: &UnitManifest| {
            found.name == self.unit.name && found.crate_types == self.unit.crate_types
        };
        let own = manifest_path(self.unit);
        if let Some(found) = UnitManifest::read(&own).filter(is_same) {
            return Some(before(&found, self.parts, self.hasher));
        }
        let package = env::var("CARGO_PKG_NAME")?;
        let prefix = format!("{}-", self.unit.name);
        // A unit of the same build is another one, for example with other features.
        let root = self.root?;
        let so_far = OnceCell::new();
        let has_begun = |stem: &str| so_far.get_or_init(|| SoFar::read(root)).has(stem);
        let mut others = Vec::new();
        for directory in self.directories(&package) {
            let records = wrapper_dir(&directory);
            let names = fsio::names_in(&records).into_iter();
            let names = names.filter(|name| {
                let stem = name.strip_suffix(MANIFEST_EXTENSION);
                stem.is_some_and(|stem| stem.starts_with(&prefix) && !has_begun(stem))
            });
            others.extend(names.map(|name| records.join(name)));
        }
        let others = others.iter().take(COMPARED);
        let others = others.filter_map(|path| UnitManifest::read(path));
        let others = others.filter(|found| is_same(found) && found.package == package);
        let others = others.filter(|found| is_test(&found.parts) == self.unit.is_test);
        // `cargo check` and `cargo clippy` have units of their own beside those of `cargo build`.
        let others = others.filter(|found| {
            value(&found.parts, "emit") == value(self.parts, "emit")
                && value(&found.parts, DRIVER).is_some() == value(self.parts, DRIVER).is_some()
        });
        let compared = others.map(|found| before(&found, self.parts, self.hasher));
        compared.min_by_key(|before| {
            (
                before.uncached.is_some(),
                before.changed.len() as u64 + before.more,
            )
        })
    }

    /// The directories in which the same unit may have been compiled earlier.
    fn directories(&self, package: &str) -> Vec<PathBuf> {
        let out_dir = &self.unit.out_dir;
        let of_package = |out_dir: &Path| build_dir::of_script(out_dir, package, None);
        match out_dir.file_name().and_then(|name| name.to_str()) {
            // The layout of cargo 1.100.
            Some("out") => of_package(out_dir),
            _ if self.unit.is_build_script => of_package(&out_dir.join("out")),
            _ => vec![out_dir.clone()],
        }
    }
}

/// The previous run of the build script, whose manifest is at `manifest`.
pub(in super::super) fn before_of_run(
    manifest: &Path,
    parts: &[KeyPart],
    hasher: &str,
) -> Option<Before> {
    Some(before(&UnitManifest::read(manifest)?, parts, hasher))
}

fn before(found: &UnitManifest, parts: &[KeyPart], hasher: &str) -> Before {
    if let Sharing::NotCached(why) = found.sharing {
        return Before {
            uncached: Some(format!("{why:?}")),
            ..Before::default()
        };
    }
    let mut changed = changes(pairs(&found.parts), pairs(parts), found.hasher == hasher);
    let more = changed.len().saturating_sub(RECORDED);
    changed.truncate(RECORDED);
    mark_variables_of_script(&mut changed);
    Before {
        key: found.key.clone(),
        uncached: None,
        changed,
        more: more as u64,
    }
}

fn pairs(parts: &[KeyPart]) -> impl Iterator<Item = (&str, &str)> {
    parts
        .iter()
        .map(|part| (part.what.as_str(), part.value.as_str()))
}

/// Marks the variables that the build script of the package sets.
fn mark_variables_of_script(changed: &mut [Change]) {
    if !changed.iter().any(|change| change.variable().is_some()) {
        return;
    }
    let out_dir = env::var_os("OUT_DIR").map(PathBuf::from);
    let set = out_dir.as_deref().and_then(package::set_by_build_script);
    let set = set.unwrap_or_default();
    for change in changed {
        let is_set = |name: &str| set.iter().any(|variable| variable == name);
        change.by_script = change.variable().is_some_and(is_set);
    }
}

fn value<'a>(parts: &'a [KeyPart], what: &str) -> Option<&'a str> {
    let part = parts.iter().find(|part| part.what == what)?;
    Some(&part.value)
}

/// Whether the key with these parts is that of a test.
pub(crate) fn is_test(parts: &[KeyPart]) -> bool {
    parts
        .iter()
        .any(|part| part.what == "argument" && part.value == "--test")
}
