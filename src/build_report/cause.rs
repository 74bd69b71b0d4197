//! Why a unit was compiled, followed down to the first cause: if a dependency changed, the reason is that of the
//! dependency.

mod change;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::iter;

use serde::Serialize;

use self::change::may_follow;
pub(crate) use self::change::{Between, cause_of};
use portable_wrapper::builds::{Before, Build, Change, Kind, Outcome, UnitRecord};
use portable_wrapper::explain::{HAS_FILE_TIMES, OUTSIDE_OF_WORKSPACE};

/// The kind of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CauseKind {
    /// A source file changed.
    Source,
    /// The package has another version.
    Version,
    /// A variable changed.
    Variable,
    /// A flag, a feature or a setting of the profile changed.
    Flag,
    /// The compiler changed.
    Compiler,
    /// The output of a build script changed.
    Generated,
    /// A dependency changed, for an unknown cause.
    Dependency,
    /// The linker or a native library changed.
    Linker,
    /// The programs, headers or processor of the machine changed.
    Machine,
    /// The output contains the path of the checkout.
    Place,
    /// It is compiled each time.
    EachTime,
    /// It was never compiled in this build directory.
    New,
    /// The entry is no longer in the cache.
    NotKept,
    /// The previous build did not cache it.
    WasUncached,
    /// It has no key.
    Uncached,
    /// Another version of sccfg computes other keys.
    Format,
    /// Not recorded.
    Unknown,
}

/// A first cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Cause {
    pub(crate) kind: CauseKind,
    /// The description.
    pub(crate) text: String,
    /// A hint on how to avoid it, if there is one.
    pub(crate) hint: Option<String>,
}

/// A cause with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Traced {
    pub(crate) cause: Cause,
    /// The units from this one to the one to which the cause belongs, as in [`UnitRecord::unit`]. The first is this one.
    pub(crate) through: Vec<String>,
}

impl Cause {
    fn new(kind: CauseKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The builds that are searched for causes.
#[derive(Debug)]
pub(crate) struct Builds<'a> {
    /// The build in question.
    pub(crate) build: &'a Build,
    /// The earlier builds, the last one first.
    earlier: &'a [Build],
    /// The numbers of the units in the build, by name.
    numbers: HashMap<&'a str, usize>,
    /// The direct dependencies of each unit that are in the build.
    uses: Vec<Vec<usize>>,
}

impl<'a> Builds<'a> {
    /// `build`, and the `earlier` builds, the last one first.
    pub(crate) fn new(build: &'a Build, earlier: &'a [Build]) -> Self {
        let units = build.units.iter().enumerate();
        let numbers = units.map(|(nth, unit)| (&*unit.unit, nth)).collect();
        let mut builds = Self {
            build,
            earlier,
            numbers,
            uses: Vec::new(),
        };
        let units = build.units.iter();
        builds.uses = units.map(|unit| builds.used_by(unit)).collect();
        builds
    }

    /// The direct dependencies of `unit` that are in the build.
    fn used_by(&self, unit: &UnitRecord) -> Vec<usize> {
        let used = unit.uses.iter().map(|used| unit_of(used));
        used.filter_map(|name| self.numbers.get(name).copied())
            .collect()
    }

    /// The unit of the build that is called `name`.
    fn unit(&self, name: &str) -> Option<&'a UnitRecord> {
        self.build.units.get(*self.numbers.get(name)?)
    }

    /// Why `unit` was compiled; `None` for a hit.
    pub(crate) fn trace(&self, unit: &UnitRecord) -> Option<Traced> {
        let mut seen = BTreeSet::new();
        (!unit.outcome.is_hit()).then(|| self.follow(unit, &mut seen))
    }

    fn follow(&self, unit: &UnitRecord, seen: &mut BTreeSet<String>) -> Traced {
        seen.insert(unit.unit.clone());
        let further = self
            .next(unit)
            .filter(|next| !next.outcome.is_hit() && !seen.contains(&next.unit));
        let mut traced = match further {
            Some(next) => self.follow(next, seen),
            None => Traced {
                cause: self.own_cause(unit),
                through: Vec::new(),
            },
        };
        traced.through.insert(0, unit.unit.clone());
        traced
    }

