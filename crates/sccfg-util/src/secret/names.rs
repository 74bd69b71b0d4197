//! Names of secrets.

use std::sync::LazyLock;

use regex::Regex;

/// Parts of names of secrets, in any case.
pub(super) const NAMES: &str = r"password|passwd|passphrase|secret|token|credential|connection[_-]?string|account[_-]?key|access[_-]?key|shared[_-]?access|api[_-]?key|private[_-]?key|signature|authorization|bearer";
/// Words in names of secrets, which may also be parts of other words.
pub(super) const WORDS: &str = r"pass|pwd|pw|sas|sig";

/// A regular expression of this crate.
#[allow(clippy::expect_used, reason = "the patterns are constants, and tested")]
pub(super) fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are valid")
}

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?i)(?:{NAMES})|(?:^|[_. -])(?:{WORDS})(?:$|[_. -])"
    ))
});

/// Whether a setting or variable of this name is a secret.
///
/// ```
/// use sccfg_util::secret::is_secret_name;
/// assert!(is_secret_name("SCCACHE_WEBDAV_PASSWORD") && is_secret_name("AWS_SECRET_ACCESS_KEY"));
/// assert!(!is_secret_name("SCCACHE_DIR") && !is_secret_name("compass"));
/// ```
pub fn is_secret_name(name: &str) -> bool {
    NAME.is_match(name)
}

/// Whether a variable of a back end may contain credentials: all variables of cloud providers, and
/// addresses.
pub fn is_secret_variable(name: &str) -> bool {
    const PARTS: [&str; 6] = [
        "USERNAME",
        "ENDPOINT",
        "URL",
        "AUTH",
        "SERVICE_ACCOUNT",
        "CONNECTION",
    ];
    !name.starts_with("SCCACHE_")
        || matches!(name, "SCCACHE_REDIS" | "SCCACHE_MEMCACHED")
        || is_secret_name(name)
        || PARTS.iter().any(|part| name.contains(part))
}
