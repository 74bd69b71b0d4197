//! What the machine's config file requires of a server, and how a running server differs from that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::address::digest;
use super::query::Settings;
use crate::config::check::{self, Severity};
use crate::config::effective::{Source, effective};
use crate::config::path::is_json;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// The variables that sccfg exports with the values of the file. If there is one, they are therefore ignored when the desired
/// state is computed.
pub const DISK_VARIABLES: [&str; 2] = ["SCCACHE_DIR", "SCCACHE_CACHE_SIZE"];

/// The desired state of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredState {
    /// The machine's config file.
    pub(super) file: PathBuf,
    pub(super) rule: Rule,
    /// The values of [`DISK_VARIABLES`], if these two variables can express the whole disk cache.
    pub exports: Option<(String, ByteSize)>,
    /// The size that is remembered for the directory already.
    remembered: Option<ByteSize>,
    /// The directory of the cache, if the cache is on disk.
    pub directory: Option<(PathBuf, Source)>,
    /// The remote back end, if there is one, and where it is configured.
    pub remote: Option<(String, Source)>,
    /// `server_startup_timeout_ms` of the file.
    pub(super) startup_timeout_ms: Option<u64>,
}

/// Which settings a server has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    /// The disk cache of the file.
    Exact {
        /// The directory, as a server reports it.
        location: String,
        size: ByteSize,
        location_source: Source,
        size_source: Source,
    },
    /// At least this size: there is no file, and the repository, an earlier one or a variable requests this much. A server
    /// never shrinks, so that two repositories that are entered in turn do not restart it each time.
    AtLeast {
        size: ByteSize,
        source: &'static str,
    },
    /// Those that sccache itself derives: only it knows how a server reports this back end. The
    /// number is a digest of the file and the variables.
    AskSccache(u64),
    /// Any.
    Any,
}

/// A setting of a server that differs from the desired state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `location` or `size`
    pub setting: &'static str,
    /// The server's value.
    pub server: String,
    /// The desired value.
    #[serde(rename = "wanted")]
    pub desired: String,
    /// Where the desired value comes from.
    pub source: String,
}

/// Which cache size is requested. It counts if there is no config file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestedSize {
    /// By the repository.
    pub now: Option<ByteSize>,
    /// The largest size that was requested for this cache directory before.
    pub before: Option<ByteSize>,
}

impl RequestedSize {
    /// The largest of the requested sizes and `variable`, and where it comes from.
    fn largest(self, variable: Option<ByteSize>) -> Option<(ByteSize, &'static str)> {
        let sizes = [
            (variable, "SCCACHE_CACHE_SIZE"),
            (self.before, "an earlier request"),
            (self.now, "sccfg.toml"),
        ];
        let sizes = sizes.into_iter();
        sizes
            .filter_map(|(size, source)| Some((size?, source)))
            .max_by_key(|(size, _)| *size)
    }
}

impl DesiredState {
    /// The machine's config file, which may be absent.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The desired state for the config file at `path`, which contains `text`, and these variables.
    /// Without a file, [`DISK_VARIABLES`] count, a relative directory excepted.
    ///
    /// # Errors
    /// When sccache would reject the file or a variable.
    pub fn new(
        text: Option<&str>,
        path: &Path,
        variables: &BTreeMap<String, String>,
        default_dir: &Path,
        request: RequestedSize,
    ) -> Result<Self, Problem> {
        let mut variables = variables.clone();
        let [dir_name, size_name] = DISK_VARIABLES;
        variables.retain(|name, value| match name.as_str() {
            name if name == dir_name => text.is_none() && value.starts_with('/'),
            name if name == size_name => text.is_none(),
            _ => true,
        });
        let converted = text
            .filter(|_| is_json(path))
            .map(|text| toml_of(text, path));
        let text = match &converted {
            Some(converted) => Some(converted.as_ref().map_err(Clone::clone)?.as_str()),
            None => text,
        };
        refuse_faults(text, path, &variables, default_dir)?;
        let effective = effective(text, path, &variables, default_dir)?;
        let disk = &effective.disk;
        let dir = disk.dir.value.to_str().filter(|dir| dir.starts_with('/'));
        let is_disk_only = effective.chain.is_none() && effective.remotes.is_empty();
        let (rule, exports) = match (text, is_disk_only) {
            (Some(text), true) => {
                let rule = Rule::Exact {
                    location: location(&disk.dir.value),
                    size: disk.size.value,
                    location_source: disk.dir.source.clone(),
                    size_source: disk.size.source.clone(),
                };
                let has_more = text.contains("rw_mode") || text.contains("preprocessor");
                let dir = dir.filter(|_| !has_more);
                (rule, dir.map(|dir| (dir.to_owned(), disk.size.value)))
            }
            (Some(text), false) => {
                let question = digest(format!("{text}\0{variables:?}").as_bytes());
                (Rule::AskSccache(question), None)
            }
            (None, _) => {
                let named = matches!(disk.size.source, Source::Variable(_));
                let named = named.then_some(disk.size.value);
                let rule = match request.largest(named) {
                    Some((size, source)) if is_disk_only => Rule::AtLeast { size, source },
                    _ => Rule::Any,
                };
                let size = match rule {
                    // Below sccache's default, a server would evict what others have stored.
                    Rule::AtLeast { size, .. } => size.max(disk.size.value),
                    _ => disk.size.value,
                };
                let dir = dir.filter(|_| rule != Rule::Any || disk.is_set);
                (rule, dir.map(|dir| (dir.to_owned(), size)))
            }
        };
        let startup_timeout = effective
            .others
            .iter()
            .find(|other| other.name == "server_startup_timeout_ms");
        Ok(Self {
            file: path.to_owned(),
            rule,
            exports,
            remembered: request.before,
            directory: effective
                .uses_disk()
                .then(|| (disk.dir.value.clone(), disk.dir.source.clone())),
            remote: effective
                .remotes
                .first()
                .map(|remote| (remote.value.to_owned(), remote.source.clone())),
            startup_timeout_ms: startup_timeout.and_then(|other| other.json.as_u64()),
        })
    }

