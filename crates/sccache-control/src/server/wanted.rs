//! What the machine's file asks of a server, and what a running one has otherwise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::address::digest;
use super::asked::Settings;
use crate::config::check::{self, Severity};
use crate::config::effective::{Source, effective};
use crate::config::path::is_json;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// The variables that repeat the file, and therefore never decide.
pub const REPEATED: [&str; 2] = ["SCCACHE_DIR", "SCCACHE_CACHE_SIZE"];

/// What a server is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The machine's config file.
    pub file: PathBuf,
    /// How a server is judged.
    pub rule: Rule,
    /// The directory and the size that variables are to repeat, if two variables can say all of it.
    pub exports: Option<(String, ByteSize)>,
    /// The directory of the cache, if the cache is on the disk.
    pub directory: Option<(PathBuf, Source)>,
    /// The remote back end, if there is one: its name, and where it is set up.
    pub remote: Option<(String, Source)>,
    /// How long the file lets a server take to start.
    pub startup: Option<u64>,
}

/// How a server is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The file says this of the disk cache.
    Exactly {
        /// The directory, as a server names it.
        location: String,
        /// The size.
        largest: ByteSize,
        /// Where each stands.
        sources: (Source, Source),
    },
    /// There is no file, and this repository asks for so much: a server only ever grows, so that
    /// two repositories entered in turn do not restart it in turn.
    AtLeast(ByteSize),
    /// Only sccache itself knows how a server names this back end; the digest of what it is to be
    /// asked about.
    AsSccacheSays(u64),
    /// Nothing rules here.
    Anything,
}

/// A setting that a server has otherwise than it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is: `location` or `size`.
    pub setting: &'static str,
    /// What the server has.
    pub server: String,
    /// What it should have.
    pub wanted: String,
    /// Where that is said.
    pub source: String,
}

impl Wanted {
    /// What the config file at `path`, which holds `text`, and these variables ask for. `request`
    /// is what the repository would like, for a machine without a file.
    ///
    /// # Errors
    /// When sccache would refuse the file or a variable.
    pub fn new(
        text: Option<&str>,
        path: &Path,
        variables: &BTreeMap<String, String>,
        default_dir: &Path,
        request: Option<ByteSize>,
    ) -> Result<Self, Problem> {
        let mut variables = variables.clone();
        variables.retain(|name, _| !REPEATED.contains(&name.as_str()));
        let converted = text
            .filter(|_| is_json(path))
            .map(|text| toml_of(text, path));
        let text = match &converted {
            Some(converted) => Some(converted.as_ref().map_err(Clone::clone)?.as_str()),
            None => text,
        };
        refuse_faults(text, path, &variables, default_dir)?;
        let effective = effective(text, path, &variables, default_dir)?;
        let plain = effective.chain.is_none() && effective.remotes.is_empty();
        let disk = &effective.disk;
        let dir = disk
            .dir
            .value
            .to_str()
            .filter(|dir| dir.starts_with('/') || cfg!(windows));
        let mentions = |word| text.is_some_and(|text| text.contains(word));
        let whole = !mentions("rw_mode") && !mentions("preprocessor");
        let (rule, exports) = match (text, plain, request) {
            (Some(_), true, _) => (
                Rule::Exactly {
                    location: location(&disk.dir.value),
                    largest: disk.size.value,
                    sources: (disk.dir.source.clone(), disk.size.source.clone()),
                },
                dir.filter(|_| whole)
                    .map(|dir| (dir.to_owned(), disk.size.value)),
            ),
            (Some(text), false, _) => (Rule::AsSccacheSays(question(text, &variables)), None),
            (None, true, Some(size)) => {
                (Rule::AtLeast(size), dir.map(|dir| (dir.to_owned(), size)))
            }
            (None, ..) => (Rule::Anything, None),
        };
        let startup = effective
            .others
            .iter()
            .find(|other| other.name == "server_startup_timeout_ms");
        Ok(Self {
            file: path.to_owned(),
            rule,
            exports,
            directory: effective
                .uses_disk()
                .then(|| (disk.dir.value.clone(), disk.dir.source.clone())),
            remote: effective
                .remotes
                .first()
                .map(|remote| (remote.value.to_owned(), remote.source.clone())),
            startup: startup.and_then(|other| other.json.as_u64()),
        })
    }

