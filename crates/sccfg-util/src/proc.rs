//! All processes are started through this module.

#![allow(clippy::disallowed_methods, reason = "the one module with this access")]

#[cfg(unix)]
mod piped;
#[cfg(unix)]
mod signals;
pub mod watched;

#[cfg(unix)]
pub use piped::TICK;
#[cfg(unix)]
pub use signals::{Target, end_as};

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::posix::word;

/// Runs `program` in `dir` with no standard input and collects what it prints.
///
/// # Errors
/// When the program cannot be started. A status other than 0 is not an error here.
pub fn output<S: AsRef<OsStr>>(program: &str, args: &[S], dir: &Path) -> Result<Output> {
    note(Path::new(program), args, Some(dir));
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting `{program}`"))
}

/// Notes in the log that a program is about to run.
fn note<S: AsRef<OsStr>>(program: &Path, args: &[S], dir: Option<&Path>) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let words = std::iter::once(program.as_os_str()).chain(args.iter().map(AsRef::as_ref));
    let words: Vec<String> = words.map(|it| word(&it.to_string_lossy())).collect();
    let dir = dir.map_or_else(String::new, |dir| format!(" in {}", dir.display()));
    log::debug!("running `{}`{dir}", words.join(" "));
}

/// A program to run without a time limit, in this process' environment but for some changes.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The file to run.
    pub path: &'a Path,
    /// Its arguments.
    pub args: &'a [OsString],
    /// Changes of the environment; `None` takes a variable out.
    pub changes: &'a [(OsString, Option<OsString>)],
    /// Where to run it; by default where this process is.
    pub directory: Option<&'a Path>,
}

impl Program<'_> {
    fn command(&self) -> Command {
        note(self.path, self.args, self.directory);
        let mut command = Command::new(self.path);
        command.args(self.args);
        for (name, value) in self.changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Runs it with no standard input and collects what it prints.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output(&self) -> io::Result<Output> {
        self.command().stdin(Stdio::null()).output()
    }

    /// Runs it with no standard input and collects what it prints, as long as `goes_on` says so:
    /// that is asked every [`TICK`] with the number of the process. `None` if it was given up, and
    /// killed.
    ///
    /// # Errors
    /// When it cannot be started.
    #[cfg(unix)]
    pub fn output_while(&self, goes_on: impl FnMut(u32) -> bool) -> io::Result<Option<Output>> {
        piped::output_while(self.command().stdin(Stdio::null()), goes_on)
    }

    /// Runs it with what this process has open; but what it writes to standard error goes through
    /// `change`, line by line, as long as no terminal reads it. A signal that asks this process to
    /// end goes on to it; what a terminal sends reaches both, unless both ignore it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn status(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<ExitStatus> {
        let mut command = self.command();
        if !io::stderr().is_terminal() {
            command.stderr(Stdio::piped());
        }
        // Before it starts: one that comes in between waits.
        #[cfg(unix)]
        let signals = signals::Forwarder::prepare();
        let mut child = command.spawn()?;
        #[cfg(unix)]
        let forwarding = signals.map(|signals| signals.start(child.id()));
        if let Some(stderr) = child.stderr.take() {
            let mut stderr = BufReader::new(stderr);
            let mut line = Vec::new();
            while stderr
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let _ = io::stderr().write_all(&change(&line));
                line.clear();
            }
        }
        #[cfg(unix)]
        if let Some(forwarding) = forwarding {
            // Its number is not given again before it is waited for.
            signals::wait_without_reaping(child.id());
            forwarding.end();
        }
        child.wait()
    }

    /// Becomes it: what this process has open, and whoever waits for this process, is then its.
    /// Comes back only with the reason why that did not work.
    #[cfg(unix)]
    pub fn become_it(&self) -> io::Error {
        std::os::unix::process::CommandExt::exec(&mut self.command())
    }
}

/// The number that a shell has for how a program ended: its exit status, or 128 and the signal.
pub fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}

/// A program to run with an environment and a time limit of its own, in `/`.
#[derive(Debug)]
pub struct Limited<'a> {
    /// The file to run.
    pub program: &'a Path,
    /// What it is told to be called (`argv[0]`), on Unix: sccache judges by it what it is to do.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// After this long it is killed; by the monotonic clock, so that clock steps do not count.
    pub limit: Duration,
}

/// How a [`Limited`] program ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Itself(Output),
    /// By the time limit.
    Limit,
}

impl Limited<'_> {
    /// Runs it with no standard input and collects what it prints. A daemon that it leaves behind
    /// with the same output open is not waited for.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(self) -> io::Result<Ended> {
        keep_descriptors_to_ourselves();
        note(self.program, self.args, Some(Path::new("/")));
        let mut command = Command::new(self.program);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, self.name);
        let mut child = command
            .args(self.args)
            .env_clear()
            .envs(self.environment)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if started.elapsed() >= self.limit {
                child.kill()?;
                child.wait()?;
                return Ok(Ended::Limit);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        Ok(Ended::Itself(gather(status, stdout, stderr)))
    }
}

/// A daemon must not inherit what a caller left open: direnv, for one, waits for its pipe to be
/// closed by all who hold it.
#[cfg(unix)]
fn keep_descriptors_to_ourselves() {
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
}

/// A daemon must not inherit what a caller left open; here nothing is inherited by itself.
#[cfg(not(unix))]
fn keep_descriptors_to_ourselves() {}

fn gather(
    status: ExitStatus,
    stdout: Option<mpsc::Receiver<Vec<u8>>>,
    stderr: Option<mpsc::Receiver<Vec<u8>>>,
) -> Output {
    let text = |from: Option<mpsc::Receiver<Vec<u8>>>| -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(Ok(part)) = from
            .as_ref()
            .map(|from| from.recv_timeout(Duration::from_millis(300)))
        {
            all.extend(part);
        }
        all
    };
    Output {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// Hands on what can be read, part by part, from a thread that ends with the pipe.
fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut part = vec![0; 16 << 10];
        while let Ok(length) = pipe.read(&mut part) {
            if length == 0 || sender.send(part[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Asks process `pid` to end, or makes it, if `is_it` still says that this is the one that is meant:
/// its number may be somebody else's by now. Where the system has handles for processes, nobody
/// else can be hit.
///
/// # Errors
/// When there is no such process, or it is not ours.
#[cfg(unix)]
pub fn end(pid: u32, how: End, is_it: impl FnOnce() -> bool) -> io::Result<()> {
    let target = Target::of(pid)?;
    if !is_it() {
        return Err(io::Error::from_raw_os_error(
            rustix::io::Errno::SRCH.raw_os_error(),
        ));
    }
    target.send(how)
}

/// Asks process `pid` to end, or makes it.
///
/// # Errors
/// Always: there is no way here.
#[cfg(not(unix))]
pub fn end(_pid: u32, _how: End, _is_it: impl FnOnce() -> bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How a process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// SIGTERM.
    Ask,
    /// SIGKILL.
    Make,
    /// SIGSTOP: not yet, but nothing more until then.
    Hold,
}