    /// The directory and size that later requests for this directory have to respect, if that is not remembered yet: without a
    /// config file, a cache only grows.
    pub fn size_to_remember(&self) -> Option<(&Path, ByteSize)> {
        let (dir, size) = self.exports.as_ref()?;
        let is_new = matches!(self.rule, Rule::AtLeast { .. })
            && self.remembered.is_none_or(|known| known < *size);
        is_new.then(|| (Path::new(dir), *size))
    }

    /// How a server with `settings` differs. `answer` has the settings that sccache derives, for
    /// [`Rule::AskSccache`].
    pub(super) fn differences(
        &self,
        settings: &Settings,
        answer: Option<&Settings>,
    ) -> Vec<Difference> {
        let location = |desired: &str, source: String| Difference {
            setting: "location",
            server: without_quote_escapes(&settings.location),
            desired: desired.to_owned(),
            source,
        };
        let size = |desired: Option<ByteSize>, source: String| Difference {
            setting: "size",
            server: size_or_none(settings.max_size),
            desired: size_or_none(desired),
            source,
        };
        let mut differences = match &self.rule {
            Rule::Exact {
                location: desired_location,
                size: desired_size,
                location_source,
                size_source,
            } => vec![
                location(desired_location, location_source.to_string()),
                size(Some(*desired_size), size_source.to_string()),
            ],
            Rule::AtLeast {
                size: desired,
                source,
            } => {
                if settings.max_size.is_none_or(|actual| actual >= *desired) {
                    return Vec::new();
                }
                vec![size(Some(*desired), (*source).to_owned())]
            }
            Rule::AskSccache(_) => {
                let Some(answer) = answer else {
                    return Vec::new();
                };
                let source = self.file.display().to_string();
                let desired = without_quote_escapes(&answer.location);
                vec![
                    location(&desired, source.clone()),
                    size(answer.max_size, source),
                ]
            }
            Rule::Any => Vec::new(),
        };
        differences.retain(|difference| difference.server != difference.desired);
        differences
    }

    /// Identifies this state among others.
    pub(super) fn digest(&self) -> u64 {
        digest(format!("{:?}", self.rule).as_bytes())
    }
}

fn size_or_none(size: Option<ByteSize>) -> String {
    size.map_or("none".to_owned(), |size| size.to_string())
}

/// How a server reports a directory on disk (`location` in sccache's `cache/disk.rs`).
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

