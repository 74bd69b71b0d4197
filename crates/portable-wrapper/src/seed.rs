//! Seeding: filling the build directory of a new checkout from that of another one. A unit is taken (`decisions`) if all of its
//! inputs are the same here (`compile_checks`, `script_checks`), and all of its dependencies are taken. Its files get this checkout's paths
//! (`delivery`). cargo then finds it fresh, and compiles the rest. So a seeded build directory is in the state after a build in
//! this checkout, apart from the units that are missing. Units that cannot be taken from one checkout are searched for in
//! others (`earlier`). The directory is filled under a temporary name, and renamed when it is complete.

mod ambient;
mod cargo_dep_info;
mod checks;
mod compile_checks;
mod decisions;
mod delivery;
mod dependencies;
mod earlier;
mod key_parts;
mod libraries;
mod observed_runs;
mod of_shell;
mod reference_time;
mod script_checks;
mod source_record;
mod undeclared_inputs;
mod units;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::build_script::copies::remove_copies;
use super::builds::{Seeding, last_record};
use super::path_map::{PathMap, Role};
use checks::Checks;
pub use decisions::NOT_COMPILED;
use decisions::{Decisions, Delivered};
use delivery::Delivery;
use earlier::Earlier;
use reference_time::{CACHE_TAG, ReferenceTime, modified};
use sccfg_util::fsio;
use sccfg_util::parallel::each_while_produced;
use source_record::Compared;
pub use source_record::{Use, remove_outdated};
use units::{CargoUnit, Kind, Unfinished};

/// The name of the directory that is filled. If it is in the parent of the build directory, its name is `.sccfg-seed-` and the
/// name of the build directory.
pub const STAGING: &str = "sccfg-seed";
/// The maximum number of threads. With more, some would wait for the file system.
const MOST_THREADS: usize = 8;

/// The directories of a checkout. All paths are absolute and without symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The root of the workspace.
    pub workspace: PathBuf,
    /// cargo's build directory.
    pub build: PathBuf,
    /// Whether that is the target directory as well, in which cargo puts programs.
    pub has_programs: bool,
    /// `CARGO_HOME`.
    pub cargo_home: PathBuf,
    /// The compiler that cargo runs there. `None` if it was not found.
    pub rustc: Option<OsString>,
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

/// The result of seeding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seeded {
    /// How many units were taken.
    pub units: usize,
    /// The workspaces from which units were taken that could not be taken from the first one.
    pub others: Vec<PathBuf>,
    /// The units that were not taken, with the reasons. A unit comes after its dependencies.
    pub left_out: Vec<(String, String)>,
}

/// Why nothing was seeded.
#[derive(Debug)]
pub enum Refused {
    /// A build is running in the other checkout.
    IsBuilding,
    /// The other checkout was seeded itself, and its sources have changed since.
    Outdated,
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
struct Why {
    text: Cow<'static, str>,
    /// Whether the same holds for the unit in other checkouts.
    is_general: bool,
    /// The kind of error of a full disk, after which no unit can be delivered.
    disk_full: Option<io::ErrorKind>,
}

impl Why {
    /// A reason that holds whichever checkout compiled the unit.
    fn general(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            is_general: true,
            disk_full: None,
        }
    }
}

impl From<String> for Why {
    fn from(text: String) -> Self {
        Self {
            text: text.into(),
            is_general: false,
            disk_full: None,
        }
    }
}

impl From<&'static str> for Why {
    fn from(text: &'static str) -> Self {
        Self {
            text: text.into(),
            is_general: false,
            disk_full: None,
        }
    }
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        const FULL: [io::ErrorKind; 2] = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        let kind = error.kind();
        Self {
            disk_full: FULL.contains(&kind).then_some(kind),
            ..error.to_string().into()
        }
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

