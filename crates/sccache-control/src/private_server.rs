//! Private servers, which run the user's sccache in the foreground, to try a configuration.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::server::address::Address;
use crate::server::program::{Executable, minimal_environment};
use crate::server::query::set_address;
use crate::server::runtime_dir::MAX_SOCKET_PATH;
use crate::server::start::is_passed_to_server;
use sccfg_util::problem::Problem;
use sccfg_util::proc::watched::{Event, Line, WatchedProgram};
use sccfg_util::{env, fsio};

const POLL: Duration = Duration::from_millis(10);
/// How long after its time limit a server that was not stopped exits by itself. It must not exit earlier: sccache counts a
/// server as idle even while it compiles.
const IDLE_MARGIN: Duration = Duration::from_secs(60);

/// A running server. It is stopped on drop.
pub(crate) struct PrivateServer {
    process: Option<WatchedProgram>,
    pub(crate) address: Address,
    program: Executable,
}

/// Why a server does not listen.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// The program could not be run.
    NotRun(io::Error),
    /// It exited, with this output.
    Exited(String),
    TimedOut,
}

impl PrivateServer {
    /// Starts a server with the config file of `scratch` and these variables of sccache, and waits until it
    /// listens.
    ///
    /// # Errors
    /// When it does not listen before `deadline`.
    pub(crate) fn start(
        program: &Executable,
        scratch: &Scratch,
        mut set: Vec<(OsString, OsString)>,
        deadline: Instant,
    ) -> Result<Self, NotStarted> {
        let mut changes: Vec<(OsString, Option<OsString>)> = env::vars_where(|_| true)
            .into_iter()
            .map(|(name, value)| {
                let is_passed = name
                    .to_str()
                    .is_some_and(|name| is_passed_to_server(name) && !name.starts_with("SCCACHE_"));
                (name, is_passed.then_some(value))
            })
            .collect();
        set.extend(scratch.variables());
        let idle = deadline.saturating_duration_since(Instant::now()) + IDLE_MARGIN;
        let idle = idle.as_secs().to_string();
        set.push(("SCCACHE_IDLE_TIMEOUT".into(), idle.into()));
        set.push(("SCCACHE_START_SERVER".into(), "1".into()));
        set.push(("SCCACHE_NO_DAEMON".into(), "1".into()));
        changes.extend(set.into_iter().map(|(name, value)| (name, Some(value))));
        let no_args: [&str; 0] = [];
        let mut process = WatchedProgram::start(&program.path, &no_args, Path::new("/"), &changes)
            .map_err(NotStarted::NotRun)?;
        let mut output = String::new();
        loop {
            match process.next(POLL).map_err(NotStarted::NotRun)? {
                Event::Line(Line::Out(line) | Line::Err(line)) => {
                    output.push_str(&line);
                    output.push('\n');
                }
                Event::Exited(_) => return Err(NotStarted::Exited(output)),
                Event::Nothing if UnixStream::connect(scratch.socket()).is_ok() => {
                    return Ok(Self {
                        process: Some(process),
                        address: Address::Socket(scratch.socket()),
                        program: program.clone(),
                    });
                }
                Event::Nothing if Instant::now() >= deadline => return Err(NotStarted::TimedOut),
                Event::Nothing => {}
            }
        }
    }

    /// The environment of a client that compiles.
    pub(crate) fn environment(&self, scratch: &Scratch) -> Vec<(OsString, OsString)> {
        let mut environment = minimal_environment();
        environment.extend(env::vars_where(|name| {
            name.starts_with("RUSTUP_") || name == "CARGO_HOME"
        }));
        environment.extend(scratch.variables());
        set_address(&mut environment, &self.address);
        environment
    }

