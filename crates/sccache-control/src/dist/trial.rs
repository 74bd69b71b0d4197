//! Compiles a small library with a private server, which runs the user's sccache, and reports where it was compiled.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use toml_edit::{DocumentMut, Item, value};

use super::{Failure, FailureKind};
use crate::config::toml;
use crate::private_server::{NotStarted, PrivateServer, Scratch};
use crate::remote::{self, unreachable};
use crate::server::program::Executable;
use crate::server::query::{error_summary, query_stats};
use sccfg_util::problem::Problem;
use sccfg_util::proc::Completion;
use sccfg_util::secret;

/// How long to look for the reason why there is no connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// The client part of a config file, and how to try it.
#[derive(Debug)]
pub struct Trial<'a> {
    program: &'a Executable,
    compiler: &'a Path,
    /// `[dist]` of the config file.
    table: Item,
    limit: Duration,
}

/// What a trial found.
#[derive(Debug, Default, Serialize)]
pub struct Sample {
    /// What the scheduler says of itself; `None` if it does not answer.
    pub scheduler: Option<Scheduler>,
    /// The address of the build server that compiled; `None` if none did.
    pub server: Option<String>,
    /// How long the compile took, in milliseconds. The first one with a compiler packs and sends it.
    pub compile_ms: Option<f64>,
    /// What does not work.
    pub failure: Option<Failure>,
}

/// The state of a scheduler (`SchedulerStatusResult` in sccache's `dist/mod.rs`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scheduler {
    /// Its URL.
    pub url: String,
    /// The build servers that are connected.
    pub servers: u64,
    /// Their processors.
    pub cpus: u64,
    /// The compiles that run there now.
    pub jobs: u64,
}

impl<'a> Trial<'a> {
    /// For the client part in `text`, the contents of the config file at `path`. [`run`](Self::run) takes at
    /// most `limit`.
    ///
    /// # Errors
    /// When the text is not TOML, or names no scheduler.
    pub fn new(
        text: &str,
        path: &Path,
        program: &'a Executable,
        compiler: &'a Path,
        limit: Duration,
    ) -> Result<Self, Problem> {
        let document = toml::parse(text, path)?.into_mut();
        let table = document.get("dist");
        let url = table.and_then(|table| table.get("scheduler_url"));
        match (table, url) {
            (Some(table), Some(_)) => Ok(Self {
                program,
                compiler,
                table: table.clone(),
                limit,
            }),
            _ => Err(
                Problem::new(format!("{} names no scheduler", path.display()))
                    .hint("name one: sccfg dist client URL --token-file FILE"),
            ),
        }
    }

    fn url(&self) -> &str {
        self.table
            .get("scheduler_url")
            .and_then(Item::as_str)
            .unwrap_or_default()
    }

    /// Asks the scheduler, and compiles.
    ///
    /// # Errors
    /// When a temporary directory cannot be created.
    pub fn run(&self) -> Result<Sample, Problem> {
        let deadline = Instant::now() + self.limit;
        let mut sample = Sample::default();
        let scratch = Scratch::create_for_build_server("sccfg-dist-")?;
        let mut document = DocumentMut::new();
        // With the directory of the client's toolchains, so that one that is packed now is not packed again.
        document["dist"] = self.table.clone();
        document["cache"]["disk"]["dir"] = value(scratch.path("disk").display().to_string());
        scratch.write_config(&document.to_string())?;
        sample.failure = self.try_with(&scratch, deadline, &mut sample).err();
        Ok(sample)
    }

