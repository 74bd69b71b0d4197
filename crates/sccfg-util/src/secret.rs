//! What is secret in a text, and what is shown in its place.
//!
//! Three kinds of text are told apart:
//!
//! - [`address`]: the value of a setting that is known to be an address.
//! - [`text`]: what somebody else wrote (sccache's messages, a line of a file), where a secret may
//!   stand behind a telling name, or in an address.
//! - [`message`]: a message of sccfg's own, where only an address or a secret that is known by its
//!   value may have got into.
//!
//! Addresses are taken apart here rather than by a parser of URLs: that one refuses, or reads
//! otherwise, what people write without escaping (`redis://:pa#ss@host`), which is where nothing may
//! be shown.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Captures, Regex};

use crate::env;

/// What stands in place of a secret.
pub const HIDDEN: &str = "(hidden)";

/// How much of a setting's value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secrecy {
    /// All of it, but for what is an address in it.
    Public,
    /// An address: all but what gives access.
    Address,
    /// Nothing.
    Secret,
}

impl Secrecy {
    /// What may be shown of `value`.
    pub fn shown(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Public => text(value),
            Self::Address => address(value),
            Self::Secret => HIDDEN.into(),
        }
    }
}

/// Parameters of addresses that give access to nothing: of back ends, and of references to flakes.
const HARMLESS: [&str; 16] = [
    "db",
    "dir",
    "host",
    "lastmodified",
    "narhash",
    "protocol",
    "ref",
    "region",
    "rev",
    "revcount",
    "shallow",
    "submodules",
    "sv",
    "timeout",
    "versionid",
    "allrefs",
];

/// A shorter value may stand in a text by chance.
const SHORTEST_KNOWN: usize = 8;

/// Names that stand before a secret, in any case.
const NAMES: &str = r"password|passwd|passphrase|secret|token|credential|connection[_-]?string|account[_-]?key|access[_-]?key|shared[_-]?access|api[_-]?key|private[_-]?key|signature|authorization|bearer";
/// Those that are part of other words as well.
const WORDS: &str = r"pass|pwd|pw|sas|sig";

#[allow(clippy::expect_used, reason = "the patterns are constants, and tested")]
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this file")
}

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?i)(?:{NAMES})|(?:^|[_. -])(?:{WORDS})(?:$|[_. -])"
    ))
});

/// `name = "value"`, `name: value`, `"name": "value"`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r#"(?i)((?:[a-z0-9_.-]*(?:{NAMES})[a-z0-9_.-]*|(?-u:\b)(?:[a-z0-9]+[_.-])*(?:{WORDS})(?-u:\b))["'`\]]*[ \t]*(?:=|:)[ \t]*|(?-u:\b)bearer[ \t]+)("(?:[^"\\\n]|\\[^\n])+"|'[^'\n]+'|[^ \t\n"'][^\n]*|["'][^\n]+)"#
    ))
});

/// What a parser quotes of a value: `invalid type: integer `5`, expected a string`.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i)(?-u:\b)(invalid (?:type|value): [a-z ]+|unknown variant )(`[^`\n]*`|"(?:[^"\\\n]|\\[^\n])*")"#,
    )
});

/// A line that a parser copied from a file: `3 | password = "…"`.
static SNIPPET: LazyLock<Regex> = LazyLock::new(|| regex(r"^[ \t]*[0-9]*[ \t]*\|"));

static SCHEME: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)[a-z][a-z0-9+.-]*://"));

/// A host, and a port, with nothing before them.
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^(?:\[[0-9A-Fa-f:.%a-z]+\](?::[0-9]*)?|[^:/?#@,\[\]]+(?::[0-9]*)?|)(?:[/?#,]|$)")
});

/// Whether a setting or a variable of this name is a secret, whatever it belongs to.
///
/// ```
/// use sccfg_util::secret::is_name;
/// assert!(is_name("SCCACHE_WEBDAV_PASSWORD") && is_name("AWS_SECRET_ACCESS_KEY"));
/// assert!(!is_name("SCCACHE_DIR") && !is_name("compass"));
/// ```
pub fn is_name(name: &str) -> bool {
    NAME.is_match(name)
}

/// Whether a text speaks of secrets at all, or holds one.
pub fn is_spoken_of(words: &str) -> bool {
    NAME.is_match(words) || text(words) != words
}

/// An address, or several with commas between, without what gives access: who asks, and parameters
/// that may be tokens. Scheme, host and path stay.
///
/// ```
/// use sccfg_util::secret::address;
/// assert_eq!(address("redis://me:pass@host:6379/1"), "redis://(hidden)@host:6379/1");
/// assert_eq!(address("https://host/a?sv=1&sig=abc"), "https://host/a?sv=1&sig=(hidden)");
/// assert_eq!(address("me:pass@host:11211"), "(hidden)@host:11211");
/// assert_eq!(address("https://host/a"), "https://host/a");
/// ```
pub fn address(value: &str) -> Cow<'_, str> {
    let mut schemes = SCHEME.find_iter(value).peekable();
    let mut out = String::with_capacity(value.len());
    let first = schemes.peek().map_or(value.len(), regex::Match::start);
    if let Some(at) = value[..first].rfind('@') {
        out.push_str(HIDDEN);
        out.push_str(&value[at..first]);
    } else if let Some(query) = value[..first].find(['?', '#']) {
        out.push_str(&value[..query]);
        out.push_str(&parameters(&value[query..first]));
    } else {
        out.push_str(&value[..first]);
    }
    while let Some(scheme) = schemes.next() {
        let end = schemes.peek().map_or(value.len(), regex::Match::start);
        out.push_str(scheme.as_str());
        out.push_str(&after_scheme(&value[scheme.end()..end]));
    }
    known(unchanged_or(value, out))
}

