//! The units that were taken from earlier checkouts, when the rest is searched for in another one. Dependencies that were taken
//! from another checkout must be the ones that the unit was compiled with: with the same key and the same files. Then they are
//! compared as if they had been taken from the unit's own checkout.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ignore::WalkBuilder;

use super::super::path_map::PathMap;
use super::units::{CargoUnit, Kind, Run, Times};
use super::{Build, Checkout};
use sccfg_util::fsio;

/// A unit that was taken from another checkout.
#[derive(Debug, Clone, Copy)]
pub(super) struct TakenEarlier {
    /// The indices of its checkout, and of the unit in it.
    build: usize,
    unit: usize,
    /// The mtimes of its delivered files.
    pub(super) times: Times,
    /// Whether its package never changes.
    pub(super) is_published: bool,
}

/// A unit that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct TakenUnit {
    /// Its index.
    pub(super) unit: usize,
    /// The mtimes of its files in its checkout.
    pub(super) times: Times,
    /// The mtimes of its delivered files, if it was taken earlier from another checkout.
    pub(super) delivered: Option<Times>,
    /// Whether its package never changes.
    pub(super) is_published: bool,
}

/// The decisions about the units of a checkout.
pub(super) struct Decided {
    pub(super) taken: Vec<TakenUnit>,
    /// The units of which files were delivered, including those that were removed again.
    pub(super) delivered: Vec<usize>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A unit of the first checkout that was not taken there.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) unit: String,
    pub(super) why: String,
    pub(super) fingerprint: PathBuf,
    /// Whether another checkout may have it.
    pub(super) may_be_elsewhere: bool,
}

/// The checkouts that were searched, in order, and what was taken from them.
#[derive(Default)]
pub(super) struct Earlier<'a> {
    builds: Vec<Build<'a>>,
    /// The units that were taken, by the directories of their fingerprints.
    taken: HashMap<PathBuf, TakenEarlier>,
    /// The fingerprints of all units of which files were delivered, including those that were removed again.
    delivered: HashSet<PathBuf>,
    /// The output directories and the stems of the files of these units.
    files: HashSet<(PathBuf, String)>,
    left_out: Vec<LeftOut>,
}

impl<'a> Earlier<'a> {
    /// Adds the decisions about the units of `build`.
    pub(super) fn add(&mut self, build: Build<'a>, decided: Decided, moment: SystemTime) {
        let number = self.builds.len();
        for taken in decided.taken {
            let unit = &build.units[taken.unit];
            let taken = TakenEarlier {
                build: number,
                unit: taken.unit,
                times: taken.times.delivered(taken.is_published, moment),
                is_published: taken.is_published,
            };
            self.taken.insert(unit.fingerprint.clone(), taken);
        }
        for unit in decided.delivered {
            let unit = &build.units[unit];
            self.delivered.insert(unit.fingerprint.clone());
            self.files.extend(files_of(unit));
        }
        if number == 0 {
            self.left_out = decided.left_out;
            let unfinished = build.unfinished.iter().map(|unit| LeftOut {
                unit: unit.fingerprint.display().to_string(),
                why: "its build has not finished".to_owned(),
                fingerprint: unit.fingerprint.clone(),
                may_be_elsewhere: true,
            });
            self.left_out.extend(unfinished);
        }
        self.builds.push(build);
    }

    /// How many units were taken.
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether another checkout may have a unit that was left out.
    pub(super) fn may_be_elsewhere(&self) -> bool {
        let is_missing = |left: &LeftOut| !self.taken.contains_key(&left.fingerprint);
        let mut left_out = self.left_out.iter();
        left_out.any(|left| left.may_be_elsewhere && is_missing(left))
    }

    /// The units of the first checkout that were not taken from any, with the reasons there.
    pub(super) fn left_out(self) -> Vec<(String, String)> {
        let left_out = self.left_out.into_iter();
        let missing = left_out.filter(|left| !self.taken.contains_key(&left.fingerprint));
        missing.map(|left| (left.unit, left.why)).collect()
    }

    /// Whether `unit`, which was not taken yet, is to be: the first checkout has it, in whatever state, and none of its
    /// files were delivered.
    pub(super) fn wants(&self, unit: &CargoUnit) -> bool {
        self.builds.first().is_none_or(|first| {
            !self.delivered.contains(&unit.fingerprint)
                && files_of(unit).is_none_or(|files| !self.files.contains(&files))
                && first.checkout.build.join(&unit.fingerprint).is_dir()
        })
    }

    /// The unit of an earlier checkout that was taken for `unit`.
    pub(super) fn taken(&self, unit: &CargoUnit) -> Option<TakenEarlier> {
        self.taken.get(&unit.fingerprint).copied()
    }

    /// Whether the unit `taken` is the same as `unit` of `checkout`.
    pub(super) fn is_same(
        &self,
        taken: TakenEarlier,
        unit: &CargoUnit,
        checkout: &Checkout,
    ) -> bool {
        let build = &self.builds[taken.build];
        let other = &build.units[taken.unit];
        if other.hash != unit.hash {
            return false;
        }
        match (&other.kind, &unit.kind) {
            (Kind::Compile { manifest: one, .. }, Kind::Compile { manifest: two, .. }) => {
                one.is_same_compile(two)
            }
            (Kind::Run(one), Kind::Run(two)) => {
                is_same_run(build.checkout, one, checkout, two).unwrap_or_default()
            }
            _ => false,
        }
    }

    /// The runs of build scripts that were taken, with their checkouts.
    pub(super) fn runs(&self) -> impl Iterator<Item = (&'a Checkout, &Run)> {
        self.taken.values().filter_map(|taken| {
            let build = &self.builds[taken.build];
            match &build.units[taken.unit].kind {
                Kind::Run(run) => Some((build.checkout, run)),
                Kind::Compile { .. } => None,
            }
        })
    }
}

/// The output directory of a compile, and the name of its files in there.
fn files_of(unit: &CargoUnit) -> Option<(PathBuf, String)> {
    match &unit.kind {
        Kind::Compile { out_dir, stem, .. } => Some((out_dir.clone(), stem.clone())),
        Kind::Run(_) => None,
    }
}

/// Whether two runs of a build script have the same output and files, apart from the paths of their checkouts.
fn is_same_run(one: &Checkout, its: &Run, two: &Checkout, others: &Run) -> Option<bool> {
    let content = |checkout: &Checkout, run: &Run| {
        let path_map = checkout.path_map()?;
        let mut content = HashMap::new();
        let printed = checkout.build.join(&run.directory).join(run.printed);
        content.insert(PathBuf::new(), digest(&printed, &path_map)?);
        let out_dir = checkout.build.join(&run.out_dir);
        let walk = WalkBuilder::new(&out_dir).standard_filters(false).build();
        for entry in walk.skip(1) {
            let entry = entry.ok()?;
            let digest = if entry.file_type()?.is_dir() {
                String::new()
            } else {
                digest(entry.path(), &path_map)?
            };
            content.insert(entry.path().strip_prefix(&out_dir).ok()?.to_owned(), digest);
        }
        Some(content)
    };
    Some(content(one, its)? == content(two, others)?)
}

/// The digest of a file or of the target of a link, with placeholders.
fn digest(path: &Path, path_map: &PathMap) -> Option<String> {
    match fsio::read_link(path) {
        Some(link) => {
            let link = link.as_os_str().as_encoded_bytes();
            let digest = path_map.digest_with_placeholders(link).ok()?;
            Some(format!("link {digest}"))
        }
        None => path_map
            .digest_with_placeholders(fsio::open(path).ok()?)
            .ok(),
    }
}
