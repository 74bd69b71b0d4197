//! Redacts addresses.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::HIDDEN;
use super::names::{is_secret_name, regex};

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

/// The minimum length of a run of letters and digits that looks random.
const MIN_TOKEN: usize = 16;

static UUID: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"));

static SCHEME: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)[a-z][a-z0-9+.-]*://"));

/// A host and a port without credentials.
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^(?:\[[0-9A-Fa-f:.%a-z]+\](?::[0-9]*)?|[^:/?#@,\[\]]+(?::[0-9]*)?|)(?:[/?#,]|$)")
});

/// A host with a dot, and a path in which the next segment begins with `@`: a user in a link such as
/// `https://example.org/@me`.
static LINK: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+/(?:[0-9A-Za-z._~-]+/)*$"));

/// The value of an address setting without its credentials.
pub(super) fn redact_setting(value: &str) -> String {
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
    out
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
        Some(at) if path == Path::Shown && LINK.is_match(&rest[..at]) => rest,
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
pub(super) fn segments(address: &str) -> impl Iterator<Item = (&str, bool)> {
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

/// Redacts the addresses of a text, each up to a blank or a quote; or up to the last `@` of the line,
/// if what precedes that is not a host.
pub(super) fn redact_addresses(text: &str) -> String {
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
        let mut body = rest[..end].trim_end_matches([',', ';', ':', '.', ')']);
        // But not the end of what was hidden before.
        if let Some(longer) = rest.get(..=body.len())
            && longer.ends_with(HIDDEN)
        {
            body = longer;
        }
        out.push_str(&text[done..scheme.end()]);
        out.push_str(&redact_after_scheme(body, Path::Shown));
        done = scheme.end() + body.len();
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_secrets_stays_the_same() {
        for text in [
            "`https://h/p?token=(hidden)` contains a password",
            "(https://h/p?token=(hidden)), and https://(hidden)@h.",
            "# See https://example.org/@me/112502545466617762",
        ] {
            assert_eq!(redact_addresses(text), text);
        }
    }

    #[test]
    fn a_user_in_a_link_is_no_password() {
        for (written, shown) in [
            (
                "https://example.org/@me?token=a",
                "https://example.org/@me?token=(hidden)",
            ),
            (
                "https://user:12/@h.example.org",
                "https://(hidden)@h.example.org",
            ),
            (
                "https://YWJj/@h.example.org",
                "https://(hidden)@h.example.org",
            ),
        ] {
            assert_eq!(redact_addresses(written), shown);
        }
    }

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
            assert_eq!(redact_setting(written), shown, "{written}");
        }
    }
}
