//! Bringing the server in line: ask, compare, and only on a real difference take the lock, ask
//! again, see that nobody needs the server, and restart it, once, however many shells open.

use std::thread;
use std::time::{Duration, Instant};

use super::address::Address;
use super::asked::{Settings, ask_without_server};
use super::client::{Client, Runnable};
use super::idle::{self, Activity};
use super::lock::{self, Lock};
use super::look::{Running, Seen, Stranger, ask, look, look_locked};
use super::memo::Answer;
use super::process::{Listening, Process, listening};
use super::runtime::Runtime;
use super::service::{self, Action};
use super::start::{NotStarted, environment, start};
use super::stop::{Deaf, stop};
use super::wanted::{Difference, Rule, Wanted};
use sccfg_util::problem::Problem;

/// How often others may be faster before this gives up.
const TRIES: usize = 5;
/// Between two tries while a build goes on.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a service may take until its server listens: sccache's own limit, and the half second
/// in which it sees that nobody else has the address.
const SERVICE_START: Duration = Duration::from_secs(15);

/// Everything that decides about the server of a shell.
#[derive(Debug, Clone)]
pub struct Keeper {
    /// The sccache of this shell.
    pub client: Client,
    /// What a server is to be.
    pub wanted: Wanted,
    /// Where locks and memos are, or why there is no such place.
    pub runtime: Result<Runtime, Problem>,
}

/// How far [`Keeper::ensure`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long it waits for builds to end.
    pub wait: Duration,
    /// Whether it asks at all.
    pub manners: Manners,
    /// What happens where no server runs.
    pub absent: Absent,
}

/// Whether somebody's build may be hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Never.
    Wait,
    /// The user said so.
    Force,
}

/// What happens where no server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// One is started.
    Start,
    /// The first build starts one, with this shell's variables.
    Leave,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The server is as it should be, and was.
    InLine,
    /// There is none, and none was started.
    NotRunning,
    /// One was started.
    Started,
    /// It was restarted, over these differences.
    Restarted(Vec<Difference>),
    /// It is not as it should be, and was left so: why.
    Left(Problem),
}

impl Keeper {
    fn runtime(&self) -> Option<&Runtime> {
        self.runtime.as_ref().ok()
    }

    /// What is at `address`.
    pub fn look(&self, address: &Address) -> Seen {
        look(address, &self.client, self.runtime())
    }

    /// What is at `address`, asked anew, with stats.
    pub fn ask(&self, address: &Address) -> Seen {
        ask(address, &self.client, self.runtime())
    }

    /// What `running` has otherwise than it should.
    ///
    /// # Errors
    /// When sccache has to say what it should be, and refuses to.
    pub fn differences(
        &self,
        running: &Running,
        address: &Address,
    ) -> Result<Vec<Difference>, Problem> {
        let Rule::AsSccacheSays(question) = self.wanted.rule else {
            return Ok(self.wanted.differences(&running.settings, None));
        };
        let known = running.memo.as_ref().and_then(|memo| memo.wanted.clone());
        let answer = if let Some(answer) = known.filter(|answer| answer.question == question) {
            answer
        } else {
            let answer = Answer {
                question,
                settings: self.as_sccache_says()?,
            };
            if let (Some(memo), Some(runtime)) = (&running.memo, self.runtime()) {
                let mut memo = memo.clone();
                memo.wanted = Some(answer.clone());
                memo.write(runtime, address);
            }
            answer
        };
        let answer = Some(&answer.settings);
        Ok(self.wanted.differences(&running.settings, answer))
    }

    fn as_sccache_says(&self) -> Result<Settings, Problem> {
        match ask_without_server(&self.client.program, environment(&self.wanted)) {
            Ok(stats) => Ok(stats.settings),
            Err(error) => Err(Problem::new(format!(
                "asking sccache what {} means: {error}",
                self.wanted.file.display()
            ))
            .hint("`sccfg config check` says what is wrong with it")),
        }
    }

    /// Brings the server at `address` in line; `seen` is what is there, if that was looked at.
    ///
    /// # Errors
    /// When somebody else is there, when there is no lock to be had, or when no server comes up.
    pub fn ensure(
        &self,
        address: &Address,
        seen: Option<Seen>,
        patience: Patience,
    ) -> Result<Done, Problem> {
        let started = Instant::now();
        let mut seen = seen;
        let mut tries = 0;
        loop {
            let now = seen.take().unwrap_or_else(|| self.look(address));
            if let Some(done) = self.nothing_to_do(now, address, patience)? {
                return Ok(done);
            }
            let runtime = self.runtime.as_ref().map_err(Clone::clone)?;
            let lock = Lock::take(runtime, address, lock::RESTART)?.ok_or_else(too_long)?;
            let now = look_locked(address, &self.client, Some(runtime));
            if let Some(done) = self.nothing_to_do(now.clone(), address, patience)? {
                return Ok(done);
            }
            let running = match now {
                Seen::Server(running) => Some(running),
                Seen::Nobody | Seen::Stranger(_) => None,
            };
            let differences = match &running {
                Some(running) => self.differences(running, address)?,
                None => Vec::new(),
            };
            if let Some(running) = &running
                && patience.manners == Manners::Wait
                && let Some(reason) = in_use(running, address, &differences)
            {
                drop(lock);
                log::info!("it is in use: {reason}");
                if started.elapsed() >= patience.wait {
                    return Ok(Done::Left(reason));
                }
                thread::sleep(PAUSE);
                continue;
            }
            match self.renew(running.as_deref(), address, patience.manners) {
                Err(NotStarted::InUse) if tries < TRIES => tries += 1,
                Err(NotStarted::InUse) => {
                    return Err(Problem::new(format!(
                        "others start servers with other settings at {address} all the time"
                    ))
                    .hint("a build with other variables is going on: wait for its end"));
                }
                Err(NotStarted::Failed(problem)) => return Err(problem),
                Ok(()) => return self.done(running.is_some(), differences, address),
            }
        }
    }

