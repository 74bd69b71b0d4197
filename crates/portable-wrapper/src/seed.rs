//! Seeding: filling the build directory of a new checkout from that of another one.
//!
//! A unit is taken if everything it depends on is the same here (`checks`), and so are all units
//! below it. Its files get this checkout's paths (`delivery`). cargo then finds it fresh, and
//! compiles the rest. So a seeded build directory is in the state in which a build in this checkout
//! would have left it, up to the units that are missing.
//!
//! The directory is filled beside its final place, and renamed once it is complete.

mod cargo_dep_info;
mod checks;
mod delivery;
mod moment;
mod published_runs;
mod script_checks;
mod undeclared;
mod units;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::path_map::{PathMap, Role};
use checks::{Checks, Taken, modified};
use delivery::{Delivery, has_extension};
use moment::{CACHE_TAG, Moment};
use sccfg_util::fsio;
use sccfg_util::parallel::each_at_once;
use units::{CargoUnit, Kind};

/// With more threads that deliver, some wait for the file system.
const MOST_THREADS: usize = 8;

/// The directories of a checkout. All paths are absolute and without symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The root of the workspace.
    pub workspace: PathBuf,
    /// cargo's build directory.
    pub build: PathBuf,
    /// `CARGO_HOME`.
    pub cargo_home: PathBuf,
}

/// A package of the workspace that is seeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its directory, relative to the workspace.
    pub directory: PathBuf,
    /// The variables `CARGO_PKG_*` and `CARGO_MANIFEST_*` that cargo sets for it.
    pub variables: BTreeMap<String, String>,
}

/// Finds a package by its directory, relative to the workspace that is seeded.
pub type Packages<'a> = dyn Fn(&Path) -> Option<Package> + 'a;

/// What seeding did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seeded {
    /// How many units were taken.
    pub units: usize,
    /// The units that were not, with the reasons; a unit comes after those below it.
    pub left_out: Vec<(String, String)>,
}

/// Why nothing was seeded.
#[derive(Debug)]
pub enum Refused {
    /// A build is running in the other checkout.
    IsBuilding,
    /// No compiler, or no home directory, was found.
    NoCompiler,
    /// A path is not UTF-8.
    NotUtf8,
    /// The build directory exists, or was created meanwhile.
    Exists,
    /// The file system reported an error.
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Why a unit is not taken.
#[derive(Debug)]
struct Why(Cow<'static, str>);

impl From<&'static str> for Why {
    fn from(why: &'static str) -> Self {
        Self(why.into())
    }
}

impl From<String> for Why {
    fn from(why: String) -> Self {
        Self(why.into())
    }
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        Self(error.to_string().into())
    }
}

impl Checkout {
    /// The directories that differ between checkouts.
    fn roles(&self) -> Result<[(Role, &str); 2], Why> {
        let text = |path: &'_ Path| path.to_str().map(|_| ()).ok_or("a path is not UTF-8");
        text(&self.workspace)?;
        text(&self.build)?;
        Ok([
            (Role::Target, self.build.to_str().unwrap_or_default()),
            (Role::Workspace, self.workspace.to_str().unwrap_or_default()),
        ])
    }

    fn path_map(&self) -> Option<PathMap> {
        let mut path_map = PathMap::default();
        path_map.add(&self.build, Role::Target)?;
        path_map.add(&self.workspace, Role::Workspace)?;
        Some(path_map)
    }
}

/// Whether cargo has built something in the build directory `build`.
pub fn is_built(build: &Path) -> bool {
    !units::profiles(build).is_empty()
}

/// When something was last built in the build directory `build`.
pub fn last_build(build: &Path) -> Option<SystemTime> {
    let profiles = units::profiles(build).into_iter();
    let directories = profiles.flat_map(|profile| {
        [".fingerprint", "build"].map(|below| build.join(&profile).join(below))
    });
    directories
        .filter_map(|directory| modified(&directory))
        .max()
}