    /// The unit that explains why `unit` was compiled, if its own record does not.
    fn next(&self, unit: &UnitRecord) -> Option<&'a UnitRecord> {
        let Some(before) = &unit.details.before else {
            let is_new = unit.outcome == Outcome::Miss && unit.details.here.is_none();
            let below = || self.placed_below(unit).or_else(|| self.changed_below(unit));
            return is_new.then(below).flatten();
        };
        let first = before.changed.first()?;
        match first.kind() {
            Kind::Generated => self.run_of(unit),
            Kind::Dependency => {
                let named = before.changed.iter().filter_map(Change::dependency);
                let named = named.filter_map(|name| self.used(unit, name));
                let missed = |next: &&UnitRecord| !next.outcome.is_hit();
                let mut named: Vec<_> = named.collect();
                // A changed dependency explains more than a new one.
                named.sort_by_key(|next| next.details.before.is_none());
                let direct = named.into_iter().find(missed);
                direct.or_else(|| self.missed_below(unit))
            }
            Kind::Variable if first.by_script => self.run_of(unit),
            _ => None,
        }
    }

    /// The unit that `unit` calls `name`.
    fn used(&self, unit: &UnitRecord, name: &str) -> Option<&'a UnitRecord> {
        let used = unit
            .uses
            .iter()
            .find_map(|used| match used.split_once('=') {
                Some((other, unit)) => (other == name).then_some(unit),
                None => used
                    .rsplit_once('-')
                    .is_some_and(|(crate_name, _)| crate_name == name)
                    .then_some(used.as_str()),
            })?;
        self.record(used)
    }

    /// The run of the build script of the package of `unit`.
    fn run_of(&self, unit: &UnitRecord) -> Option<&'a UnitRecord> {
        let run = unit.uses.iter().find(|used| used.starts_with("run "))?;
        self.record(run)
    }

    /// The last record of a unit: of this build, or of the build that compiled it.
    fn record(&self, name: &str) -> Option<&'a UnitRecord> {
        self.unit(name).or_else(|| self.earlier_record(name))
    }

    /// The last record of a unit in an earlier build.
    fn earlier_record(&self, name: &str) -> Option<&'a UnitRecord> {
        self.earlier.iter().find_map(|build| build.unit(name))
    }

    /// Whether the build that compiled `unit` last did not store it, because an input changed meanwhile.
    fn was_stale(&self, unit: &UnitRecord) -> bool {
        let last = self.earlier_record(&unit.unit);
        last.is_some_and(|last| last.details.is_stale)
    }

    /// The direct and indirect dependencies of `unit` in this build, the nearest first: their numbers.
    fn numbers_below(&self, unit: &UnitRecord) -> impl Iterator<Item = usize> {
        let mut seen = vec![false; self.build.units.len()];
        let mut waiting: VecDeque<usize> = self.used_by(unit).into();
        iter::from_fn(move || {
            loop {
                let nth = waiting.pop_front()?;
                if !std::mem::replace(&mut seen[nth], true) {
                    waiting.extend(&self.uses[nth]);
                    return Some(nth);
                }
            }
        })
    }

    /// The direct and indirect dependencies of `unit` in this build, the nearest first.
    fn below(&self, unit: &UnitRecord) -> impl Iterator<Item = &'a UnitRecord> {
        self.numbers_below(unit).map(|nth| &self.build.units[nth])
    }

    /// The nearest direct or indirect dependency that this build compiled.
    fn missed_below(&self, unit: &UnitRecord) -> Option<&'a UnitRecord> {
        self.below(unit).find(|record| !record.outcome.is_hit())
    }

    /// The nearest direct or indirect dependency that this build compiled, if all of these are shared only between checkouts at the
    /// same path, or use such a unit: then they are the cause.
    fn placed_below(&self, unit: &UnitRecord) -> Option<&'a UnitRecord> {
        let is_missed = |nth: &usize| !self.build.units[*nth].outcome.is_hit();
        let mut nearest = None;
        for nth in self.numbers_below(unit).filter(is_missed) {
            let record = &self.build.units[nth];
            let is_new = record.outcome == Outcome::Miss && record.details.before.is_none();
            let explains = match record.details.here.as_deref() {
                Some(here) => !is_each_time(here),
                None => self.uses[nth].iter().any(is_missed),
            };
            if !is_new || !explains {
                return None;
            }
            nearest = nearest.or(Some(record));
        }
        nearest
    }

    /// The nearest direct or indirect dependency whose key changed, so that no build can have stored what uses it.
    fn changed_below(&self, unit: &UnitRecord) -> Option<&'a UnitRecord> {
        self.below(unit).find(|record| {
            let before = record.details.before.as_ref();
            record.outcome == Outcome::Miss
                && record.details.here.is_none()
                && before.is_some_and(|before| !before.changed.is_empty())
        })
    }

    /// The cause in the unit's own record.
    fn own_cause(&self, unit: &UnitRecord) -> Cause {
        if let Some((why, hint)) = unit.outcome.why_uncached() {
            let why = match &unit.details.unknown_input {
                Some(what) => format!("{why}: {what}"),
                None => why,
            };
            let cause = Cause::new(CauseKind::Uncached, why);
            return match hint.or_else(|| hint_for_uncached(&unit.outcome)) {
                Some(hint) => cause.hint(hint),
                None => cause,
            };
        }
        let here = unit.details.here.as_deref();
        if let Some(here) = here.filter(|here| is_each_time(here)) {
            return Cause::new(CauseKind::EachTime, here);
        }
        if unit.types == ["object"] && unit.outcome == Outcome::Miss {
            let text = "no build before had these sources, headers, flags and compiler of C";
            return here.map_or_else(|| Cause::new(CauseKind::Unknown, text), place);
        }
        let Some(before) = &unit.details.before else {
            return match (here, &unit.outcome) {
                (_, Outcome::Failed) => {
                    Cause::new(CauseKind::Unknown, "the compiler reported an error")
                }
                (Some(here), _) => place(here),
                (None, _) if unit.details.needs_same_length => {
                    let text = "it is compiled from vendored packages, and was not built before in a checkout whose path is as long";
                    Cause::new(CauseKind::New, text).hint(VENDORED_HINT)
                }
                (None, _) => Cause::new(CauseKind::New, "not built here before").hint(AGAINST_HINT),
            };
        };
        self.changed(unit, before, here)
    }

    fn changed(&self, unit: &UnitRecord, before: &Before, here: Option<&str>) -> Cause {
        if let Some(why) = &before.uncached {
            let why = Outcome::Uncached(why.clone()).why_uncached();
            let why = why.map(|(why, _)| why).unwrap_or_default();
            let text = format!("it was not cached before: {why}");
            return Cause::new(CauseKind::WasUncached, text);
        }
        let is_version = |change: &Change| {
            // Other code of the same version may read the variable, or not.
            let is_in_both = change.from.is_some() && change.to.is_some();
            is_in_both && change.variable() == Some("CARGO_PKG_VERSION")
        };
        if before.changed.iter().any(is_version) {
            let (package, version) = (&unit.package, &unit.version);
            let text = match self.version_before(before) {
                Some(before) => format!("{package} is version {version} instead of {before}"),
                None => format!("{package} has another version: {version}"),
            };
            return Cause::new(CauseKind::Version, text);
        }
        let mut certain = before.changed.iter().filter(|change| !may_follow(change));
        let Some(first) = certain.next().or(before.changed.first()) else {
            return match here {
                Some(here) if before.key != unit.key => place(here),
                _ if before.key == unit.key && self.was_stale(unit) => {
                    let text = "a file that it reads changed during the last compile, which was not stored";
                    Cause::new(CauseKind::Source, text)
                }
                _ if before.key == unit.key => {
                    let text = "it had the same key before, but the cache does not have it";
                    Cause::new(CauseKind::NotKept, text).hint(
                        "is the cache large enough? `sccfg stats` and `sccfg store status` say how full it is",
                    )
                }
                _ => Cause::new(
                    CauseKind::Unknown,
                    "its key differs; in what is not recorded",
                ),
            };
        };
        let others = before
            .changed
            .iter()
            .filter(|change| change.kind() == first.kind());
        cause_of(first, others.count() - 1, Between::Builds)
    }

    /// The version of the package with the previous key, if an earlier build recorded it.
    fn version_before(&self, before: &Before) -> Option<String> {
        let mut units = self.earlier.iter().flat_map(|build| &build.units);
        let unit = units.find(|other| other.key == before.key && !other.key.is_empty())?;
        Some(unit.version.clone())
    }
}