/// The directories of a compile in the checkout `to`.
fn moved(path_map: &PathMap, from: &Checkout, to: &Checkout) -> Result<PathMap, Why> {
    let moved = path_map.moved(&from.roles()?, &to.roles()?);
    Ok(moved
        .ok_or("it was compiled in another directory, or the path of this checkout is too long")?)
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
    let changed = directories
        .filter_map(|directory| modified(&directory))
        .max()?;
    // A build that makes no new unit changes none of these directories.
    last_record(build).max(Some(changed))
}

/// A checkout with its units. No build runs there while this value exists, if cargo locks its directories.
struct Build<'a> {
    checkout: &'a Checkout,
    profiles: Vec<PathBuf>,
    /// The finished units.
    units: Vec<CargoUnit>,
    /// The range of units of each profile.
    of_profiles: Vec<Range<usize>>,
    unfinished: Vec<Unfinished>,
    _locks: Vec<File>,
}

impl<'a> Build<'a> {
    /// Fails if a build is running.
    fn open(checkout: &'a Checkout) -> Result<Self, Refused> {
        let profiles = units::profiles(&checkout.build);
        // While cargo builds a profile, it locks its directory. It waits while this process copies.
        let locks = profiles.iter().flat_map(|profile| {
            let lock = |name: &&str| checkout.build.join(profile).join(name);
            super::build_dir::LOCKS.iter().map(lock).collect::<Vec<_>>()
        });
        let mut held = Vec::new();
        for lock in locks.filter(|lock| lock.is_file()) {
            // Without file locks, a running build cannot be detected.
            let lock = fsio::try_share_lock(&lock).unwrap_or_default();
            held.push(lock.ok_or(Refused::IsBuilding)?);
        }
        if source_record::is_outdated(&checkout.build) {
            return Err(Refused::Outdated);
        }
        let (mut units, mut unfinished) = (Vec::new(), Vec::new());
        let mut of_profiles = Vec::new();
        for profile in &profiles {
            let first = units.len();
            let found = units::units(&checkout.build, profile);
            units.extend(found.finished);
            unfinished.extend(found.unfinished);
            of_profiles.push(first..units.len());
        }
        Ok(Self {
            checkout,
            profiles,
            units,
            unfinished,
            of_profiles,
            _locks: held,
        })
    }
}

/// When a checkout is seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At the start of the first build.
    InBuild,
    /// Before the first build. Sources may change until then, so that the first build must call [`remove_outdated`].
    BeforeBuild,
}

/// Fills the build directory of `to`, which must not exist, from that of `from`, and with other units from those of `others`.
/// `staging` is an empty directory on the same file system, which is renamed to the build directory. After an error, it is not
/// removed.
///
/// # Errors
/// If nothing can be taken at all. `to` is then unchanged.
pub fn seed(
    from: &Checkout,
    others: &[Checkout],
    to: &Checkout,
    packages: &Packages<'_>,
    staging: &Path,
    when: When,
) -> Result<Seeded, Refused> {
    if fsio::exists(&to.build) {
        return Err(Refused::Exists);
    }
    let reference_time = ReferenceTime::now(staging)?;
    let build = Build::open(from)?;
    let filling = Filling {
        to,
        packages,
        staging,
        moment: reference_time.wait_for_tick()?,
        compared: RefCell::default(),
    };
    let profiles = build.profiles.clone();
    let mut earlier = Earlier::default();
    filling.take(build, &mut earlier)?;
    let mut seeded = Seeded {
        units: earlier.len(),
        ..Seeded::default()
    };
    if seeded.units > 0 {
        for other in others {
            if !earlier.may_be_elsewhere() {
                break;
            }
            let taken = Build::open(other).and_then(|build| filling.take(build, &mut earlier));
            if let Err(refused) = taken {
                if let Refused::Io(error) = refused {
                    return Err(Refused::Io(error));
                }
                log::debug!("nothing taken from {}: {refused:?}", other.build.display());
            }
            if earlier.len() > seeded.units {
                seeded.units = earlier.len();
                seeded.others.push(other.workspace.clone());
            }
        }
    }
    seeded.left_out = earlier.left_out();
    if seeded.units == 0 {
        return Ok(seeded);
    }
    deliver_marks(from, staging, &profiles, when)?;
    if when == When::BeforeBuild {
        let compared = filling.compared.into_inner();
        compared.write(staging, &to.build, filling.moment)?;
    }
    let mut from = vec![from.workspace.clone()];
    from.extend(seeded.others.iter().cloned());
    let units = seeded.units;
    Seeding { units, from }.write(staging)?;
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

/// The directory that is filled.
struct Filling<'a> {
    to: &'a Checkout,
    packages: &'a Packages<'a>,
    staging: &'a Path,
    /// The mtime for files of packages that may change.
    moment: SystemTime,
    compared: RefCell<Compared>,
}

