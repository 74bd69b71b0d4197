//! The combined report on several builds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::text::{counts, groups, times};
use super::{BuildReport, Counts, Group, Times};

/// The sums over several builds.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Combined {
    /// The number of builds.
    pub(crate) builds: usize,
    pub(crate) counts: Counts,
    pub(crate) times: Times,
    /// As in [`BuildReport`]. A unit that several builds compiled is included several times.
    pub(crate) causes: Vec<Group>,
}

impl Combined {
    pub(crate) fn of(reports: &[BuildReport]) -> Self {
        let mut sum = Self {
            builds: reports.len(),
            ..Self::default()
        };
        let mut causes: BTreeMap<String, Group> = BTreeMap::new();
        for report in reports {
            sum.counts.add(&report.counts);
            sum.times.add(&report.times);
            for group in &report.causes {
                let all = causes.entry(group.text()).or_insert_with(|| Group {
                    units: Vec::new(),
                    time: 0,
                    on_critical_path: 0,
                    ..group.clone()
                });
                all.units.extend(group.units.iter().cloned());
                all.time += group.time;
                all.on_critical_path += group.on_critical_path;
            }
        }
        sum.causes = causes.into_values().collect();
        sum.causes
            .sort_by_key(|group| std::cmp::Reverse(group.time));
        sum
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("\n{}{}", counts(&self.counts), times(&self.times));
        if !self.causes.is_empty() {
            text.push_str("\nwhy units were compiled\n");
            text.push_str(&groups(&self.causes));
        }
        text
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.units += other.units;
        self.hits += other.hits;
        self.store += other.store;
        self.sccache += other.sccache;
        self.shared += other.shared;
        self.waited += other.waited;
        self.missed += other.missed;
        self.uncached += other.uncached;
        self.failed += other.failed;
    }
}

impl Times {
    fn add(&mut self, other: &Self) {
        self.wall += other.wall;
        self.saved += other.saved;
        self.saved_unknown += other.saved_unknown;
        self.hits += other.hits;
        self.compiled += other.compiled;
        self.unknown += other.unknown;
    }
}
