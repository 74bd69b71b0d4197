//! Sizes in bytes, in the notation of users and in that of sccache.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const KIB: u64 = 1 << 10;
const UNITS: [(&str, u64); 4] = [
    ("TiB", KIB * KIB * KIB * KIB),
    ("GiB", KIB * KIB * KIB),
    ("MiB", KIB * KIB),
    ("KiB", KIB),
];
const DECIMAL_UNITS: [(&str, u64); 4] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// A number of bytes.
///
/// Parsed from `24GiB`, `24G` (binary, as in sccache), `1.5GiB`, `24GB` (decimal) or a number of
/// bytes. Displayed in the largest unit without a fraction, so that parsing it gives the same number.
/// sccache itself accepts only `<integer>[K|M|G|T]` (`parse_size` in its `config.rs`), and up to 0.10
/// only integers in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// The text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a size")]
pub struct ParseSizeError {
    text: String,
}

impl ParseSizeError {
    /// What to write instead.
    pub const HINT: &str =
        "write a number with a unit, such as `24GiB`, `500MiB` or `1.5TiB`, or plain bytes";
}

/// A size that no cache can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheSizeError {
    /// It is not a size.
    #[error(transparent)]
    NotASize(#[from] ParseSizeError),
    /// It is less than any entry; perhaps its unit was forgotten.
    #[error("`{0}` is less than 1 MiB, which is too small for any entry")]
    TooSmall(String),
}

impl CacheSizeError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotASize(_) => ParseSizeError::HINT,
            Self::TooSmall(size) if size.ends_with(|last: char| last.is_ascii_digit()) => {
                "add a unit, as in `24GiB`"
            }
            Self::TooSmall(_) => "write a larger size, such as `24GiB`",
        }
    }
}

/// The size of a cache on the command line, where there is no place for a hint.
///
/// # Errors
/// If it is no size, or too small.
pub fn cache_size_of_argument(text: &str) -> Result<ByteSize, String> {
    ByteSize::parse_for_cache(text).map_err(|error| format!("{error}; {}", error.hint()))
}

impl ByteSize {
    /// The size of the smallest cache.
    const SMALLEST_CACHE: u64 = 1 << 20;

    /// Whether a cache of this size is too small for any entry.
    pub const fn is_too_small_for_a_cache(self) -> bool {
        self.0 < Self::SMALLEST_CACHE
    }

    /// The size of a cache, as a user writes it.
    ///
    /// # Errors
    /// If it is no size, or so small that a unit is missing.
    pub fn parse_for_cache(text: &str) -> Result<Self, CacheSizeError> {
        let size: Self = text.parse()?;
        if size.is_too_small_for_a_cache() {
            return Err(CacheSizeError::TooSmall(text.to_owned()));
        }
        Ok(size)
    }

    /// A size of `bytes` bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The size that sccache parses from `text`: `<integer>[K|M|G|T]` only, so not `24GiB`
    /// (`parse_size` in its `config.rs`).
    pub fn parse_like_sccache(text: &str) -> Option<Self> {
        let (number, unit) = match text.char_indices().next_back()? {
            (at, 'K' | 'k') => (&text[..at], KIB),
            (at, 'M' | 'm') => (&text[..at], KIB.pow(2)),
            (at, 'G' | 'g') => (&text[..at], KIB.pow(3)),
            (at, 'T' | 't') => (&text[..at], KIB.pow(4)),
            _ => (text, 1),
        };
        number.parse::<u64>().ok()?.checked_mul(unit).map(Self)
    }

    /// The notation of sccache, such as `24G`.
    pub fn for_sccache(self) -> String {
        for (unit, name) in [
            (KIB.pow(4), "T"),
            (KIB.pow(3), "G"),
            (KIB.pow(2), "M"),
            (KIB, "K"),
        ] {
            if self.0 != 0 && self.0.is_multiple_of(unit) {
                return format!("{}{name}", self.0 / unit);
            }
        }
        self.0.to_string()
    }