impl Filling<'_> {
    /// Takes units of `build` that were not taken `earlier`, and adds them to that.
    fn take<'b>(&self, build: Build<'b>, earlier: &mut Earlier<'b>) -> Result<(), Refused> {
        let from = build.checkout;
        let delivery = Delivery {
            from,
            to: self.to,
            staging: self.staging,
            from_map: from.path_map().ok_or(Refused::NotUtf8)?,
            to_map: self.to.path_map().ok_or(Refused::NotUtf8)?,
            moment: self.moment,
        };
        let checks = Checks::new(self, from, earlier);
        let checks = checks.ok_or(Refused::NoCompiler)?;
        let mut decisions = Decisions::new(checks, &build.units, earlier);
        // Units are delivered while others are decided, the largest first, so that all threads finish at about the same time.
        let results = each_while_produced(
            MOST_THREADS,
            |hand_over| {
                for profile in &build.of_profiles {
                    decisions.decide(profile.clone(), hand_over);
                }
            },
            |delivered: &Delivered| {
                delivery.unit(&build.units[delivered.unit], delivered.is_published)
            },
        );
        let results = results.into_iter();
        let failed =
            results.filter_map(|(delivered, result)| Some((delivered.unit, result.err()?)));
        let failed: HashMap<usize, Why> = failed.collect();
        if let Some(kind) = failed.values().find_map(|why| why.disk_full) {
            return Err(Refused::Io(kind.into()));
        }
        let decided = decisions.finish(failed, |unit| remove(unit, self.staging, &self.to.build));
        earlier.add(build, decided, self.moment);
        Ok(())
    }
}

/// Removes the fingerprint of a unit, so that cargo rebuilds the unit and replaces its outputs. The directories of a build
/// script's run are removed as well, because a script may expect an empty `OUT_DIR`.
fn remove(unit: &CargoUnit, staging: &Path, build: &Path) {
    if let Kind::Run(run) = &unit.kind {
        remove_copies(&staging.join(&run.out_dir), &build.join(&run.out_dir));
    }
    for directory in directories_of(unit) {
        let _ = fsio::remove_read_only_dir(&staging.join(directory));
    }
}

fn directories_of(unit: &CargoUnit) -> Vec<&PathBuf> {
    match &unit.kind {
        Kind::Run(run) => vec![&unit.fingerprint, &run.out_dir, &run.directory],
        Kind::Compile { .. } => vec![&unit.fingerprint],
    }
}

/// Delivers the files of the build directory that belong to no unit.
fn deliver_marks(
    from: &Checkout,
    staging: &Path,
    profiles: &[PathBuf],
    when: When,
) -> io::Result<()> {
    // cargo's cache of the compiler's version and output, so that cargo does not run the compiler again.
    let known = ".rustc_info.json";
    let bytes = fsio::read_bytes(from.build.join(known));
    let bytes = match when {
        When::InBuild => bytes,
        When::BeforeBuild => bytes.and_then(|bytes| source_record::without_version(&bytes)),
    };
    if let Some(bytes) = bytes {
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
        // cargo creates `tmp` when it compiles a test, and a fresh test needs it as well.
        let tmp = profile.with_file_name("tmp");
        if from.build.join(&tmp).is_dir() {
            fsio::create_dir_all(&staging.join(&tmp))?;
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