/// Fills the build directory of `to`, which must not exist, from that of `from`. `staging` is an empty directory on
/// the same file system; it is moved or left behind.
///
/// # Errors
/// If nothing can be taken at all; `to` is then as it was.
pub fn seed(
    from: &Checkout,
    to: &Checkout,
    packages: &Packages<'_>,
    staging: &Path,
) -> Result<Seeded, Refused> {
    if fsio::exists(&to.build) {
        return Err(Refused::Exists);
    }
    let profiles = units::profiles(&from.build);
    // While cargo builds a profile, it locks its directory. It waits while this process copies.
    let locks = profiles.iter().flat_map(|profile| {
        let lock = |name: &&str| from.build.join(profile).join(name);
        super::build_dir::LOCKS.iter().map(lock).collect::<Vec<_>>()
    });
    let mut held = Vec::new();
    for lock in locks.filter(|lock| lock.is_file()) {
        // Where there are no locks, nobody knows.
        let lock = fsio::try_share_lock(&lock).unwrap_or_default();
        held.push(lock.ok_or(Refused::IsBuilding)?);
    }
    let moment = Moment::now(staging)?;
    let units = profiles
        .iter()
        .map(|profile| units::units(&from.build, profile));
    let units: Vec<_> = units.collect();
    let moment = moment.passed()?;
    let checks = Checks::new(from, to, packages, moment).ok_or(Refused::NoCompiler)?;
    let mut seeding = Seeding {
        delivery: Delivery {
            from: &from.build,
            staging,
            from_map: from.path_map().ok_or(Refused::NotUtf8)?,
            to_map: to.path_map().ok_or(Refused::NotUtf8)?,
            moment,
        },
        checks,
        all: Vec::new(),
        by_hash: HashMap::new(),
        states: Vec::new(),
        deliveries: Vec::new(),
        left_out: Vec::new(),
    };
    for units in units {
        seeding.profile(units);
    }
    let seeded = seeding.deliver();
    if seeded.units == 0 {
        return Ok(seeded);
    }
    deliver_marks(from, staging, &profiles)?;
    if let Some(parent) = to.build.parent() {
        fsio::create_dir_all(parent)?;
    }
    if fsio::exists(&to.build) {
        return Err(Refused::Exists);
    }
    // Fails if cargo has created the directory and put something into it.
    match fsio::rename(staging, &to.build) {
        Err(_) if fsio::exists(&to.build) => Err(Refused::Exists),
        renamed => {
            renamed?;
            Ok(seeded)
        }
    }
}

/// Delivers the files of the build directory that belong to no unit.
fn deliver_marks(from: &Checkout, staging: &Path, profiles: &[PathBuf]) -> io::Result<()> {
    // What cargo knows of the compiler, so that it does not ask again.
    let known = ".rustc_info.json";
    if let Some(bytes) = fsio::read_bytes(from.build.join(known)) {
        fsio::write_output(&staging.join(known), &bytes)?;
    }
    for profile in profiles {
        if !staging.join(profile).is_dir() {
            continue;
        }
        for lock in super::build_dir::LOCKS {
            if from.build.join(profile).join(lock).is_file() {
                fsio::write_output(&staging.join(profile).join(lock), b"")?;
            }
        }
        // The directory of a target has the tag as well.
        let parent = profile
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            fsio::write_output(&staging.join(parent).join("CACHEDIR.TAG"), CACHE_TAG)?;
        }
    }
    Ok(())
}

/// What became of a unit.
#[derive(Debug, Clone, Copy)]
enum State {
    /// It is not decided.
    Open,
    /// It is being decided: only a faulty record depends on itself.
    Entered,
    Taken {
        newest: SystemTime,
        metadata: Option<SystemTime>,
        is_published: bool,
    },
    LeftOut,
}

struct Seeding<'a> {
    checks: Checks<'a>,
    delivery: Delivery<'a>,
    all: Vec<CargoUnit>,
    by_hash: HashMap<u64, Vec<usize>>,
    states: Vec<State>,
    /// The units that were taken, each after those below it.
    deliveries: Vec<Delivered>,
    left_out: Vec<(String, String)>,
}

/// A unit that is delivered.
struct Delivered {
    /// Its number.
    unit: usize,
    /// The directories of this checkout, of a compile.
    to: Option<PathMap>,
    is_published: bool,
}

