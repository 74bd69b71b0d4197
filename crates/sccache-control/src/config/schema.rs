//! Checks the config file itself: types, unknown and missing keys, according to the table in `keys`.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Item, Key as TomlKey, TableLike};

use super::describe::{example, expected, shown, type_of};
use super::diagnostic::{Diagnostic, Severity, Topic};
use super::keys::{self, Key, Kind, REMOTES, Variant};
use super::toml::{self, Parsed};
use super::version::Version;
use sccfg_util::problem::Place;
use sccfg_util::secret;
use sccfg_util::size::{ByteSize, ParseSizeError};

/// The problems of `text`. `sccache` is the version that will read it, if that is known.
pub(super) fn faults(text: &str, path: &Path, sccache: Option<&Version>) -> Vec<Diagnostic> {
    match toml::parse(text, path) {
        Ok(document) => Walk::new(text, path, sccache).document(&document),
        Err(problem) => vec![Diagnostic {
            severity: Severity::Error,
            place: problem.place,
            what: problem.what,
            hint: Some(
                "every sccache command fails because of this, and so does cargo; write \
                 `key = \"text\"` or `key = 5`, below a line `[table]`"
                    .to_owned(),
            ),
            topic: Topic::File,
        }],
    }
}

struct Walk<'a> {
    text: &'a str,
    path: &'a Path,
    sccache: Option<&'a Version>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, path: &'a Path, sccache: Option<&'a Version>) -> Self {
        Self {
            text,
            path,
            sccache,
            diagnostics: Vec::new(),
        }
    }

    fn document(mut self, document: &Parsed<'_>) -> Vec<Diagnostic> {
        let root: Vec<&Key> = keys::ROOT.iter().collect();
        self.table("", document.as_table(), &root, false, None);
        self.back_ends(document);
        self.diagnostics
    }

    fn add(
        &mut self,
        severity: Severity,
        span: Option<Range<usize>>,
        what: String,
        hint: Option<String>,
    ) {
        let place = span.map(|span| Place::at(self.path, self.text, span.start));
        let redact = |text: String| secret::redact_message(&text).into_owned();
        self.diagnostics.push(Diagnostic {
            severity,
            place,
            what: redact(what),
            hint: hint.map(redact),
            topic: Topic::File,
        });
    }

    fn error(&mut self, span: Option<Range<usize>>, what: String, hint: impl Into<String>) {
        self.add(Severity::Error, span, what, Some(hint.into()));
    }

    fn table(
        &mut self,
        name: &str,
        table: &dyn TableLike,
        known: &[&'static Key],
        open: bool,
        header: Option<&Range<usize>>,
    ) {
        let mut seen: Vec<&'static str> = Vec::new();
        for (word, item) in table.iter() {
            let Some((toml_key, _)) = table.get_key_value(word) else {
                continue;
            };
            let dotted = format!("{name}{word}");
            let Some(key) = known.iter().find(|key| key.is_called(word)).copied() else {
                self.unknown(&dotted, toml_key, known, open);
                continue;
            };
            if seen.contains(&key.name) {
                let other = key.alias.unwrap_or_default();
                self.error(
                    toml_key.span(),
                    format!("`{}` and `{other}` are the same key", key.name),
                    format!("remove `{dotted}`"),
                );
                continue;
            }
            seen.push(key.name);
            self.since(&dotted, key.since, toml_key.span());
            self.value(&dotted, item, key, toml_key);
        }
        for key in known.iter().filter(|key| key.required) {
            if !seen.contains(&key.name) {
                let table = name.trim_end_matches('.');
                self.error(
                    header.cloned(),
                    format!("`[{table}]` lacks the required key `{}`", key.name),
                    format!(
                        "add `{} = {}`; `sccfg config set` can set several keys at once",
                        key.name,
                        example(key.kind)
                    ),
                );
            }
        }
    }

    fn unknown(&mut self, dotted: &str, key: &TomlKey, known: &[&'static Key], open: bool) {
        let word = key.get();
        let here = keys::nearest_of(word, known.iter().map(|key| key.name));
        let elsewhere = keys::nearest(dotted).filter(|near| near != dotted);
        let leaf = elsewhere
            .as_deref()
            .and_then(|near| near.rsplit('.').next());
        let hint = match (here, &elsewhere) {
            (Some(here), _) if leaf != Some(word) => format!("did you mean `{here}`?"),
            (_, Some(elsewhere)) => format!("did you mean `{elsewhere}`?"),
            _ => {
                let names: Vec<&str> = known.iter().map(|key| key.name).collect();
                format!("known keys are {}", names.join(", "))
            }
        };
        let what = format!("unknown key `{dotted}`");
        if open {
            let what = format!("{what}, which sccache ignores");
            self.add(Severity::Warning, key.span(), what, Some(hint));
        } else {
            self.error(key.span(), what, hint);
        }
    }

    /// Reports a key that older versions reject: an error if the installed version does, else a note.
    fn since(&mut self, dotted: &str, minor: u64, span: Option<Range<usize>>) {
        if minor <= keys::OLDEST {
            return;
        }
        let since = format!("0.{minor}");
        match self.sccache {
            Some(version) if *version < Version::new(0, minor, 0) => self.error(
                span,
                format!("sccache {version} rejects the file because of `{dotted}`"),
                format!("remove it, or use sccache {since} or later"),
            ),
            _ => self.add(
                Severity::Note,
                span,
                format!("sccache before {since} rejects the file because of `{dotted}`"),
                Some("projects that pin an older version cannot use this file".to_owned()),
            ),
        }
    }

    fn wrong_type(&mut self, dotted: &str, item: &Item, key: &TomlKey, kind: Kind) {
        let (hint, example) = (expected(kind), example(kind));
        self.error(
            item.span().or_else(|| key.span()),
            format!("`{dotted}` must be {hint}, not {}", type_of(item)),
            format!("write `{} = {example}`", key.get()),
        );
    }

    fn value(&mut self, dotted: &str, item: &Item, key: &'static Key, toml_key: &TomlKey) {
        let span = item.span().or_else(|| toml_key.span());
        match key.kind {
            Kind::Text | Kind::Path if item.is_str() => {}
            Kind::Boolean if item.is_bool() => {}
            Kind::Integer(largest) => match item.as_integer() {
                Some(number) if u64::try_from(number).is_ok_and(|number| number <= largest) => {}
                Some(number) => self.error(
                    span,
                    format!("`{dotted}` is out of range: {number}"),
                    format!("write a number from 0 to {largest}"),
                ),
                None => self.wrong_type(dotted, item, toml_key, key.kind),
            },
            Kind::Size => self.size(dotted, item, toml_key),
            Kind::Choice(words) => match item.as_str() {
                Some(word) if words.contains(&word) => {}
                Some(word) => {
                    let quoted: Vec<String> =
                        words.iter().map(|word| format!("`{word}`")).collect();
                    let hint = match keys::nearest_of(word, words.iter().copied()) {
                        Some(near) => format!("write `\"{near}\"`; case matters"),
                        None => format!("write one of {}", quoted.join(", ")),
                    };
                    self.error(span, format!("invalid value `{word}` for `{dotted}`"), hint);
                }
                None => self.wrong_type(dotted, item, toml_key, key.kind),
            },
            Kind::SchedulerUrl => match item.as_str() {
                Some(url) if is_scheduler_url(url) => {}
                Some(url) => self.error(
                    span,
                    format!(
                        "invalid URL for `{dotted}`: `{}`",
                        secret::redact_address(url)
                    ),
                    "write `http://host:10600`, without a path",
                ),
                None => self.wrong_type(dotted, item, toml_key, key.kind),
            },
            Kind::Directories | Kind::Levels => self.list(dotted, item, toml_key, key.kind),
            Kind::Table(known) | Kind::OpenTable(known) => match item.as_table_like() {
                Some(table) => {
                    let known: Vec<&Key> = known.iter().collect();
                    let open = matches!(key.kind, Kind::OpenTable(_));
                    self.table(&format!("{dotted}."), table, &known, open, span.as_ref());
                }
                None => self.wrong_type(dotted, item, toml_key, key.kind),
            },
            Kind::Tagged(variants) => match item.as_table_like() {
                Some(table) => self.tagged(dotted, table, variants, span),
                None => self.wrong_type(dotted, item, toml_key, key.kind),
            },
            Kind::TaggedList(variants) => match (item.as_array_of_tables(), item.as_array()) {
                (Some(tables), _) => {
                    for table in tables {
                        self.tagged(dotted, table, variants, table.span());
                    }
                }
                (None, Some(values)) => {
                    for value in values {
                        match value.as_inline_table() {
                            Some(table) => self.tagged(dotted, table, variants, value.span()),
                            None => self.wrong_type(dotted, item, toml_key, key.kind),
                        }
                    }
                }
                (None, None) => self.wrong_type(dotted, item, toml_key, key.kind),
            },
            Kind::Text | Kind::Path | Kind::Boolean => {
                self.wrong_type(dotted, item, toml_key, key.kind);
            }
        }
    }

    fn size(&mut self, dotted: &str, item: &Item, key: &TomlKey) {
        let span = item.span();
        match (item.as_integer(), item.as_str()) {
            (Some(number), _) if number >= 0 => {}
            (Some(number), _) => self.error(
                span,
                format!("`{dotted}` is negative: {number}"),
                ParseSizeError::HINT,
            ),
            (None, Some(text)) if ByteSize::parse_like_sccache(text).is_some() => {
                self.since(&format!("{dotted} = \"{text}\""), 11, span);
            }
            (None, Some(text)) => {
                let hint = match text.parse::<ByteSize>() {
                    Ok(size) => format!(
                        "write `{} = {}` ({size}), or run `sccfg config set {dotted} {text}`",
                        key.get(),
                        size.bytes()
                    ),
                    Err(_) => format!("write `{} = 25769803776`, a number of bytes", key.get()),
                };
                self.error(
                    span,
                    format!("sccache does not accept the size `{text}`"),
                    hint,
                );
            }
            (None, None) => self.wrong_type(dotted, item, key, Kind::Size),
        }
    }

    fn list(&mut self, dotted: &str, item: &Item, key: &TomlKey, kind: Kind) {
        let Some(values) = item.as_array() else {
            return self.wrong_type(dotted, item, key, kind);
        };
        for value in values {
            match value.as_str() {
                None => return self.wrong_type(dotted, item, key, kind),
                Some(directory)
                    if matches!(kind, Kind::Directories) && !Path::new(directory).is_absolute() =>
                {
                    self.error(
                        value.span(),
                        format!("`{dotted}` contains the relative path `{directory}`"),
                        "use an absolute path, such as `/home/me/src`",
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn tagged(
        &mut self,
        dotted: &str,
        table: &dyn TableLike,
        variants: &'static [Variant],
        span: Option<Range<usize>>,
    ) {
        let tags: Vec<&str> = variants.iter().map(|variant| variant.tag).collect();
        let tag = table.get("type");
        let Some(variant) = tag
            .and_then(Item::as_str)
            .and_then(|tag| variants.iter().find(|variant| variant.tag == tag))
        else {
            let what = match tag {
                None => format!("`{dotted}` lacks the required key `type`"),
                Some(tag) => format!("invalid value {} for `{dotted}.type`", shown(tag)),
            };
            let span = tag.and_then(Item::span).or(span);
            self.error(span, what, format!("write one of {}", tags.join(", ")));
            return;
        };
        let known: Vec<&'static Key> = std::iter::once(&keys::TYPE).chain(variant.keys).collect();
        self.table(&format!("{dotted}."), table, &known, false, span.as_ref());
    }

    /// Settings that sccache parses, but with which its server does not start.
    fn back_ends(&mut self, document: &Parsed<'_>) {
        let root = document.as_table();
        if let Some((key, redis)) = toml::find(root, &["cache", "redis"])
            && let Some(table) = redis.as_table_like()
        {
            let ways = ["endpoint", "cluster_endpoints", "url"];
            let set = ways.iter().filter(|way| table.contains_key(way)).count();
            if set != 1 {
                self.error(
                    redis.span().or_else(|| key.span()),
                    format!(
                        "`[cache.redis]` needs exactly one of {}, and has {set}",
                        ways.join(", ")
                    ),
                    "the server does not start otherwise",
                );
            }
        }
        if let Some((key, azure)) = toml::find(root, &["cache", "azure"])
            && let Some(table) = azure.as_table_like()
            && !table.contains_key("connection_string")
        {
            let span = azure.span().or_else(|| key.span());
            self.since("[cache.azure] without connection_string", 19, span);
        }
        let Some((_, chain)) = toml::find(root, &["cache", "multilevel", "chain"]) else {
            return;
        };
        for level in chain.as_array().into_iter().flatten() {
            let Some(name) = level.as_str().map(str::trim) else {
                continue;
            };
            if name != "disk" && !REMOTES.contains(&name) {
                let known = REMOTES.iter().copied().chain(["disk"]);
                let hint = match keys::nearest_of(name, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known back ends are disk, {}", REMOTES.join(", ")),
                };
                self.error(level.span(), format!("unknown back end `{name}`"), hint);
            }
        }
    }
}

/// Approximates `parse_http_url` in sccache's `config.rs`: a socket address, or `http(s)` with a host and
/// no path.
fn is_scheduler_url(url: &str) -> bool {
    if url.parse::<std::net::SocketAddr>().is_ok() {
        return true;
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
        && !host.is_empty()
        && (path.is_empty() || path.starts_with(['?', '#']))
}
