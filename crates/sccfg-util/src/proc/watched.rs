//! A program whose output is read line by line, and which is killed on drop together with all
//! processes it started.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to exit after SIGTERM.
const TERM_TIMEOUT: Duration = Duration::from_secs(3);
/// How long killed processes may take to disappear.
const KILL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long to read output after the program has exited: a daemon that it started may keep its output
/// open.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(300);

/// A line of output, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Of standard output.
    Out(String),
    /// Of standard error.
    Err(String),
}

/// The result of waiting for a line.
#[derive(Debug)]
pub enum Event {
    /// A line.
    Line(Line),
    /// No line within the timeout.
    Nothing,
    /// The program has exited, and there are no more lines.
    Exited(ExitStatus),
}

/// A running program in a process group of its own. Ctrl-C does not reach it directly: its owner
/// drops it.
#[derive(Debug)]
pub struct WatchedProgram {
    child: Child,
    lines: Receiver<Line>,
    status: Option<ExitStatus>,
}

impl WatchedProgram {
    /// Starts `program` in `dir`, without standard input, in the environment of this process with
    /// `changes`; `None` unsets a variable.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        args: &[S],
        dir: &Path,
        changes: &[(OsString, Option<OsString>)],
    ) -> io::Result<Self> {
        super::log_command(program, args, Some(dir));
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.process_group(0).spawn()?;
        let (sender, lines) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            read(pipe, Line::Out, sender.clone());
        }
        if let Some(pipe) = child.stderr.take() {
            read(pipe, Line::Err, sender);
        }
        Ok(Self {
            child,
            lines,
            status: None,
        })
    }

    /// Waits for the next line, up to `timeout`.
    ///
    /// # Errors
    /// When the exit status cannot be read.
    pub fn next(&mut self, timeout: Duration) -> io::Result<Event> {
        let timeout = if self.status.is_some() {
            DRAIN_TIMEOUT
        } else {
            timeout
        };
        match (self.lines.recv_timeout(timeout), self.status) {
            (Ok(line), _) => Ok(Event::Line(line)),
            (Err(_), Some(status)) => Ok(Event::Exited(status)),
            (Err(RecvTimeoutError::Timeout), None) => {
                self.status = self.child.try_wait()?;
                Ok(Event::Nothing)
            }
            (Err(RecvTimeoutError::Disconnected), None) => {
                let status = self.child.wait()?;
                self.status = Some(status);
                Ok(Event::Exited(status))
            }
        }
    }

    fn kill(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
        let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else {
            return;
        };
        // Its number is not reused until it is waited for.
        let _ = kill_process_group(group, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < TERM_TIMEOUT && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        // Processes that it started may still be running; the group exists until the last exits.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        let killed = Instant::now();
        while killed.elapsed() < KILL_TIMEOUT && test_kill_process_group(group).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for WatchedProgram {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

fn read(pipe: impl Read + Send + 'static, of: fn(String) -> Line, to: Sender<Line>) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(length) if length > 0) {
            let text = String::from_utf8_lossy(&line);
            if to
                .send(of(text.trim_end_matches(['\n', '\r']).to_owned()))
                .is_err()
            {
                break;
            }
            line.clear();
        }
    });
}