impl Seeding<'_> {
    fn profile(&mut self, units: Vec<CargoUnit>) {
        let first = self.all.len();
        self.all.extend(units);
        self.states.resize(self.all.len(), State::Open);
        for nth in first..self.all.len() {
            self.by_hash
                .entry(self.all[nth].hash)
                .or_default()
                .push(nth);
        }
        for nth in first..self.all.len() {
            self.decide(nth);
        }
    }

    /// Takes a unit, after those below it, if it can be taken.
    fn decide(&mut self, nth: usize) {
        match self.states[nth] {
            State::Open => {}
            State::Entered => self.states[nth] = State::LeftOut,
            State::Taken { .. } | State::LeftOut => return,
        }
        if matches!(self.states[nth], State::LeftOut) {
            return;
        }
        self.states[nth] = State::Entered;
        let below: BTreeSet<usize> = self.all[nth]
            .dependencies
            .iter()
            .filter_map(|(_, hash)| self.by_hash.get(hash))
            .flatten()
            .copied()
            .collect();
        for dependency in below {
            self.decide(dependency);
        }
        match self.take(nth) {
            Ok((state, delivered)) if matches!(self.states[nth], State::Entered) => {
                self.states[nth] = state;
                self.deliveries.push(delivered);
            }
            Ok(_) => {}
            Err(why) => self.leave_out(nth, why),
        }
    }

    fn leave_out(&mut self, nth: usize, Why(why): Why) {
        self.states[nth] = State::LeftOut;
        let unit = &self.all[nth];
        let package = match &unit.kind {
            Kind::Compile { stem, .. } => stem.clone(),
            Kind::Run(run) => run.out_dir.display().to_string(),
        };
        log::debug!("left out {} of {package}: {why}", unit.name);
        self.left_out
            .push((format!("{} ({package})", unit.name), why.into_owned()));
    }

    /// Delivers the units that were taken, several at once. One that cannot be delivered is left out, as are those
    /// above it.
    fn deliver(mut self) -> Seeded {
        // The largest first, so that no thread is left alone with one.
        let mut order: Vec<usize> = (0..self.deliveries.len()).collect();
        order.sort_by_key(|nth| Reverse(self.all[self.deliveries[*nth].unit].size()));
        let results = each_at_once(&order, MOST_THREADS, |nth| {
            let delivered = &self.deliveries[*nth];
            let unit = &self.all[delivered.unit];
            match (&unit.kind, &delivered.to) {
                (
                    Kind::Compile {
                        out_dir,
                        stem,
                        manifest,
                    },
                    Some(to),
                ) => {
                    let is_published = delivered.is_published;
                    self.delivery
                        .compile(unit, out_dir, stem, manifest, to, is_published)
                }
                (Kind::Run(run), _) => self.delivery.run(unit, run, delivered.is_published),
                (Kind::Compile { .. }, None) => Err("its directories are not known".into()),
            }
        });
        let mut units = 0;
        let results: BTreeMap<_, _> = order.into_iter().zip(results).collect();
        for (at, result) in results {
            let nth = self.deliveries[at].unit;
            let result = result.and_then(|()| self.dependencies(&self.all[nth]).map(drop));
            match result {
                Ok(()) => units += 1,
                Err(why) => {
                    let fingerprint = &self.all[nth].fingerprint;
                    let _ = fsio::remove_dir(&self.delivery.staging.join(fingerprint));
                    self.leave_out(nth, why);
                }
            }
        }
        Seeded {
            units,
            left_out: self.left_out,
        }
    }

    fn take(&self, nth: usize) -> Result<(State, Delivered), Why> {
        let unit = &self.all[nth];
        if let Kind::Compile { manifest, .. } = &unit.kind {
            self.checks.is_shared(manifest)?;
        }
        let dependencies = self.dependencies(unit)?;
        let (newest, metadata) = self.times(unit)?;
        let is_linked = metadata.is_none();
        for (name, taken) in &dependencies {
            // cargo compares a library with the metadata of those below it.
            let time = taken
                .metadata
                .filter(|_| !is_linked)
                .unwrap_or(taken.newest);
            if time > newest {
                return Err(format!("{name} was built again").into());
            }
        }
        let (to, is_published) = match &unit.kind {
            Kind::Compile { manifest, .. } => {
                let (to, is_published) = self.checks.compile(manifest, &dependencies)?;
                (Some(to), is_published)
            }
            Kind::Run(run) => {
                let is_published = self.checks.run(unit, run, &dependencies)?;
                self.checks.add_libraries(run);
                (None, is_published)
            }
        };
        if is_published && dependencies.iter().any(|(_, taken)| !taken.is_published) {
            return Err("it depends on a package of the workspace".into());
        }
        let state = State::Taken {
            newest,
            metadata,
            is_published,
        };
        let delivered = Delivered {
            unit: nth,
            to,
            is_published,
        };
        Ok((state, delivered))
    }

    /// The dependencies of a unit, which all must have been taken.
    fn dependencies(&self, unit: &CargoUnit) -> Result<Vec<(String, Taken<'_>)>, Why> {
        let mut dependencies = Vec::new();
        for (name, hash) in &unit.dependencies {
            let found = self
                .by_hash
                .get(hash)
                .map(Vec::as_slice)
                .unwrap_or_default();
            if found.is_empty() {
                return Err(format!("{name}, below it, was not compiled by the wrapper").into());
            }
            for nth in found {
                let State::Taken {
                    newest,
                    metadata,
                    is_published,
                } = self.states[*nth]
                else {
                    return Err(format!("{name}, below it, is left out").into());
                };
                let taken = Taken {
                    unit: &self.all[*nth],
                    newest,
                    metadata,
                    is_published,
                };
                dependencies.push((name.clone(), taken));
            }
        }
        Ok(dependencies)
    }

    /// The times of a unit's newest output and of its metadata.
    fn times(&self, unit: &CargoUnit) -> Result<(SystemTime, Option<SystemTime>), Why> {
        let time =
            |path: PathBuf| modified(&self.delivery.from.join(path)).ok_or("an output is missing");
        let (newest, metadata) = match &unit.kind {
            Kind::Run(run) => (time(run.directory.join(run.printed))?, None),
            Kind::Compile {
                out_dir, manifest, ..
            } => {
                let mut newest = SystemTime::UNIX_EPOCH;
                let mut metadata = None;
                for (name, ..) in &manifest.outputs {
                    let time = time(out_dir.join(name))?;
                    newest = newest.max(time);
                    if has_extension(name, "rmeta") {
                        metadata = Some(time);
                    }
                }
                (newest, metadata)
            }
        };
        if newest > self.delivery.moment {
            return Err("it is from the future".into());
        }
        Ok((newest, metadata))
    }
}

/// Removes what an interrupted run left at `staging`.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_staging(staging: &Path) -> io::Result<()> {
    fsio::remove_dir(staging)
}
