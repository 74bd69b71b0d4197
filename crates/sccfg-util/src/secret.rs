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

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Captures, Regex};

use crate::env;

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

/// Parameters of addresses of back ends and of flake references that are not credentials.
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

/// The minimum length of a registered secret: a shorter value may occur in a text by chance.
const MIN_REGISTERED: usize = 8;

/// Parts of names of secrets, in any case.
const NAMES: &str = r"password|passwd|passphrase|secret|token|credential|connection[_-]?string|account[_-]?key|access[_-]?key|shared[_-]?access|api[_-]?key|private[_-]?key|signature|authorization|bearer";
/// Words in names of secrets, which may also be parts of other words.
const WORDS: &str = r"pass|pwd|pw|sas|sig";

#[allow(clippy::expect_used, reason = "the patterns are constants, and tested")]
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are valid")
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

/// A value in the message of a parser: `invalid type: integer `5`, expected a string`.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i)(?-u:\b)(invalid (?:type|value): [a-z ]+|unknown variant )(`[^`\n]*`|"(?:[^"\\\n]|\\[^\n])*")"#,
    )
});

/// A line of a file in the message of a parser: `3 | password = "…"`.
static SNIPPET: LazyLock<Regex> = LazyLock::new(|| regex(r"^[ \t]*[0-9]*[ \t]*\|"));

/// The minimum length of a run of letters and digits that looks random.
const MIN_TOKEN: usize = 16;

static UUID: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"));

static SCHEME: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)[a-z][a-z0-9+.-]*://"));

