//! Tries a back end with private servers, which run the user's sccache: one stores an entry, and another one without a disk
//! cache reads it.

use std::ffi::{OsStr, OsString};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use toml_edit::{Array, DocumentMut, Item, value};

use super::reach::{self, Login};
use super::{BackEnd, Failure, FailureKind, secret_command};
use crate::config::{file, toml, variables};
use crate::private_server::{NotStarted, PrivateServer, Scratch};
use crate::server::program::Executable;
use crate::server::query::{error_summary, query_stats};
use sccfg_util::problem::Problem;
use sccfg_util::proc::Completion;
use sccfg_util::{env, fsio};

/// How long a client waits for the server that it started (`SERVER_STARTUP_TIMEOUT` in sccache's `commands.rs`).
const STARTUP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
/// The keys that name a server instead of, or beside, the address of a back end.
const ADDRESSES: [&str; 4] = ["cluster_endpoints", "endpoint", "storage_account", "url"];

/// A back end as it is configured, and how to try it.
#[derive(Debug)]
pub struct Trial<'a> {
    back_end: &'static BackEnd,
    program: &'a Executable,
    rustc: &'a Path,
    /// Its table of the config file; `None` if variables configure it.
    table: Option<Item>,
    /// The variables that configure it.
    variables: Vec<(OsString, OsString)>,
    limit: Duration,
}

/// What a trial found.
#[derive(Debug, Default)]
pub struct Sample {
    /// How long the server took to start, which includes its check of the back end.
    pub start: Option<Duration>,
    /// How long storing one entry took; `None` if nothing was stored.
    pub write: Option<Duration>,
    /// How long reading it took; `None` if nothing was read.
    pub read: Option<Duration>,
    /// Whether the settings make the back end read-only.
    pub is_read_only: bool,
    /// What does not work.
    pub failure: Option<Failure>,
}

/// What happens to a build that starts while the back end is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// It runs, without this back end.
    GoesOn,
    /// It fails after this time, because no server starts.
    Fails(Duration),
}

impl<'a> Trial<'a> {
    /// For the back end as variables or `text`, the contents of the config file at `path`, configure it. Each
    /// of [`run`](Self::run) and [`outage`](Self::outage) takes at most `limit`.
    ///
    /// # Errors
    /// When the text is not TOML, nothing configures the back end, or the command for its secret fails.
    pub fn new(
        back_end: &'static BackEnd,
        text: &str,
        path: &Path,
        program: &'a Executable,
        rustc: &'a Path,
        limit: Duration,
    ) -> Result<Self, Problem> {
        let set = env::vars_starting_with("SCCACHE_");
        let by_variables = variables::remote(&set, back_end.name).is_some();
        let own = |name: &str| {
            let pairs = back_end.variables.iter().chain(back_end.secrets);
            pairs.into_iter().any(|(_, variable)| *variable == name)
        };
        let document = toml::parse(text, path)?.into_mut();
        let table = document
            .get("cache")
            .and_then(|cache| cache.get(back_end.name));
        if table.is_none() && !by_variables {
            return Err(Problem::new(format!(
                "the back end `{}` is not configured",
                back_end.name
            ))
            .hint(format!("sccfg remote add {} --help", back_end.name)));
        }
        let mut variables = if by_variables {
            env::vars_where(own)
        } else {
            Vec::new()
        };
        let by_command = secret_command::variables_of(back_end, text, path)?;
        let is_replaced = by_command
            .as_ref()
            .is_some_and(|given| given.replaces_table);
        let is_table = !by_variables && !is_replaced;
        variables.extend(by_command.into_iter().flat_map(|given| given.variables));
        Ok(Self {
            back_end,
            program,
            rustc,
            table: table.filter(|_| is_table).cloned(),
            variables,
            limit,
        })
    }

    /// The value of a key, from the table or its variable.
    fn setting(&self, key: &str) -> Option<String> {
        if let Some(table) = &self.table {
            return table.get(key).map(file::plain);
        }
        let variable = OsStr::new(self.back_end.variable(key)?);
        let found = self.variables.iter().find(|(name, _)| name == variable);
        found.map(|(_, value)| value.to_string_lossy().into_owned())
    }

