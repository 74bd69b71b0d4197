//! Finds secrets in text by what precedes them.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::HIDDEN;
use super::names::{NAMES, WORDS, regex};

/// `name = "value"`, `name: value`, `"name": "value"`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r#"(?i)((?:[a-z0-9_.-]*(?:{NAMES})[a-z0-9_.-]*|(?-u:\b)(?:[a-z0-9]+[_.-])*(?:{WORDS})(?-u:\b))["'`\]]*[ \t]*(?:=|:)[ \t]*|(?-u:\b)bearer[ \t]+)("(?:[^"\\\n]|\\[^\n])+"|'[^'\n]+'|[^ \t\n"'][^\n]*|["'][^\n]+)"#
    ))
});

/// A value in the message of a parser: `invalid type: integer `5`, expected a string`.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i)(?-u:\b)(invalid (?:type|value): [a-z ]+|unknown variant )(`[^`\n]*`|"(?:[^"\\\n]|\\[^\n])*")"#,
    )
});

/// A line of a file in the message of a parser: `3 | password = "…"`.
static SNIPPET: LazyLock<Regex> = LazyLock::new(|| regex(r"^[ \t]*[0-9]*[ \t]*\|"));

/// Whether a text may contain a secret. Compiling the patterns takes longer than this check.
pub(super) fn may_contain_secret(text: &str) -> bool {
    /// What each of [`NAMES`] contains.
    const PARTS: [&str; 12] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "connection",
        "key",
        "shared",
        "signature",
        "authorization",
        "bearer",
    ];
    // Each pattern has one of these.
    if !text.contains(['=', ':', ' ', '\t']) {
        return false;
    }
    let text = text.to_ascii_lowercase();
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    text.contains("://")
        || text.contains("invalid ")
        || text.contains("unknown variant")
        || PARTS.iter().any(|part| text.contains(part))
        || words.any(|word| WORDS.split('|').any(|secret| secret == word))
}

/// `text` without the values that follow names of secrets or that a parser quotes.
pub(super) fn redact_values(text: &str) -> String {
    let redact = |found: &Captures<'_>| format!("{}{HIDDEN}", &found[1]);
    let text = NAMED.replace_all(text, redact);
    QUOTED.replace_all(&text, redact).into_owned()
}

/// Whether a line of a program's output quotes a file.
pub(super) fn is_snippet(line: &str) -> bool {
    SNIPPET.is_match(line)
}
