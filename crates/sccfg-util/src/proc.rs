//! All processes are started through this module.

#![allow(clippy::disallowed_methods, reason = "the one module with this access")]

mod piped;
pub mod running;
mod signals;
pub mod watched;

pub use piped::POLL_INTERVAL;
pub use signals::{Delay, Signal, exit_by_signal, is_crash, kill_with_descendants, send_signal};

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::os::fd::BorrowedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use self::running::Stat;
use crate::env;
use crate::posix::quote;

/// Runs `program` in `dir` without standard input, and collects its output.
///
/// # Errors
/// When the program cannot be started. A status other than 0 is not an error.
pub fn output<S: AsRef<OsStr>>(program: &str, args: &[S], dir: &Path) -> Result<Output> {
    log_command(Path::new(program), args, Some(dir));
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run `{program}`"))
}

fn log_command<S: AsRef<OsStr>>(program: &Path, args: &[S], dir: Option<&Path>) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let words = std::iter::once(program.as_os_str()).chain(args.iter().map(AsRef::as_ref));
    let words: Vec<String> = words.map(|word| quote(&word.to_string_lossy())).collect();
    let dir = dir.map_or_else(String::new, |dir| format!(" in {}", dir.display()));
    log::debug!("running `{}`{dir}", words.join(" "));
}

/// A program to run without a time limit, in a changed environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The file to run.
    pub path: &'a Path,
    /// Its arguments.
    pub args: &'a [OsString],
    /// Changes of the environment; `None` unsets a variable.
    pub changes: &'a [(OsString, Option<OsString>)],
    /// The directory to run it in; by default the current one.
    pub directory: Option<&'a Path>,
}

impl Program<'_> {
    fn command(&self) -> Command {
        log_command(self.path, self.args, self.directory);
        let mut command = Command::new(self.path);
        command.args(self.args).envs(env::changes());
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

    /// Runs it without standard input, and collects its output.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output(&self) -> io::Result<Output> {
        self.command().stdin(Stdio::null()).output()
    }

    /// Runs it without standard input, and collects its standard error. Standard output, which may be
    /// large, goes to `stdout`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output_into(&self, stdout: std::fs::File) -> io::Result<Output> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(stdout);
        command.stderr(Stdio::piped()).spawn()?.wait_with_output()
    }

    /// Runs it without standard input, and collects its output. Every [`POLL_INTERVAL`],
    /// `goes_on` is called with its process number; when that returns false, it is killed, and the
    /// result is `None`. `on_stderr` is called with each line of standard error as soon as it is complete.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output_while(
        &self,
        goes_on: impl FnMut(u32) -> bool,
        on_stderr: impl FnMut(&[u8]),
    ) -> io::Result<Option<Output>> {
        let mut command = self.command();
        piped::output_while(command.stdin(Stdio::null()), goes_on, None, on_stderr)
    }

    /// Runs it without standard input, and collects its output. Once `stop`, if there is one, can be read, or nobody has
    /// its other end, it is killed with all processes that it has started, and the result is `None`. `on_stderr` is
    /// called with each line of standard error as soon as it is complete.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output_until(
        &self,
        stop: Option<BorrowedFd<'_>>,
        on_stderr: impl FnMut(&[u8]),
    ) -> io::Result<Option<Output>> {
        let mut command = self.command();
        piped::output_while(command.stdin(Stdio::null()), |_| true, stop, on_stderr)
    }

    /// Runs it with the standard streams of this process. Unless standard error is a terminal, each
    /// of its lines goes through `change`. SIGTERM, SIGINT and SIGHUP are forwarded to it; signals
    /// of a terminal reach both processes anyway.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn status(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<ExitStatus> {
        let mut command = self.command();
        if !io::stderr().is_terminal() {
            command.stderr(Stdio::piped());
        }
        // Before it starts, so that no signal is lost in between.
        let signals = signals::Forwarder::prepare();
        let mut child = command.spawn()?;
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
        if let Some(forwarding) = forwarding {
            // Its number is not reused until it is waited for.
            signals::wait_without_reaping(child.id());
            forwarding.end();
        }
        child.wait()
    }

    /// Replaces this process with it. Returns only if that fails.
    pub fn exec(&self) -> io::Error {
        self.command().exec()
    }

    /// As [`exec`](Self::exec), with another `argv[0]`.
    pub fn exec_as(&self, name: &OsStr) -> io::Error {
        self.command().arg0(name).exec()
    }

    /// Runs it under the `argv[0]` `name`, with the standard input of this process. What it writes is
    /// passed on as it comes, and collected. Signals are forwarded as by [`status`](Self::status).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn tee(&self, name: &OsStr) -> io::Result<Teed> {
        let mut command = self.command();
        command.arg0(name);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Before it starts, so that no signal is lost in between.
        let signals = signals::Forwarder::prepare();
        let mut child = command.spawn()?;
        let forwarding = signals.map(|signals| signals.start(child.id()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = thread::scope(|scope| {
            let stdout = scope.spawn(|| pass_on(stdout, io::stdout()));
            let stderr = pass_on(stderr, io::stderr());
            (stdout.join().unwrap_or_default(), stderr)
        });
        let is_whole = stdout.is_whole && stderr.is_whole;
        if let Some(forwarding) = forwarding {
            // Its number is not reused until it is waited for.
            signals::wait_without_reaping(child.id());
            forwarding.end();
        }
        let output = Output {
            status: child.wait()?,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
        };
        Ok(Teed { output, is_whole })
    }
}

