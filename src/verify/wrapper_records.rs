//! What the portable wrapper records of the units of a build, beside their files: sccache itself sees
//! no more of them than a key.

use std::collections::BTreeSet;
use std::path::Path;

#[cfg(unix)]
use portable_wrapper::explain::{UnitReport, counterpart, differences, units};

/// How many of the differences between two keys are named.
#[cfg(unix)]
const SHOWN: usize = 3;

/// The notes of one build; none where the wrapper was not in force.
#[derive(Debug, Default)]
pub(super) struct WrapperRecords {
    #[cfg(unix)]
    units: Vec<UnitReport>,
}

#[cfg(unix)]
impl WrapperRecords {
    /// The notes in a target directory.
    pub(super) fn of(target: &Path) -> Self {
        Self {
            units: units(target, None),
        }
    }

    /// Whether a unit was stored or found under `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.units.iter().any(|unit| unit.key == key)
    }

    /// The unit's name, which for a build script is no more than that without its package.
    pub(super) fn name(&self, key: &str, crate_name: &str) -> String {
        let Some(unit) = self.unit(key, crate_name) else {
            return crate_name.to_owned();
        };
        let types = unit.crate_types.join(", ");
        if unit.package.replace('-', "_") != crate_name {
            format!("{}: {crate_name}", unit.package)
        } else if matches!(types.as_str(), "lib" | "rlib") {
            crate_name.to_owned()
        } else {
            format!("{crate_name} ({types})")
        }
    }

    /// Why a unit is held to its place, if it is.
    pub(super) fn held(&self, key: &str, crate_name: &str) -> Option<String> {
        let why = self.unit(key, crate_name)?.why.as_ref()?;
        Some(format!("shared in its place alone: {why}"))
    }

    /// Why a unit missed, though `first` has records one like it.
    pub(super) fn why(
        &self,
        key: &str,
        crate_name: &str,
        first: &Self,
        missed: &BTreeSet<&str>,
    ) -> String {
        let Some(unit) = self.unit(key, crate_name) else {
            return "its key is another one".to_owned();
        };
        let Some(before) = counterpart(unit, &first.units) else {
            return "the first build did not compile it".to_owned();
        };
        if let (false, Some(why)) = (before.is_cached, &before.why) {
            return format!("the first build did not cache it: {why}");
        }
        let mut names: Vec<String> = differences(unit, before)
            .into_iter()
            .map(|(name, ..)| name)
            .collect();
        names.dedup();
        let is_of_missed = |name: &&String| {
            let used = name.strip_prefix("--extern ").unwrap_or_default();
            missed.contains(used)
        };
        if let Some(used) = names.iter().find(is_of_missed) {
            let used = used.strip_prefix("--extern ").unwrap_or(used);
            return format!("uses {used}, which missed");
        }
        let more = names.len().saturating_sub(SHOWN);
        names.truncate(SHOWN);
        let mut why = format!("its key saw something else: {}", names.join(", "));
        if more > 0 {
            why.push_str(&format!(" and {more} more"));
        }
        why
    }

    /// The unit under `key`; where that only led to another one, the one of that name.
    fn unit(&self, key: &str, crate_name: &str) -> Option<&UnitReport> {
        let cached = || self.units.iter().filter(|unit| unit.is_cached);
        cached().find(|unit| unit.key == key).or_else(|| {
            let mut named = cached().filter(|unit| unit.name == crate_name);
            named.next().filter(|_| named.next().is_none())
        })
    }
}

#[cfg(not(unix))]
impl WrapperRecords {
    pub(super) fn of(_target: &Path) -> Self {
        Self::default()
    }

    pub(super) fn has(&self, _key: &str) -> bool {
        false
    }

    pub(super) fn name(&self, _key: &str, crate_name: &str) -> String {
        crate_name.to_owned()
    }

    pub(super) fn held(&self, _key: &str, _crate_name: &str) -> Option<String> {
        None
    }

    pub(super) fn why(
        &self,
        _key: &str,
        _crate_name: &str,
        _first: &Self,
        _missed: &BTreeSet<&str>,
    ) -> String {
        "its key is another one".to_owned()
    }
}