    /// Rounded to one decimal for display, such as `22.4GiB`.
    pub fn rounded(self) -> String {
        let (name, unit) = UNITS
            .into_iter()
            .find(|&(_, unit)| self.0 >= unit)
            .unwrap_or(("B", 1));
        let tenths = u128::from(self.0) * 10 / u128::from(unit);
        match (tenths / 10, tenths % 10) {
            (whole, 0) => format!("{whole}{name}"),
            (whole, tenth) => format!("{whole}.{tenth}{name}"),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS
            .iter()
            .chain(&DECIMAL_UNITS)
            .find(|(_, unit)| self.0 != 0 && self.0.is_multiple_of(*unit));
        match exact {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for ByteSize {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseSizeError {
            text: text.to_owned(),
        };
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "ki" | "kib" => KIB,
            "m" | "mi" | "mib" => KIB.pow(2),
            "g" | "gi" | "gib" => KIB.pow(3),
            "t" | "ti" | "tib" => KIB.pow(4),
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(error()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || (number.contains('.') && fraction.is_empty()) || fraction.len() > 9 {
            return Err(error());
        }
        let whole: u64 = whole.parse().map_err(|_| error())?;
        let mut bytes = u128::from(whole) * u128::from(unit);
        if !fraction.is_empty() {
            let digits: u128 = fraction.parse().map_err(|_| error())?;
            let scale = 10_u128.pow(u32::try_from(fraction.len()).map_err(|_| error())?);
            bytes += digits * u128::from(unit) / scale;
        }
        // sccache reads the size as a TOML integer, which is signed.
        match u64::try_from(bytes) {
            Ok(bytes) if i64::try_from(bytes).is_ok() => Ok(Self(bytes)),
            _ => Err(error()),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    /// From a number of bytes or a string with a unit.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected a size such as \"24GiB\" or a number of bytes"
        )]
        enum Raw {
            Bytes(u64),
            Text(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Bytes(bytes) => Ok(Self(bytes)),
            Raw::Text(text) => text.parse().map_err(|error: ParseSizeError| {
                serde::de::Error::custom(format!("{error}; {}", ParseSizeError::HINT))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> u64 {
        text.parse::<ByteSize>().unwrap().bytes()
    }

    #[test]
    fn users_and_sccache_mean_the_same_by_24g() {
        assert_eq!(size("24G"), 25_769_803_776);
        assert_eq!(size("24GiB"), 25_769_803_776);
        assert_eq!(size("24 gib"), 25_769_803_776);
        assert_eq!(size("25769803776"), 25_769_803_776);
        assert_eq!(size("24GB"), 24_000_000_000);
        assert_eq!(size("1.5GiB"), 1_610_612_736);
    }

    #[test]
    fn the_display_form_parses_to_the_same_size() {
        for bytes in [
            0,
            1,
            1023,
            1024,
            10 << 30,
            24_000_000_000,
            24_000_000_001,
            u64::MAX >> 1,
        ] {
            let printed = ByteSize::from_bytes(bytes).to_string();
            assert_eq!(size(&printed), bytes, "{printed}");
        }
        assert_eq!(ByteSize::from_bytes(24 << 30).to_string(), "24GiB");
        assert_eq!(ByteSize::from_bytes(24_000_000_000).rounded(), "22.3GiB");
    }

    #[test]
    fn sccache_accepts_less() {
        let reads = |text| ByteSize::parse_like_sccache(text).map(ByteSize::bytes);
        assert_eq!(reads("24G"), Some(24 << 30));
        assert_eq!(reads("24g"), Some(24 << 30));
        assert_eq!(reads("+5K"), Some(5 << 10));
        assert_eq!(reads("1000"), Some(1000));
        for text in [
            "24GiB",
            "24GB",
            "1.5G",
            " 1G",
            "-1",
            "",
            "G",
            "5é",
            "99999999999T",
        ] {
            assert_eq!(reads(text), None, "{text}");
        }
        for bytes in [0, 1, 1 << 10, 24 << 30, 24_000_000_000, u64::MAX >> 1] {
            let size = ByteSize::from_bytes(bytes);
            assert_eq!(
                ByteSize::parse_like_sccache(&size.for_sccache()),
                Some(size)
            );
        }
    }

    #[test]
    fn the_size_of_a_cache_needs_a_unit() {
        for text in ["24", "1.5", "0", "1023KiB"] {
            let error = ByteSize::parse_for_cache(text).unwrap_err();
            assert_eq!(error, CacheSizeError::TooSmall(text.to_owned()));
        }
        assert!(ByteSize::parse_for_cache("1MiB").is_ok());
        assert!(ByteSize::parse_for_cache("lots").is_err());
    }

    #[test]
    fn other_text_is_rejected() {
        for text in [
            "",
            "G",
            "-1",
            "1.G",
            ".5G",
            "24 apples",
            "1e9",
            "99999999999T",
            "1.2.3G",
        ] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
