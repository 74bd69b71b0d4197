//! A program whose output is collected while somebody watches over it.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How often it is asked whether a program is to go on.
pub const TICK: Duration = Duration::from_millis(100);
/// How often a program is looked at that has closed its output, where the system does not tell of
/// its end.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs `command` and collects what it prints; `None` once `goes_on`, which is asked each [`TICK`],
/// says no. Then it is killed and waited for.
pub(super) fn output_while(
    command: &mut Command,
    mut goes_on: impl FnMut(u32) -> bool,
) -> io::Result<Option<Output>> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let end = end_of(&child);
    let mut stdout = Pipe::new(child.stdout.take());
    let mut stderr = Pipe::new(child.stderr.take());
    let mut asked = Instant::now();
    loop {
        let mut waits: Vec<PollFd<'_>> = Vec::new();
        let files = [stdout.file(), stderr.file(), end.as_ref().map(AsFd::as_fd)];
        for file in files.into_iter().flatten() {
            waits.push(PollFd::from_borrowed_fd(file, PollFlags::IN));
        }
        let is_silent = stdout.file().is_none() && stderr.file().is_none();
        let limit = if is_silent && end.is_none() {
            PAUSE
        } else {
            TICK.saturating_sub(asked.elapsed())
        };
        let limit = Timespec::try_from(limit).ok();
        match poll(&mut waits, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        stdout.read();
        stderr.read();
        // A daemon that it left behind may hold its output open.
        if (is_silent || end.is_some())
            && let Some(status) = child.try_wait()?
        {
            stdout.read();
            stderr.read();
            return Ok(Some(Output {
                status,
                stdout: stdout.bytes,
                stderr: stderr.bytes,
            }));
        }
        if asked.elapsed() >= TICK {
            asked = Instant::now();
            if !goes_on(child.id()) {
                // Not waited for yet, so this number is still its own.
                let _ = child.kill();
                child.wait()?;
                return Ok(None);
            }
        }
    }
}

/// What can be read once the child has ended.
#[cfg(target_os = "linux")]
fn end_of(child: &Child) -> Option<std::os::fd::OwnedFd> {
    super::signals::open(super::signals::pid_of(child.id())?).ok()?
}

/// What can be read once the child has ended: nothing here.
#[cfg(not(target_os = "linux"))]
fn end_of(_child: &Child) -> Option<std::os::fd::OwnedFd> {
    None
}

/// One end of a pipe, and what came out of it.
struct Pipe<P> {
    pipe: Option<P>,
    bytes: Vec<u8>,
}

impl<P: Read + AsFd> Pipe<P> {
    fn new(pipe: Option<P>) -> Self {
        if let Some(pipe) = &pipe {
            let _ = rustix::io::ioctl_fionbio(pipe, true);
        }
        Self {
            pipe,
            bytes: Vec::new(),
        }
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Takes what is there.
    fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else {
            return;
        };
        match pipe.read_to_end(&mut self.bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => self.pipe = None,
        }
    }
}
