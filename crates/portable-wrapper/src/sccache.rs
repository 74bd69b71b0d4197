//! Running sccache, which may fail or never answer, without harm to a build.
//!
//! All compiles of a build give sccache up together: the first that meets a fault leaves a mark, which
//! names the build by its process, and says so once. The next build tries again.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use super::digest;
use super::inputs::NoKey;
use super::state_dir::{DAY, StateDir};
use sccache_control::server::address::{Address, PORT, SOCKET};
use sccache_control::server::listener::{Listener, find_listener};
use sccache_control::server::process::{self, Process};
use sccache_control::server::runtime_dir::RuntimeDir;
use sccfg_util::fsio::{self, FileId};
use sccfg_util::proc::{POLL_INTERVAL, Program};
use sccfg_util::programs::{self, find_unwrapped};
use sccfg_util::wrapper_vars::{SCCACHE, TIMEOUT};
use sccfg_util::{env, secret};

/// How long compiles of a build wait in vain, in all, for sccache to do anything.
const LIMIT: Duration = Duration::from_secs(8);
/// A look at all processes is no matter for each tick.
const TICKS_PER_LOOK: u32 = 5;
/// Waiting shorter than this is not counted for a whole build: a remote cache takes its time.
const SLOW: Duration = Duration::from_secs(1);
/// Where no process can be told from a later one with its number, a mark holds so long.
const WITHOUT_START_TIME: Duration = Duration::from_secs(10 * 60);

/// The reason why a unit is compiled without sccache after it was given up.
pub(super) const GIVEN_UP: NoKey = NoKey::compile("sccache cannot be used in this build");

/// The real sccache: the one that is named, else the first on the search path that is not this.
pub fn find_sccache() -> Option<PathBuf> {
    let search_path = env::search_path();
    match env::var_os(SCCACHE).filter(|it| !it.is_empty()) {
        Some(named) => find_unwrapped(&named, &search_path),
        None => programs::find_sccache(&search_path),
    }
}

/// Who reads what a compile writes to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StderrReader {
    /// A person, by way of cargo.
    User,
    /// A build script, which may take it for a warning of the compiler's and keep it.
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

/// What came of running sccache.
#[derive(Debug)]
pub(super) enum RunOutcome {
    /// It ended. What it did is to be judged by that.
    Exited(Output),
    /// It did not, or could not be started, for this reason.
    NoAnswer(String),
}

impl Sccache {
    /// The one of this build.
    pub(super) fn find(reader: StderrReader) -> Result<Self, NoKey> {
        let program = find_sccache().ok_or(NoKey::compile("no sccache can be found"))?;
        let port = env::var_os(PORT);
        let found = Self {
            address: Address::from_variables(env::var_os(SOCKET), port.as_deref()),
            outage: Outage::of_this_build(&program),
            program,
            reader,
        };
        if found.outage.is_on() {
            found.say();
            return Err(GIVEN_UP);
        }
        Ok(found)
    }

    /// Runs it. No client has a time limit of its own; here, one that nothing is compiled for is not
    /// waited for any longer than [`LIMIT`].
    pub(super) fn run(
        &self,
        args: &[OsString],
        changes: &[(OsString, Option<OsString>)],
        directory: Option<&Path>,
    ) -> (RunOutcome, Waited) {
        let run = Program {
            path: &self.program,
            args,
            changes,
            directory,
        };
        let mut waiting = Waiting::new(self);
        let answer = match run.output_while(|client| waiting.goes_on(client)) {
            Ok(Some(output)) => RunOutcome::Exited(output),
            Ok(None) => {
                let seconds = waiting.limit.as_secs();
                RunOutcome::NoAnswer(format!("no answer from {} in {seconds} s", self.address))
            }
            Err(error) => {
                RunOutcome::NoAnswer(format!("running {}: {error}", self.program.display()))
            }
        };
        (answer, Waited(waiting.in_vain))
    }

