//! The statistics as text.

use std::time::Duration;

use super::front::FrontTally;
use super::{ByLanguage, Count, Tally, reasons};
use sccfg_util::size::ByteSize;

/// The width of the bar that shows the usage, in characters.
const BAR: u64 = 30;

/// The least width of the column of names, in characters.
const NAME: usize = 10;

/// The statistics of a server and of the local store.
#[derive(Debug, Clone)]
pub struct View {
    /// The version, address and process of the server, or that it does not run.
    pub server: String,
    /// sccache; `None` if its server does not run.
    pub sccache: Option<SccacheView>,
    /// The local store; `None` if there is none.
    pub store: Option<StoreView>,
}

/// sccache's cache and counters.
#[derive(Debug, Clone)]
pub struct SccacheView {
    /// The location of the cache.
    pub location: String,
    /// How full it is.
    pub usage: Usage,
    /// The counters.
    pub tally: Tally,
}

/// The local store and its counters.
#[derive(Debug, Clone)]
pub struct StoreView {
    /// Its directory.
    pub directory: String,
    /// How full it is.
    pub usage: Usage,
    /// The counters.
    pub tally: FrontTally,
}

/// How full a cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The size of its contents, if it is known.
    pub used: Option<ByteSize>,
    /// The maximum size.
    pub max_size: Option<ByteSize>,
}

impl View {
    /// The hits and misses of both caches.
    pub fn counts(&self) -> ByLanguage {
        let sccache = self.sccache.as_ref().map(|sccache| &sccache.tally);
        match &self.store {
            Some(store) => store.tally.with(sccache),
            None => sccache.map(Tally::by_language).unwrap_or_default(),
        }
    }

    /// The full text.
    pub fn text(&self) -> String {
        let counts = self.counts();
        let mut out = in_columns(&self.rows(&counts));
        if let Some(sccache) = &self.sccache {
            sccache.add_reasons(&mut out);
            sccache.add_faults(&mut out);
        }
        out
    }

    /// The names and values at the beginning.
    fn rows<'a>(&self, counts: &'a ByLanguage) -> Vec<(&'a str, String)> {
        let of = |count: Count| {
            let all = count.hits + count.misses;
            format!("{} of {all} hits, {}", count.hits, count.percent())
        };
        let mut rows = vec![("server", self.server.clone())];
        rows.extend(counts.iter().map(|(language, count)| (language, of(count))));
        if let Some(store) = &self.store {
            let sccache = self.sccache.as_ref().map(|sccache| sccache.tally.all());
            rows.extend([
                ("all", of(counts.all())),
                ("- store", of(store.tally.by_language().all())),
                ("- sccache", of(sccache.unwrap_or_default())),
                ("store", store.usage.text()),
                ("directory", store.directory.clone()),
            ]);
        }
        if let Some(sccache) = &self.sccache {
            if counts.iter().next().is_none() {
                rows.push(("compiles", "none yet".to_owned()));
            }
            rows.push(("cache", sccache.usage.text()));
            rows.push(("location", sccache.location.clone()));
            if let Some(saved) = sccache.tally.saved() {
                let saved = format_duration(saved);
                rows.push(("saved", format!("about {saved} of compile time")));
            }
        }
        rows
    }

    /// One line, for a log.
    pub fn line(&self) -> String {
        let all = self.counts().all();
        let mut out = format!(
            "{} hits, {} misses, {}",
            all.hits,
            all.misses,
            all.percent()
        );
        if let Some(sccache) = &self.sccache {
            let used = sccache.usage.used.map_or("?".to_owned(), ByteSize::rounded);
            let not_cacheable = sccache.tally.not_cacheable_units();
            out.push_str(&format!(", {not_cacheable} not cacheable, {used} used"));
        }
        if let Some(used) = self.store.as_ref().and_then(|store| store.usage.used) {
            out.push_str(&format!(", {} in the store", used.rounded()));
        }
        out
    }
}

impl Usage {
    /// `[####      ] 7.8MiB of 1GiB`.
    fn text(self) -> String {
        let size = |size: Option<ByteSize>| size.map(ByteSize::rounded);
        match (self.used, self.max_size) {
            (Some(used), Some(max_size)) if max_size.bytes() > 0 => {
                let (used, max_size) = (used.bytes(), max_size.bytes());
                let part = |whole: u64| {
                    let part = u128::from(used) * u128::from(whole) / u128::from(max_size);
                    u64::try_from(part).unwrap_or(whole)
                };
                // A cache that is not empty has at least one character.
                let filled = part(BAR).clamp(u64::from(used > 0), BAR);
                let filled = usize::try_from(filled).unwrap_or_default();
                let bar = "#".repeat(filled);
                let width = usize::try_from(BAR).unwrap_or_default();
                let (used, max_size) = (size(self.used), size(self.max_size));
                format!(
                    "[{bar:width$}] {} of {}, {} %",
                    used.unwrap_or_default(),
                    max_size.unwrap_or_default(),
                    part(100)
                )
            }
            (Some(used), _) => used.rounded(),
            (None, Some(max_size)) => format!("not measured yet, of {}", max_size.rounded()),
            (None, None) => "size unknown".to_owned(),
        }
    }
}

impl SccacheView {
    fn add_reasons(&self, out: &mut String) {
        let reasons = &self.tally.not_cacheable;
        if reasons.is_empty() {
            return;
        }
        out.push_str("\nnot cacheable\n");
        for (name, count) in reasons {
            let reason = reasons::explain(name);
            out.push_str(&format!(
                "  {count:>5}  {name}: {}\n         {}\n",
                reason.meaning, reason.advice
            ));
        }
    }

