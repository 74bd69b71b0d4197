//! Measures caching: a build with an empty cache, a rebuild after a clean, and a build in a linked
//! worktree, with sccache's statistics of each.
//!
//! ```text
//! scratch   a temporary cache and server    ──┐
//! worktree  a second checkout               ──┼─→ bench: build ──→ server_log ──→ miss_reason ──→ table
//! ```

mod bench;
mod build;
pub(crate) mod differential;
pub(crate) mod linkers;
mod miss_reason;
mod scratch;
pub(crate) mod server_log;
pub(crate) mod table;
mod worktree;
mod wrapper_records;

use sccache_control::config::path::Lookup;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use bench::{Bench, Server};
use scratch::Scratch;

pub(crate) use miss_reason::Missed;

use crate::cargo_dirs::CargoDirs;
use crate::session::{Purpose, Session};
use crate::user_store::UserStore;
use portable_wrapper::store::settings;
use sccache_control::config::effective::effective;
use sccache_control::config::path::{default_cache_dir, user_config};
use sccache_control::server::program::Executable;
use sccache_control::stats::front::FrontTally;
use sccache_control::stats::{ByLanguage, Count, Tally};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// The options of a measurement.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub dir: PathBuf,
    pub cargo_args: Vec<OsString>,
    pub cache: Cache,
    pub baseline: Baseline,
    pub worktree: LinkedWorktree,
}

/// The cache and server to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Temporary ones.
    Scratch,
    /// Those of this shell.
    InPlace,
}

/// Whether to build without sccache as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Baseline {
    Build,
    Skip,
}

/// Whether to build in a linked worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkedWorktree {
    /// If the project is in a git repository with a commit.
    Build,
    Skip,
}

/// Receives progress.
pub(crate) trait Progress {
    /// A build starts, with a number of units if that is known.
    fn build(&self, name: &str, units: Option<u64>);
    /// A unit is finished.
    fn unit(&self, name: &str);
}

/// Why there are no measurements.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// With a hint for the user.
    #[error(transparent)]
    Failed(#[from] Problem),
    /// Any other error.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// The kind of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// With an empty cache; with `--in-place`, with the present contents.
    First,
    /// After `cargo clean`.
    CleanRebuild,
    /// In a linked worktree.
    Worktree,
    /// Without sccache.
    Baseline,
}

/// A build with its statistics.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub build: Kind,
    /// Wall time.
    #[serde(rename = "wall_seconds", serialize_with = "seconds")]
    pub wall: Duration,
    /// Number of units that cargo compiled.
    pub units: u64,
    /// sccache's counters; `None` without sccache.
    pub sccache: Option<Tally>,
    /// The local store's counters; `None` if nothing was looked up in it.
    pub store: Option<FrontTally>,
    /// Misses of entries that the first build stored; `None` if unknown.
    pub missed: Option<Vec<Missed>>,
}

/// The result of all builds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measurements {
    /// sccache's version.
    pub sccache: Option<String>,
    /// The builds in order.
    pub builds: Vec<Measured>,
    /// Why a requested build in a linked worktree was not possible.
    pub no_worktree: Option<String>,
}

impl Measured {
    /// The hits and misses of sccache and the local store; `None` without sccache.
    pub(crate) fn counts(&self) -> Option<ByLanguage> {
        let sccache = self.sccache.as_ref()?;
        let store = self.store.as_ref();
        Some(store.map_or_else(|| sccache.by_language(), |store| store.with(Some(sccache))))
    }
}

impl Measurements {
    /// The counts of the clean rebuild in the language with the lowest hit rate; `None` if no unit can
    /// be cached.
    pub(crate) fn rate(&self) -> Option<(String, Count)> {
        let rebuild = self
            .builds
            .iter()
            .find(|measured| measured.build == Kind::CleanRebuild)?;
        let counts = rebuild.counts()?;
        let rates = counts
            .iter()
            .filter_map(|(language, count)| Some((count.rate()?, language.to_owned(), count)));
        let worst = rates.min_by(|one, other| one.0.total_cmp(&other.0));
        worst.map(|(_, language, count)| (language, count))
    }
}

