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
    const PARTS: [&str; 11] = [
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
    ];
    // Each pattern has one of these.
    if !text.contains(['=', ':', ' ', '\t']) {
        return false;
    }
    let text = text.to_ascii_lowercase();
    // A value follows its name.
    let end_of_names = text.rfind(['=', ':']).unwrap_or(0);
    let names = &text[..end_of_names];
    let mut words = names.split(|letter: char| !letter.is_ascii_alphanumeric());
    PARTS.iter().any(|part| names.contains(part))
        || words.any(|word| WORDS.split('|').any(|secret| secret == word))
        || text.contains("bearer")
        || text.contains("invalid ")
        || text.contains("unknown variant")
        || may_have_credentials(&text)
}

/// Whether there may be more than a host and a path in one of the addresses in a text.
fn may_have_credentials(text: &str) -> bool {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    let mut addresses = text.split("://").skip(1);
    let is_host_alone = |rest: &str| {
        let behind = rest.trim_start_matches(is_of_name);
        behind.is_empty() || behind.starts_with(|next: char| next == '/' || next.is_whitespace())
    };
    !addresses.all(|rest| is_host_alone(rest) && !text.contains(['@', '?', '#']))
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

#[cfg(test)]
mod tests {
    use super::super::names::words_of_secrets;
    use super::*;

    #[test]
    fn the_check_of_parts_misses_no_secret() {
        for word in words_of_secrets() {
            for text in [format!("{word}=x"), format!("a-{word}: x")] {
                assert!(NAMED.is_match(&text) && may_contain_secret(&text), "{text}");
            }
        }
        for text in ["bearer x", "invalid value: integer `5`, expected a string"] {
            assert!(may_contain_secret(text), "{text}");
        }
        for address in [
            "redis://:pw@h",
            "https://h?sig=x",
            "https://h/x#abc",
            "redis://:pw",
            "a://h b://u:p@h",
        ] {
            assert!(may_contain_secret(address), "{address}");
        }
    }

    #[test]
    fn descriptions_of_packages_match_no_pattern() {
        for text in [
            "https://github.com/example/token-bucket",
            "see https://example.com and https://example.org/a/b.html",
            "A key-value store with tokens",
            "an example: nothing",
        ] {
            assert!(!may_contain_secret(text), "{text}");
            assert_eq!(super::super::redact_addresses(text), text);
            assert_eq!(redact_values(text), text);
        }
    }
}
