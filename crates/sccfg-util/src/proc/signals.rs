//! Signals to processes, and from those who ask this one to end.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::End;

/// A process that signals can be sent to.
#[derive(Debug)]
pub struct Target {
    pid: Pid,
    /// Stands for the process itself: a later one with its number is not reached by it.
    #[cfg(target_os = "linux")]
    handle: Option<std::os::fd::OwnedFd>,
}

impl Target {
    /// The process that has this number now.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(pid: u32) -> io::Result<Self> {
        let pid = pid_of(pid).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self {
            pid,
            #[cfg(target_os = "linux")]
            handle: open(pid)?,
        })
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process has ended, or is not ours.
    pub fn send(&self, how: End) -> io::Result<()> {
        self.signal(how.signal())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Some(handle) = &self.handle {
            return Ok(rustix::process::pidfd_send_signal(handle, signal)?);
        }
        Ok(kill_process(self.pid, signal)?)
    }
}

pub(super) fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// `None` where the kernel has no such handles, or something forbids them: it is older than 5.3, or
/// a sandbox filters its calls.
#[cfg(target_os = "linux")]
pub(super) fn open(pid: Pid) -> io::Result<Option<std::os::fd::OwnedFd>> {
    use rustix::io::Errno;
    match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(handle) => Ok(Some(handle)),
        Err(Errno::SRCH) => Err(Errno::SRCH.into()),
        Err(_) => Ok(None),
    }
}

impl End {
    fn signal(self) -> Signal {
        match self {
            Self::Ask => Signal::TERM,
            Self::Make => Signal::KILL,
            Self::Hold => Signal::STOP,
        }
    }
}

/// Hands on to a child what asks this process to end.
pub(super) struct Forwarder(Signals);

/// A [`Forwarder`] at work.
pub(super) struct Forwarding {
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Forwarder {
    /// Takes the signals over. What this process ignores stays ignored: `nohup` must reach a
    /// compiler, too.
    pub(super) fn prepare() -> Option<Self> {
        Signals::new(not_ignored()).ok().map(Self)
    }

    /// Hands on to the child `pid`, which must not be waited for before [`Forwarding::end`].
    pub(super) fn start(self, pid: u32) -> Forwarding {
        let Self(mut signals) = self;
        let handle = signals.handle();
        let thread = thread::spawn(move || {
            for signal in &mut signals {
                if let (Some(pid), Some(signal)) = (pid_of(pid), named(signal)) {
                    let _ = kill_process(pid, signal);
                }
            }
        });
        Forwarding { handle, thread }
    }
}

impl Forwarding {
    /// No signal goes on after this; this process ends by one as others do.
    pub(super) fn end(self) {
        self.handle.close();
        let _ = self.thread.join();
        for signal in not_ignored() {
            let always = Arc::new(AtomicBool::new(true));
            let _ = signal_hook::flag::register_conditional_default(signal, always);
        }
    }
}

/// The signals that ask a process to end, without those that this one ignores.
fn not_ignored() -> impl Iterator<Item = i32> {
    let ignored = ignored();
    [SIGTERM, SIGINT, SIGHUP]
        .into_iter()
        .filter(move |signal| ignored & (1 << (signal - 1)) == 0)
}

fn named(signal: i32) -> Option<Signal> {
    Signal::from_named_raw(signal)
}

/// The signals that this process ignores, as a set of bits.
fn ignored() -> u64 {
    // Where no file says so: nobody ignores SIGTERM; `nohup` does SIGHUP, and a shell SIGINT.
    const USUAL: u64 = (1 << (SIGINT - 1)) | (1 << (SIGHUP - 1));
    let status = crate::fsio::bytes("/proc/self/status").unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(USUAL)
}

/// Waits until the child `pid` has ended; its number stays its own.
pub(super) fn wait_without_reaping(pid: u32) {
    let Some(pid) = pid_of(pid) else {
        return;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(
        waitid(WaitId::Pid(pid), options),
        Err(rustix::io::Errno::INTR)
    ) {}
}

/// Ends this process by the signal that ended another one, if that is one that leaves no trace
/// besides: whoever waits is told the same. Comes back where `status` is none of these.
pub fn end_as(status: ExitStatus) {
    const PLAIN: [i32; 4] = [SIGHUP, SIGINT, SIGTERM, signal_hook::consts::SIGKILL];
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    if let Some(signal) = signal.filter(|signal| PLAIN.contains(signal)) {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}