/// The unit in an entry of [`UnitRecord::uses`].
pub(crate) fn unit_of(used: &str) -> &str {
    used.split_once('=').map_or(used, |(_, unit)| unit)
}

/// How units that are compiled from vendored packages are shared between all checkouts.
pub(crate) const VENDORED_HINT: &str = "with `home = \"shared\"` in the [portable] table of sccfg.toml, vendored packages are shared \
     between all checkouts; shorter paths in their panic messages are then padded with slashes";

/// How to learn more about a unit that was not built here before.
pub(crate) const AGAINST_HINT: &str =
    "`sccfg explain CRATE --against CHECKOUT` compares it with another checkout";

/// Whether [`here`](portable_wrapper::builds::Details::here) is the reason why a unit is compiled each time, and not stored. Otherwise,
/// it is why the unit is shared only between checkouts at the same path.
pub(crate) fn is_each_time(here: &str) -> bool {
    here.starts_with("compiled each time")
}

/// The outcome of a unit. One that is compiled each time is not cached.
pub(crate) fn outcome(unit: &UnitRecord) -> Outcome {
    match (&unit.outcome, unit.details.here.as_deref()) {
        (Outcome::Miss, Some(here)) if is_each_time(here) => Outcome::Uncached(here.to_owned()),
        (outcome, _) => outcome.clone(),
    }
}