    /// What a server with `settings` has otherwise. `answer` is what sccache says that it should
    /// be, for [`Rule::AsSccacheSays`].
    pub fn differences(&self, settings: &Settings, answer: Option<&Settings>) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut compare = |setting, server: String, wanted: String, source: String| {
            if server != wanted {
                differences.push(Difference {
                    setting,
                    server,
                    wanted,
                    source,
                });
            }
        };
        let size = |size: Option<ByteSize>| size.map_or("none".to_owned(), |size| size.to_string());
        let location = |settings: &Settings| without_quote_escapes(&settings.location);
        match &self.rule {
            Rule::Exactly {
                location: wanted,
                largest,
                sources: (dir, size_source),
            } => {
                compare(
                    "location",
                    location(settings),
                    wanted.clone(),
                    dir.to_string(),
                );
                compare(
                    "size",
                    size(settings.largest),
                    largest.to_string(),
                    size_source.to_string(),
                );
            }
            Rule::AtLeast(wanted) => {
                if settings.largest.is_some_and(|largest| largest < *wanted) {
                    compare(
                        "size",
                        size(settings.largest),
                        wanted.to_string(),
                        "sccfg.toml".to_owned(),
                    );
                }
            }
            Rule::AsSccacheSays(_) => {
                if let Some(answer) = answer {
                    let source = self.file.display().to_string();
                    compare(
                        "location",
                        location(settings),
                        location(answer),
                        source.clone(),
                    );
                    compare("size", size(settings.largest), size(answer.largest), source);
                }
            }
            Rule::Anything => {}
        }
        differences
    }

    /// Tells this rule from others.
    pub(super) fn digest(&self) -> u64 {
        digest(format!("{:?}", self.rule).as_bytes())
    }
}

/// As a server names a directory on the disk (`location` in sccache's `cache/disk.rs`).
#[allow(
    clippy::unnecessary_debug_formatting,
    reason = "sccache prints it that way"
)]
fn location(directory: &Path) -> String {
    format!("Local disk: {directory:?}")
}

/// Servers built with an older Rust escape single quotes, those of a newer one do not.
fn without_quote_escapes(location: &str) -> String {
    let mut plain = String::with_capacity(location.len());
    let mut characters = location.chars();
    while let Some(character) = characters.next() {
        match (character, characters.as_str().chars().next()) {
            ('\\', Some('\'')) => {}
            ('\\', Some(escaped)) => {
                plain.extend([character, escaped]);
                characters.next();
            }
            _ => plain.push(character),
        }
    }
    plain
}

fn question(text: &str, variables: &BTreeMap<String, String>) -> u64 {
    digest(format!("{text}\0{variables:?}").as_bytes())
}

/// The first reason why sccache ends with an error here.
fn refuse_faults(
    text: Option<&str>,
    path: &Path,
    variables: &BTreeMap<String, String>,
    default_dir: &Path,
) -> Result<(), Problem> {
    let surroundings = check::Surroundings {
        variables: variables.clone(),
        default_dir: default_dir.to_owned(),
        ..check::Surroundings::default()
    };
    // What was JSON is TOML by now; its places are not those of the file.
    let was_json = is_json(path);
    let name = if was_json { Path::new("") } else { path };
    let findings = check::check(text, name, &surroundings);
    let fault = findings
        .into_iter()
        .find(|finding| finding.severity == Severity::Fails);
    let Some(fault) = fault.map(check::Finding::into_problem) else {
        return Ok(());
    };
    Err(if was_json {
        Problem {
            what: format!("{}: {}", path.display(), fault.what),
            place: None,
            ..fault
        }
    } else {
        fault
    })
}

