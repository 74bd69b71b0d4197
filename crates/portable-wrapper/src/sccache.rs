//! Runs sccache, so that a build continues if sccache fails or never answers. All compiles of a build stop using sccache
//! together: the first one that detects a failure creates a mark ([`outage`]), which identifies the build by its process, and
//! prints one line. The next build tries again.

mod outage;
mod waiting;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use self::outage::Outage;
use self::waiting::Waiting;
use super::observation;
use super::uncacheable::Uncacheable;
use sccache_control::server::address::{Address, PORT, SOCKET};
use sccache_control::server::query::error_summary;
use sccfg_util::env;
use sccfg_util::fsio;
use sccfg_util::proc::Program;
use sccfg_util::programs::{self, find_unwrapped};
use sccfg_util::wrapper_vars::SCCACHE;

/// Shorter waits do not count towards the limit of the build, because a remote cache may need them.
const SLOW: Duration = Duration::from_secs(1);
/// The longest reason that is printed, in characters.
const MAX_REASON: usize = 300;

/// The real sccache: the program that `SCCFG_SCCACHE` names, else the first on the search path that is
/// not this wrapper.
pub fn find_sccache() -> Option<PathBuf> {
    let search_path = env::search_path();
    match env::var_os(SCCACHE).filter(|value| !value.is_empty()) {
        Some(named) => find_unwrapped(&named, &search_path),
        None => programs::find_sccache(&search_path),
    }
}

/// The reader of the standard error of a compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StderrReader {
    /// The user, through cargo.
    User,
    /// A build script, which may interpret messages as warnings of the compiler.
    BuildScript,
}

/// The real sccache, for one compile.
#[derive(Debug)]
pub(super) struct Sccache {
    program: PathBuf,
    address: Address,
    outage: Outage,
    reader: StderrReader,
}

/// A run of sccache.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) outcome: RunOutcome,
    /// For how long nothing was compiled, if that is visible.
    pub(super) idle: Duration,
}

#[derive(Debug)]
pub(super) enum RunOutcome {
    /// It exited, with any status.
    Exited(Output),
    /// It could not be started, or was killed because it did not answer; the reason.
    NoAnswer(String),
}

impl Sccache {
    /// The sccache of this build. `out_dir` is a directory in which cargo writes, for marks that fit
    /// nowhere else.
    pub(super) fn find(reader: StderrReader, out_dir: Option<&Path>) -> Result<Self, Uncacheable> {
        let program = find_sccache().ok_or(Uncacheable::NoSccache)?;
        let port = env::var_os(PORT);
        let sccache = Self {
            address: Address::from_variables(env::var_os(SOCKET), port.as_deref()),
            outage: Outage::of_this_build(&program, out_dir),
            program,
            reader,
        };
        if sccache.outage.has_begun() {
            sccache.print_reason();
            return Err(Uncacheable::SccacheDisabled);
        }
        Ok(sccache)
    }

    /// Whether this build continues without sccache.
    pub(super) fn is_disabled(&self) -> bool {
        self.outage.has_begun()
    }

    /// The lock that shims of this server hold while they compile.
    pub(super) fn busy_lock(&self) -> Option<PathBuf> {
        self.outage.busy_lock(&self.address)
    }

    /// Runs sccache's client. It has no time limit of its own; here it is killed once the build has
    /// waited too long while nothing was compiled ([`waiting`]).
    pub(super) fn run(
        &self,
        args: &[OsString],
        changes: &[(OsString, Option<OsString>)],
        directory: Option<&Path>,
    ) -> Run {
        // The client may start a server, which must not be observed.
        let changes = [changes, &observation::unobserved()].concat();
        let client = Program {
            path: &self.program,
            args,
            changes: &changes,
            directory,
        };
        let mut waiting = Waiting::new(self);
        let outcome = match client.output_while(|pid| waiting.may_continue(pid), |_| {}) {
            Ok(Some(output)) => RunOutcome::Exited(output),
            Ok(None) => RunOutcome::NoAnswer(format!(
                "no answer from {} in {} s",
                self.address,
                waiting.limit().as_secs()
            )),
            Err(error) => {
                let program = self.program.display();
                RunOutcome::NoAnswer(format!("could not run {program}: {error}"))
            }
        };
        Run {
            outcome,
            idle: waiting.idle(),
        }
    }

    /// Counts a wait in which nothing was compiled towards the limit of the build.
    pub(super) fn count_idle(&self, idle: Duration) {
        if idle > SLOW {
            self.outage.count_wait(idle);
        }
    }

    /// Disables sccache for the rest of this build, and prints `why` unless another compile of this build did.
    pub(super) fn disable_for_build(&self, why: &str) {
        self.outage.begin(why);
        self.print_reason();
    }

    fn print_reason(&self) {
        let cargo = self.outage.cargo().and_then(fsio::open_stderr_of);
        if self.reader == StderrReader::BuildScript && cargo.is_none() {
            return;
        }
        let Some(why) = self.outage.take_reason() else {
            return;
        };
        let hint = if why.contains("config") {
            "run `sccfg config check` to find the error in sccache's config file"
        } else {
            "run `sccfg server status` for details; the next build tries sccache again"
        };
        let text = format!("sccfg: this build continues without sccache: {why}\nhint: {hint}\n");
        print(cargo, &text);
    }
}

/// Prints a message of the wrapper to the standard error of this build's cargo.
pub(super) fn print_to_cargo(text: &str) {
    print(outage::cargo().and_then(fsio::open_stderr_of), text);
}

/// cargo keeps what a compiler prints, and prints it again in each later build in which the unit is fresh.
fn print(cargo: Option<File>, text: &str) {
    let _ = match cargo {
        Some(mut cargo) => cargo.write_all(text.as_bytes()),
        None => io::stderr().write_all(text.as_bytes()),
    };
}

/// Why sccache failed, in one line.
pub(super) fn failure(output: &Output) -> String {
    if output.stderr.trim_ascii().is_empty() {
        return format!("it printed nothing and ended with {}", output.status);
    }
    let reason = error_summary(&output.stderr).replace(char::is_control, " ");
    reason.chars().take(MAX_REASON).collect()
}

/// The message of sccache's client after its server failed during a request and the client ran the compiler itself (sccache's
/// `commands.rs`, `handle_compile_response`). It exits as the compiler does.
const COMPILED_LOCALLY: &str = "compiling locally instead";

/// The client's warning, if it lost its server.
pub(super) fn lost_server(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let warning = text.lines().find(|line| is_lost_server(line))?;
    let words = warning.trim_start_matches("sccache: ");
    let words = words.trim_start_matches("warning: ");
    Some(words.replace(char::is_control, " "))
}

/// Whether a line on standard error is that warning.
pub(super) fn is_lost_server(line: &str) -> bool {
    line.starts_with("sccache: ") && line.contains(COMPILED_LOCALLY)
}
