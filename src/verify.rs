//! The proof that caching works: a build into an empty cache, the same again after a clean, and
//! again in a second checkout, with what sccache says of each.
//!
//! ```text
//! scratch   a cache and a server of its own ──┐
//! worktree  a second checkout               ──┼─→ bench: build ──→ log ──→ why ──→ table
//! ```

mod bench;
mod build;
mod miss_reason;
mod scratch;
mod server_log;
pub(crate) mod table;
mod worktree;
mod wrapper_records;

use sccache_control::config::path::Lookup;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use bench::{Bench, Server};
use scratch::Scratch;

pub(crate) use miss_reason::Missed;

use crate::cargo_dirs::CargoDirs;
use crate::session::{Purpose, Session};
use sccache_control::config::effective::effective;
use sccache_control::config::path::{default_cache_dir, user_config};
use sccache_control::stats::{Count, Tally};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// What is to be proved.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The directory of the project.
    pub dir: PathBuf,
    /// Arguments for cargo.
    pub cargo_args: Vec<OsString>,
    /// Whose cache and server.
    pub cache: Cache,
    /// Whether to build once without sccache as well.
    pub baseline: Baseline,
    /// Whether to build in a linked worktree.
    pub second: Second,
}

/// Whose cache and server are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// An empty one that goes again.
    Scratch,
    /// The one of this shell.
    InPlace,
}

/// Whether there is a build without sccache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Baseline {
    /// There is.
    Build,
    /// There is not.
    LeaveOut,
}

/// Whether there is a build in a linked worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// There is, where that is possible.
    Worktree,
    /// There is not.
    LeaveOut,
}

/// Who looks on.
pub(crate) trait Watcher {
    /// A build starts; of so many units, where that is known.
    fn build(&self, name: &str, units: Option<u64>);
    /// A unit is done.
    fn unit(&self, name: &str);
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stopped {
    /// Somebody asked to end.
    #[error("interrupted")]
    Interrupted,
    /// Something cannot be done.
    #[error(transparent)]
    Failed(#[from] Problem),
    /// Something else cannot be done.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Which build it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Into an empty cache; in place, into the cache as it is.
    First,
    /// Again, with nothing left of the first one's results.
    CleanRebuild,
    /// In a linked worktree.
    Worktree,
    /// Without sccache.
    Baseline,
}

/// A build and what sccache said of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    /// Which one.
    pub build: Kind,
    /// How long it took, in seconds.
    #[serde(rename = "wall_seconds", serialize_with = "seconds")]
    pub wall: Duration,
    /// How many units were compiled.
    pub units: u64,
    /// What sccache counted; `None` without sccache.
    pub sccache: Option<Tally>,
    /// What missed and should not have; `None` where that is not known.
    pub missed: Option<Vec<Missed>>,
}

/// What came of it all.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Proof {
    /// The version of sccache.
    pub sccache: Option<String>,
    /// The builds, in the order they were made.
    pub builds: Vec<Measured>,
    /// Why there was no build in a linked worktree, if somebody should know.
    pub no_worktree: Option<String>,
}

impl Proof {
    /// The rate of the clean rebuild, in the language that fared worst; `None` where nothing can be
    /// cached.
    pub(crate) fn rate(&self) -> Option<(&str, Count)> {
        let rebuild = self
            .builds
            .iter()
            .find(|it| it.build == Kind::CleanRebuild)?;
        let tally = rebuild.sccache.as_ref()?;
        let rates = tally.languages().into_iter().filter_map(|language| {
            let count = tally.of_language(language);
            Some((count.rate()?, language, count))
        });
        let worst = rates.min_by(|one, other| one.0.total_cmp(&other.0));
        worst.map(|(_, language, count)| (language, count))
    }
}

/// Makes the builds and puts everything away again.
///
/// # Errors
/// When something is missing, when a build fails, or when somebody asked to end.
pub(crate) fn verify(
    request: &Request,
    watcher: &dyn Watcher,
    interrupt: &Interrupt,
) -> Result<Proof, Stopped> {
    let search_path = env::search_path();
    let cargo = find_program(OsStr::new("cargo"), &search_path).ok_or_else(|| {
        Problem::new("there is no cargo on PATH").hint("enter the dev shell first: nix develop")
    })?;
    if !request
        .dir
        .ancestors()
        .any(|directory| fsio::exists(&directory.join("Cargo.toml")))
    {
        return Err(Problem::new(format!(
            "there is no Cargo.toml in {}",
            request.dir.display()
        ))
        .hint("name the directory of a Rust project: sccfg verify DIR")
        .into());
    }
    let session = Session::gather(&request.dir, Purpose::Env)?;
    let client = session.client().map_err(|missing| {
        Problem::new(format!("{} cannot be run", missing.0.display()))
            .hint("put sccache on PATH, or let RUSTC_WRAPPER name it; `nix develop` does that")
    })?;
    let program = client.executable.clone();
    let scratch = Scratch::make(program.clone(), basedirs())?;
    let server = match request.cache {
        Cache::Scratch => {
            scratch.start()?;
            Server::Scratch { program }
        }
        Cache::InPlace => Server::in_place(&session)?,
    };
    let bench = Bench {
        request,
        cargo: &cargo,
        scratch: &scratch,
        server: &server,
        watcher,
        interrupt,
        is_apart: CargoDirs::of(&cargo, &request.dir).is_some_and(|dirs| dirs.are_apart()),
    };
    bench.run()
}

impl Kind {
    /// Its name for people.
    pub(crate) fn name(self, cache: Cache) -> &'static str {
        match (self, cache) {
            (Self::First, Cache::Scratch) => "cold build",
            (Self::First, Cache::InPlace) => "first build",
            (Self::CleanRebuild, _) => "clean rebuild",
            (Self::Worktree, _) => "linked worktree",
            (Self::Baseline, _) => "without sccache",
        }
    }
}

/// The roots that sccache cuts off paths of C and C++: the variable, else the machine's file.
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
