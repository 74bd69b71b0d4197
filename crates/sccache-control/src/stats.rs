//! sccache's statistics: hits, misses, and why calls are not cached.

pub mod front;
pub mod reasons;
pub mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::server::query::Stats;

/// sccache's name for Rust in its counters.
const RUST: &str = "Rust";
/// The name of runs of build scripts in the counters of the local store.
pub const BUILD_SCRIPTS: &str = "build scripts";

/// The counters of a server, or the difference of two queries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Cache hits, by language.
    pub hits: BTreeMap<String, u64>,
    /// Cache misses, by language.
    pub misses: BTreeMap<String, u64>,
    /// Calls that are not cacheable, by sccache's reason.
    pub not_cacheable: BTreeMap<String, u64>,
    /// Errors, by counter.
    pub faults: BTreeMap<String, u64>,
    /// The number of compiles, and their total duration.
    #[serde(skip)]
    pub compiled: (u64, Duration),
    /// The total duration of reading hits.
    #[serde(skip)]
    pub read: Duration,
}

/// Counters of errors.
const FAULTS: [&str; 6] = [
    "cache_timeouts",
    "cache_read_errors",
    "cache_write_errors",
    "compile_fails",
    "forced_recaches",
    "requests_unsupported_compiler",
];

impl Tally {
    /// The counters in the statistics of a server.
    pub fn from_stats(stats: &Stats) -> Self {
        let counters = &stats.counters;
        let by_language =
            |name: &str| counts(counters.get(name).and_then(|counter| counter.get("counts")));
        let mut faults: BTreeMap<String, u64> = FAULTS
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), counters.get(name)?.as_u64()?)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let errors: u64 = by_language("cache_errors").values().sum();
        if errors > 0 {
            faults.insert("cache_errors".to_owned(), errors);
        }
        let compilations = counters.get("compilations").and_then(Value::as_u64);
        Self {
            hits: by_language("cache_hits"),
            misses: by_language("cache_misses"),
            not_cacheable: counts(counters.get("not_cached")),
            faults,
            compiled: (
                compilations.unwrap_or_default(),
                duration(counters.get("compiler_write_duration")),
            ),
            read: duration(counters.get("cache_read_hit_duration")),
        }
    }

    /// The counts since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            hits: difference(&self.hits, &earlier.hits),
            misses: difference(&self.misses, &earlier.misses),
            not_cacheable: difference(&self.not_cacheable, &earlier.not_cacheable),
            faults: difference(&self.faults, &earlier.faults),
            compiled: (
                self.compiled.0.saturating_sub(earlier.compiled.0),
                self.compiled.1.saturating_sub(earlier.compiled.1),
            ),
            read: self.read.saturating_sub(earlier.read),
        }
    }

    /// Hits and misses, by language.
    pub fn by_language(&self) -> ByLanguage {
        let mut all = ByLanguage::default();
        for (language, hits) in &self.hits {
            all.add(language, *hits, 0);
        }
        for (language, misses) in &self.misses {
            all.add(language, 0, *misses);
        }
        all
    }

    /// Hits and misses of all languages.
    pub fn all(&self) -> Count {
        self.by_language().all()
    }

    /// The number of calls that are not cacheable. The queries that cargo makes before each build
    /// (`rustc -vV`, the probe on standard input) do not count.
    pub fn not_cacheable_units(&self) -> u64 {
        self.not_cacheable
            .iter()
            .filter(|(reason, _)| !reasons::is_compiler_query(reason))
            .map(|(_, count)| count)
            .sum()
    }

    /// An estimate of the time saved: the hits, times the mean duration of the server's own compiles,
    /// less the time of reading the hits. `None` without a compile or a hit.
    pub fn saved(&self) -> Option<Duration> {
        let hits = u32::try_from(self.all().hits)
            .ok()
            .filter(|hits| *hits > 0)?;
        let compilations = u32::try_from(self.compiled.0)
            .ok()
            .filter(|count| *count > 0)?;
        let each = self.compiled.1 / compilations;
        (each.checked_mul(hits)?).checked_sub(self.read)
    }
}

/// Hits and misses, by language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ByLanguage(BTreeMap<String, Count>);

impl ByLanguage {
    /// Adds hits and misses of a language.
    pub fn add(&mut self, language: &str, hits: u64, misses: u64) {
        let count = self.0.entry(language.to_owned()).or_default();
        count.hits += hits;
        count.misses += misses;
    }

    /// Adds those of others.
    pub fn add_all(&mut self, others: &Self) {
        for (language, count) in &others.0 {
            self.add(language, count.hits, count.misses);
        }
    }

