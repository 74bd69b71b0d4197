//! Runs the builds in sequence, with the statistics and the log of the server for each.

use std::ffi::OsString;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::build::{Build, Built};
use super::miss_reason::{self, Directories, Logged};
use super::scratch::{self, Scratch};
use super::server_log::{self, Unit};
use super::worktree::Checkout;
use super::wrapper_records::WrapperRecords;
use super::{
    Baseline, Cache, Error, Kind, LinkedWorktree, Measured, Measurements, Missed, Progress, Request,
};
use crate::session::{Purpose, Session};
use crate::shell::Change;
use crate::user_store::tally;
use local_store::Store;
use sccache_control::server::address::Address;
use sccache_control::server::probe::Probe;
use sccache_control::server::program::Executable;
use sccache_control::server::query::{Stats, query_stats};
use sccache_control::server::supervisor::{EnsureOptions, Supervisor};
use sccache_control::stats::front::FrontTally;
use sccache_control::stats::{Count, Tally};
use sccfg_util::fsio;
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;
use sccfg_util::wrapper_vars::{CARGO_HOME_MODE, SEED};

/// The hint for a build that fails only in the linked worktree.
const NOT_IN_WORKTREE: &str = "the worktree has only files of the repository, and is elsewhere: a relative path out of it does not exist \
     there; to skip this build: sccfg verify --no-worktree";
/// Time limit for the server to store what it compiled.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The server to measure with.
#[derive(Debug)]
pub(super) enum Server {
    Scratch {
        program: Executable,
    },
    InPlace {
        supervisor: Box<Supervisor>,
        address: Address,
    },
}

impl Server {
    pub(super) fn in_place(session: &Session) -> Result<Self, Problem> {
        if let Some(obstacle) = session.obstacle() {
            return Err(obstacle);
        }
        let (Some(supervisor), Some(choice)) =
            (session.supervisor(), session.select_address_without_query())
        else {
            return Err(Problem::new("could not find sccache")
                .hint("enter the dev shell, or add sccache to PATH"));
        };
        let options = EnsureOptions {
            wait: Duration::ZERO,
            force: false,
            start_if_absent: true,
            kill_unresponsive: false,
        };
        supervisor.ensure(&choice.address, None, options)?;
        Ok(Self::InPlace {
            supervisor: Box::new(supervisor),
            address: choice.address,
        })
    }

    fn stats(&self, scratch: &Scratch) -> Result<Stats, Problem> {
        let lost = |why: &str| {
            Problem::new(format!(
                "could not read the statistics of the sccache server: {why}"
            ))
            .hint("it may have been stopped: run `sccfg verify` again")
        };
        match self {
            Self::Scratch { program } => {
                query_stats(program, &scratch.address()).map_err(|error| lost(&error.to_string()))
            }
            Self::InPlace {
                supervisor,
                address,
            } => match supervisor.query(address) {
                Probe::Server(running) => running.stats.ok_or_else(|| lost("no answer")),
                Probe::NotRunning => Err(lost("not running")),
                Probe::Foreign(foreign) => Err(foreign.problem(address)),
            },
        }
    }
}

/// The state that the builds share.
pub(super) struct Bench<'a> {
    pub(super) request: &'a Request,
    pub(super) cargo: &'a Path,
    pub(super) scratch: &'a Scratch,
    pub(super) server: &'a Server,
    pub(super) store: &'a Store,
    pub(super) progress: &'a dyn Progress,
    pub(super) interrupt: &'a Interrupt,
    /// Whether `build.build-dir` is set.
    pub(super) has_build_dir: bool,
}

/// A build with its log and records.
struct LoggedBuild {
    measured: Measured,
    built: Built,
    units: Vec<Unit>,
    records: WrapperRecords,
    directories: Directories,
}

impl LoggedBuild {
    fn logged(&self) -> Logged<'_> {
        Logged {
            directories: &self.directories,
            units: &self.units,
            records: &self.records,
            built: &self.built,
        }
    }
}