    /// Stores an entry with one server, and reads it with another.
    ///
    /// # Errors
    /// When a temporary directory cannot be created, or there is no compiler.
    pub fn run(&self) -> Result<Sample, Problem> {
        let deadline = Instant::now() + self.limit;
        let mut sample = Sample {
            is_read_only: self
                .setting("rw_mode")
                .is_some_and(|mode| mode.eq_ignore_ascii_case("READ_ONLY")),
            ..Sample::default()
        };
        // These are not reached through a proxy, and sccache reports no reason if they fail.
        if matches!(self.back_end.name, "redis" | "memcached")
            && let Some(failure) = self.obstacle(deadline)
        {
            sample.failure = Some(failure);
            return Ok(sample);
        }
        let scratch = Scratch::create("sccfg-remote-")?;
        scratch.write_config(&self.config(None))?;
        let result = self.store(&scratch, deadline, &mut sample);
        let result = result.and_then(|()| match sample.write {
            Some(_) => self.read(&scratch, deadline, &mut sample),
            None => Ok(()),
        });
        sample.failure = result.err();
        Ok(sample)
    }

    fn store(
        &self,
        scratch: &Scratch,
        deadline: Instant,
        sample: &mut Sample,
    ) -> Result<(), Failure> {
        let asked = Instant::now();
        let mut server = self.start(scratch, deadline)?;
        sample.start = Some(asked.elapsed());
        self.compile(scratch, &server, deadline)?;
        // Entries are stored after the compiler's output was delivered.
        loop {
            let counters = self.counters(&server)?;
            let count = |name: &str| counters.get(name).and_then(Value::as_u64).unwrap_or(0);
            if count("cache_writes") > 0 {
                sample.write = duration(&counters, "cache_write_duration");
                return Ok(());
            }
            if count("cache_write_errors") > 0 {
                if sample.is_read_only {
                    return Ok(());
                }
                // A missing container only fails when it is written to.
                let failure = Failure::of_output(&server.output(), "", self.back_end);
                return Err(match failure.kind {
                    FailureKind::NoSuchBucket => failure,
                    _ => Failure::new(FailureKind::ReadOnly, self.back_end),
                });
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(FailureKind::TimedOut, self.back_end));
            }
            thread::sleep(POLL);
        }
    }

    fn read(
        &self,
        scratch: &Scratch,
        deadline: Instant,
        sample: &mut Sample,
    ) -> Result<(), Failure> {
        let server = self.start(scratch, deadline)?;
        self.compile(scratch, &server, deadline)?;
        let counters = self.counters(&server)?;
        let hits = counters.pointer("/cache_hits/counts/Rust");
        if hits.and_then(Value::as_u64).unwrap_or(0) == 0 {
            return Err(Failure::new(FailureKind::NotFoundAgain, self.back_end));
        }
        sample.read = duration(&counters, "cache_read_hit_duration");
        Ok(())
    }

    /// What happens to a build that starts while the back end is down: its address is replaced by one where
    /// nothing listens. `is_chained`: whether the disk is in front of it. `None` if it has no address.
    ///
    /// # Errors
    /// When a temporary directory cannot be created.
    pub fn outage(&self, is_chained: bool) -> Result<Option<Outage>, Problem> {
        let Some(key) = self.back_end.address else {
            return Ok(None);
        };
        let Some(port) = closed_port() else {
            return Ok(None);
        };
        let at = format!("127.0.0.1:{port}");
        let address = match self.back_end.name {
            "redis" => format!("redis://{at}"),
            "memcached" => format!("tcp://{at}"),
            "azure" => {
                format!("AccountName=none;AccountKey=bm9uZQ==;BlobEndpoint=http://{at}/none")
            }
            _ => format!("http://{at}"),
        };
        let asked = Instant::now();
        let deadline = asked + self.limit.min(STARTUP_LIMIT);
        let scratch = Scratch::create("sccfg-remote-")?;
        let elsewhere = Elsewhere {
            key,
            address,
            disk: is_chained.then(|| scratch.path("disk")),
        };
        scratch.write_config(&self.config(Some(&elsewhere)))?;
        let built = self
            .launch(&scratch, Some(&elsewhere), deadline)
            .and_then(|server| self.compile(&scratch, &server, deadline));
        Ok(Some(match built {
            Ok(()) => Outage::GoesOn,
            Err(_) => Outage::Fails(asked.elapsed()),
        }))
    }

    /// A config file with nothing but this back end.
    fn config(&self, elsewhere: Option<&Elsewhere>) -> String {
        let mut document = DocumentMut::new();
        let cache = document["cache"].or_insert(toml_edit::table());
        if let Some(table) = &self.table {
            let mut table = table.clone();
            if let Some(elsewhere) = elsewhere {
                if let Some(table) = table.as_table_like_mut() {
                    for other in ADDRESSES {
                        table.remove(other);
                    }
                }
                table[elsewhere.key] = value(elsewhere.address.as_str());
            }
            cache[self.back_end.name] = table;
        }
        if let Some(disk) = elsewhere.and_then(|elsewhere| elsewhere.disk.as_ref()) {
            cache["disk"]["dir"] = value(disk.display().to_string());
            let chain: Array = ["disk", self.back_end.name].into_iter().collect();
            cache["multilevel"]["chain"] = value(chain);
        }
        document.to_string()
    }

    fn obstacle(&self, deadline: Instant) -> Option<Failure> {
        let key = self.back_end.address?;
        let url = match self.back_end.name {
            "azure" => blob_endpoint(&self.setting(key)?)?,
            _ => self
                .setting(key)
                .or_else(|| self.setting("cluster_endpoints"))?,
        };
        let login = Login {
            username: self.setting("username"),
            password: self.setting("password"),
        };
        reach::obstacle(self.back_end, &url, &login, deadline)
    }

    fn start(&self, scratch: &Scratch, deadline: Instant) -> Result<PrivateServer, Failure> {
        self.launch(scratch, None, deadline)
            .map_err(|failure| match failure.kind {
                // sccache retries, and does not report that it does not trust the certificate.
                FailureKind::TimedOut
                    if self
                        .setting("endpoint")
                        .or_else(|| self.setting("cluster_endpoints"))
                        .is_some_and(|url| url.starts_with("rediss:")) =>
                {
                    let soon = Instant::now() + Duration::from_secs(1);
                    self.obstacle(soon).unwrap_or_else(|| Failure {
                        hint: "check that the certificate is trusted (SSL_CERT_FILE names the authorities), that it \
                               is for this host name, and the login"
                            .to_owned(),
                        ..failure
                    })
                }
                FailureKind::Other | FailureKind::TimedOut if !behind_proxy() => {
                    let soon = Instant::now() + Duration::from_secs(1);
                    self.obstacle(soon).unwrap_or(failure)
                }
                // Without credentials, sccache sends anonymous requests.
                FailureKind::Denied
                    if self.back_end.name == "s3"
                        && !has_credentials_of_aws()
                        && !self
                            .variables
                            .iter()
                            .any(|(name, _)| name == "AWS_ACCESS_KEY_ID") =>
                {
                    Failure::new(FailureKind::NoCredentials, self.back_end)
                }
                _ => failure,
            })
    }

    /// Starts a server in the foreground, and waits until it listens.
    fn launch(
        &self,
        scratch: &Scratch,
        elsewhere: Option<&Elsewhere>,
        deadline: Instant,
    ) -> Result<PrivateServer, Failure> {
        let mut set = self.variables.clone();
        if let (Some(elsewhere), None) = (elsewhere, &self.table) {
            let variable = self.back_end.variable(elsewhere.key).unwrap_or_default();
            let others: Vec<&str> = ADDRESSES
                .iter()
                .filter_map(|key| self.back_end.variable(key))
                .collect();
            set.retain(|(name, _)| name != variable && !others.iter().any(|other| name == other));
            set.push((variable.into(), elsewhere.address.clone().into()));
        }
        // Without a log, a failed write has no reason.
        set.push(("SCCACHE_LOG".into(), "opendal=warn".into()));
        PrivateServer::start(self.program, scratch, set, deadline).map_err(|error| match error {
            NotStarted::NotRun(error) => {
                Failure::with(FailureKind::Other, self.back_end, &error.to_string())
            }
            NotStarted::Exited(output) => {
                let summary = error_summary(without_log(&output).as_bytes());
                Failure::of_output(&output, &summary, self.back_end)
            }
            NotStarted::TimedOut => Failure::new(FailureKind::TimedOut, self.back_end),
        })
    }

    fn compile(
        &self,
        scratch: &Scratch,
        server: &PrivateServer,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let environment = server.environment(scratch);
        let args = scratch.rustc_command(self.rustc, "sccfg_remote_check");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let left = deadline.saturating_duration_since(Instant::now());
        let failed = |words: &str| Failure::with(FailureKind::Other, self.back_end, words);
        match self.program.run(&args, environment, left.max(POLL)) {
            Err(error) => Err(failed(&error.to_string())),
            Ok(Completion::TimedOut) => Err(Failure::new(FailureKind::TimedOut, self.back_end)),
            Ok(Completion::Exited(output)) if output.status.success() => Ok(()),
            Ok(Completion::Exited(output)) => Err(failed(&error_summary(&output.stderr))),
        }
    }

    fn counters(&self, server: &PrivateServer) -> Result<Value, Failure> {
        let stats = query_stats(self.program, &server.address);
        stats
            .map(|stats| stats.counters)
            .map_err(|error| Failure::with(FailureKind::Other, self.back_end, &error.to_string()))
    }
}