/// How a program ended whose output was passed on.
#[derive(Debug)]
pub struct Teed {
    /// What it wrote, as far as it was passed on.
    pub output: Output,
    /// Whether that is everything: somebody read it to the end.
    pub is_whole: bool,
}

/// What was read from a pipe and passed on.
#[derive(Debug, Default)]
struct PassedOn {
    bytes: Vec<u8>,
    is_whole: bool,
}

/// Passes on what can be read from a pipe, until nobody reads it any more: the program gets to know that as well.
fn pass_on(pipe: Option<impl Read>, mut to: impl io::Write) -> PassedOn {
    let mut passed = PassedOn::default();
    let mut part = vec![0; 16 << 10];
    let Some(mut pipe) = pipe else {
        return passed;
    };
    loop {
        let part = match pipe.read(&mut part) {
            Ok(0) => {
                passed.is_whole = true;
                return passed;
            }
            Ok(length) => &part[..length],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return passed,
        };
        if to.write_all(part).and_then(|()| to.flush()).is_err() {
            return passed;
        }
        passed.bytes.extend_from_slice(part);
    }
}

/// The process that started this one: its number, and when it was started, in the system's clock
/// ticks. Together they identify it. `None` on systems other than Linux.
pub fn parent() -> Option<(u32, u64)> {
    let parent = Stat::of(std::os::unix::process::parent_id())?;
    Some((parent.pid, parent.start))
}

/// The nearest process above this one that runs `program`, as [`parent`] identifies it. `None` if there is none, and on
/// systems other than Linux.
pub fn ancestor(program: &std::path::Path) -> Option<(u32, u64)> {
    let program = program.canonicalize().ok()?;
    let mut pid = std::os::unix::process::parent_id();
    while pid > 1 {
        let process = Stat::of(pid)?;
        if crate::fsio::read_link(format!("/proc/{pid}/exe")).as_deref() == Some(&*program) {
            return Some((pid, process.start));
        }
        pid = process.parent;
    }
    None
}

/// The arguments of the process `pid`, beginning with its name; none if they cannot be read, as on systems without
/// `/proc`. They may contain secrets.
pub fn arguments_of(pid: u32) -> Vec<String> {
    let bytes = crate::fsio::read_bytes(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0);
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The current directory of the process `pid`, if it can be read.
pub fn directory_of(pid: u32) -> Option<std::path::PathBuf> {
    crate::fsio::read_link(format!("/proc/{pid}/cwd"))
}

/// The signal that ended a process, if one did.
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// The exit code as a shell reports it: 128 plus the number of a signal.
pub fn exit_code(status: ExitStatus) -> i32 {
    match status.signal() {
        Some(signal) => 128 + signal,
        None => status.code().unwrap_or(1),
    }
}

/// A program to run in `/`, with an environment of its own and a time limit.
#[derive(Debug)]
pub struct TimedProgram<'a> {
    /// The file to run.
    pub program: &'a Path,
    /// Its `argv[0]`, from which sccache derives what to do.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// After this time it is killed.
    pub limit: Duration,
}

/// How a [`TimedProgram`] ended.
#[derive(Debug)]
pub enum Completion {
    /// It exited in time.
    Exited(Output),
    /// It exceeded its time limit and was killed.
    TimedOut,
}

impl TimedProgram<'_> {
    /// Runs it without standard input, and collects its output. A daemon that it started and that
    /// keeps the output open is not waited for.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(self) -> io::Result<Completion> {
        // A daemon must not inherit descriptors: direnv, for example, waits until all processes
        // have closed its pipe.
        close_fds::set_fds_cloexec_threadsafe(3, &[]);
        log_command(self.program, self.args, Some(Path::new("/")));
        let mut command = Command::new(self.program);
        let mut child = command
            .arg0(self.name)
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
                return Ok(Completion::TimedOut);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        Ok(Completion::Exited(gather(status, stdout, stderr)))
    }
}

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

/// Sends what can be read from a pipe, in a thread that ends with the pipe.
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