/// A host and a port without credentials.
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^(?:\[[0-9A-Fa-f:.%a-z]+\](?::[0-9]*)?|[^:/?#@,\[\]]+(?::[0-9]*)?|)(?:[/?#,]|$)")
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

/// Whether a text mentions or contains a secret.
pub fn mentions_secret(words: &str) -> bool {
    NAME.is_match(words) || redact_text(words) != words
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
    let mut schemes = SCHEME.find_iter(value).peekable();
    let mut out = String::with_capacity(value.len());
    let first = schemes.peek().map_or(value.len(), regex::Match::start);
    if let Some(at) = value[..first].rfind('@') {
        out.push_str(HIDDEN);
        out.push_str(&value[at..first]);
    } else {
        let query = value[..first].find(['?', '#']).unwrap_or(first);
        out.push_str(&redact_path(&value[..query]));
        out.push_str(&redact_query(&value[query..first]));
    }
    while let Some(scheme) = schemes.next() {
        let end = schemes.peek().map_or(value.len(), regex::Match::start);
        out.push_str(scheme.as_str());
        out.push_str(&redact_after_scheme(
            &value[scheme.end()..end],
            Path::Redacted,
        ));
    }
    redact_registered(unchanged_or(value, out))
}

/// Whether the path of an address is redacted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Shown,
    Redacted,
}

/// Redacts what follows `scheme://`, up to the end of the address.
fn redact_after_scheme(rest: &str, path: Path) -> String {
    let shown = match rest.rfind('@') {
        // The usual user of a git repository.
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
    let address = match path {
        Path::Shown => Cow::Borrowed(&shown[..query]),
        Path::Redacted => redact_path(&shown[..query]).into(),
    };
    format!("{before}{address}{}", redact_query(&shown[query..]))
}

/// Redacts `host/path`: the segments that look like tokens.
fn redact_path(address: &str) -> String {
    let segments =
        segments(address).map(|(segment, is_secret)| if is_secret { HIDDEN } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// The host and the segments of `host/path`, and whether they are secret.
fn segments(address: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut follows_name = false;
    address
        .split('/')
        .enumerate()
        .map(move |(number, segment)| {
            let is_path = number > 0 && !segment.is_empty();
            let is_secret = is_path && (follows_name || is_token(segment));
            follows_name = is_path && is_secret_name(segment);
            (segment, is_secret)
        })
}

/// Whether a segment of a path looks random.
fn is_token(segment: &str) -> bool {
    let is_random = |run: &str| {
        run.len() >= MIN_TOKEN
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let mut runs = segment.split(|c: char| !c.is_ascii_alphanumeric());
    UUID.is_match(segment) || runs.any(is_random)
}

/// Redacts `?name=value&name=value#fragment`: all values that are not known to be harmless.
fn redact_query(query: &str) -> String {
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
    let out = redact_addresses(text);
    let out = NAMED.replace_all(&out, |found: &Captures<'_>| {
        format!("{}{HIDDEN}", &found[1])
    });
    let out = QUOTED.replace_all(&out, |found: &Captures<'_>| {
        format!("{}{HIDDEN}", &found[1])
    });
    let out = out.into_owned();
    unchanged_or(text, out)
}

/// Whether a text may contain a secret. Compiling the patterns takes longer than this check.
fn may_contain_secret(text: &str) -> bool {
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

/// The lines of a program's output, without those that a parser quotes from a file.
pub fn without_snippets(output: &str) -> impl Iterator<Item = &str> {
    output.lines().filter(|line| !SNIPPET.is_match(line))
}

/// A message of sccfg, without credentials in addresses and without registered secrets.
pub fn redact_message(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return redact_registered(text.into());
    }
    redact_registered(unchanged_or(text, redact_addresses(text)))
}

/// Redacts the addresses of a text, each up to a blank or a quote; or up to the last `@` of the line,
/// if what precedes that is not a host.
fn redact_addresses(text: &str) -> String {
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
        // Punctuation at the end belongs to the sentence.
        let body = rest[..end].trim_end_matches([',', ';', ':', '.', ')']);
        out.push_str(&text[done..scheme.end()]);
        out.push_str(&redact_after_scheme(body, Path::Shown));
        done = scheme.end() + body.len();
    }
    out.push_str(&text[done..]);
    out
}

fn unchanged_or(text: &str, out: String) -> Cow<'_, str> {
    if out == text { text.into() } else { out.into() }
}

/// The secrets that are known by their values; initially those in the environment.
static REGISTERED: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(|| {
    let mut secrets = BTreeSet::new();
    for (name, value) in env::vars_starting_with("") {
        // The current directory, not a password.
        if name == "PWD" {
            continue;
        }
        if is_secret_name(&name) {
            secrets.extend(parts(&value, Secrecy::Secret));
        } else if value.contains("://") {
            secrets.extend(parts(&value, Secrecy::Address));
        }
    }
    Mutex::new(secrets)
});

/// The secret parts of a value that are long enough to register.
fn parts(value: &str, secrecy: Secrecy) -> Vec<String> {
    let parts = match secrecy {
        Secrecy::Public => Vec::new(),
        Secrecy::Secret => vec![value],
        Secrecy::Address => {
            let user_info = value.rsplit_once('@').map(|(user_info, _)| {
                let rest = user_info.split_once("://");
                let user_info = rest.map_or(user_info, |(_, rest)| rest);
                let password = user_info.split_once(':');
                password.map_or(user_info, |(_, password)| password)
            });
            let path = value.split(['?', '#']).next().unwrap_or_default();
            let path = path.split_once("://").map_or(path, |(_, path)| path);
            let tokens = segments(path).filter(|(_, is_secret)| *is_secret);
            let tokens = tokens.map(|(segment, _)| segment);
            user_info.into_iter().chain(tokens).collect()
        }
    };
    let long = parts
        .into_iter()
        .filter(|part| part.len() >= MIN_REGISTERED);
    long.map(str::to_owned).collect()
}

/// Registers the secret parts of `value`: all of the functions above hide them from now on.
pub fn register(value: &str, secrecy: Secrecy) {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    registered.extend(parts(value, secrecy));
}

/// `text` without the registered secrets.
fn redact_registered(text: Cow<'_, str>) -> Cow<'_, str> {
    let registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = text;
    // Longer ones first: one may be a part of another.
    let mut found: Vec<&String> = registered
        .iter()
        .filter(|secret| text.contains(secret.as_str()))
        .collect();
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in found {
        text = text.replace(secret.as_str(), HIDDEN).into();
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credentials_are_left_in_an_address() {
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
            (
                "https://h/dav/c0ffee00c0ffee00c0ffee00/cache",
                "https://h/dav/(hidden)/cache",
            ),
            (
                "https://h/0b2e4c1a-93d5-4f6e-8a77-5c3f0e9d1b24/x",
                "https://h/(hidden)/x",
            ),
            (
                "https://h/t/ghp_0123456789abcdefABCD",
                "https://h/t/(hidden)",
            ),
            ("h:80/token/short", "h:80/token/(hidden)"),
            (
                "https://account0123456789.h/my-project-cache-2026/linux-x86_64",
                "https://account0123456789.h/my-project-cache-2026/linux-x86_64",
            ),
            (
                "redis+unix:///run/user/1000/r.sock",
                "redis+unix:///run/user/1000/r.sock",
            ),
            ("", ""),
        ] {
            assert_eq!(redact_address(written), shown, "{written}");
        }
    }

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