    /// What there is to say without touching the server, if nothing is to be done about it.
    fn nothing_to_do(
        &self,
        seen: Seen,
        address: &Address,
        patience: Patience,
    ) -> Result<Option<Done>, Problem> {
        match seen {
            Seen::Nobody => {
                log::info!("no server runs at {address}");
                Ok((patience.absent == Absent::Leave).then_some(Done::NotRunning))
            }
            Seen::Stranger(Stranger::Hung(Some(_))) if patience.manners == Manners::Force => {
                Ok(None)
            }
            Seen::Stranger(stranger) => Err(stranger.problem(address)),
            Seen::Server(running) => {
                let differences = self.differences(&running, address)?;
                if differences.is_empty() {
                    log::info!("the server at {address} is as it should be: no restart");
                    return Ok(Some(Done::InLine));
                }
                log::info!("the server at {address} has {}", describe(&differences));
                let tried = running.memo.and_then(|memo| memo.in_vain);
                let in_vain =
                    tried == Some(self.wanted.digest()) && patience.manners == Manners::Wait;
                Ok(in_vain.then(|| Done::Left(in_vain_problem(&differences))))
            }
        }
    }

    /// Restarts the server, whatever it has, or starts one where there is none. The same program
    /// again, where that is still there: its version has the address. The caller holds the lock.
    fn renew(
        &self,
        running: Option<&Running>,
        address: &Address,
        manners: Manners,
    ) -> Result<(), NotStarted> {
        let process = running.and_then(|running| running.process.clone());
        let process = match manners {
            Manners::Force if running.is_none() => self.hung(address),
            Manners::Force | Manners::Wait => process,
        };
        let program = self.program_of(process.as_ref());
        let is_there = running.is_some() || process.is_some();
        let verb = if is_there { "restarting" } else { "starting" };
        log::info!("{verb} the server at {address}");
        if is_there {
            if let Some(service) = service::of(process.as_ref()) {
                service.act(Action::Restart).map_err(NotStarted::Failed)?;
                self.await_service(address);
                return Ok(());
            }
            stop(&program, process.as_ref(), address, deaf(manners)).map_err(NotStarted::Failed)?;
        }
        match start(&program, address, &self.wanted) {
            // An old program may not read what newer ones do.
            Err(NotStarted::Failed(_)) if program != self.client.program => {
                start(&self.client.program, address, &self.wanted)
            }
            started => started,
        }
    }

    /// A service manager is done as soon as the process runs, which is before it listens. The caller
    /// holds the lock, so this must not wait for it.
    fn await_service(&self, address: &Address) {
        let started = Instant::now();
        let look = || look_locked(address, &self.client, self.runtime());
        while started.elapsed() < SERVICE_START && matches!(look(), Seen::Nobody) {
            thread::sleep(PAUSE / 5);
        }
    }

    fn program_of(&self, process: Option<&Process>) -> Runnable {
        let path = process.and_then(Process::program).and_then(|it| it.path);
        path.map_or_else(|| self.client.program.clone(), |path| Runnable { path })
    }

    fn hung(&self, address: &Address) -> Option<Process> {
        match self.ask(address) {
            Seen::Stranger(Stranger::Hung(process)) => process,
            _ => None,
        }
    }

    /// Restarts the server at `address` whether or not it is as it should be; starts one where
    /// there is none.
    ///
    /// # Errors
    /// When it is in use for longer than is to be waited, or does not stop or start.
    pub fn restart(&self, address: &Address, patience: Patience) -> Result<Done, Problem> {
        let (_lock, running) = self.once_idle(address, patience)?;
        match self.renew(running.as_deref(), address, patience.manners) {
            Ok(()) | Err(NotStarted::InUse) => self.done(running.is_some(), Vec::new(), address),
            Err(NotStarted::Failed(problem)) => Err(problem),
        }
    }

