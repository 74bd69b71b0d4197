//! Queries a running server for its settings and statistics, by running sccache with a time limit:
//! its clients wait forever for a server that does not respond.

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Address;
use super::program::{Executable, minimal_environment};
use sccfg_util::proc::Completion;
use sccfg_util::secret;
use sccfg_util::size::ByteSize;

/// How long a server may take to reply. It takes some milliseconds, also under load.
pub(super) const QUERY_TIMEOUT: Duration = Duration::from_secs(4);
/// How many lines of an error sccfg repeats.
const MAX_ERROR_LINES: usize = 4;

/// The settings that a server started with, and keeps until it exits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `cache_location`: `Local disk: "/directory"`, or the name and address of a remote back end.
    pub location: String,
    /// The maximum size of the cache, if it has one.
    pub max_size: Option<ByteSize>,
    /// The version of the server.
    pub version: Option<String>,
}

/// The statistics of sccache 0.8 to 0.19: later versions only added fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// The settings, which are part of the reply.
    pub settings: Settings,
    /// The size of the cache; `None` until the server has measured it.
    pub used: Option<ByteSize>,
    /// The object `stats` of the reply.
    pub counters: Value,
}

/// Why there are no statistics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There was no reply in time.
    #[error("it does not respond")]
    TimedOut,
    /// sccache failed; the end of its output.
    #[error("{0}")]
    Failed(String),
}

impl Stats {
    /// Parses the output of `sccache --show-stats --stats-format=json`; `None` if it is anything
    /// else.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(json).ok()?;
        let size = |value: &Value| value.as_u64().map(ByteSize::from_bytes);
        Some(Self {
            settings: Settings {
                location: location(value.get("cache_location")?.as_str()?),
                max_size: size(value.get("max_cache_size")?),
                version: value
                    .get("version")
                    .and_then(|version| Some(version.as_str()?.to_owned())),
            },
            used: value.get("cache_size").and_then(size),
            counters: value.get_mut("stats").map(Value::take).unwrap_or_default(),
        })
    }

    /// The sum over all languages of a counter such as `cache_hits`.
    pub fn sum(&self, counter: &str) -> u64 {
        let counter = self.counters.get(counter);
        let counts = counter.and_then(|counter| counter.get("counts")?.as_object());
        counts
            .into_iter()
            .flat_map(serde_json::Map::values)
            .filter_map(Value::as_u64)
            .sum()
    }
}

/// Queries the server at `address` with `program`, best the server's own: a client of 0.19 cannot
/// query a server of 0.16.
///
/// # Errors
/// When it does not reply in time, or not as an sccache server does.
pub fn query_stats(program: &Executable, address: &Address) -> Result<Stats, QueryError> {
    let mut environment = minimal_environment();
    // A query needs no config file, and a broken one must not prevent it.
    environment.push(("SCCACHE_CONF".into(), "/dev/null".into()));
    set_address(&mut environment, address);
    show_stats(program, environment)
}

/// Asks sccache for the settings of a server that would start with `environment` now: at an address
/// where no server can listen, the client replies itself.
///
/// # Errors
/// When it rejects its config file or the environment.
pub(super) fn query_without_server(
    program: &Executable,
    mut environment: Vec<(OsString, OsString)>,
) -> Result<Stats, QueryError> {
    set_address(&mut environment, &Address::Socket("/dev/null/none".into()));
    show_stats(program, environment)
}

fn show_stats(
    program: &Executable,
    environment: Vec<(OsString, OsString)>,
) -> Result<Stats, QueryError> {
    let args = ["--show-stats", "--stats-format=json"];
    match program.run(&args, environment, QUERY_TIMEOUT) {
        Err(error) => Err(QueryError::Failed(error.to_string())),
        Ok(Completion::TimedOut) => Err(QueryError::TimedOut),
        Ok(Completion::Exited(output)) => Stats::parse(&output.stdout)
            .filter(|_| output.status.success())
            .ok_or_else(|| QueryError::Failed(error_summary(&output.stderr))),
    }
}

