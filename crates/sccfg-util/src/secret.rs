//! Redacts secrets.
//!
//! There are three kinds of text:
//!
//! - [`redact_address`]: the value of a setting that is known to be an address.
//! - [`redact_text`]: text from elsewhere (messages of sccache, lines of a file), in which a secret may
//!   follow a telling name, or be part of an address.
//! - [`redact_message`]: a message of sccfg, which may contain an address, or a secret that is known by
//!   its value.
//!
//! Addresses are not parsed by the crate `url`: it rejects, or reads differently, unescaped passwords
//! such as in `redis://:pa#ss@host`, which must not be shown.
//!
//! Of an address, the scheme, the host and the path are shown. In a query, each value is hidden unless
//! its name is known to be harmless. A path cannot be treated like that, because it says where the
//! cache is. So in the value of an address setting, a segment is hidden if it looks random (16 or more
//! letters and digits without a separator, or a UUID), or follows a segment with a telling name, as in
//! `/token/abc`. In other text the path is shown, because commit hashes in flake references look the
//! same; but the hidden segments of registered settings are hidden in all text.

mod address;
mod names;
mod patterns;
mod registered;

use std::borrow::Cow;

use self::address::{redact_addresses, redact_setting};
pub use self::names::{is_secret_name, is_secret_variable};
use self::patterns::{is_snippet, may_contain_secret, redact_values};
use self::registered::redact_registered;
pub use self::registered::register;

/// The replacement for a secret.
pub const HIDDEN: &str = "(hidden)";

/// How much of a setting's value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secrecy {
    /// All of it, except for secrets in addresses and after telling names.
    Public,
    /// It is an address: all of it except for credentials.
    Address,
    /// Nothing.
    Secret,
}

impl Secrecy {
    /// `value` without its secrets.
    pub fn redact(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Public => redact_text(value),
            Self::Address => redact_address(value),
            Self::Secret => HIDDEN.into(),
        }
    }
}

/// Whether a text mentions or contains a secret.
pub fn mentions_secret(words: &str) -> bool {
    is_secret_name(words) || redact_text(words) != words
}

/// An address, or several separated by commas, without credentials: user, password, parameters that
/// may be tokens, and segments of the path that look like tokens.
///
/// ```
/// use sccfg_util::secret::redact_address;
/// assert_eq!(redact_address("redis://me:pass@host:6379/1"), "redis://(hidden)@host:6379/1");
/// assert_eq!(redact_address("https://host/a?sv=1&sig=abc"), "https://host/a?sv=1&sig=(hidden)");
/// assert_eq!(redact_address("me:pass@host:11211"), "(hidden)@host:11211");
/// assert_eq!(redact_address("https://host/a"), "https://host/a");
/// assert_eq!(redact_address("https://host/dav/9f8e7d6c5b4a39281706/c"), "https://host/dav/(hidden)/c");
/// ```
pub fn redact_address(value: &str) -> Cow<'_, str> {
    redact_registered(unchanged_or(value, redact_setting(value)))
}

/// A text from elsewhere, without credentials in addresses, without the values after names of
/// secrets, and without values that a parser quotes.
///
/// ```
/// use sccfg_util::secret::redact_text;
/// assert_eq!(redact_text("AccountName=a;AccountKey=b64=="), "AccountName=a;AccountKey=(hidden)");
/// assert_eq!(redact_text("GET https://me:pw@host/x: 401"), "GET https://(hidden)@host/x: 401");
/// assert_eq!(redact_text("password = \"x\" # y"), "password = (hidden) # y");
/// assert_eq!(redact_text("the cache is full"), "the cache is full");
/// ```
pub fn redact_text(text: &str) -> Cow<'_, str> {
    redact_registered(redact_by_pattern(text))
}

/// As [`redact_text`], but without the registered secrets, which takes less time.
pub fn redact_by_pattern(text: &str) -> Cow<'_, str> {
    if !may_contain_secret(text) {
        return text.into();
    }
    unchanged_or(text, redact_values(&redact_addresses(text)))
}

/// The lines of a program's output, without those that a parser quotes from a file.
pub fn without_snippets(output: &str) -> impl Iterator<Item = &str> {
    output.lines().filter(|line| !is_snippet(line))
}

/// A message of sccfg, without credentials in addresses and without registered secrets.
pub fn redact_message(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return redact_registered(text.into());
    }
    redact_registered(unchanged_or(text, redact_addresses(text)))
}

fn unchanged_or(text: &str, out: String) -> Cow<'_, str> {
    if out == text { text.into() } else { out.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_are_removed_from_a_text() {
        for (written, shown) in [
            (
                "nothing here: a = 5, https://h/p?ref=main",
                "nothing here: a = 5, https://h/p?ref=main",
            ),
            (
                "git+ssh://git@github.com/o/r?rev=1",
                "git+ssh://git@github.com/o/r?rev=1",
            ),
            (
                "at redis://:p w@h: refused",
                "at redis://(hidden)@h: refused",
            ),
            (
                "(https://a/b), (https://u:p@c/d)",
                "(https://a/b), (https://(hidden)@c/d)",
            ),
            (
                "\"password\": \"a b\", \"db\": 3",
                "\"password\": (hidden), \"db\": 3",
            ),
            ("passwd=a b c", "passwd=(hidden)"),
            (
                "export AWS_SECRET_ACCESS_KEY=abc",
                "export AWS_SECRET_ACCESS_KEY=(hidden)",
            ),
            ("Authorization: Bearer abc", "Authorization: (hidden)"),
            ("with bearer abc", "with bearer (hidden)"),
            ("password = \"not closed", "password = (hidden)"),
            (
                "SharedAccessSignature=sv=1&sig=x;A=b",
                "SharedAccessSignature=(hidden)",
            ),
            (
                "invalid type: integer `123`, expected a string",
                "invalid type: integer (hidden), expected a string",
            ),
            ("compass: north, bypass = 1", "compass: north, bypass = 1"),
            (
                "url = https://h/archive/0123456789abcdef0123456789abcdef01234567.tar.gz",
                "url = https://h/archive/0123456789abcdef0123456789abcdef01234567.tar.gz",
            ),
        ] {
            assert_eq!(redact_text(written), shown, "{written}");
        }
    }

    #[test]
    fn messages_hide_registered_secrets() {
        register("correct horse battery", Secrecy::Secret);
        register("redis://me:staple-staple@h", Secrecy::Address);
        register("https://h/dav/5eed5eed5eed5eed5eed/x", Secrecy::Address);
        register("short", Secrecy::Secret);
        assert_eq!(
            redact_message("it said correct horse battery, staple-staple, short; password: x"),
            "it said (hidden), (hidden), short; password: x"
        );
        assert_eq!(
            redact_message("at https://h/dav/5eed5eed5eed5eed5eed/x: 401"),
            "at https://h/dav/(hidden)/x: 401"
        );
    }

    #[test]
    fn quoted_lines_of_a_file_are_left_out() {
        let output = "TOML parse error at line 2\n  |\n2 | hunter2\n  |  ^\ninvalid string";
        let kept: Vec<&str> = without_snippets(output).collect();
        assert_eq!(kept, ["TOML parse error at line 2", "invalid string"]);
    }
}