    fn add_faults(&self, out: &mut String) {
        let faults = &self.tally.faults;
        if faults.is_empty() {
            return;
        }
        out.push_str("\nerrors\n");
        for (name, count) in faults {
            let (meaning, advice) = reasons::explain_fault(name);
            out.push_str(&format!("  {count:>5}  {meaning}\n         {advice}\n"));
        }
    }
}

/// One row on each line, the values below each other.
fn in_columns(rows: &[(&str, String)]) -> String {
    let widths = rows.iter().map(|(name, _)| name.len());
    let width = widths.fold(NAME, usize::max);
    let line = |(name, value): &(&str, String)| format!("{name:width$} {value}\n");
    rows.iter().map(line).collect()
}

/// `1 m 20 s`, `4.9 s`.
pub fn format_duration(time: Duration) -> String {
    let tenths = time.as_millis().div_ceil(100);
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes} m {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::front::FrontCount;

    fn usage(used: Option<u64>, max_size: Option<u64>) -> String {
        let usage = Usage {
            used: used.map(ByteSize::from_bytes),
            max_size: max_size.map(ByteSize::from_bytes),
        };
        usage.text()
    }

    fn view(tally: Tally, store: Option<StoreView>) -> View {
        View {
            server: "process 1".to_owned(),
            sccache: Some(SccacheView {
                location: "Local disk: \"/c\"".to_owned(),
                usage: Usage {
                    used: None,
                    max_size: None,
                },
                tally,
            }),
            store,
        }
    }

    #[test]
    fn the_bar_shows_how_full_the_cache_is() {
        let half = usage(Some(1 << 30), Some(2 << 30));
        assert_eq!(
            half,
            format!("[{}{}] 1GiB of 2GiB, 50 %", "#".repeat(15), " ".repeat(15))
        );
        assert!(usage(Some(1), Some(2 << 30)).starts_with("[# "));
        assert!(usage(Some(0), Some(2 << 30)).starts_with("[  "));
        // The maximum was lowered, and nothing was evicted yet.
        let over = usage(Some(3 << 30), Some(2 << 30));
        assert!(over.starts_with(&format!("[{}]", "#".repeat(30))), "{over}");
        assert!(over.ends_with("150 %"), "{over}");
        assert_eq!(usage(None, Some(1 << 30)), "not measured yet, of 1GiB");
        assert_eq!(usage(Some(5), Some(0)), "5B");
    }

    #[test]
    fn the_store_is_counted_with_sccache_and_without() {
        let count = FrontCount {
            hits: 10,
            misses: 5,
            passed_on: 3,
        };
        let store = StoreView {
            directory: "/store".to_owned(),
            usage: Usage {
                used: Some(ByteSize::from_bytes(1 << 20)),
                max_size: Some(ByteSize::from_bytes(2 << 20)),
            },
            tally: FrontTally([("Rust".to_owned(), count)].into()),
        };
        let tally = Tally {
            hits: [("Rust".to_owned(), 1)].into(),
            misses: [("Rust".to_owned(), 2), ("C/C++".to_owned(), 4)].into(),
            ..Tally::default()
        };
        let mut view = view(tally, Some(store));
        let text = view.text();
        for line in [
            "Rust       11 of 15 hits, 73.3 %",
            "C/C++      0 of 4 hits, 0 %",
            "all        11 of 19 hits, 57.8 %",
            "- store    10 of 15 hits, 66.6 %",
            "- sccache  1 of 7 hits, 14.2 %",
            "directory  /store",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
        assert!(
            view.line().starts_with("11 hits, 8 misses, 57.8 %"),
            "{text}"
        );
        view.sccache = None;
        let text = view.text();
        assert!(text.contains("Rust       10 of 12 hits, 83.3 %"), "{text}");
        assert!(!text.contains("location"), "{text}");
    }

    #[test]
    fn values_are_below_each_other() {
        let tally = Tally {
            hits: [("Rust".to_owned(), 1), ("build scripts".to_owned(), 2)].into(),
            ..Tally::default()
        };
        let text = view(tally, None).text();
        for line in [
            "server        process 1",
            "Rust          1 of 1 hits, 100 %",
            "build scripts 2 of 2 hits, 100 %",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
    }

    #[test]
    fn times_are_short() {
        assert_eq!(format_duration(Duration::from_millis(4_900)), "4.9 s");
        assert_eq!(format_duration(Duration::from_secs(320)), "5 m 20 s");
        assert_eq!(format_duration(Duration::from_secs(7_260)), "2 h 01 m");
    }

    #[test]
    fn each_reason_and_fault_is_explained() {
        let tally = Tally {
            not_cacheable: [("incremental".to_owned(), 82)].into(),
            faults: [("cache_write_errors".to_owned(), 2)].into(),
            hits: [("C/C++".to_owned(), 1), ("Rust".to_owned(), 2)].into(),
            ..Tally::default()
        };
        let text = view(tally, None).text();
        assert!(
            text.contains("82  incremental: compiled incrementally"),
            "{text}"
        );
        assert!(text.contains("could not be written"), "{text}");
        assert!(
            text.find("Rust").unwrap() < text.find("C/C++").unwrap(),
            "{text}"
        );
    }
}
