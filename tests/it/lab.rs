//! A private sccache server, and a compiler that logs what it compiles. Shared by `tests/it/wrapper/` and
//! `examples/worktrees/`.

#![allow(dead_code, reason = "each user takes its part")]

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How cargo lays out its build directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `deps/`, and `build/<package>-<hash>/` for build scripts: the default before cargo 1.100.
    V1,
    /// `build/<package>/<hash>/out/` for every unit: the default from cargo 1.100 on.
    V2,
}

impl Layout {
    /// The layout that `SCCFG_TEST_LAYOUT` names.
    pub(crate) fn wanted() -> Self {
        match std::env::var("SCCFG_TEST_LAYOUT").as_deref() {
            Ok("2") => Self::V2,
            _ => Self::V1,
        }
    }

    /// The variables that select it for every cargo. The compiler does not see them, as it would
    /// `RUSTC_BOOTSTRAP`.
    pub(crate) fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::V1 => &[("__CARGO_TEMPORARY_BUILD_DIR_NEW_LAYOUT_OPT_OUT", "1")],
            Self::V2 => &[
                ("__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS", "nightly"),
                ("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true"),
            ],
        }
    }
}

/// `kill`: every shell has it built in, but not every machine has procps.
pub(crate) fn kill() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "kill \"$@\"", "kill"]);
    command
}

/// A server in the foreground, with its own cache. It is killed on drop.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    directory: PathBuf,
    child: Child,
}

/// A server's counters.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rust_hits: u64,
    pub(crate) rust_misses: u64,
    pub(crate) c_hits: u64,
    pub(crate) c_misses: u64,
    pub(crate) not_cacheable: u64,
    pub(crate) errors: u64,
}

impl Server {
    /// Starts `program` with socket, cache and log in `directory`, whose path has to be short.
    pub(crate) fn start(program: &Path, directory: &Path) -> Self {
        fs::create_dir_all(directory).unwrap();
        let child = Self::spawn(program, directory);
        Self {
            program: program.to_owned(),
            directory: directory.to_owned(),
            child,
        }
    }

    fn spawn(program: &Path, directory: &Path) -> Child {
        let _ = fs::remove_file(directory.join("s"));
        let log = fs::File::create(directory.join("log")).unwrap();
        let mut child = without_settings(program)
            .current_dir("/")
            .envs(variables(directory))
            .env("SCCACHE_START_SERVER", "1")
            .env("SCCACHE_NO_DAEMON", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let started = Instant::now();
        while UnixStream::connect(directory.join("s")).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}");
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "no server came"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// The variables that select this server.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        variables(&self.directory)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, and starts another one on the same cache.
    pub(crate) fn replace(&mut self) {
        self.end();
        self.child = Self::spawn(&self.program, &self.directory);
    }

    /// Kills it.
    pub(crate) fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Where a client found nobody, it started a server in the background; more than one, when
        // another took its socket.
        for pid in servers_at(&self.directory.join("s")) {
            let _ = kill().args(["-9", &pid.to_string()]).output();
        }
    }

    /// What it counted since it began.
    pub(crate) fn counts(&self) -> Counts {
        let output = without_settings(&self.program)
            .current_dir("/")
            .envs(self.variables())
            .args(["--show-stats", "--stats-format=json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let stats = &said["stats"];
        let sum = |what: &Value, is_wanted: &dyn Fn(&str) -> bool| -> u64 {
            let counts = what.as_object().into_iter().flatten();
            counts
                .filter(|(name, _)| is_wanted(name))
                .filter_map(|(_, count)| count.as_u64())
                .sum()
        };
        let (hits, misses) = (
            &stats["cache_hits"]["counts"],
            &stats["cache_misses"]["counts"],
        );
        let is_rust = |name: &str| name == "Rust";
        let is_other = |name: &str| name != "Rust";
        Counts {
            rust_hits: sum(hits, &is_rust),
            rust_misses: sum(misses, &is_rust),
            c_hits: sum(hits, &is_other),
            c_misses: sum(misses, &is_other),
            not_cacheable: sum(&stats["not_cached"], &|reason| {
                reason != "missing input" && reason != "-"
            }),
            errors: sum(&stats["cache_errors"]["counts"], &|_| true)
                + stats["cache_read_errors"].as_u64().unwrap_or(0)
                + stats["cache_write_errors"].as_u64().unwrap_or(0),
        }
    }
}

/// The servers that were started for this socket, whose path nobody else has.
fn servers_at(socket: &Path) -> Vec<u32> {
    let wanted = format!("SCCACHE_SERVER_UDS={}", socket.display());
    let is_one = |pid: &u32| {
        let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let is_there = |text: &str| {
            bytes
                .split(|byte| *byte == 0)
                .any(|variable| variable == text.as_bytes())
        };
        is_there(&wanted) && is_there("SCCACHE_START_SERVER=1")
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_one).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::ops::Sub for Counts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            rust_hits: self.rust_hits - before.rust_hits,
            rust_misses: self.rust_misses - before.rust_misses,
            c_hits: self.c_hits - before.c_hits,
            c_misses: self.c_misses - before.c_misses,
            not_cacheable: self.not_cacheable - before.not_cacheable,
            errors: self.errors - before.errors,
        }
    }
}

