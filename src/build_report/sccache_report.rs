//! The report on a build without records. sccache's counters include all builds of all its users; its log, if there is one, has each
//! unit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::text::plural;
use crate::sccfg_toml::Wrapper;
use crate::seeding::cargo_settings::CargoSettings;
use crate::session::{Purpose, Session, base_address, policy_around};
use crate::verify::server_log::{Unit, units};
use portable_wrapper::is_compiler;
use sccache_control::server::probe::Probe;
use sccache_control::server::process::variables_of;
use sccache_control::stats::reasons::{explain, is_compiler_query};
use sccache_control::stats::{Count, Tally};
use sccfg_util::programs::{find_program, is_wrapper};
use sccfg_util::{env, fsio};

/// The variable that names the file of the server's log.
const LOG: &str = "SCCACHE_ERROR_LOG";
const LOG_LABEL: &str = "server's log";
const NO_LOG: &str = "none that names units; for one, start the server with SCCACHE_LOG=debug and SCCACHE_ERROR_LOG=FILE";
/// The maximum number of listed names.
const LISTED: usize = 20;

/// The information from sccache.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SccacheReport {
    /// The build directory that has no records.
    #[serde(serialize_with = "sccfg_util::printed::serialize_path")]
    pub(crate) target: PathBuf,
    /// `RUSTC_WRAPPER` of this shell.
    pub(crate) wrapper: Option<String>,
    /// Whether `sccfg.toml` selects the portable wrapper.
    #[serde(skip)]
    has_portable_policy: bool,
    /// Whether the wrapper takes cargo's compiler for one, by its name.
    #[serde(skip)]
    knows_compiler: bool,
    /// The outcome of the last build, which is unknown.
    pub(crate) build: Option<()>,
    /// The entries of the log for this build directory.
    pub(crate) log: Option<Logged>,
    /// The counters of the server, if it runs.
    pub(crate) server: Option<Server>,
}

/// The units of this build directory in the server's log, of all builds since it began.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Logged {
    #[serde(serialize_with = "sccfg_util::printed::serialize_path")]
    pub(crate) file: PathBuf,
    pub(crate) hits: usize,
    /// The names of the units that hit, each once.
    pub(crate) found: Vec<String>,
    /// The names of the units that missed, each once.
    pub(crate) missed: Vec<String>,
}

/// The counters of a server since it started or was reset.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) version: Option<String>,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) not_cached: Vec<NotCached>,
}

/// Calls that sccache did not look up.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NotCached {
    pub(crate) reason: String,
    pub(crate) count: u64,
    pub(crate) meaning: &'static str,
    pub(crate) advice: &'static str,
}

fn line(text: &mut String, what: &str, value: &str) {
    text.push_str(&format!("{what:<12}  {value}\n"));
}

impl SccacheReport {
    /// # Errors
    /// If `sccfg.toml` around `start` is faulty.
    pub(crate) fn of(target: &Path, start: &Path) -> Result<Self> {
        // sccache logs the path that cargo writes, in which there is no `..`.
        let target = &target.canonicalize().unwrap_or_else(|_| target.to_owned());
        let mut plain = Self {
            target: target.clone(),
            wrapper: env::var("RUSTC_WRAPPER").filter(|wrapper| !wrapper.is_empty()),
            has_portable_policy: policy_around(start)?
                .is_some_and(|policy| policy.cargo.wrapper == Wrapper::Portable),
            knows_compiler: CargoSettings::read(start)
                .is_none_or(|settings| is_compiler(settings.rustc())),
            build: None,
            log: None,
            server: None,
        };
        let mut log = env::var_os(LOG).map(PathBuf::from);
        let session = Session::gather(start, Purpose::Env)?;
        let address = base_address();
        let probe = session
            .supervisor()
            .map(|supervisor| supervisor.query(&address));
        if let Some(Probe::Server(running)) = probe {
            let pid = running.process.as_ref().map(|process| process.pid);
            let of_server = pid.map(|pid| variables_of(pid, |name| name == LOG));
            let of_server = of_server.and_then(|mut variables| variables.remove(LOG));
            log = of_server.map(PathBuf::from).or(log);
            if let Some(stats) = &running.stats {
                let version = running.settings.version.clone();
                plain.server = Some(Server::of(
                    &Tally::from_stats(stats),
                    address.to_string(),
                    version,
                ));
            }
        }
        plain.log = log.and_then(|log| Logged::read(&log, target));
        Ok(plain)
    }

