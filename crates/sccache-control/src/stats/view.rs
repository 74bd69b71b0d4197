//! The statistics as text.

use std::time::Duration;

use super::{RUST, Tally, reasons};
use sccfg_util::size::ByteSize;

/// The width of the bar that shows the usage, in characters.
const BAR: u64 = 30;

/// The statistics of a server.
#[derive(Debug, Clone)]
pub struct View {
    /// The version, address and process of the server.
    pub server: String,
    /// The location of the cache.
    pub location: String,
    /// The size of the cache, if it is known.
    pub used: Option<ByteSize>,
    /// The maximum size.
    pub max_size: Option<ByteSize>,
    /// The counters.
    pub tally: Tally,
}

impl View {
    /// The full text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: &str| out.push_str(&format!("{name:10} {value}\n"));
        row("server", &self.server);
        let mut languages = self.tally.languages();
        languages.sort_by_key(|language| *language != RUST);
        for language in &languages {
            let count = self.tally.of_language(language);
            let all = count.hits + count.misses;
            let hits = format!("{} of {all} hits, {}", count.hits, count.percent());
            row(language, &hits);
        }
        if languages.is_empty() {
            row("compiles", "none yet");
        }
        row("cache", &self.usage());
        row("location", &self.location);
        if let Some(saved) = self.tally.saved() {
            row(
                "saved",
                &format!("about {} of compile time", format_duration(saved)),
            );
        }
        self.add_reasons(&mut out);
        self.add_faults(&mut out);
        out
    }

    /// One line, for a log.
    pub fn line(&self) -> String {
        let all = self.tally.all();
        let used = self.used.map_or("?".to_owned(), ByteSize::rounded);
        format!(
            "{} hits, {} misses, {}, {} not cacheable, {used} used",
            all.hits,
            all.misses,
            all.percent(),
            self.tally.not_cacheable_units()
        )
    }

    /// `[####      ] 7.8MiB of 1GiB`.
    fn usage(&self) -> String {
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

    fn view(used: Option<u64>, max_size: Option<u64>) -> View {
        View {
            server: "process 1".to_owned(),
            location: "Local disk: \"/c\"".to_owned(),
            used: used.map(ByteSize::from_bytes),
            max_size: max_size.map(ByteSize::from_bytes),
            tally: Tally::default(),
        }
    }

    #[test]
    fn the_bar_shows_how_full_the_cache_is() {
        let half = view(Some(1 << 30), Some(2 << 30)).usage();
        assert_eq!(
            half,
            format!("[{}{}] 1GiB of 2GiB, 50 %", "#".repeat(15), " ".repeat(15))
        );
        assert!(view(Some(1), Some(2 << 30)).usage().starts_with("[# "));
        assert!(view(Some(0), Some(2 << 30)).usage().starts_with("[  "));
        // The maximum was lowered, and nothing was evicted yet.
        let over = view(Some(3 << 30), Some(2 << 30)).usage();
        assert!(over.starts_with(&format!("[{}]", "#".repeat(30))), "{over}");
        assert!(over.ends_with("150 %"), "{over}");
        assert_eq!(
            view(None, Some(1 << 30)).usage(),
            "not measured yet, of 1GiB"
        );
        assert_eq!(view(Some(5), Some(0)).usage(), "5B");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(format_duration(Duration::from_millis(4_900)), "4.9 s");
        assert_eq!(format_duration(Duration::from_secs(320)), "5 m 20 s");
        assert_eq!(format_duration(Duration::from_secs(7_260)), "2 h 01 m");
    }

    #[test]
    fn each_reason_and_fault_is_explained() {
        let mut view = view(None, None);
        view.tally.not_cacheable = [("incremental".to_owned(), 82)].into();
        view.tally.faults = [("cache_write_errors".to_owned(), 2)].into();
        view.tally.hits = [("C/C++".to_owned(), 1), ("Rust".to_owned(), 2)].into();
        let text = view.text();
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
