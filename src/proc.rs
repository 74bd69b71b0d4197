//! The one door to other processes.

#![allow(clippy::disallowed_methods, reason = "this is the door")]

pub mod watched;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Runs `program` in `dir` with no standard input and collects what it prints.
///
/// # Errors
/// When the program cannot be started. A status other than 0 is not an error here.
pub fn output<S: AsRef<OsStr>>(program: &str, args: &[S], dir: &Path) -> Result<Output> {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting `{program}`"))
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
    pub folder: Option<&'a Path>,
}

impl Program<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.path);
        command.args(self.args);
        for (name, value) in self.changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = self.folder {
            command.current_dir(folder);
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

    /// Runs it with what this process has open; but what it writes to standard error goes through
    /// `change`, line by line, as long as no terminal reads it. SIGTERM goes on to it; what
    /// a terminal sends reaches both, unless both ignore it.
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
        let signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM]);
        let mut child = command.spawn()?;
        #[cfg(unix)]
        if let Ok(mut signals) = signals {
            let pid = child.id();
            thread::spawn(move || {
                for _ in &mut signals {
                    let _ = end(pid, End::Ask);
                }
            });
        }
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

/// Asks process `pid` to end, or makes it.
///
/// # Errors
/// When there is no such process, or it is not ours.
#[cfg(unix)]
pub fn end(pid: u32, how: End) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    let signal = match how {
        End::Ask => Signal::TERM,
        End::Make => Signal::KILL,
        End::Hold => Signal::STOP,
    };
    Ok(kill_process(pid, signal)?)
}

/// Asks process `pid` to end, or makes it.
///
/// # Errors
/// Always: there is no way here.
#[cfg(not(unix))]
pub fn end(_pid: u32, _how: End) -> io::Result<()> {
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