    /// Notes that a compile waited and got nothing for it.
    pub(super) fn count_wait(&self, waited: &Waited) {
        if waited.0 > SLOW {
            self.outage.add(waited.0);
        }
    }

    /// Leaves all that is still compiled in this build to the compiler. The first to do so says
    /// `why`.
    pub(super) fn give_up(&self, why: &str) {
        if !self.outage.begin(why) && self.reader == StderrReader::User {
            tell(&format!("sccfg: compiled without sccache: {why}\n"));
        }
        self.say();
    }

    fn say(&self) {
        let cargo = self.outage.cargo.and_then(fsio::open_stderr_of);
        if (self.reader == StderrReader::User || cargo.is_some())
            && let Some(why) = self.outage.take_word()
        {
            let hint = if why.contains("config") {
                "`sccfg config check` says what is wrong in sccache's config file"
            } else {
                "`sccfg server status` says more; the next build tries sccache again"
            };
            let text = format!("sccfg: this build goes on without sccache: {why}\nhint: {hint}\n");
            match cargo {
                // What a compiler writes, cargo keeps, and writes again in each later build in
                // which that unit is fresh: long after the fault.
                Some(mut cargo) => {
                    let _ = cargo.write_all(text.as_bytes());
                }
                None => tell(&text),
            }
        }
    }
}

fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// What sccache says of its failure: the first line, and the first reason.
pub(super) fn reason(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_cause = |line: &&str| line.starts_with("sccache: caused by:");
    let first = lines.clone().next();
    let cause = lines.clone().skip(1).find(is_cause);
    let said: Vec<&str> = first.into_iter().chain(cause).collect();
    if said.is_empty() {
        return format!("it says nothing and ends with {}", output.status);
    }
    let said = said.join(": ").replace("sccache: ", "");
    let said = said.replace(|c: char| c.is_control(), " ");
    secret::redact_text(&said).chars().take(300).collect()
}

/// How long a compile waited while nothing was done for it.
#[derive(Debug)]
pub(super) struct Waited(Duration);

/// One compile that waits for a client of sccache.
struct Waiting<'a> {
    outage: &'a Outage,
    address: &'a Address,
    limit: Duration,
    ticks: u32,
    /// As far as is known; by ticks, so that the time does not count in which all was stopped.
    in_vain: Duration,
    is_busy: bool,
    server: Option<Process>,
}

impl<'a> Waiting<'a> {
    fn new(sccache: &'a Sccache) -> Self {
        let set = env::var(TIMEOUT).and_then(|text| text.trim().parse().ok());
        Self {
            outage: &sccache.outage,
            address: &sccache.address,
            limit: set.map_or(LIMIT, Duration::from_secs),
            ticks: 0,
            in_vain: Duration::ZERO,
            is_busy: false,
            server: None,
        }
    }

    /// Whether to wait on, asked at each tick.
    fn goes_on(&mut self, client: u32) -> bool {
        self.ticks += 1;
        if self.ticks.is_multiple_of(TICKS_PER_LOOK) {
            self.is_busy = self.compiles(client);
        }
        if self.is_busy {
            return true;
        }
        self.in_vain += POLL_INTERVAL;
        let in_all = self.in_vain + self.outage.waited();
        // Not before a look: what another compile met may not keep this one from its result.
        let is_looked = self.ticks >= TICKS_PER_LOOK;
        !is_looked || in_all < self.limit && !self.outage.is_on()
    }

    /// Whether something is compiled, for this or for another: then this waits for its turn. A
    /// server has no more compilers at once than the machine has processors.
    fn compiles(&mut self, client: u32) -> bool {
        // Where sccache compiles in its client, or has lost its server.
        if process::has_running_children(client) {
            return true;
        }
        if self.server.as_ref().is_none_or(|server| !server.is_alive()) {
            self.server = match find_listener(self.address) {
                // What another program does is no compile.
                Listener::Process(server) if server.is_sccache() => Some(server),
                _ => None,
            };
        }
        let server = self.server.as_ref();
        server.is_some_and(|server| process::has_running_children(server.pid))
    }
}

