//! The proof that caching works: a build into an empty cache, the same again after a clean, and
//! again in a second checkout, with what sccache says of each.
//!
//! ```text
//! scratch   a cache and a server of its own ──┐
//! worktree  a second checkout               ──┼─→ build ──→ log ──→ why ──→ table
//! ```

mod build;
mod log;
mod scratch;
pub mod table;
mod why;
mod worktree;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use build::{Build, Built};
use log::Unit;
use scratch::Scratch;
use why::{Logged, Place};
use worktree::Checkout;

pub use why::Missed;

use crate::config::effective::effective;
use crate::config::path::{default_cache_dir, user_config};
use crate::exports::{Purpose, Situation};
use crate::interrupt::Interrupt;
use crate::problem::Problem;
use crate::server::address::Address;
use crate::server::asked::{Stats, ask};
use crate::server::client::{Runnable, resolve};
use crate::server::ensure::{Absent, Keeper, Manners, Patience};
use crate::server::look::Seen;
use crate::shell::Change;
use crate::stats::{Count, Tally};
use crate::{env, fsio};

/// How long a server may take to write down what it compiled.
const WRITES: Duration = Duration::from_secs(5);

/// What is to be proved.
#[derive(Debug, Clone)]
pub struct Request {
    /// The folder of the project.
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
pub enum Cache {
    /// An empty one that goes again.
    Scratch,
    /// The one of this shell.
    InPlace,
}

/// Whether there is a build without sccache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// There is.
    Build,
    /// There is not.
    LeaveOut,
}

/// Whether there is a build in a linked worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// There is, where that is possible.
    Worktree,
    /// There is not.
    LeaveOut,
}