    /// Each language and its count; Rust first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Count)> {
        let is_rust = |(language, _): &(&String, &Count)| *language == RUST;
        let rust = self.0.iter().filter(is_rust);
        let others = self.0.iter().filter(move |one| !is_rust(one));
        let all = rust.chain(others);
        all.map(|(language, count)| (language.as_str(), *count))
    }

    /// Those of Rust.
    pub fn rust(&self) -> Count {
        self.0.get(RUST).copied().unwrap_or_default()
    }

    /// Those of runs of build scripts.
    pub fn build_scripts(&self) -> Count {
        self.0.get(BUILD_SCRIPTS).copied().unwrap_or_default()
    }

    /// Those of all other languages: C, C++, assembler.
    pub fn native(&self) -> Count {
        let (all, rust, scripts) = (self.all(), self.rust(), self.build_scripts());
        Count {
            hits: all.hits - rust.hits - scripts.hits,
            misses: all.misses - rust.misses - scripts.misses,
        }
    }

    /// Those of all languages.
    pub fn all(&self) -> Count {
        Count {
            hits: self.0.values().map(|count| count.hits).sum(),
            misses: self.0.values().map(|count| count.misses).sum(),
        }
    }
}

/// Hits and misses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Cache hits.
    pub hits: u64,
    /// Cache misses.
    pub misses: u64,
}

impl Count {
    /// Hits in percent; `None` without a hit or a miss.
    #[allow(
        clippy::cast_precision_loss,
        reason = "there are fewer than 2^52 compiles"
    )]
    pub fn rate(self) -> Option<f64> {
        let all = self.hits + self.misses;
        (all > 0).then(|| self.hits as f64 * 100.0 / all as f64)
    }

    /// The rate, rounded down, so that `100 %` means no miss.
    pub fn percent(self) -> String {
        let Some(tenths) = (self.hits * 1000).checked_div(self.hits + self.misses) else {
            return "–".to_owned();
        };
        match (tenths / 10, tenths % 10) {
            (whole, 0) => format!("{whole} %"),
            (whole, tenth) => format!("{whole}.{tenth} %"),
        }
    }
}

fn counts(value: Option<&Value>) -> BTreeMap<String, u64> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, count)| Some((name.clone(), count.as_u64()?)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn duration(value: Option<&Value>) -> Duration {
    let part = |name: &str| value.and_then(|value| value.get(name)?.as_u64());
    let nanos = part("nanos").and_then(|nanos| u32::try_from(nanos).ok());
    Duration::new(part("secs").unwrap_or_default(), nanos.unwrap_or_default())
}

fn difference(
    later: &BTreeMap<String, u64>,
    earlier: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    later
        .iter()
        .map(|(name, count)| {
            let before = earlier.get(name).copied().unwrap_or_default();
            (name.clone(), count.saturating_sub(before))
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V0_16: &str = r#"{"stats":{"compilations":15,
        "compiler_write_duration":{"secs":30,"nanos":0},
        "cache_read_hit_duration":{"secs":1,"nanos":0},
        "cache_hits":{"counts":{"Rust":14,"C/C++":1}},
        "cache_misses":{"counts":{"C/C++":2,"Rust":14}},"cache_errors":{"counts":{"Rust":1}},
        "cache_write_errors":0,"compile_fails":2,
        "not_cached":{"crate-type":12,"-":2,"missing input":8}},
        "cache_location":"Local disk: \"/c\"","cache_size":4125,"max_cache_size":10,
        "version":"0.16.0"}"#;

    fn tally() -> Tally {
        Tally::from_stats(&Stats::parse(V0_16.as_bytes()).unwrap())
    }

    #[test]
    fn languages_are_counted_separately() {
        let tally = tally();
        let counts = tally.by_language();
        let languages: Vec<&str> = counts.iter().map(|(language, _)| language).collect();
        assert_eq!(languages, ["Rust", "C/C++"]);
        assert_eq!(counts.rust().percent(), "50 %");
        assert_eq!(counts.native().percent(), "33.3 %");
        assert_eq!(Count::default().percent(), "–");
        let nearly = Count {
            hits: 9999,
            misses: 1,
        };
        assert_eq!(nearly.percent(), "99.9 %");
        assert_eq!(tally.faults["cache_errors"], 1);
        assert_eq!(tally.faults["compile_fails"], 2);
        assert!(!tally.faults.contains_key("cache_write_errors"));
    }

    #[test]
    fn queries_of_cargo_do_not_count() {
        assert_eq!(tally().not_cacheable_units(), 12);
    }

    #[test]
    fn the_time_saved_needs_compiles_and_hits() {
        assert_eq!(tally().saved(), Some(Duration::from_secs(29)));
        let nothing = tally().since(&tally());
        assert_eq!(nothing.saved(), None);
        assert_eq!(nothing.all(), Count::default());
    }
}