/// The marks by which a build that goes on without sccache is known.
#[derive(Debug)]
struct Outage {
    /// `None` where nothing can be written: then each compile stands for itself.
    mark: Option<PathBuf>,
    lasts: Option<Duration>,
    /// The number of cargo's process.
    cargo: Option<u32>,
}

impl Outage {
    fn of_this_build(sccache: &Path) -> Self {
        let Build {
            pid,
            started,
            cargo,
        } = Build::find();
        let address = [SOCKET, PORT].map(env::var_os);
        let name =
            digest::of(format!("{pid} {started:?} {address:?} {}", sccache.display()).as_bytes());
        let runtime = RuntimeDir::find().map(|runtime| runtime.outages()).ok();
        let directory = runtime.or_else(|| Some(StateDir::find()?.directory().join("outages")));
        Self {
            mark: directory.map(|directory| directory.join(&name[..32])),
            lasts: started.is_none().then_some(WITHOUT_START_TIME),
            cargo,
        }
    }

    fn is_on(&self) -> bool {
        let Some(mark) = &self.mark else {
            return false;
        };
        match self.lasts {
            None => fsio::exists(mark),
            Some(lasts) => fsio::file_age(mark).is_some_and(|age| age < lasts),
        }
    }

    /// Leaves the mark, if it is not there; `false` where it cannot be left.
    fn begin(&self, why: &str) -> bool {
        let Some(mark) = &self.mark else {
            return false;
        };
        if self.is_on() {
            return true;
        }
        if let Some(directory) = mark.parent() {
            for name in fsio::names_in(directory) {
                let old = directory.join(name);
                if fsio::file_age(&old).is_some_and(|age| age > DAY) {
                    let _ = fsio::remove_file(&old);
                }
            }
        }
        if self.lasts.is_some() {
            // An earlier build may have had the same name.
            let _ = fsio::remove_file(&self.beside("said"));
        }
        fsio::replace_and_create_dir(mark, why.as_bytes()).is_ok()
    }

    /// What is to be said, if nobody has said it yet.
    fn take_word(&self) -> Option<String> {
        let why = fsio::read_bytes(self.mark.as_ref()?)?;
        fsio::create_empty_file(&self.beside("said")).ok()?;
        String::from_utf8(why).ok()
    }

    fn beside(&self, end: &str) -> PathBuf {
        self.mark.clone().unwrap_or_default().with_extension(end)
    }

    /// How long other compiles waited in vain, in all.
    fn waited(&self) -> Duration {
        let ticks = fsio::file_size(&self.beside("waited"));
        POLL_INTERVAL.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    fn add(&self, waited: Duration) {
        let ticks = usize::try_from(waited.as_millis() / POLL_INTERVAL.as_millis()).unwrap_or(0);
        let _ = fsio::append(&self.beside("waited"), &vec![b'.'; ticks]);
    }
}

/// The build that this compile is part of: the nearest cargo above; without one, the processes that a
/// shell started together.
struct Build {
    pid: u32,
    started: Option<u64>,
    cargo: Option<u32>,
}

impl Build {
    fn find() -> Self {
        let program = env::var_os("CARGO").and_then(fsio::file_id);
        let mut above = process::ancestors();
        let cargo = program.and_then(|program| {
            let (pid, _) = above.find(|(pid, _)| is_running(*pid, program))?;
            Some(pid)
        });
        let pid = cargo.unwrap_or_else(process::group);
        Self {
            pid,
            started: process::started(pid),
            cargo,
        }
    }
}

fn is_running(pid: u32, program: FileId) -> bool {
    fsio::file_id(format!("/proc/{pid}/exe")) == Some(program)
}