/// Runs the builds and removes all temporary files.
///
/// # Errors
/// If a program is missing, if a build fails, or on Ctrl-C.
pub(crate) fn verify(
    request: &Request,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<Measurements, Error> {
    let cargo = cargo_for(&request.dir)?;
    let session = Session::gather(&request.dir, Purpose::Env)?;
    let program = sccache_of(&session)?;
    let scratch = Scratch::create(program.clone(), basedirs())?;
    let server = match request.cache {
        Cache::Scratch => {
            scratch.start()?;
            Server::Scratch { program }
        }
        Cache::InPlace => Server::in_place(&session)?,
    };
    let store = match request.cache {
        Cache::Scratch => {
            scratch.write_settings(settings::is_enabled())?;
            scratch.store()
        }
        Cache::InPlace => UserStore::find()?.store,
    };
    let bench = Bench {
        request,
        cargo: &cargo,
        scratch: &scratch,
        server: &server,
        store: &store,
        progress,
        interrupt,
        has_build_dir: CargoDirs::of(&cargo, &request.dir).is_some_and(|dirs| dirs.are_separate()),
    };
    bench.run()
}

/// The path of cargo, if `dir` is in a Rust project.
fn cargo_for(dir: &Path) -> Result<PathBuf, Problem> {
    let cargo = find_program(OsStr::new("cargo"), &env::search_path()).ok_or_else(|| {
        Problem::new("could not find cargo on PATH").hint("enter the dev shell first: nix develop")
    })?;
    let mut directories = dir.ancestors();
    if !directories.any(|directory| fsio::exists(&directory.join("Cargo.toml"))) {
        return Err(
            Problem::new(format!("no Cargo.toml in {} or its parents", dir.display()))
                .hint("pass the directory of a Rust project: sccfg verify DIR"),
        );
    }
    Ok(cargo)
}

/// The sccache of this shell.
fn sccache_of(session: &Session) -> Result<Executable, Problem> {
    let client = session.client().map_err(|missing| {
        Problem::new(format!("could not run {}", missing.0.display()))
            .hint("enter the dev shell, or add sccache to PATH")
    })?;
    Ok(client.executable.clone())
}

impl Kind {
    /// The name in messages.
    pub(crate) fn name(self, cache: Cache) -> &'static str {
        match (self, cache) {
            (Self::First, Cache::Scratch) => "cold build",
            (Self::First, Cache::InPlace) => "first build",
            (Self::CleanRebuild, _) => "clean rebuild",
            (Self::Worktree, _) => "linked worktree",
            (Self::Baseline, _) => "without sccache",
        }
    }

    /// As [`name`](Self::name), as the name of a build.
    pub(crate) fn build_name(self, cache: Cache) -> &'static str {
        match self {
            Self::Worktree => "build in the linked worktree",
            Self::Baseline => "build without sccache",
            Self::First | Self::CleanRebuild => self.name(cache),
        }
    }
}

/// The directories that sccache strips from paths of C and C++: the variable, else the config file.
fn basedirs() -> Option<OsString> {
    const NAME: &str = "SCCACHE_BASEDIRS";
    if let Some(set) = env::var_os(NAME) {
        return Some(set);
    }
    let lookup = Lookup::from_environment().ok()?;
    let path = user_config(&lookup);
    let text = fsio::read(&path).ok()??;
    let default_dir = default_cache_dir(&lookup);
    let all = effective(Some(&text), &path, &BTreeMap::new(), &default_dir).ok()?;
    let basedirs = all
        .others
        .into_iter()
        .find(|other| other.name == "basedirs")?;
    let list = basedirs.json.as_array()?.clone();
    std::env::join_paths(list.iter().filter_map(serde_json::Value::as_str)).ok()
}

fn seconds<S: serde::Serializer>(wall: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(wall.as_secs_f64())
}