fn place(here: &str) -> Cause {
    Cause::new(CauseKind::Place, shared_only(here))
}

/// Between which checkouts a unit is shared that is not shared between all.
pub(crate) fn shared_only(why: &str) -> String {
    let checkouts = match why {
        OUTSIDE_OF_WORKSPACE => "checkouts that use it at the same path",
        HAS_FILE_TIMES => "builds in the same checkout",
        _ => "checkouts at the same path",
    };
    format!("shared only between {checkouts}: {why}")
}

/// The hint for a unit without a key.
fn hint_for_uncached(outcome: &Outcome) -> Option<&'static str> {
    let Outcome::Uncached(name) = outcome else {
        return None;
    };
    Some(match name.as_str() {
        "SwitchedOff" => "unset SCCFG_WRAPPER",
        "LinksSwitchedOff" => "unset SCCFG_WRAPPER_LINKS",
        "NoSccache" => "put sccache on PATH, or set SCCFG_SCCACHE to its path",
        "SccacheDisabled" => {
            "`sccfg server status` and `sccfg doctor` say what is wrong with the server"
        }
        "ScriptCompiles" | "ScriptGit" | "ScriptWritesSources" => {
            "if it declares no inputs, cargo runs it after each change in its package: have it print `cargo::rerun-if-changed` for each file that it reads"
        }
        "ScriptCrate" => "if the build script can do without this crate, its runs are cached",
        "ScriptClock" | "ScriptRandom" => {
            "take the time or number out of the build script, or set SOURCE_DATE_EPOCH if it knows that variable"
        }
        "SeparateDebugInfo" => "set `split-debuginfo = \"off\"` in the profile",
        "TemporaryFiles" => "remove `-C save-temps` from RUSTFLAGS",
        "RelativeRpath" => "remove `-C rpath` from RUSTFLAGS",
        _ => return None,
    })
}