/// Changes `environment` so that sccache uses `address`.
pub fn set_address(environment: &mut Vec<(OsString, OsString)>, address: &Address) {
    for (name, value) in address.variables() {
        environment.retain(|(other, _)| other != name);
        environment.extend(value.map(|value| (name.into(), value)));
    }
}

/// The location without secrets: older servers name a back end by its whole address.
fn location(reported: &str) -> String {
    if reported.starts_with("Local disk: ") {
        return reported.to_owned();
    }
    secret::redact_text(reported).into_owned()
}

/// The standard error of sccache in one line, without lines of its config file and without secrets.
pub fn error_summary(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = secret::without_snippets(&text)
        .map(|line| line.trim().trim_start_matches("sccache: "))
        .map(|line| {
            line.trim_start_matches("error: ")
                .trim_start_matches("caused by: ")
        })
        .filter(|line| !line.is_empty() && !line.starts_with("Starting the server"));
    let lines: Vec<&str> = lines.take(MAX_ERROR_LINES).collect();
    if lines.is_empty() {
        return "no error message".to_owned();
    }
    secret::redact_text(&lines.join(": ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V0_16: &str = r#"{"stats":{"compile_requests":3,"cache_hits":{"counts":{"Rust":1,"C/C++":4},
        "adv_counts":{"rust":1}},"cache_misses":{"counts":{},"adv_counts":{}}},
        "cache_location":"Local disk: \"/c\"","cache_size":4125,"max_cache_size":10737418240,
        "use_preprocessor_cache_mode":true,"version":"0.16.0","basedirs":[]}"#;

    #[test]
    fn stats_of_every_version_are_parsed() {
        let stats = Stats::parse(V0_16.as_bytes()).unwrap();
        assert_eq!(stats.settings.location, "Local disk: \"/c\"");
        assert_eq!(
            stats.settings.max_size,
            Some(ByteSize::from_bytes(10 << 30))
        );
        assert_eq!(stats.settings.version.as_deref(), Some("0.16.0"));
        assert_eq!((stats.sum("cache_hits"), stats.sum("cache_misses")), (5, 0));
        let old = r#"{"stats":{},"cache_location":"S3, name: b, prefix: /","cache_size":null,
            "max_cache_size":null}"#;
        let stats = Stats::parse(old.as_bytes()).unwrap();
        assert_eq!((stats.settings.max_size, stats.used), (None, None));
        assert_eq!(stats.settings.version, None);
        assert_eq!(Stats::parse(b"<html>"), None);
        assert_eq!(Stats::parse(b"{}"), None);
    }

    #[test]
    fn an_error_summary_is_one_line() {
        let stderr =
            b"Starting the server...\nsccache: error: Server startup failed: cache storage\n\
              sccache: caused by: Connection refused\n";
        assert_eq!(
            error_summary(stderr),
            "Server startup failed: cache storage: Connection refused"
        );
        assert_eq!(error_summary(b"\n"), "no error message");
    }

    #[test]
    fn neither_a_summary_nor_a_location_contains_a_secret() {
        let stderr = b"sccache: error: Failed to load config file\n\
              sccache: caused by: TOML parse error at line 2, column 12\n  |\n\
              2 | password = hunter2\n  |            ^\nfor redis://:hunter2@h:1\n";
        assert_eq!(
            error_summary(stderr),
            "Failed to load config file: TOML parse error at line 2, column 12: for \
             redis://(hidden)@h:1"
        );
        let reply = r#"{"cache_location":"Redis: redis://:hunter2@h","max_cache_size":null}"#;
        let stats = Stats::parse(reply.as_bytes()).unwrap();
        assert_eq!(stats.settings.location, "Redis: redis://(hidden)@h");
    }
}