    /// Stops the server at `address`.
    ///
    /// # Errors
    /// When it is in use for longer than is to be waited, or does not stop.
    pub fn stop(&self, address: &Address, patience: Patience) -> Result<Done, Problem> {
        // A service that clears its address before it starts does so while somebody who restarts
        // it holds the lock: where nothing listens, it is not to be waited for.
        if listening(address) == Listening::Nobody {
            return Ok(Done::NotRunning);
        }
        let (_lock, running) = self.once_idle(address, patience)?;
        let process = match &running {
            Some(running) => running.process.clone(),
            None => self.hung(address),
        };
        if running.is_none() && process.is_none() {
            return Ok(Done::NotRunning);
        }
        if let Some(service) = service::of(process.as_ref()) {
            service.act(Action::Stop)?;
            return Ok(Done::InLine);
        }
        let program = self.program_of(process.as_ref());
        let deaf = deaf(patience.manners);
        stop(&program, process.as_ref(), address, deaf)?;
        Ok(Done::InLine)
    }

    /// The lock of `address` and what runs there, as soon as nobody needs it.
    fn once_idle(
        &self,
        address: &Address,
        patience: Patience,
    ) -> Result<(Lock, Option<Box<Running>>), Problem> {
        let started = Instant::now();
        loop {
            let runtime = self.runtime.as_ref().map_err(Clone::clone)?;
            let lock = Lock::take(runtime, address, lock::RESTART)?.ok_or_else(too_long)?;
            let running = match look_locked(address, &self.client, Some(runtime)) {
                Seen::Server(running) => running,
                Seen::Nobody => return Ok((lock, None)),
                Seen::Stranger(Stranger::Hung(Some(_))) if patience.manners == Manners::Force => {
                    return Ok((lock, None));
                }
                Seen::Stranger(stranger) => return Err(stranger.problem(address)),
            };
            if patience.manners == Manners::Force {
                return Ok((lock, Some(running)));
            }
            match activity(&running, address) {
                Activity::Idle => return Ok((lock, Some(running))),
                Activity::Unknown => return Err(unseen()),
                Activity::Busy { .. } if started.elapsed() < patience.wait => {
                    drop(lock);
                    thread::sleep(PAUSE);
                }
                Activity::Busy {
                    connections,
                    compilers,
                } => {
                    return Err(Problem::new(format!(
                        "the sccache server is in use: {connections} connected, {compilers} \
                         compilers below it"
                    ))
                    .hint("wait longer with `--wait SECONDS`, or hurt that build with `--force`"));
                }
            }
        }
    }

    /// Sees that the new server says what it should.
    fn done(
        &self,
        was_there: bool,
        differences: Vec<Difference>,
        address: &Address,
    ) -> Result<Done, Problem> {
        let running = match self.ask(address) {
            Seen::Server(running) => running,
            Seen::Stranger(stranger) => return Err(stranger.problem(address)),
            Seen::Nobody => {
                return Err(Problem::new(format!(
                    "the server that was started at {address} has ended again"
                ))
                .hint("run `sccache --start-server` with SCCACHE_LOG=debug to see why"));
            }
        };
        let left = self.differences(&running, address)?;
        if !left.is_empty() {
            if let (Some(mut memo), Some(runtime)) = (running.memo, self.runtime()) {
                memo.in_vain = Some(self.wanted.digest());
                memo.write(runtime, address);
            }
            return Ok(Done::Left(in_vain_problem(&left)));
        }
        Ok(if was_there {
            Done::Restarted(differences)
        } else {
            Done::Started
        })
    }
}

fn activity(running: &Running, address: &Address) -> Activity {
    match &running.process {
        Some(process) => idle::watch(process, address),
        None => Activity::Unknown,
    }
}

fn deaf(manners: Manners) -> Deaf {
    match manners {
        Manners::Wait => Deaf::Leave,
        Manners::Force => Deaf::End,
    }
}

/// Why the server cannot be restarted now.
fn in_use(running: &Running, address: &Address, differences: &[Difference]) -> Option<Problem> {
    match activity(running, address) {
        Activity::Idle => None,
        Activity::Busy { .. } => Some(
            Problem::new(format!(
                "the sccache server has {} and is in use: left as it is",
                describe(differences)
            ))
            .hint("the next shell tries again; `sccfg server ensure --wait 600` waits for it"),
        ),
        Activity::Unknown => Some(unseen()),
    }
}

fn unseen() -> Problem {
    Problem::new("whether the sccache server is in use cannot be seen here: left as it is")
        .hint("when nothing builds: `sccfg server restart --force`")
}

/// `size 10GiB instead of 24GiB`
pub fn describe(differences: &[Difference]) -> String {
    let described: Vec<String> = differences
        .iter()
        .map(|it| format!("{} {} instead of {}", it.setting, it.server, it.wanted))
        .collect();
    if described.is_empty() {
        return "the settings of the file".to_owned();
    }
    described.join(" and ")
}

fn in_vain_problem(differences: &[Difference]) -> Problem {
    Problem::new(format!(
        "the sccache server has {}, also after a restart",
        describe(differences)
    ))
    .hint("something starts it with variables of its own: see `sccfg server status`")
}

fn too_long() -> Problem {
    Problem::new(format!(
        "another sccfg works on the server for {} seconds now",
        lock::RESTART.as_secs()
    ))
    .hint("look for a `sccfg` that hangs, and end it")
}