/// What follows `scheme://`, up to the end of the address.
fn after_scheme(rest: &str) -> String {
    let shown = match rest.rfind('@') {
        // As everybody writes it for a repository.
        Some(at) if &rest[..at] == "git" => return rest.to_owned(),
        Some(at) => &rest[at..],
        None if PLAIN.is_match(rest) => rest,
        None => return HIDDEN.to_owned(),
    };
    let query = shown.find(['?', '#']).unwrap_or(shown.len());
    let before = if shown.len() < rest.len() || shown.starts_with('@') {
        HIDDEN
    } else {
        ""
    };
    format!("{before}{}{}", &shown[..query], parameters(&shown[query..]))
}

/// `?name=value&name=value#fragment`, without the values that may be secret.
fn parameters(query: &str) -> String {
    let mut out = String::new();
    for part in query.split_inclusive(['?', '&', ';', '#']) {
        let (body, end) = match part.char_indices().next_back() {
            Some((at, '?' | '&' | ';' | '#')) => part.split_at(at),
            _ => (part, ""),
        };
        match body.split_once('=') {
            Some((name, _)) if HARMLESS.contains(&name.to_ascii_lowercase().as_str()) => {
                out.push_str(body);
            }
            Some((name, _)) => out.push_str(&format!("{name}={HIDDEN}")),
            None if body.is_empty() => {}
            None => out.push_str(HIDDEN),
        }
        out.push_str(end);
    }
    out
}

/// A text that somebody else wrote, without addresses' secrets, without what stands behind the name
/// of a secret, and without the lines and values that a parser quotes.
///
/// ```
/// use sccfg_util::secret::text;
/// assert_eq!(text("AccountName=a;AccountKey=b64=="), "AccountName=a;AccountKey=(hidden)");
/// assert_eq!(text("GET https://me:pw@host/x: 401"), "GET https://(hidden)@host/x: 401");
/// assert_eq!(text("password = \"x\" # y"), "password = (hidden) # y");
/// assert_eq!(text("the cache is full"), "the cache is full");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    known(by_form(text))
}

/// As [`text()`], without what is known of the environment and the config file: for who must be fast.
pub fn by_form(text: &str) -> Cow<'_, str> {
    if !may_hold(text) {
        return text.into();
    }
    let out = in_addresses(text);
    let out = NAMED.replace_all(&out, |found: &Captures<'_>| {
        format!("{}{HIDDEN}", &found[1])
    });
    let out = QUOTED.replace_all(&out, |found: &Captures<'_>| {
        format!("{}{HIDDEN}", &found[1])
    });
    let out = out.into_owned();
    unchanged_or(text, out)
}

/// Whether it is worth while to look closely: the patterns take longer to make than most texts to
/// read.
fn may_hold(text: &str) -> bool {
    const PARTS: [&str; 13] = [
        "pass", "pwd", "pw", "sas", "sig", "secret", "token", "cred", "conn", "key", "shared",
        "auth", "bearer",
    ];
    let text = text.to_ascii_lowercase();
    text.contains("://")
        || text.contains("invalid ")
        || text.contains("unknown variant")
        || PARTS.iter().any(|part| text.contains(part))
}

/// The lines of a program's output, without those that a parser copied from a file.
pub fn without_snippets(said: &str) -> impl Iterator<Item = &str> {
    said.lines().filter(|line| !SNIPPET.is_match(line))
}

/// A message of sccfg's own, without the secrets of addresses and those that are known.
pub fn message(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return known(text.into());
    }
    known(unchanged_or(text, in_addresses(text)))
}

/// The addresses of a text, each up to a blank or a quote; further, to the last `@` of the line, where
/// what stands before that is no host.
fn in_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    while let Some(scheme) = SCHEME.find_at(text, done) {
        let rest = &text[scheme.end()..];
        let line = rest.find('\n').unwrap_or(rest.len());
        let line = SCHEME.find(&rest[..line]).map_or(line, |next| next.start());
        let is_end = |c: char| c.is_whitespace() || "\"'`<>".contains(c);
        let mut end = rest[..line].find(is_end).unwrap_or(line);
        if !rest[..end].contains('@') && !PLAIN.is_match(&rest[..end]) {
            end = rest[..line].rfind('@').map_or(end, |at| {
                at + rest[at..line].find(is_end).unwrap_or(line - at)
            });
        }
        // What ends a sentence is not of the address.
        let body = rest[..end].trim_end_matches([',', ';', ':', '.', ')']);
        out.push_str(&text[done..scheme.end()]);
        out.push_str(&after_scheme(body));
        done = scheme.end() + body.len();
    }
    out.push_str(&text[done..]);
    out
}

