//! The builds, one after the other, with what the server counted and logged of each.

use std::ffi::OsString;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::build::{Build, Built};
use super::miss_reason::{self, Logged, Place};
use super::scratch::{self, Scratch};
use super::server_log::{self, Unit};
use super::worktree::Checkout;
use super::wrapper_records::WrapperRecords;
use super::{Baseline, Cache, Kind, Measured, Proof, Request, Second, Stopped, Watcher};
use crate::session::{Purpose, Session};
use crate::shell::Change;
use sccache_control::server::address::Address;
use sccache_control::server::probe::Probe;
use sccache_control::server::program::Executable;
use sccache_control::server::query::{Stats, query_stats};
use sccache_control::server::supervisor::{EnsureOptions, Supervisor};
use sccache_control::stats::Tally;
use sccfg_util::fsio;
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;
use sccfg_util::wrapper_vars::CARGO_HOME_MODE;

/// How long a server may take to write down what it compiled.
const WRITES: Duration = Duration::from_secs(5);

/// The server that is asked.
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
            return Err(Problem::new("there is no sccache to measure with"));
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
            Problem::new(format!("asking the sccache server what it counted: {why}"))
                .hint("it may have been stopped meanwhile: run `sccfg verify` again")
        };
        match self {
            Self::Scratch { program } => {
                query_stats(program, &scratch.address()).map_err(|error| lost(&error.to_string()))
            }
            Self::InPlace {
                supervisor,
                address,
            } => match supervisor.query(address) {
                Probe::Server(running) => running.stats.ok_or_else(|| lost("it did not say")),
                Probe::NotRunning => Err(lost("it is gone")),
                Probe::Foreign(foreign) => Err(foreign.problem(address)),
            },
        }
    }
}

/// All that the builds share.
pub(super) struct Bench<'a> {
    pub(super) request: &'a Request,
    pub(super) cargo: &'a Path,
    pub(super) scratch: &'a Scratch,
    pub(super) server: &'a Server,
    pub(super) watcher: &'a dyn Watcher,
    pub(super) interrupt: &'a Interrupt,
    /// Whether cargo's build directory is set apart from the target directory.
    pub(super) is_apart: bool,
}

/// A build with its log.
struct Made {
    measured: Measured,
    built: Built,
    units: Vec<Unit>,
    records: WrapperRecords,
    place: Place,
}

impl Made {
    fn logged(&self) -> Logged<'_> {
        Logged {
            place: &self.place,
            units: &self.units,
            records: &self.records,
            built: &self.built,
        }
    }
}

impl Bench<'_> {
    /// Makes all the builds.
    pub(super) fn run(&self) -> Result<Proof, Stopped> {
        let dir = &self.request.dir;
        fetch(self.cargo, dir, self.interrupt)?;
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
        let before = Tally::from_stats(&self.server.stats(self.scratch)?);
        let log = self.scratch.log_length();
        let cargo = Build {
            cargo: self.cargo,
            dir,
            args: &self.request.cargo_args,
            target: &place.target,
            is_apart: self.is_apart,
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
            units: server_log::units(&self.scratch.log_from(log)),
            records: WrapperRecords::of(&place.target),
            place: place.clone(),
        })
    }

    /// What the server counted, once it has written down what it compiled: an entry that is not
    /// there yet would be missed by the next build.
    fn settled(&self) -> Result<Tally, Problem> {
        let asked = Instant::now();
        loop {
            let stats = self.server.stats(self.scratch)?;
            let tally = Tally::from_stats(&stats);
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
            let missed = miss_reason::missed(made.logged(), first.logged());
            let sccache = made.measured.sccache.as_ref();
            let counted = sccache.map(|tally| tally.all().misses);
            let logged = made.units.iter().filter(|unit| unit.is_miss).count();
            // A version of sccache that words its log otherwise must not look as if nothing missed.
            let is_all = counted == u64::try_from(logged).ok();
            made.measured.missed = is_all.then_some(missed);
        }
    }

    /// What `sccfg env` sets in that directory, with this cache.
    fn environment(
        &self,
        kind: Kind,
        dir: &Path,
    ) -> Result<Vec<(OsString, Option<OsString>)>, Stopped> {
        let mut session = Session::gather(dir, Purpose::Env)?;
        if let Some(problem) = session.put_wrapper_in_place() {
            return Err(problem.into());
        }
        let mut changes: Vec<(OsString, Option<OsString>)> = session
            .changes(session.select_address_without_query().as_ref())
            .into_iter()
            .map(|change| match change {
                Change::Set(name, value) => (name.into(), Some(value.into())),
                Change::Unset(name) => (name.into(), None),
                Change::First { whole, .. } => ("PATH".into(), Some(whole.into())),
            })
            .collect();
        if self.request.cache == Cache::Scratch {
            // The scratch cache is never remote, which must not decide.
            let is_said =
                |(name, value): &(OsString, Option<_>)| name == CARGO_HOME_MODE && value.is_some();
            if !changes.iter().any(is_said) {
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

/// Removes what a build left.
fn clean(target: &Path) -> Result<(), Problem> {
    fsio::remove_dir(target)
        .map_err(|error| Problem::new(format!("removing {}: {error}", target.display())))
}

/// Loads what is not on this machine yet, so that no build is measured with it. What fails here
/// fails in the build again, which says so. cargo asks the compiler about itself here, and sccache in
/// between would start a server at the shell's own address.
fn fetch(cargo: &Path, dir: &Path, interrupt: &Interrupt) -> Result<(), Stopped> {
    use sccfg_util::proc::watched::{Event, Line, WatchedProgram};
    let without_sccache = [("RUSTC_WRAPPER".into(), Some("".into()))];
    let run = |args: &[&str]| -> Result<Vec<String>, Stopped> {
        let mut out = Vec::new();
        let Ok(mut cargo) = WatchedProgram::start(cargo, args, dir, &without_sccache) else {
            return Ok(out);
        };
        loop {
            match cargo.next(Duration::from_millis(50)) {
                _ if interrupt.is_received() => return Err(Stopped::Interrupted),
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
