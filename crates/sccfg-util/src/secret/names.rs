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
    may_be_secret(name) && NAME.is_match(name)
}

/// Whether a name contains a part of a name of a secret. Compiling the pattern takes longer than this check,
/// and every shell that starts would wait for it.
fn may_be_secret(name: &str) -> bool {
    const PARTS: [&str; 13] = [
        "pass",
        "secret",
        "token",
        "credential",
        "connection",
        "key",
        "access",
        "signature",
        "authorization",
        "bearer",
        "pw",
        "sas",
        "sig",
    ];
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
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

/// The words of [`NAMES`] and [`WORDS`].
#[cfg(test)]
pub(super) fn words_of_secrets() -> Vec<String> {
    let names = NAMES.replace("[_-]?", "_");
    let words = names.split('|').chain(WORDS.split('|'));
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_of_parts_misses_no_secret() {
        for word in words_of_secrets() {
            assert!(NAME.is_match(&word) && is_secret_name(&word), "{word}");
        }
    }
}