    /// The next step for the user to get records.
    pub(crate) fn next_step(&self) -> &'static str {
        if self.is_portable() {
            if !self.knows_compiler {
                return "name the compiler of cargo rustc, for example by a link    (RUSTC; the wrapper knows compilers by their name)";
            }
            // cargo takes units for fresh that were compiled without the wrapper.
            if self.is_built() {
                return "cargo clean, then cargo build    (only what the wrapper has compiled is recorded)";
            }
            "cargo build    (only what cargo has compiled is recorded)"
        } else if self.has_portable_policy {
            "nix develop, then cargo build    (builds are recorded in the dev shell)"
        } else {
            "sccfg init --wrapper portable    (portable keys record each build)"
        }
    }

    /// Whether `RUSTC_WRAPPER` is the portable wrapper.
    fn is_portable(&self) -> bool {
        self.wrapper.as_ref().is_some_and(|name| {
            let found = find_program(name.as_ref(), &env::search_path());
            is_wrapper(&found.unwrap_or_else(|| name.into()))
        })
    }

    /// Whether cargo compiled something into the build directory.
    fn is_built(&self) -> bool {
        fsio::exists(&self.target.join(".rustc_info.json"))
    }

    /// Whether the next build is recorded, so that what sccache knows of all builds does not help.
    fn awaits_build(&self) -> bool {
        self.is_portable() && self.knows_compiler && !self.is_built()
    }

    /// `RUSTC_WRAPPER`, in words.
    fn wrapper_text(&self) -> String {
        match &self.wrapper {
            Some(wrapper) => format!("RUSTC_WRAPPER is {wrapper}"),
            None => "RUSTC_WRAPPER is not set".to_owned(),
        }
    }

    /// The information about the crate `name`.
    pub(crate) fn text_about(&self, name: &str) -> String {
        if self.awaits_build() {
            let target = self.target.display();
            return format!("the outcome of {name} is not known: nothing was built in {target}\n");
        }
        let mut text = format!(
            "the outcome of {name} is not known: the portable wrapper compiled nothing in {} ({})\n\n",
            self.target.display(),
            self.wrapper_text()
        );
        let became = self.log.as_ref().map(|log| {
            let has = |names: &[String]| names.iter().any(|one| *one == name.replace('-', "_"));
            match (has(&log.found), has(&log.missed)) {
                (true, true) => "sccache had it in some builds, and missed it in others",
                (true, false) => "sccache had it",
                (false, true) => {
                    "it missed: to sccache, its sources, flags, dependencies, CARGO_* variables or the current directory \
                     are not as before, or the entry was evicted"
                }
                (false, false) => "not in it: cargo found it fresh, or sccache does not look it up",
            }
        });
        line(&mut text, LOG_LABEL, became.unwrap_or(NO_LOG));
        text.push_str(&self.server_text());
        text
    }

    pub(crate) fn text(&self) -> String {
        if self.awaits_build() {
            let target = self.target.display();
            return format!("no build is recorded in {target}: nothing was built there\n");
        }
        let mut text = format!(
            "no build is recorded in {} ({})\n\n",
            self.target.display(),
            self.wrapper_text()
        );
        let mut line = |what: &str, value: &str| line(&mut text, what, value);
        line(
            "last build",
            "not known: sccache counts all builds of all its users together",
        );
        match &self.log {
            Some(log) => {
                let missed = log.missed.len();
                line(
                    LOG_LABEL,
                    &format!(
                        "{}, {} in this build directory, of all its builds since the log began",
                        plural(log.hits, "hit"),
                        plural(missed, "missed unit"),
                    ),
                );
                for name in log.missed.iter().take(LISTED) {
                    line("", &format!("missed: {name}"));
                }
                if missed > LISTED {
                    line("", &format!("and {} more", missed - LISTED));
                }
            }
            None => line(LOG_LABEL, NO_LOG),
        }
        text + &self.server_text()
    }

    /// The counters, and why some calls were not looked up.
    fn server_text(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, value: &str| line(&mut text, what, value);
        match &self.server {
            Some(server) => {
                let Server { hits, misses, .. } = server;
                let s = if *hits == 1 { "" } else { "s" };
                let es = if *misses == 1 { "" } else { "es" };
                line(
                    "server",
                    &format!("{hits} hit{s}, {misses} miss{es} since it started or was reset"),
                );
                for NotCached {
                    reason,
                    count,
                    meaning,
                    advice,
                } in &server.not_cached
                {
                    line(
                        "not cached",
                        &format!("{count} {reason}: {meaning}; {advice}"),
                    );
                }
            }
            None => line("server", "not running"),
        }
        text
    }
}

impl Logged {
    /// `None` if the log names no unit, as without `SCCACHE_LOG=debug`.
    fn read(file: &Path, target: &Path) -> Option<Self> {
        let text = String::from_utf8(fsio::read_bytes_from(file, 0)).ok()?;
        let all = units(&text);
        if all.is_empty() {
            return None;
        }
        let target = target.to_string_lossy();
        let below = format!("{target}/");
        let is_here = |arg: &String| arg.contains(&below) || arg.ends_with(&*target);
        let is_here = |unit: &&Unit| unit.args.iter().any(is_here);
        let (missed, hits): (Vec<_>, Vec<_>) =
            all.iter().filter(is_here).partition(|unit| unit.is_miss);
        let names = |units: &[&Unit]| -> Vec<String> {
            let names: BTreeSet<String> = units.iter().map(|unit| unit.name.clone()).collect();
            names.into_iter().collect()
        };
        Some(Self {
            file: file.to_owned(),
            hits: hits.len(),
            found: names(&hits),
            missed: names(&missed),
        })
    }
}

impl Server {
    fn of(tally: &Tally, address: String, version: Option<String>) -> Self {
        let Count { hits, misses, .. } = tally.all();
        let reasons = tally.not_cacheable.iter();
        let reasons = reasons.filter(|(reason, _)| !is_compiler_query(reason));
        let not_cached = reasons.map(|(reason, count)| {
            let known = explain(reason);
            NotCached {
                reason: reason.clone(),
                count: *count,
                meaning: known.meaning,
                advice: known.advice,
            }
        });
        Self {
            address,
            version,
            hits,
            misses,
            not_cached: not_cached.collect(),
        }
    }
}