/// Who looks on.
pub trait Watcher {
    /// A build starts; of so many units, where that is known.
    fn build(&self, name: &str, units: Option<u64>);
    /// A unit is done.
    fn unit(&self, name: &str);
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
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
pub enum Kind {
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
pub struct Measured {
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
pub struct Proof {
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
    pub fn rate(&self) -> Option<(&str, Count)> {
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
pub fn verify(
    request: &Request,
    watcher: &dyn Watcher,
    interrupt: &Interrupt,
) -> Result<Proof, Stopped> {
    let search_path = env::search_path();
    let cargo = resolve(OsStr::new("cargo"), &search_path).ok_or_else(|| {
        Problem::new("there is no cargo on PATH").hint("enter the dev shell first: nix develop")
    })?;
    if !request
        .dir
        .ancestors()
        .any(|folder| fsio::exists(&folder.join("Cargo.toml")))
    {
        return Err(Problem::new(format!(
            "there is no Cargo.toml in {}",
            request.dir.display()
        ))
        .hint("name the folder of a Rust project: sccfg verify DIR")
        .into());
    }
    let situation = Situation::gather(&request.dir, Purpose::Env)?;
    let client = situation.client().map_err(|missing| {
        Problem::new(format!("{} cannot be run", missing.0.display()))
            .hint("put sccache on PATH, or let RUSTC_WRAPPER name it; `nix develop` does that")
    })?;
    let program = client.program.clone();
    let scratch = Scratch::make(program.clone(), basedirs())?;
    let server = match request.cache {
        Cache::Scratch => {
            scratch.start()?;
            Server::Scratch { program }
        }
        Cache::InPlace => Server::in_place(&situation)?,
    };
    let bench = Bench {
        request,
        cargo: &cargo,
        scratch: &scratch,
        server: &server,
        watcher,
        interrupt,
    };
    fetch(&cargo, &request.dir, interrupt)?;
    bench.run()
}

/// The server that is asked.
#[derive(Debug)]
enum Server {
    Scratch {
        program: Runnable,
    },
    InPlace {
        keeper: Box<Keeper>,
        address: Address,
    },
}

impl Server {
    fn in_place(situation: &Situation) -> Result<Self, Problem> {
        if let Some(obstacle) = situation.obstacle() {
            return Err(obstacle);
        }
        let (Some(keeper), Some(meeting)) = (situation.keeper(), situation.meet_silently()) else {
            return Err(Problem::new("there is no sccache to measure with"));
        };
        let patience = Patience {
            wait: Duration::ZERO,
            manners: Manners::Wait,
            absent: Absent::Start,
        };
        keeper.ensure(&meeting.address, None, patience)?;
        Ok(Self::InPlace {
            keeper: Box::new(keeper),
            address: meeting.address,
        })
    }

    fn stats(&self, scratch: &Scratch) -> Result<Stats, Problem> {
        let lost = |why: &str| {
            Problem::new(format!("asking the sccache server what it counted: {why}"))
                .hint("it may have been stopped meanwhile: run `sccfg verify` again")
        };
        match self {
            Self::Scratch { program } => {
                ask(program, &scratch.address()).map_err(|error| lost(&error.to_string()))
            }
            Self::InPlace { keeper, address } => match keeper.ask(address) {
                Seen::Server(running) => running.stats.ok_or_else(|| lost("it did not say")),
                Seen::Nobody => Err(lost("it is gone")),
                Seen::Stranger(stranger) => Err(stranger.problem(address)),
            },
        }
    }
}

/// All that the builds share.
struct Bench<'a> {
    request: &'a Request,
    cargo: &'a Path,
    scratch: &'a Scratch,
    server: &'a Server,
    watcher: &'a dyn Watcher,
    interrupt: &'a Interrupt,
}

/// A build with its log.
struct Made {
    measured: Measured,
    built: Built,
    units: Vec<Unit>,
    place: Place,
}

impl Made {
    fn logged(&self) -> Logged<'_> {
        Logged {
            place: &self.place,
            units: &self.units,
            built: &self.built,
        }
    }
}

impl Bench<'_> {
    fn run(&self) -> Result<Proof, Stopped> {
        let dir = &self.request.dir;
        let checkout = Checkout::around(dir);
        let root = checkout.as_ref().map_or(dir, |checkout| &checkout.root);
        let here = Place {
            root: root.clone(),
            target: self.scratch.path("target"),
        };
        let first = self.build(Kind::First, dir, &here, None)?;
        let units = Some(first.measured.units);
        clean(&here.target)?;
        let mut rebuild = self.build(Kind::CleanRebuild, dir, &here, units)?;
        clean(&here.target)?;
        self.explain(&mut rebuild, &first);
        let mut builds = vec![first.measured.clone(), rebuild.measured];
        let mut no_worktree = None;
        match (self.request.second, checkout) {
            (Second::LeaveOut, _) => {}
            (Second::Worktree, Err(why)) => no_worktree = Some(why),
            (Second::Worktree, Ok(checkout)) => {
                builds.push(self.in_worktree(&checkout, &first)?);
            }
        }
        if self.request.baseline == Baseline::Build {
            builds.push(self.build(Kind::Baseline, dir, &here, units)?.measured);
        }
        Ok(Proof {
            sccache: self.server.stats(self.scratch)?.settings.version,
            builds,
            no_worktree,
        })
    }

    fn in_worktree(&self, checkout: &Checkout, first: &Made) -> Result<Measured, Stopped> {
        let path = self.scratch.path(scratch::WORKTREE);
        let _worktree = checkout.add(&path)?;
        let there = Place {
            target: path.join("target"),
            root: path.clone(),
        };
        let project = checkout.project_in(&path);
        let units = Some(first.measured.units);
        let mut made = self.build(Kind::Worktree, &project, &there, units)?;
        self.explain(&mut made, first);
        Ok(made.measured)
    }

    fn build(
        &self,
        kind: Kind,
        dir: &Path,
        place: &Place,
        units: Option<u64>,
    ) -> Result<Made, Stopped> {
        let name = kind.name(self.request.cache);
        self.watcher.build(name, units);
        let before = Tally::of(&self.server.stats(self.scratch)?);
        let log = self.scratch.log_length();
        let cargo = Build {
            cargo: self.cargo,
            dir,
            args: &self.request.cargo_args,
            target: &place.target,
            environment: &self.environment(kind, dir)?,
        };
        let built = cargo.run(name, self.watcher, self.interrupt)?;
        let sccache = match kind {
            Kind::Baseline => None,
            _ => Some(self.settled()?.since(&before)),
        };
        Ok(Made {
            measured: Measured {
                build: kind,
                wall: built.wall,
                units: built.units,
                sccache,
                missed: None,
            },
            built,
            units: log::units(&self.scratch.log_from(log)),
            place: place.clone(),
        })
    }