    fn try_with(
        &self,
        scratch: &Scratch,
        deadline: Instant,
        sample: &mut Sample,
    ) -> Result<(), Failure> {
        let log = vec![("SCCACHE_LOG".into(), "sccache=warn".into())];
        let server = PrivateServer::start(self.program, scratch, log, deadline);
        let mut server = server.map_err(|error| match error {
            NotStarted::NotRun(error) => Failure::new(FailureKind::Other, &error.to_string()),
            NotStarted::Exited(output) => {
                Failure::new(FailureKind::Settings, &error_summary(output.as_bytes()))
            }
            NotStarted::TimedOut => self.no_connection(),
        })?;
        let scheduler = self.ask(scratch, &server, deadline)?;
        let is_empty = scheduler.servers == 0;
        sample.scheduler = Some(scheduler);
        if is_empty {
            return Err(Failure::new(FailureKind::NoServers, ""));
        }
        let asked = Instant::now();
        self.compile(scratch, &server, deadline)?;
        sample.compile_ms = Some(asked.elapsed().as_secs_f64() * 1000.0);
        let stats = query_stats(self.program, &server.address);
        let stats = stats.map_err(|error| Failure::new(FailureKind::Other, &error.to_string()))?;
        let compiles = stats.counters.get("dist_compiles");
        let mut servers = compiles.and_then(Value::as_object).into_iter().flatten();
        sample.server = servers.next().map(|(address, _)| address.clone());
        if sample.server.is_some() {
            return Ok(());
        }
        let log = secret::redact_text(&server.output()).into_owned();
        Err(Failure::of_log(&log).unwrap_or_else(|| Failure::new(FailureKind::NotTried, "")))
    }

    /// Asks the scheduler for its state.
    fn ask(
        &self,
        scratch: &Scratch,
        server: &PrivateServer,
        deadline: Instant,
    ) -> Result<Scheduler, Failure> {
        let output = self.client(&["--dist-status"], scratch, server, deadline)?;
        let reply: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| Failure::new(FailureKind::Other, &error_summary(&output.stderr)))?;
        if reply.get("Disabled").is_some() {
            return Err(Failure::new(FailureKind::NotSupported, ""));
        }
        let Some(state) = reply.pointer("/SchedulerStatus/1") else {
            return Err(self.no_connection());
        };
        let number = |name: &str| state.get(name).and_then(Value::as_u64).unwrap_or(0);
        Ok(Scheduler {
            url: secret::redact_address(self.url()).into_owned(),
            servers: number("num_servers"),
            cpus: number("num_cpus"),
            jobs: number("in_progress"),
        })
    }

    fn no_connection(&self) -> Failure {
        let kind = match unreachable(self.url(), Instant::now() + CONNECT_LIMIT) {
            Some(remote::FailureKind::NameNotFound) => FailureKind::NameNotFound,
            Some(remote::FailureKind::ConnectionRefused) => FailureKind::ConnectionRefused,
            _ => FailureKind::NoAnswer,
        };
        Failure::new(kind, "")
    }

    fn compile(
        &self,
        scratch: &Scratch,
        server: &PrivateServer,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let is_rust = self
            .compiler
            .file_stem()
            .is_some_and(|stem| stem == "rustc");
        let args = if is_rust {
            scratch.rustc_command(self.compiler, "sccfg_dist_check")
        } else {
            let text = |path: &Path| path.display().to_string();
            vec![
                text(self.compiler),
                "-c".to_owned(),
                text(&scratch.c_source()),
                "-o".to_owned(),
                text(&scratch.path("lib.o")),
            ]
        };
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = self.client(&args, scratch, server, deadline)?;
        if output.status.success() {
            return Ok(());
        }
        let printed = String::from_utf8_lossy(&output.stderr);
        Err(Failure::of_client(&printed, &error_summary(&output.stderr)))
    }

    /// Runs sccache as a client of `server`.
    fn client(
        &self,
        args: &[&str],
        scratch: &Scratch,
        server: &PrivateServer,
        deadline: Instant,
    ) -> Result<std::process::Output, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(10));
        match self.program.run(args, server.environment(scratch), left) {
            Err(error) => Err(Failure::new(FailureKind::Other, &error.to_string())),
            Ok(Completion::TimedOut) => Err(Failure::new(FailureKind::TimedOut, "")),
            Ok(Completion::Exited(output)) => Ok(output),
        }
    }
}
