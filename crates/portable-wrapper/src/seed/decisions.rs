//! Which units are taken: those that are the same here, above others that are taken.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use super::checks::{Checks, Taken, modified};
use super::delivery::has_extension;
use super::units::{CargoUnit, Kind};
use super::{Seeded, Why};

/// A unit that is delivered. The largest are the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Delivered {
    /// In bytes.
    size: u64,
    /// Its number.
    pub(super) unit: usize,
    /// Whether its package never changes.
    pub(super) is_published: bool,
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

pub(super) struct Decisions<'a> {
    checks: Checks<'a>,
    all: &'a [&'a CargoUnit],
    by_hash: HashMap<u64, Vec<usize>>,
    states: Vec<State>,
    /// The units that were taken, each after those below it.
    taken: Vec<usize>,
    left_out: Vec<(String, String)>,
}

impl<'a> Decisions<'a> {
    pub(super) fn new(checks: Checks<'a>, all: &'a [&'a CargoUnit]) -> Self {
        Self {
            checks,
            all,
            by_hash: HashMap::new(),
            states: vec![State::Open; all.len()],
            taken: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Decides of the units of one profile, and hands over those that are to be delivered.
    pub(super) fn decide(&mut self, profile: Range<usize>, hand_over: &dyn Fn(Delivered)) {
        for nth in profile.clone() {
            let same = self.by_hash.entry(self.all[nth].hash).or_default();
            same.push(nth);
        }
        for nth in profile {
            self.decide_one(nth, hand_over);
        }
    }

    /// Takes a unit, after those below it, if it can be taken.
    fn decide_one(&mut self, nth: usize, hand_over: &dyn Fn(Delivered)) {
        match self.states[nth] {
            State::Open => {}
            State::Entered => {
                self.states[nth] = State::LeftOut;
                return;
            }
            State::Taken { .. } | State::LeftOut => return,
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
            self.decide_one(dependency, hand_over);
        }
        match self.take(nth) {
            Ok(state @ State::Taken { is_published, .. })
                if matches!(self.states[nth], State::Entered) =>
            {
                self.states[nth] = state;
                self.taken.push(nth);
                hand_over(Delivered {
                    size: self.all[nth].size(),
                    unit: nth,
                    is_published,
                });
            }
            Ok(_) => {}
            Err(why) => self.leave_out(nth, why),
        }
    }

    fn leave_out(&mut self, nth: usize, Why(why): Why) {
        self.states[nth] = State::LeftOut;
        let unit = self.all[nth];
        let package = match &unit.kind {
            Kind::Compile { stem, .. } => stem.clone(),
            Kind::Run(run) => run.out_dir.display().to_string(),
        };
        log::debug!("left out {} of {package}: {why}", unit.name);
        self.left_out
            .push((format!("{} ({package})", unit.name), why.into_owned()));
    }

    /// Leaves out the units that could not be delivered, and those above them. `remove` removes what was delivered of one.
    pub(super) fn finish(
        mut self,
        mut failed: HashMap<usize, Why>,
        remove: impl Fn(&CargoUnit),
    ) -> Seeded {
        let mut units = 0;
        for nth in std::mem::take(&mut self.taken) {
            let why = failed.remove(&nth);
            let why = why.or_else(|| self.dependencies(self.all[nth]).err());
            if let Some(why) = why {
                remove(self.all[nth]);
                self.leave_out(nth, why);
            } else {
                units += 1;
            }
        }
        Seeded {
            units,
            left_out: self.left_out,
        }
    }

    fn take(&self, nth: usize) -> Result<State, Why> {
        let unit = self.all[nth];
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
        let is_published = match &unit.kind {
            Kind::Compile { manifest, .. } => self.checks.compile(manifest, &dependencies)?,
            Kind::Run(run) => {
                let is_published = self.checks.run(unit, run, &dependencies)?;
                self.checks.add_libraries(run);
                is_published
            }
        };
        if is_published && dependencies.iter().any(|(_, taken)| !taken.is_published) {
            return Err("it depends on a package of the workspace".into());
        }
        Ok(State::Taken {
            newest,
            metadata,
            is_published,
        })
    }

    /// The dependencies of a unit, which all must have been taken.
    fn dependencies(&self, unit: &CargoUnit) -> Result<Vec<(String, Taken<'a>)>, Why> {
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
                    unit: self.all[*nth],
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
        let from = &self.checks.from.build;
        let time = |path: &Path| modified(&from.join(path)).ok_or("an output is missing");
        let (newest, metadata) = match &unit.kind {
            Kind::Run(run) => (time(&run.directory.join(run.printed))?, None),
            Kind::Compile {
                out_dir, manifest, ..
            } => {
                let mut newest = SystemTime::UNIX_EPOCH;
                let mut metadata = None;
                for (name, ..) in &manifest.outputs {
                    let time = time(&out_dir.join(name))?;
                    newest = newest.max(time);
                    if has_extension(name, "rmeta") {
                        metadata = Some(time);
                    }
                }
                (newest, metadata)
            }
        };
        if newest > self.checks.moment {
            return Err("it is from the future".into());
        }
        Ok((newest, metadata))
    }
}