impl Bench<'_> {
    pub(super) fn run(&self) -> Result<Measurements, Error> {
        let dir = &self.request.dir;
        fetch(self.cargo, dir, self.interrupt)?;
        let checkout = Checkout::around(dir);
        let root = checkout.as_ref().map_or(dir, |checkout| &checkout.root);
        let here = Directories {
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
        match (self.request.worktree, checkout) {
            (LinkedWorktree::Skip, _) => {}
            (LinkedWorktree::Build, Err(why)) => no_worktree = Some(why),
            (LinkedWorktree::Build, Ok(checkout)) => {
                builds.push(self.in_worktree(&checkout, &first)?);
            }
        }
        if self.request.baseline == Baseline::Build {
            builds.push(self.build(Kind::Baseline, dir, &here, units)?.measured);
        }
        Ok(Measurements {
            sccache: self.server.stats(self.scratch)?.settings.version,
            builds,
            no_worktree,
        })
    }

    fn in_worktree(&self, checkout: &Checkout, first: &LoggedBuild) -> Result<Measured, Error> {
        let path = self.scratch.path(scratch::WORKTREE);
        let _worktree = checkout.add(&path)?;
        let there = Directories {
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
        directories: &Directories,
        units: Option<u64>,
    ) -> Result<LoggedBuild, Error> {
        let name = kind.name(self.request.cache);
        self.progress.build(name, units);
        let before = Tally::from_stats(&self.server.stats(self.scratch)?);
        let store_before = tally(self.store);
        let log = self.scratch.log_length();
        let cargo = Build {
            cargo: self.cargo,
            dir,
            args: &self.request.cargo_args,
            target: &directories.target,
            has_build_dir: self.has_build_dir,
            environment: &self.environment(kind, dir)?,
        };
        let built = cargo
            .run(
                kind.build_name(self.request.cache),
                self.progress,
                self.interrupt,
            )
            .map_err(|error| match error {
                Error::Failed(problem) if kind == Kind::Worktree => {
                    Error::Failed(problem.hint(NOT_IN_WORKTREE))
                }
                error => error,
            })?;
        let sccache = match kind {
            Kind::Baseline => None,
            _ => Some(self.wait_for_writes()?.since(&before)),
        };
        let store = tally(self.store).since(&store_before);
        Ok(LoggedBuild {
            measured: Measured {
                build: kind,
                wall: built.wall,
                units: built.units,
                sccache,
                store: (store.by_language().all() != Count::default()).then_some(store),
                missed: None,
            },
            built,
            units: server_log::units(&self.scratch.log_from(log)),
            records: WrapperRecords::of(&directories.target),
            directories: directories.clone(),
        })
    }

    /// The counters, once the server has stored what it compiled: the next build would miss an entry
    /// that is not stored yet.
    fn wait_for_writes(&self) -> Result<Tally, Problem> {
        let asked = Instant::now();
        loop {
            let stats = self.server.stats(self.scratch)?;
            let tally = Tally::from_stats(&stats);
            let of = |name: &str| stats.counters.get(name).and_then(serde_json::Value::as_u64);
            let written = of("cache_writes").unwrap_or_default()
                + of("cache_write_errors").unwrap_or_default();
            if written >= tally.all().misses || asked.elapsed() > WRITE_TIMEOUT {
                return Ok(tally);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Adds the misses and their reasons. A shared server has no log for this.
    fn explain(&self, made: &mut LoggedBuild, first: &LoggedBuild) {
        if self.request.cache == Cache::Scratch {
            let mut missed = miss_reason::missed(made.logged(), first.logged());
            let store = made.measured.store.iter();
            missed.extend(store.flat_map(missed_without_name));
            missed.sort();
            let sccache = made.measured.sccache.as_ref();
            let counted = sccache.map(|tally| tally.all().misses);
            let logged = made.units.iter().filter(|unit| unit.is_miss).count();
            // With an unknown log format, no misses would be reported.
            let is_all = counted == u64::try_from(logged).ok();
            made.measured.missed = is_all.then_some(missed);
        }
    }

    /// The variables that `sccfg env` sets in `dir`, with this cache.
    fn environment(
        &self,
        kind: Kind,
        dir: &Path,
    ) -> Result<Vec<(OsString, Option<OsString>)>, Error> {
        let mut changes = shell_changes(&mut Session::gather(dir, Purpose::Env)?)?;
        if self.request.cache == Cache::Scratch {
            // `auto` depends on whether the cache is remote; the scratch cache never is.
            let is_set =
                |(name, value): &(OsString, Option<_>)| name == CARGO_HOME_MODE && value.is_some();
            if !changes.iter().any(is_set) {
                changes.push((CARGO_HOME_MODE.into(), Some("exact".into())));
            }
            changes.extend(self.scratch.changes());
        }
        if kind == Kind::Baseline {
            changes.push(("RUSTC_WRAPPER".into(), Some("".into())));
        }
        Ok(changes)
    }
}

/// The variables that `sccfg env` sets. No worktree is seeded: then nothing would be compiled.
pub(super) fn shell_changes(
    session: &mut Session,
) -> Result<Vec<(OsString, Option<OsString>)>, Problem> {
    if let Some(problem) = session.install_wrapper() {
        return Err(problem);
    }
    let changes = session.changes(session.select_address_without_query().as_ref());
    let changes = changes.into_iter().map(|change| match change {
        Change::Set(name, value) => (name.into(), Some(value.into())),
        Change::Unset(name) => (name.into(), None),
        Change::First { whole, .. } => ("PATH".into(), Some(whole.into())),
    });
    let mut changes: Vec<_> = changes.collect();
    changes.push((SEED.into(), Some("off".into())));
    Ok(changes)
}

/// The objects and the runs of build scripts that missed in the store: it has no names of them.
fn missed_without_name(store: &FrontTally) -> Vec<Missed> {
    let counts = store.without_passed_on();
    let missed = [
        (
            counts.native().misses,
            "objects of build scripts",
            "their preprocessed sources, arguments or compiler differ",
        ),
        (
            counts.build_scripts().misses,
            "runs of build scripts",
            "what they read differs, or they run each time",
        ),
    ];
    let missed = missed.into_iter().filter(|(count, ..)| *count > 0);
    let missed = missed.map(|(count, what, why)| Missed {
        name: format!("{count} {what}"),
        why: why.to_owned(),
    });
    missed.collect()
}

/// Removes the results of a build.
fn clean(target: &Path) -> Result<(), Problem> {
    fsio::remove_dir(target).map_err(|error| {
        Problem::new(format!("could not remove {}: {error}", target.display()))
            .hint("check the owner and the mode of the directory and its contents")
    })
}

/// Downloads dependencies, so that no build is measured with that. Errors are ignored here, because the
/// build reports them. cargo runs the compiler here, and sccache as its wrapper would start a server at
/// the address of the shell.
fn fetch(cargo: &Path, dir: &Path, interrupt: &Interrupt) -> Result<(), Error> {
    use sccfg_util::proc::watched::{Event, Line, WatchedProgram};
    let without_sccache = [("RUSTC_WRAPPER".into(), Some("".into()))];
    let run = |args: &[&str]| -> Result<Vec<String>, Error> {
        let mut out = Vec::new();
        let Ok(mut cargo) = WatchedProgram::start(cargo, args, dir, &without_sccache) else {
            return Ok(out);
        };
        loop {
            match cargo.next(Duration::from_millis(50)) {
                _ if interrupt.is_received() => return Err(Error::Interrupted),
                Ok(Event::Line(Line::Out(line))) => out.push(line),
                Ok(Event::Exited(_)) | Err(_) => return Ok(out),
                Ok(Event::Nothing | Event::Line(Line::Err(_))) => {}
            }
        }
    };
    let version = run(&["-vV"])?;
    let host = version.iter().find_map(|line| line.strip_prefix("host: "));
    run(&["fetch", "--target", host.unwrap_or("host-tuple")]).map(drop)
}