    /// What the server counted, once it has written down what it compiled: an entry that is not
    /// there yet would be missed by the next build.
    fn settled(&self) -> Result<Tally, Problem> {
        let asked = Instant::now();
        loop {
            let stats = self.server.stats(self.scratch)?;
            let tally = Tally::of(&stats);
            let of = |name: &str| stats.counters.get(name).and_then(serde_json::Value::as_u64);
            let written = of("cache_writes").unwrap_or_default()
                + of("cache_write_errors").unwrap_or_default();
            if written >= tally.all().misses || asked.elapsed() > WRITES {
                return Ok(tally);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Names what missed. A server that others use as well has no log of this.
    fn explain(&self, made: &mut Made, first: &Made) {
        if self.request.cache == Cache::Scratch {
            made.measured.missed = Some(why::missed(made.logged(), first.logged()));
        }
    }

    /// What `sccfg env` sets in that folder, with this cache.
    fn environment(
        &self,
        kind: Kind,
        dir: &Path,
    ) -> Result<Vec<(OsString, Option<OsString>)>, Stopped> {
        let situation = Situation::gather(dir, Purpose::Env)?;
        let mut changes: Vec<(OsString, Option<OsString>)> = situation
            .changes(situation.meet_silently().as_ref())
            .into_iter()
            .map(|change| match change {
                Change::Set(name, value) => (name.into(), Some(value.into())),
                Change::Unset(name) => (name.into(), None),
                Change::First { whole, .. } => ("PATH".into(), Some(whole.into())),
            })
            .collect();
        if self.request.cache == Cache::Scratch {
            changes.extend(self.scratch.changes());
        }
        if kind == Kind::Baseline {
            changes.push(("RUSTC_WRAPPER".into(), Some("".into())));
        }
        Ok(changes)
    }
}

impl Kind {
    /// Its name for people.
    pub fn name(self, cache: Cache) -> &'static str {
        match (self, cache) {
            (Self::First, Cache::Scratch) => "cold build",
            (Self::First, Cache::InPlace) => "first build",
            (Self::CleanRebuild, _) => "clean rebuild",
            (Self::Worktree, _) => "linked worktree",
            (Self::Baseline, _) => "without sccache",
        }
    }
}

/// Removes what a build left.
fn clean(target: &Path) -> Result<(), Problem> {
    fsio::remove_folder(target)
        .map_err(|error| Problem::new(format!("removing {}: {error}", target.display())))
}

/// Loads what is not on this machine yet, so that no build is measured with it. What fails here
/// fails in the build again, which says so. cargo asks the compiler about itself here, and sccache in
/// between would start a server at the shell's own address.
fn fetch(cargo: &Path, dir: &Path, interrupt: &Interrupt) -> Result<(), Stopped> {
    use crate::proc::watched::{Line, Next, Watched};
    let without_sccache = [("RUSTC_WRAPPER".into(), Some("".into()))];
    let run = |args: &[&str]| -> Result<Vec<String>, Stopped> {
        let mut out = Vec::new();
        let Ok(mut cargo) = Watched::start(cargo, args, dir, &without_sccache) else {
            return Ok(out);
        };
        loop {
            match cargo.next(Duration::from_millis(50)) {
                _ if interrupt.came() => return Err(Stopped::Interrupted),
                Ok(Next::Line(Line::Out(line))) => out.push(line),
                Ok(Next::End(_)) | Err(_) => return Ok(out),
                Ok(Next::Nothing | Next::Line(Line::Err(_))) => {}
            }
        }
    };
    let version = run(&["-vV"])?;
    let host = version.iter().find_map(|line| line.strip_prefix("host: "));
    run(&["fetch", "--target", host.unwrap_or("host-tuple")]).map(drop)
}

/// The roots that sccache cuts off paths of C and C++: the variable, else the machine's file.
fn basedirs() -> Option<OsString> {
    const NAME: &str = "SCCACHE_BASEDIRS";
    if let Some(set) = env::var_os(NAME) {
        return Some(set);
    }
    let lookup = env::sccache_lookup().ok()?;
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
