//! What a running server says of itself, asked through sccache with a time limit of our own: its
//! clients wait for ever.

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Address;
use super::client::{Runnable, bare_environment};
use sccfg_util::proc::Ended;
use sccfg_util::secret;
use sccfg_util::size::ByteSize;

/// How long a server may take to answer. It takes some milliseconds, also under load.
pub const LIMIT: Duration = Duration::from_secs(4);

/// The settings that a server started with, and keeps for as long as it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `cache_location`: `Local disk: "/directory"`, or a remote back end's name and address.
    pub location: String,
    /// The size to which the cache may grow, where that is known.
    pub largest: Option<ByteSize>,
    /// The server's version.
    pub version: Option<String>,
}

/// The stats of sccache 0.8 to 0.19: later versions only added fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// What cannot change.
    pub settings: Settings,
    /// The size of the cache, once the server has counted it.
    pub used: Option<ByteSize>,
    /// The counters, as they are.
    pub counters: Value,
}

/// Why there are no stats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoStats {
    /// Nothing came in time.
    #[error("it does not answer")]
    Hung,
    /// sccache ended with an error; what it said last.
    #[error("{0}")]
    Failed(String),
}

impl Stats {
    /// Reads what `sccache --show-stats --stats-format=json` prints; `None` when it is something
    /// else.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(json).ok()?;
        let size = |value: &Value| value.as_u64().map(ByteSize::from_bytes);
        Some(Self {
            settings: Settings {
                location: location(value.get("cache_location")?.as_str()?),
                largest: size(value.get("max_cache_size")?),
                version: value
                    .get("version")
                    .and_then(|version| Some(version.as_str()?.to_owned())),
            },
            used: value.get("cache_size").and_then(size),
            counters: value.get_mut("stats").map(Value::take).unwrap_or_default(),
        })
    }

    /// The sum of a counter by language: `cache_hits`, `cache_misses`.
    pub fn sum(&self, counter: &str) -> u64 {
        let counts = self.counters.get(counter).and_then(|it| it.get("counts"));
        let counts = counts.and_then(Value::as_object);
        counts
            .into_iter()
            .flat_map(serde_json::Map::values)
            .filter_map(Value::as_u64)
            .sum()
    }
}

/// Asks the server at `address`, with `program`: best the server's own, since a client of 0.19
/// cannot ask a server of 0.16.
///
/// # Errors
/// When it does not answer in time, or not as a server of sccache does.
pub fn ask(program: &Runnable, address: &Address) -> Result<Stats, NoStats> {
    let mut environment = bare_environment();
    // The question needs no config file, and a broken one must not stop it.
    environment.push(("SCCACHE_CONF".into(), null().into()));
    lead(&mut environment, address);
    stats(program, environment)
}

/// Asks sccache what a server would be that started with `environment` now: at an address where
/// there can be none, it answers by itself.
///
/// # Errors
/// When it refuses its config file or the environment.
pub fn ask_without_server(
    program: &Runnable,
    mut environment: Vec<(OsString, OsString)>,
) -> Result<Stats, NoStats> {
    lead(&mut environment, &Address::Socket("/dev/null/none".into()));
    stats(program, environment)
}

fn stats(program: &Runnable, environment: Vec<(OsString, OsString)>) -> Result<Stats, NoStats> {
    let args = ["--show-stats", "--stats-format=json"];
    match program.run(&args, environment, LIMIT) {
        Err(error) => Err(NoStats::Failed(error.to_string())),
        Ok(Ended::Limit) => Err(NoStats::Hung),
        Ok(Ended::Itself(output)) => Stats::parse(&output.stdout)
            .filter(|_| output.status.success())
            .ok_or_else(|| NoStats::Failed(reason(&output.stderr))),
    }
}

/// Leads a process of sccache to `address`.
pub fn lead(environment: &mut Vec<(OsString, OsString)>, address: &Address) {
    for (name, value) in address.variables() {
        environment.retain(|(other, _)| other != name);
        environment.extend(value.map(|value| (name.into(), value)));
    }
}

/// As a server says it: older ones name a back end by its whole address.
fn location(said: &str) -> String {
    if said.starts_with("Local disk: ") {
        return said.to_owned();
    }
    secret::text(said).into_owned()
}

/// What sccache said on standard error, in one line: the causes after the general words. Neither
/// lines of its config file nor anything else that is secret.
pub fn reason(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = secret::without_snippets(&text)
        .map(|line| line.trim().trim_start_matches("sccache: "))
        .map(|line| {
            line.trim_start_matches("error: ")
                .trim_start_matches("caused by: ")
        })
        .filter(|line| !line.is_empty() && !line.starts_with("Starting the server"));
    let lines: Vec<&str> = lines.take(4).collect();
    if lines.is_empty() {
        return "it said nothing".to_owned();
    }
    secret::text(&lines.join(": ")).into_owned()
}

fn null() -> &'static str {
    if cfg!(windows) { "NUL" } else { "/dev/null" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V0_16: &str = r#"{"stats":{"compile_requests":3,"cache_hits":{"counts":{"Rust":1,"C/C++":4},
        "adv_counts":{"rust":1}},"cache_misses":{"counts":{},"adv_counts":{}}},
        "cache_location":"Local disk: \"/c\"","cache_size":4125,"max_cache_size":10737418240,
        "use_preprocessor_cache_mode":true,"version":"0.16.0","basedirs":[]}"#;

    #[test]
    fn stats_of_every_version_are_read() {
        let stats = Stats::parse(V0_16.as_bytes()).unwrap();
        assert_eq!(stats.settings.location, "Local disk: \"/c\"");
        assert_eq!(stats.settings.largest, Some(ByteSize::from_bytes(10 << 30)));
        assert_eq!(stats.settings.version.as_deref(), Some("0.16.0"));
        assert_eq!((stats.sum("cache_hits"), stats.sum("cache_misses")), (5, 0));
        let old = r#"{"stats":{},"cache_location":"S3, name: b, prefix: /","cache_size":null,
            "max_cache_size":null}"#;
        let stats = Stats::parse(old.as_bytes()).unwrap();
        assert_eq!((stats.settings.largest, stats.used), (None, None));
        assert_eq!(stats.settings.version, None);
        assert_eq!(Stats::parse(b"<html>"), None);
        assert_eq!(Stats::parse(b"{}"), None);
    }

    #[test]
    fn the_reason_is_one_line() {
        let stderr =
            b"Starting the server...\nsccache: error: Server startup failed: cache storage\n\
              sccache: caused by: Connection refused\n";
        assert_eq!(
            reason(stderr),
            "Server startup failed: cache storage: Connection refused"
        );
        assert_eq!(reason(b"\n"), "it said nothing");
    }

    #[test]
    fn neither_a_reason_nor_a_location_has_a_secret() {
        let stderr = b"sccache: error: Failed to load config file\n\
              sccache: caused by: TOML parse error at line 2, column 12\n  |\n\
              2 | password = hunter2\n  |            ^\nfor redis://:hunter2@h:1\n";
        assert_eq!(
            reason(stderr),
            "Failed to load config file: TOML parse error at line 2, column 12: for \
             redis://(hidden)@h:1"
        );
        let said = r#"{"cache_location":"Redis: redis://:hunter2@h","max_cache_size":null}"#;
        let stats = Stats::parse(said.as_bytes()).unwrap();
        assert_eq!(stats.settings.location, "Redis: redis://(hidden)@h");
    }
}
