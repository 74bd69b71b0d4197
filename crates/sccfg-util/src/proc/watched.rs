//! A program that is watched line by line, and that goes with all it started when it is dropped.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program that was asked to end may take.
const GRACE: Duration = Duration::from_secs(3);
/// How long the kernel may take to put away what was killed, and others to take note of it.
const GONE: Duration = Duration::from_secs(1);
/// How long lines may come after the program's end: a daemon that it left behind may hold its
/// output open for ever.
const DREGS: Duration = Duration::from_millis(300);

/// A line that a program printed, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// To standard output.
    Out(String),
    /// To standard error.
    Err(String),
}

/// What came of waiting for a line.
#[derive(Debug)]
pub enum Next {
    /// A line.
    Line(Line),
    /// Nothing yet.
    Nothing,
    /// The program has ended, and there are no more lines.
    End(ExitStatus),
}

/// A running program in a process group of its own: Ctrl-C reaches it through its owner alone,
/// who drops it, and it takes all it started with it.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    lines: Receiver<Line>,
    status: Option<ExitStatus>,
}

impl Watched {
    /// Starts `program` in `dir` without standard input. `changes` are made to this process' own
    /// environment; `None` takes a variable out.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        args: &[S],
        dir: &Path,
        changes: &[(OsString, Option<OsString>)],
    ) -> io::Result<Self> {
        super::note(program, args, Some(dir));
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
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
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

    /// The next line, if one comes within `patience`.
    ///
    /// # Errors
    /// When the program's end cannot be waited for.
    pub fn next(&mut self, patience: Duration) -> io::Result<Next> {
        let patience = if self.status.is_some() {
            DREGS
        } else {
            patience
        };
        match (self.lines.recv_timeout(patience), self.status) {
            (Ok(line), _) => Ok(Next::Line(line)),
            (Err(_), Some(status)) => Ok(Next::End(status)),
            (Err(RecvTimeoutError::Timeout), None) => {
                self.status = self.child.try_wait()?;
                Ok(Next::Nothing)
            }
            (Err(RecvTimeoutError::Disconnected), None) => {
                let status = self.child.wait()?;
                self.status = Some(status);
                Ok(Next::End(status))
            }
        }
    }

    #[cfg(unix)]
    fn end(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
        let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else {
            return;
        };
        // The number cannot be given again while the program is not waited for.
        let _ = kill_process_group(group, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        // What it started may outlive it: the group is there as long as one of them is.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        let killed = Instant::now();
        while killed.elapsed() < GONE && test_kill_process_group(group).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[cfg(not(unix))]
    fn end(&mut self) {
        let _ = self.child.kill();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.end();
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