fn variables(directory: &Path) -> Vec<(String, String)> {
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    [
        ("SCCACHE_CONF", path("no-config")),
        ("SCCACHE_DIR", path("cache")),
        ("SCCACHE_CACHE_SIZE", "100G".to_owned()),
        ("SCCACHE_SERVER_UDS", path("s")),
        ("SCCACHE_IDLE_TIMEOUT", "0".to_owned()),
        // The entries are small and short-lived.
        ("SCCACHE_CACHE_ZSTD_LEVEL", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// A command without the caller's settings of sccache and of cargo's wrapper.
pub(crate) fn without_settings(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_setting = [
            "SCCACHE_",
            "SCCFG_",
            "RUSTC",
            "CARGO_",
            "RUSTFLAGS",
            "OUT_DIR",
        ]
        .iter()
        .any(|prefix| text.starts_with(prefix));
        if is_setting && text != "CARGO_HOME" {
            command.env_remove(&name);
        }
    }
    command
}

/// A compile that ran.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Compile {
    /// The crate's name.
    pub(crate) name: String,
    /// `lib`, `bin`, `proc-macro`, `test` and so on.
    pub(crate) kind: String,
}

/// The log of `tests/tools/rustc`, a compiler that logs what it compiles and runs the real one: an
/// independent count of cache misses.
#[derive(Debug)]
pub(crate) struct CompileLog {
    log: PathBuf,
    rustc: PathBuf,
}

impl CompileLog {
    /// In `directory`, for the compiler `rustc`.
    pub(crate) fn new(directory: &Path, rustc: &Path) -> Self {
        fs::create_dir_all(directory).unwrap();
        Self {
            log: directory.join("log.txt"),
            rustc: rustc.to_owned(),
        }
    }

    /// The compiler that logs.
    pub(crate) fn rustc() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/rustc")
    }

    /// The command by which a compiler that is a script runs it. It is not observed: nothing else names its file, so that no
    /// unit would be stored.
    pub(crate) fn command() -> String {
        format!("env -u LD_PRELOAD {}", Self::rustc().display())
    }

    /// The variables that a build needs for it.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("RUSTC", Self::rustc()),
            ("LOGGED_RUSTC", self.rustc.clone()),
            ("COMPILE_LOG", self.log.with_extension("")),
        ]
    }

    /// What was compiled since the last call, sorted, without duplicates and without probes of build
    /// scripts.
    pub(crate) fn take(&self) -> Vec<Compile> {
        let mut all = self.take_each();
        all.sort();
        all.dedup();
        all
    }

    /// The same, as often as it was compiled.
    pub(crate) fn take_each(&self) -> Vec<Compile> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let _ = fs::remove_file(&self.log);
        text.lines()
            .filter_map(|line| {
                let mut words = line.split('\t');
                let (name, kind, source) = (words.next()?, words.next()?, words.next()?);
                let is_probe = source == "-" || source.ends_with("probe.rs") || name.is_empty();
                (!is_probe).then(|| Compile {
                    name: name.to_owned(),
                    kind: kind.trim_start_matches(',').to_owned(),
                })
            })
            .collect()
    }
}
