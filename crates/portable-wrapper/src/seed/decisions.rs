//! Decides which units are taken: those that are the same here, and whose dependencies are taken.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use super::super::debug_info;
use super::Why;
use super::checks::Checks;
use super::delivery::has_extension;
use super::dependencies::Taken;
use super::earlier::{Decided, Earlier, LeftOut, TakenEarlier, TakenUnit};
use super::reference_time::modified;
use super::units::{CargoUnit, Kind, Times};

/// The end of the reason for a unit of which a dependency has no manifest.
pub const NOT_COMPILED: &str = "was not compiled by the wrapper";

/// A unit to deliver. Ordered by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Delivered {
    /// In bytes.
    size: u64,
    /// Its index.
    pub(super) unit: usize,
    /// Whether its package never changes.
    pub(super) is_published: bool,
}

/// The state of a unit.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Not decided yet.
    Open,
    /// Being decided. Found again only if cargo's records are cyclic.
    Entered,
    Taken(TakenUnit),
    LeftOut {
        is_general: bool,
    },
}

pub(super) struct Decisions<'a> {
    checks: Checks<'a>,
    all: &'a [CargoUnit],
    earlier: &'a Earlier<'a>,
    by_hash: HashMap<u64, Vec<usize>>,
    states: Vec<State>,
    /// The units that were taken, each after its dependencies.
    taken: Vec<usize>,
    left_out: Vec<LeftOut>,
}