/// Another address for a back end.
struct Elsewhere {
    key: &'static str,
    address: String,
    /// The directory of a disk cache in front of it.
    disk: Option<PathBuf>,
}

/// The URL in a connection string of Azure; `None` if it names only an account.
fn blob_endpoint(connection_string: &str) -> Option<String> {
    let mut pairs = connection_string
        .split(';')
        .filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("BlobEndpoint"));
    found.map(|(_, url)| url.trim().to_owned())
}

fn duration(counters: &Value, name: &str) -> Option<Duration> {
    let value = counters.get(name)?;
    let nanos = value.get("nanos")?.as_u64()?;
    Some(Duration::from_secs(value.get("secs")?.as_u64()?) + Duration::from_nanos(nanos))
}

/// Whether HTTP goes through a proxy. If so, a direct connection may fail although the server can be reached.
fn behind_proxy() -> bool {
    !env::vars_where(|name| {
        matches!(
            name.to_lowercase().as_str(),
            "http_proxy" | "https_proxy" | "all_proxy"
        )
    })
    .is_empty()
}

/// Whether there is any source of credentials of AWS that the AWS tools know.
fn has_credentials_of_aws() -> bool {
    let is_source = |name: &str| {
        matches!(
            name,
            "AWS_ACCESS_KEY_ID"
                | "AWS_CONFIG_FILE"
                | "AWS_CONTAINER_CREDENTIALS_FULL_URI"
                | "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
                | "AWS_PROFILE"
                | "AWS_SHARED_CREDENTIALS_FILE"
                | "AWS_WEB_IDENTITY_TOKEN_FILE"
        )
    };
    let file = env::home_dir().map(|home| home.join(".aws"));
    !env::vars_where(is_source).is_empty() || file.is_some_and(|file| fsio::exists(&file))
}

/// The output of a server without the lines of its log.
fn without_log(output: &str) -> String {
    let lines = output.lines().filter(|line| !line.starts_with('['));
    lines.map(|line| format!("{line}\n")).collect()
}

/// A port of this machine where nothing listens.
fn closed_port() -> Option<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).ok()?;
    Some(listener.local_addr().ok()?.port())
}
