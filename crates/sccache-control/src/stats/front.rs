//! Counts of a cache that is asked before sccache, and what it and sccache counted together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ByLanguage, Tally};

/// Lookups in a cache in front of sccache, by language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FrontTally(pub BTreeMap<String, FrontCount>);

/// Lookups in a cache in front of sccache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FrontCount {
    /// Cache hits.
    pub hits: u64,
    /// Cache misses.
    pub misses: u64,
    /// Misses that sccache was asked for, and counted as its own hits or misses.
    pub passed_on: u64,
}

impl FrontTally {
    /// Its own hits and misses.
    pub fn by_language(&self) -> ByLanguage {
        let mut all = ByLanguage::default();
        for (language, count) in &self.0 {
            all.add(language, count.hits, count.misses);
        }
        all
    }

    /// The hits and misses of both caches, in which each lookup counts once.
    pub fn with(&self, sccache: Option<&Tally>) -> ByLanguage {
        let mut all = sccache.map(Tally::by_language).unwrap_or_default();
        all.add_all(&self.without_passed_on());
        all
    }

    /// The lookups for which sccache was not asked.
    pub fn without_passed_on(&self) -> ByLanguage {
        let mut all = ByLanguage::default();
        for (language, count) in &self.0 {
            let misses = count.misses.saturating_sub(count.passed_on);
            all.add(language, count.hits, misses);
        }
        all
    }

    /// The counts since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let difference = |(language, now): (&String, &FrontCount)| {
            let before = earlier.0.get(language).copied().unwrap_or_default();
            let count = FrontCount {
                hits: now.hits.saturating_sub(before.hits),
                misses: now.misses.saturating_sub(before.misses),
                passed_on: now.passed_on.saturating_sub(before.passed_on),
            };
            (language.clone(), count)
        };
        Self(self.0.iter().map(difference).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(hits: u64, misses: u64, passed_on: u64) -> FrontTally {
        let count = FrontCount {
            hits,
            misses,
            passed_on,
        };
        FrontTally([("Rust".to_owned(), count)].into())
    }

    #[test]
    fn a_lookup_of_both_caches_counts_once() {
        // Of five misses, two were compiled and three were passed on to sccache, which had one.
        let sccache = Tally {
            hits: [("Rust".to_owned(), 1)].into(),
            misses: [("Rust".to_owned(), 2), ("C/C++".to_owned(), 4)].into(),
            ..Tally::default()
        };
        let all = front(10, 5, 3).with(Some(&sccache));
        assert_eq!((all.rust().hits, all.rust().misses), (11, 4));
        assert_eq!((all.native().hits, all.native().misses), (0, 4));
        let alone = front(10, 5, 3).with(None);
        assert_eq!((alone.rust().hits, alone.rust().misses), (10, 2));
    }

    #[test]
    fn counts_are_since_the_earlier_ones() {
        assert_eq!(front(10, 5, 3).since(&front(4, 5, 1)), front(6, 0, 2));
        assert_eq!(front(1, 0, 0).since(&FrontTally::default()), front(1, 0, 0));
    }
}