    /// What it has printed since the last call.
    pub(crate) fn output(&mut self) -> String {
        let mut output = String::new();
        let process = self.process.iter_mut();
        for process in process {
            while let Ok(Event::Line(Line::Out(line) | Line::Err(line))) = process.next(POLL) {
                output.push_str(&line);
                output.push('\n');
            }
        }
        output
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        drop(self.process.take());
        // A client that found no server has started another one.
        let Address::Socket(socket) = &self.address else {
            return;
        };
        if UnixStream::connect(socket).is_ok() {
            let mut environment = minimal_environment();
            environment.push(("SCCACHE_CONF".into(), "/dev/null".into()));
            set_address(&mut environment, &self.address);
            let _ = self
                .program
                .run(&["--stop-server"], environment, Duration::from_secs(2));
        }
    }
}

/// A private directory with config file, socket, sources and output. It is removed on drop.
pub(crate) struct Scratch {
    pub(crate) directory: PathBuf,
}

impl Scratch {
    /// Creates a directory whose name begins with `prefix`, with a source that no cache knows.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn create(prefix: &str) -> Result<Self, Problem> {
        Self::create_in(&[env::temp_dir(), "/tmp".into()], prefix)
    }

    /// As [`create`](Self::create), but where a build server of sccache-dist can have the directory as well: its sandbox has
    /// `/dev` and `/proc` of its own (`bwrap` in `build.rs` of sccache-dist).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub(crate) fn create_for_build_server(prefix: &str) -> Result<Self, Problem> {
        let all = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
        let is_fit = |parent: &&PathBuf| {
            let real = fsio::link_target(parent);
            let real = real.as_deref().unwrap_or(parent);
            !real.starts_with("/dev") && !real.starts_with("/proc")
        };
        let parents: Vec<PathBuf> = all.iter().filter(is_fit).cloned().collect();
        Self::create_in(&parents, prefix)
    }

    /// In the first of `parents` where it can be, with a path that is short enough for a socket.
    fn create_in(parents: &[PathBuf], prefix: &str) -> Result<Self, Problem> {
        let mut scratch = Err(io::Error::other(
            "there is no directory for temporary files",
        ));
        for parent in parents {
            scratch = fsio::create_unique_dir(parent, prefix).map(|directory| Self { directory });
            if let Ok(scratch) = &scratch
                && scratch.socket().as_os_str().len() <= MAX_SOCKET_PATH
            {
                break;
            }
        }
        let failed = |error: io::Error| {
            Problem::new(format!("could not write a temporary directory: {error}"))
                .hint("set TMPDIR to a writable directory")
        };
        let scratch = scratch.map_err(failed)?;
        // The name of the directory is random, so no other entry has this source.
        let name = scratch
            .directory
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let source = format!("pub const NAME: &str = {name:?};\n");
        fsio::create_file(&scratch.source(), source.as_bytes()).map_err(failed)?;
        let source = format!("const char *name(void) {{ return {name:?}; }}\n");
        fsio::create_file(&scratch.c_source(), source.as_bytes()).map_err(failed)?;
        Ok(scratch)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("s")
    }

    /// A library in Rust.
    pub(crate) fn source(&self) -> PathBuf {
        self.path("lib.rs")
    }

    /// The command by which sccache compiles this library with `rustc`, as a crate of this name.
    pub(crate) fn rustc_command(&self, rustc: &Path, crate_name: &str) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let fixed = ["--crate-type", "lib", "--emit=dep-info,metadata,link"].map(str::to_owned);
        let mut command = vec![text(rustc), "--crate-name".into(), crate_name.into()];
        command.extend(fixed);
        command.extend([
            "--out-dir".into(),
            text(&self.directory),
            text(&self.source()),
        ]);
        command
    }

    /// A library in C.
    pub(crate) fn c_source(&self) -> PathBuf {
        self.path("lib.c")
    }

    /// Writes sccache's config file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write_config(&self, text: &str) -> Result<(), Problem> {
        fsio::create_file(&self.path("config"), text.as_bytes()).map_err(|error| {
            Problem::new(format!("could not write a temporary config file: {error}"))
                .hint("set TMPDIR to a writable directory")
        })
    }

    /// The variables of sccache that name its config file and its socket.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables = vec![("SCCACHE_CONF".into(), self.path("config").into())];
        set_address(&mut variables, &Address::Socket(self.socket()));
        variables
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fsio::remove_dir(&self.directory);
    }
}