/// The same settings in TOML.
fn toml_of(json: &str, path: &Path) -> Result<String, Problem> {
    let fault = |what: String| {
        Problem::new(format!("{}: {what}", path.display()))
            .hint("sccache takes a file that ends in `.json` as JSON: `sccfg config check`")
    };
    let value: serde_json::Value =
        serde_json::from_str(json).map_err(|error| fault(error.to_string()))?;
    toml_edit::ser::to_string(&value).map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn wanted(
        text: Option<&str>,
        name: &str,
        request: Option<u64>,
        set: &[(&str, &str)],
    ) -> Wanted {
        let variables = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let request = request.map(ByteSize::from_bytes);
        Wanted::new(text, Path::new(name), &variables, Path::new("/d"), request).unwrap()
    }

    fn server(location: &str, largest: Option<u64>) -> Settings {
        Settings {
            location: location.to_owned(),
            largest: largest.map(ByteSize::from_bytes),
            version: None,
        }
    }

    #[test]
    fn with_a_file_a_server_is_exactly_that() {
        let text = "[cache.disk]\ndir = '/c \"x\"'\nsize = 5\n";
        let stale = [("SCCACHE_DIR", "/stale")];
        let wanted = wanted(Some(text), "/f", Some(24 * GIB), &stale);
        let size = ByteSize::from_bytes(5);
        assert_eq!(wanted.exports, Some(("/c \"x\"".to_owned(), size)));
        let location = r#"Local disk: "/c \"x\"""#;
        assert_eq!(wanted.differences(&server(location, Some(5)), None), []);
        let differences = wanted.differences(&server("Local disk: \"/d\"", Some(6)), None);
        let of = |difference: &Difference| (difference.setting, difference.source.clone());
        let of: Vec<_> = differences.iter().map(of).collect();
        assert_eq!(
            of,
            [("location", "/f:2".to_owned()), ("size", "/f:3".to_owned())]
        );
    }

    #[test]
    fn a_quote_in_the_directory_is_one_however_a_server_prints_it() {
        let text = "[cache.disk]\ndir = \"/it's \\\\' x\"\nsize = 5\n";
        let wanted = wanted(Some(text), "/f", None, &[]);
        for location in [
            r#"Local disk: "/it's \\' x""#,
            r#"Local disk: "/it\'s \\\' x""#,
        ] {
            assert_eq!(wanted.differences(&server(location, Some(5)), None), []);
        }
    }

    #[test]
    fn without_a_file_a_server_only_grows() {
        let wanted = wanted(None, "/f", Some(24 * GIB), &[]);
        let of = |largest| wanted.differences(&server("Local disk: \"/x\"", largest), None);
        assert_eq!(of(Some(24 * GIB)), []);
        assert_eq!(of(Some(30 * GIB)), []);
        assert_eq!(of(None), []);
        assert_eq!(of(Some(10 * GIB)).len(), 1);
    }

    #[test]
    fn json_means_the_same() {
        let json = r#"{"cache": {"disk": {"dir": "/c", "size": 5}}}"#;
        let wanted = wanted(Some(json), "/f.json", None, &[]);
        assert_eq!(
            wanted.exports,
            Some(("/c".to_owned(), ByteSize::from_bytes(5)))
        );
    }

    #[test]
    fn only_sccache_knows_how_a_remote_is_named() {
        let text = "[cache.redis]\nendpoint = 'redis://x'\n";
        let wanted = wanted(Some(text), "/f", None, &[]);
        assert!(matches!(wanted.rule, Rule::AsSccacheSays(_)));
        assert_eq!(wanted.exports, None);
        let (name, source) = wanted.remote.clone().unwrap();
        assert_eq!(
            (name.as_str(), source.to_string()),
            ("redis", "/f:1".into())
        );
        let redis = server("redis, name: 0, prefix: /", None);
        assert_eq!(wanted.differences(&redis, Some(&redis)), []);
        let disk = server("Local disk: \"/d\"", Some(10 * GIB));
        assert_eq!(wanted.differences(&disk, Some(&redis)).len(), 2);
    }

    #[test]
    fn what_sccache_refuses_is_refused_with_its_place() {
        let text = "[cache.disk]\nsise = 5\n";
        let path = Path::new("/f");
        let problem = Wanted::new(Some(text), path, &BTreeMap::new(), path, None).unwrap_err();
        assert_eq!(problem.place.unwrap().line, 2);
    }
}