fn unchanged_or(text: &str, out: String) -> Cow<'_, str> {
    if out == text { text.into() } else { out.into() }
}

/// The secrets that are known by their values: at first those among the variables.
static KNOWN: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(|| {
    let mut known = BTreeSet::new();
    for (name, value) in env::vars_starting_with("") {
        if is_name(&name) {
            known.extend(parts(&value, Secrecy::Secret));
        } else if value.contains("://") {
            known.extend(parts(&value, Secrecy::Address));
        }
    }
    Mutex::new(known)
});

/// What is secret in a value, and long enough to be looked for.
fn parts(value: &str, secrecy: Secrecy) -> Option<String> {
    let part = match secrecy {
        Secrecy::Public => return None,
        Secrecy::Secret => value,
        Secrecy::Address => {
            let (who, _) = value.rsplit_once('@')?;
            let who = who.split_once("://").map_or(who, |(_, rest)| rest);
            who.split_once(':').map_or(who, |(_, password)| password)
        }
    };
    (part.len() >= SHORTEST_KNOWN).then(|| part.to_owned())
}

/// Has `value`, of a setting or variable that may be shown so far, hidden in whatever is said from now
/// on, however it got there.
pub fn learn(value: &str, secrecy: Secrecy) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.extend(parts(value, secrecy));
}

/// `text` without the secrets that were learnt.
fn known(text: Cow<'_, str>) -> Cow<'_, str> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = text;
    // Longer ones first: one may be a part of another.
    let mut found: Vec<&String> = known
        .iter()
        .filter(|it| text.contains(it.as_str()))
        .collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.len()));
    for secret in found {
        text = text.replace(secret.as_str(), HIDDEN).into();
    }
    text
}

/// Whether a variable of a back end may hold what gives access: everything of a cloud's own, and
/// addresses, which may have a password in them.
pub fn is_variable(name: &str) -> bool {
    const MAY_BE: [&str; 6] = [
        "USERNAME",
        "ENDPOINT",
        "URL",
        "AUTH",
        "SERVICE_ACCOUNT",
        "CONNECTION",
    ];
    !name.starts_with("SCCACHE_")
        || matches!(name, "SCCACHE_REDIS" | "SCCACHE_MEMCACHED")
        || is_name(name)
        || MAY_BE.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_gives_access_is_left_of_an_address() {
        for (written, shown) in [
            ("redis://:pw@h", "redis://(hidden)@h"),
            ("rediss://me:p@w@h:1/2", "rediss://(hidden)@h:1/2"),
            ("redis://:p/w@h", "redis://(hidden)@h"),
            ("redis://:p#w@h", "redis://(hidden)@h"),
            ("redis://:p?w@h", "redis://(hidden)@h"),
            ("redis://:p w@h", "redis://(hidden)@h"),
            ("redis://:p\"w@h", "redis://(hidden)@h"),
            ("https://user:12/34@h", "https://(hidden)@h"),
            ("https://ghp_token@h/x", "https://(hidden)@h/x"),
            ("redis://:pw", "redis://(hidden)"),
            (
                "redis://:a@h1,redis://:b@h2:7",
                "redis://(hidden)@h1,redis://(hidden)@h2:7",
            ),
            ("h1:1,redis://:b@h2", "h1:1,redis://(hidden)@h2"),
            ("me:pw@h:11211", "(hidden)@h:11211"),
            (
                "redis+unix:///run/r.sock?db=1&pass=x",
                "redis+unix:///run/r.sock?db=1&pass=(hidden)",
            ),
            (
                "https://h/?X-Amz-Signature=a&x=b#c",
                "https://h/?X-Amz-Signature=(hidden)&x=(hidden)#(hidden)",
            ),
            ("https://h?abc", "https://h?(hidden)"),
            ("h:80?sig=a", "h:80?sig=(hidden)"),
            ("https://[::1]:8080/x", "https://[::1]:8080/x"),
            ("tcp://127.0.0.1:11211", "tcp://127.0.0.1:11211"),
            ("", ""),
        ] {
            assert_eq!(address(written), shown, "{written}");
        }
    }

    #[test]
    fn a_text_keeps_all_but_the_secrets() {
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
        ] {
            assert_eq!(text(written), shown, "{written}");
        }
    }

    #[test]
    fn messages_hide_what_was_learnt() {
        learn("correct horse battery", Secrecy::Secret);
        learn("redis://me:staple-staple@h", Secrecy::Address);
        learn("short", Secrecy::Secret);
        assert_eq!(
            message("it said correct horse battery, staple-staple, short; password: x"),
            "it said (hidden), (hidden), short; password: x"
        );
    }

    #[test]
    fn lines_of_a_file_are_left_out() {
        let said = "TOML parse error at line 2\n  |\n2 | hunter2\n  |  ^\ninvalid string";
        let kept: Vec<&str> = without_snippets(said).collect();
        assert_eq!(kept, ["TOML parse error at line 2", "invalid string"]);
    }
}
