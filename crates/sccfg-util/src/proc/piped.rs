//! Collecting the output of a program while its progress is checked.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::signals;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How often the check is made.
pub const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The pause between two checks for the exit of a program that has closed its output, on systems
/// without pidfd.
const EXIT_POLL: Duration = Duration::from_millis(5);

/// See [`super::Program::output_while`] and [`super::Program::output_until`]. What a program that no longer goes on has started may be
/// a server, which is not stopped.
pub(super) fn output_while(
    command: &mut Command,
    mut goes_on: impl FnMut(u32) -> bool,
    stop: Option<BorrowedFd<'_>>,
    mut on_stderr: impl FnMut(&[u8]),
) -> io::Result<Option<Output>> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let exit = exit_descriptor(&child);
    let mut stdout = Pipe::new(child.stdout.take());
    let mut stderr = Pipe::new(child.stderr.take());
    let mut checked = Instant::now();
    loop {
        let mut waits: Vec<PollFd<'_>> = Vec::new();
        let exit_file = exit.as_ref().map(AsFd::as_fd);
        let files = [stop, stdout.file(), stderr.file(), exit_file];
        for file in files.into_iter().flatten() {
            waits.push(PollFd::from_borrowed_fd(file, PollFlags::IN));
        }
        let is_closed = stdout.file().is_none() && stderr.file().is_none();
        let limit = if is_closed && exit.is_none() {
            EXIT_POLL
        } else {
            POLL_INTERVAL.saturating_sub(checked.elapsed())
        };
        let limit = Timespec::try_from(limit).ok();
        match poll(&mut waits, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // It is the first one.
        let is_stopped = stop.is_some() && !waits[0].revents().is_empty();
        stdout.read();
        stderr.read();
        stderr.new_lines(&mut on_stderr);
        // A daemon that it started may keep its output open.
        if (is_closed || exit.is_some())
            && let Some(status) = child.try_wait()?
        {
            stdout.read();
            stderr.read();
            stderr.new_lines(&mut on_stderr);
            return Ok(Some(Output {
                status,
                stdout: stdout.bytes,
                stderr: stderr.bytes,
            }));
        }
        let is_due = checked.elapsed() >= POLL_INTERVAL;
        if is_due {
            checked = Instant::now();
        }
        if is_stopped || is_due && !goes_on(child.id()) {
            // It was not waited for, so its number is not reused.
            if is_stopped {
                signals::kill_with_descendants(child.id(), || true);
            }
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
    }
}

/// A descriptor that is readable once the child has exited.
#[cfg(target_os = "linux")]
fn exit_descriptor(child: &Child) -> Option<std::os::fd::OwnedFd> {
    signals::open(signals::pid_of(child.id())?).ok()?
}

/// There is none on this system.
#[cfg(not(target_os = "linux"))]
fn exit_descriptor(_child: &Child) -> Option<std::os::fd::OwnedFd> {
    None
}

/// The spare capacity for what a pipe contains, in bytes.
const PIPE_BUFFER: usize = 4 << 10;

/// The reading end of a pipe, and what was read from it.
struct Pipe<P> {
    stream: Option<P>,
    bytes: Vec<u8>,
    /// The end of the lines that were reported.
    reported: usize,
}

impl<P: Read + AsFd> Pipe<P> {
    fn new(stream: Option<P>) -> Self {
        if let Some(stream) = &stream {
            let _ = rustix::io::ioctl_fionbio(stream, true);
        }
        Self {
            stream,
            bytes: Vec::new(),
            reported: 0,
        }
    }

    /// Reports the lines that are complete since the last call.
    fn new_lines(&mut self, report: &mut impl FnMut(&[u8])) {
        let new = &self.bytes[self.reported..];
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            if line.ends_with(b"\n") {
                self.reported += line.len();
                report(line);
            }
        }
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        self.stream.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is available.
    fn read(&mut self) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        // Without spare capacity, each read begins with a few bytes.
        self.bytes.reserve(PIPE_BUFFER);
        match stream.read_to_end(&mut self.bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => self.stream = None,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;
    use crate::proc::running::{Start, start_of};

    /// As a script that starts the compiler as another process.
    #[test]
    fn a_program_is_stopped_with_what_it_has_started() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & echo $! >pid; echo started >&2; wait"]);
        let (stop, mut wanted) = io::pipe()
            .map(|(stop, wanted)| (stop, Some(wanted)))
            .unwrap();
        let on_stderr = |_: &[u8]| drop(wanted.take());
        let command = shell.current_dir(directory.path());
        let ended = output_while(command, |_| true, Some(stop.as_fd()), on_stderr).unwrap();
        assert!(ended.is_none());
        let pid: u32 = fs::read_to_string(file).unwrap().trim().parse().unwrap();
        while start_of(pid) != Start::Ended {
            std::thread::sleep(EXIT_POLL);
        }
    }
}