/// Fails with the first reason why sccache would fail.
fn refuse_faults(
    text: Option<&str>,
    path: &Path,
    variables: &BTreeMap<String, String>,
    default_dir: &Path,
) -> Result<(), Problem> {
    let context = check::CheckContext {
        variables: variables.clone(),
        default_dir: default_dir.to_owned(),
        ..check::CheckContext::default()
    };
    // JSON was converted to TOML, so the positions are not those of the file.
    let was_json = is_json(path);
    let name = if was_json { Path::new("") } else { path };
    let findings = check::check(text, name, &context);
    let fault = findings
        .into_iter()
        .find(|finding| finding.severity == Severity::Error);
    let Some(fault) = fault.map(check::Diagnostic::into_problem) else {
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

fn toml_of(json: &str, path: &Path) -> Result<String, Problem> {
    let fault = |what: String| {
        Problem::new(format!("{}: {what}", path.display())).hint(
            "sccache reads a file whose name ends in `.json` as JSON; run `sccfg config check`",
        )
    };
    let value: serde_json::Value =
        serde_json::from_str(json).map_err(|error| fault(error.to_string()))?;
    toml_edit::ser::to_string(&value).map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn desired(
        text: Option<&str>,
        name: &str,
        request: Option<u64>,
        set: &[(&str, &str)],
    ) -> DesiredState {
        let variables = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let request = RequestedSize {
            now: request.map(ByteSize::from_bytes),
            before: None,
        };
        DesiredState::new(text, Path::new(name), &variables, Path::new("/d"), request).unwrap()
    }

    fn server(location: &str, max_size: Option<u64>) -> Settings {
        Settings {
            location: location.to_owned(),
            max_size: max_size.map(ByteSize::from_bytes),
            version: None,
        }
    }

    #[test]
    fn with_a_file_a_server_has_exactly_its_settings() {
        let text = "[cache.disk]\ndir = '/c \"x\"'\nsize = 5\n";
        let stale = [("SCCACHE_DIR", "/stale")];
        let desired = desired(Some(text), "/f", Some(24 * GIB), &stale);
        let size = ByteSize::from_bytes(5);
        assert_eq!(desired.exports, Some(("/c \"x\"".to_owned(), size)));
        let location = r#"Local disk: "/c \"x\"""#;
        assert_eq!(desired.differences(&server(location, Some(5)), None), []);
        let differences = desired.differences(&server("Local disk: \"/d\"", Some(6)), None);
        let of = |difference: &Difference| (difference.setting, difference.source.clone());
        let of: Vec<_> = differences.iter().map(of).collect();
        assert_eq!(
            of,
            [("location", "/f:2".to_owned()), ("size", "/f:3".to_owned())]
        );
    }

    #[test]
    fn quotes_in_the_directory_match_however_a_server_escapes_them() {
        let text = "[cache.disk]\ndir = \"/it's \\\\' x\"\nsize = 5\n";
        let desired = desired(Some(text), "/f", None, &[]);
        for location in [
            r#"Local disk: "/it's \\' x""#,
            r#"Local disk: "/it\'s \\\' x""#,
        ] {
            assert_eq!(desired.differences(&server(location, Some(5)), None), []);
        }
    }

    #[test]
    fn without_a_file_a_server_never_shrinks() {
        let desired = desired(None, "/f", Some(24 * GIB), &[]);
        let of = |max_size| desired.differences(&server("Local disk: \"/x\"", max_size), None);
        assert_eq!(of(Some(24 * GIB)), []);
        assert_eq!(of(Some(30 * GIB)), []);
        assert_eq!(of(None), []);
        assert_eq!(of(Some(10 * GIB)).len(), 1);
    }

    #[test]
    fn without_a_file_the_variables_and_the_largest_size_count() {
        let exports = |request, set: &[(&str, &str)]| {
            let desired = desired(None, "/f", request, set);
            desired.exports.map(|(dir, size)| (dir, size.bytes() / GIB))
        };
        let pair = |dir: &str, size| Some((dir.to_owned(), size));
        let mine = ("SCCACHE_DIR", "/mine");
        let large = ("SCCACHE_CACHE_SIZE", "50G");
        let small = ("SCCACHE_CACHE_SIZE", "5G");
        assert_eq!(exports(None, &[]), None);
        assert_eq!(exports(None, &[mine]), pair("/mine", 10));
        assert_eq!(exports(None, &[small]), pair("/d", 5));
        assert_eq!(exports(Some(24 * GIB), &[mine, large]), pair("/mine", 50));
        assert_eq!(exports(Some(24 * GIB), &[mine, small]), pair("/mine", 24));
        assert_eq!(exports(Some(GIB), &[]), pair("/d", 10));
        assert_eq!(
            exports(Some(24 * GIB), &[("SCCACHE_DIR", "relative")]),
            pair("/d", 24)
        );
        let bucket = ("SCCACHE_BUCKET", "b");
        assert_eq!(exports(Some(24 * GIB), &[bucket]), None);
        assert_eq!(exports(Some(24 * GIB), &[bucket, mine]), pair("/mine", 10));
    }

    #[test]
    fn json_is_converted() {
        let json = r#"{"cache": {"disk": {"dir": "/c", "size": 5}}}"#;
        let desired = desired(Some(json), "/f.json", None, &[]);
        assert_eq!(
            desired.exports,
            Some(("/c".to_owned(), ByteSize::from_bytes(5)))
        );
    }

    #[test]
    fn sccache_is_asked_how_a_remote_is_reported() {
        let text = "[cache.redis]\nendpoint = 'redis://x'\n";
        let desired = desired(Some(text), "/f", None, &[]);
        assert!(matches!(desired.rule, Rule::AskSccache(_)));
        assert_eq!(desired.exports, None);
        let (name, source) = desired.remote.clone().unwrap();
        assert_eq!(
            (name.as_str(), source.to_string()),
            ("redis", "/f:1".into())
        );
        let redis = server("redis, name: 0, prefix: /", None);
        assert_eq!(desired.differences(&redis, Some(&redis)), []);
        let disk = server("Local disk: \"/d\"", Some(10 * GIB));
        assert_eq!(desired.differences(&disk, Some(&redis)).len(), 2);
    }

    #[test]
    fn what_sccache_rejects_is_rejected_with_its_location() {
        let text = "[cache.disk]\nsise = 5\n";
        let path = Path::new("/f");
        let problem = DesiredState::new(
            Some(text),
            path,
            &BTreeMap::new(),
            path,
            RequestedSize::default(),
        )
        .unwrap_err();
        assert_eq!(problem.place.unwrap().line, 2);
    }
}
