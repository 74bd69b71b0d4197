//! The portable wrapper's records of the units of a build: sccache sees only their keys.

use std::collections::BTreeSet;
use std::path::Path;

use portable_wrapper::explain::{UnitReport, counterpart, differences, units};

/// Number of differences between two keys in a reason.
const SHOWN: usize = 3;

/// The records of one build; empty if it did not use the wrapper.
#[derive(Debug, Default)]
pub(super) struct WrapperRecords {
    units: Vec<UnitReport>,
}

impl WrapperRecords {
    /// Reads the records in a target directory.
    pub(super) fn of(target: &Path) -> Self {
        Self {
            units: units(target),
        }
    }

    /// Whether a unit has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.units.iter().any(|unit| unit.key == key)
    }

    /// The key and the crate of each unit that no cache had.
    pub(super) fn missed(&self) -> impl Iterator<Item = (&str, &str)> {
        let missed = self.units.iter().filter(|unit| unit.is_cached && !unit.hit);
        missed.map(|unit| (unit.key.as_str(), unit.name.as_str()))
    }

    /// The name of the unit, with the package for build scripts and with unusual crate types.
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

    /// Why the key of a unit contains the path of the checkout, if it does.
    pub(super) fn why_not_shared(&self, key: &str, crate_name: &str) -> Option<String> {
        let why = self.unit(key, crate_name)?.why.as_ref()?;
        Some(format!("not shared with other checkouts: {why}"))
    }

    /// Why a unit missed, from its record and the one of the first build.
    pub(super) fn why(
        &self,
        key: &str,
        crate_name: &str,
        first: &Self,
        missed: &BTreeSet<&str>,
    ) -> String {
        let Some(unit) = self.unit(key, crate_name) else {
            return "its key differs".to_owned();
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
        let mut why = format!("its key differs in: {}", names.join(", "));
        if more > 0 {
            why.push_str(&format!(" and {more} more"));
        }
        why
    }

    /// The unit with this key. If that key only led to a second one, the unit of that name.
    fn unit(&self, key: &str, crate_name: &str) -> Option<&UnitReport> {
        let cached = || self.units.iter().filter(|unit| unit.is_cached);
        cached().find(|unit| unit.key == key).or_else(|| {
            let mut named = cached().filter(|unit| unit.name == crate_name);
            named.next().filter(|_| named.next().is_none())
        })
    }
}