impl<'a> Decisions<'a> {
    /// Decisions about the units `all` of a checkout. Units of other checkouts were taken `earlier`.
    pub(super) fn new(checks: Checks<'a>, all: &'a [CargoUnit], earlier: &'a Earlier<'a>) -> Self {
        Self {
            checks,
            all,
            earlier,
            by_hash: HashMap::new(),
            states: vec![State::Open; all.len()],
            taken: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Decides about the units of one profile, and calls `hand_over` with those to deliver.
    pub(super) fn decide(&mut self, profile: Range<usize>, hand_over: &dyn Fn(Delivered)) {
        for nth in profile.clone() {
            let same = self.by_hash.entry(self.all[nth].hash).or_default();
            same.push(nth);
        }
        for nth in profile {
            if self.earlier.wants(&self.all[nth]) {
                self.decide_one(nth, hand_over);
            }
        }
    }

    /// Takes a unit, after its dependencies, if it can be taken and was not taken before.
    fn decide_one(&mut self, nth: usize, hand_over: &dyn Fn(Delivered)) {
        match self.states[nth] {
            State::Open => {}
            State::Entered => {
                self.states[nth] = State::LeftOut { is_general: false };
                return;
            }
            State::Taken(_) | State::LeftOut { .. } => return,
        }
        if let Some(taken) = self.earlier.taken(&self.all[nth]) {
            self.states[nth] = self.taken_earlier(nth, taken);
            return;
        }
        if !self.earlier.wants(&self.all[nth]) {
            self.states[nth] = State::LeftOut { is_general: false };
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
            self.decide_one(dependency, hand_over);
        }
        match self.take(nth) {
            Ok(taken) if matches!(self.states[nth], State::Entered) => {
                self.states[nth] = State::Taken(taken);
                self.taken.push(nth);
                hand_over(Delivered {
                    size: self.all[nth].size(),
                    unit: nth,
                    is_published: taken.is_published,
                });
            }
            Ok(_) => {}
            Err(why) => self.leave_out(nth, why, false),
        }
    }

    /// The state of a unit for which the same unit of another checkout was taken.
    fn taken_earlier(&self, nth: usize, taken: TakenEarlier) -> State {
        let unit = &self.all[nth];
        if !self.earlier.is_same(taken, unit, self.checks.from) {
            return State::LeftOut { is_general: false };
        }
        match self.times(unit) {
            Ok(times) => State::Taken(TakenUnit {
                unit: nth,
                times,
                delivered: Some(taken.times),
                is_published: taken.is_published,
            }),
            Err(_) => State::LeftOut { is_general: false },
        }
    }

    fn leave_out(&mut self, nth: usize, why: Why, was_delivered: bool) {
        let Why {
            text, is_general, ..
        } = why;
        self.states[nth] = State::LeftOut { is_general };
        let unit = &self.all[nth];
        let package = match &unit.kind {
            Kind::Compile { stem, .. } => stem.clone(),
            Kind::Run(run) => run.out_dir.display().to_string(),
        };
        log::debug!("left out {} of {package}: {text}", unit.name);
        self.left_out.push(LeftOut {
            unit: format!("{} ({package})", unit.name),
            why: text.into_owned(),
            fingerprint: unit.fingerprint.clone(),
            may_be_elsewhere: !is_general && !was_delivered,
        });
    }

    /// Leaves out the units that could not be delivered, and those that depend on them. `remove` removes the delivered files of
    /// one.
    pub(super) fn finish(
        mut self,
        mut failed: HashMap<usize, Why>,
        remove: impl Fn(&CargoUnit),
    ) -> Decided {
        let delivered = std::mem::take(&mut self.taken);
        let mut taken = Vec::new();
        for nth in &delivered {
            let why = failed.remove(nth);
            let why = why.or_else(|| self.dependencies(&self.all[*nth]).err());
            if let Some(why) = why {
                remove(&self.all[*nth]);
                self.leave_out(*nth, why, true);
            } else if let State::Taken(unit) = self.states[*nth] {
                taken.push(unit);
            }
        }
        Decided {
            taken,
            delivered,
            left_out: self.left_out,
        }
    }

    fn take(&self, nth: usize) -> Result<TakenUnit, Why> {
        let unit = &self.all[nth];
        if let Kind::Compile { manifest, .. } = &unit.kind {
            self.checks.is_shared(manifest)?;
        }
        let dependencies = self.dependencies(unit)?;
        let times = self.times(unit)?;
        let is_library = times.metadata.is_some();
        let is_older = |below: Times| times.newest < below.below(is_library);
        if let Some((name, _)) = dependencies.iter().find(|(_, below)| is_older(below.times)) {
            return Err(format!("its dependency {name} was built again").into());
        }
        self.checks.begins(unit);
        let is_published = match &unit.kind {
            Kind::Compile { manifest, .. } => {
                self.checks
                    .compile(manifest, unit.profile(), &dependencies)?
            }
            Kind::Run(run) => {
                let is_published = self.checks.run(unit, run, &dependencies)?;
                self.checks.libraries.add(self.checks.from, run);
                is_published
            }
        };
        if is_published {
            if dependencies.iter().any(|(_, below)| !below.is_published) {
                return Err(Why::general("it depends on a package of the workspace"));
            }
            // Files of published packages keep their mtimes.
            let mut delivered = dependencies.iter().filter_map(|(_, below)| below.delivered);
            if delivered.any(is_older) {
                return Err("a dependency was built later, in another checkout".into());
            }
        }
        Ok(TakenUnit {
            unit: nth,
            times,
            delivered: None,
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
                return Err(format!("its dependency {name} {NOT_COMPILED}").into());
            }
            for nth in found {
                let taken = match self.states[*nth] {
                    State::Taken(taken) => taken,
                    State::LeftOut { is_general } => {
                        return Err(Why {
                            is_general,
                            ..format!("its dependency {name} was left out").into()
                        });
                    }
                    State::Open | State::Entered => {
                        return Err(format!("its dependency {name} was left out").into());
                    }
                };
                let taken = Taken {
                    unit: &self.all[*nth],
                    times: taken.times,
                    delivered: taken.delivered,
                    is_published: taken.is_published,
                };
                dependencies.push((name.clone(), taken));
            }
        }
        Ok(dependencies)
    }

    /// The mtimes of a unit's outputs.
    fn times(&self, unit: &CargoUnit) -> Result<Times, Why> {
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
                    let time = time(&debug_info::path_in(out_dir, name))?;
                    newest = newest.max(time);
                    if has_extension(name, "rmeta") {
                        metadata = Some(time);
                    }
                }
                (newest, metadata)
            }
        };
        if newest > self.checks.moment {
            return Err("an output has an mtime in the future".into());
        }
        Ok(Times { newest, metadata })
    }
}
