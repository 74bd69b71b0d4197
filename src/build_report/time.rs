//! Times and ages in words.

use std::time::Duration;

use sccache_control::stats::view::format_duration;

/// `230 ms`, `4.9 s`, `1 m 20 s`.
pub(crate) fn time(millis: u64) -> String {
    if millis < 1000 {
        return format!("{millis} ms");
    }
    format_duration(Duration::from_millis(millis))
}

/// `just now`, `12 minutes ago`.
pub(crate) fn ago(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

/// Parses a duration such as `90m`, `2h`, `3d` or `1w`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number with m, h, d or w, such as 90m, 2h or 3d".to_owned();
    let at = text
        .find(|letter: char| !letter.is_ascii_digit())
        .ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_words() {
        assert_eq!(time(999), "999 ms");
        assert_eq!(time(80_000), "1 m 20 s");
        assert_eq!(ago(59), "just now");
        assert_eq!(ago(60), "1 minute ago");
        assert_eq!(ago(7300), "2 hours ago");
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse("2h").unwrap(), Duration::from_secs(7200));
        for wrong in ["", "2", "h", "2y", "99999999999999999999d", "-1h"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
