//! Sending signals to processes, and forwarding those that this process receives.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{
    SIGABRT, SIGBUS, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGSEGV, SIGSYS, SIGTERM, SIGTRAP,
};
use signal_hook::iterator::{Handle, Signals};

use super::running::{self, Stat};
use crate::interrupt;

/// A signal that sccfg sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM
    Term,
    /// SIGKILL
    Kill,
    /// SIGSTOP
    Stop,
}

/// Sends a signal to process `pid`, if `is_same` confirms that this is still the intended process: its
/// number may have been reused. On Linux the process cannot change after the check.
///
/// # Errors
/// When the process does not exist, or belongs to another user.
pub fn send_signal(pid: u32, signal: Signal, is_same: impl FnOnce() -> bool) -> io::Result<()> {
    let target = SignalTarget::of(pid)?;
    if !is_same() {
        return Err(rustix::io::Errno::SRCH.into());
    }
    target.send(signal)
}

/// Kills process `pid`, if `is_same` confirms that this is still the intended process, and all processes below it. Returns those
/// below it.
pub fn kill_with_descendants(pid: u32, is_same: impl Fn() -> bool) -> Vec<Stat> {
    // While it is stopped, it starts no more processes.
    let _ = send_signal(pid, Signal::Stop, &is_same);
    let below = running::descendants(pid);
    let _ = send_signal(pid, Signal::Kill, &is_same);
    for process in &below {
        let _ = send_signal(process.pid, Signal::Kill, || process.is_alive());
    }
    below
}

/// A process to send signals to.
#[derive(Debug)]
struct SignalTarget {
    pid: Pid,
    /// Refers to the process itself, not to a later one with its number.
    #[cfg(target_os = "linux")]
    handle: Option<std::os::fd::OwnedFd>,
}

impl SignalTarget {
    /// The current process with this number.
    ///
    /// # Errors
    /// When there is none.
    fn of(pid: u32) -> io::Result<Self> {
        let pid = pid_of(pid).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self {
            pid,
            #[cfg(target_os = "linux")]
            handle: open(pid)?,
        })
    }

    /// # Errors
    /// When the process has exited, or belongs to another user.
    fn send(&self, signal: Signal) -> io::Result<()> {
        let signal = match signal {
            Signal::Term => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
            Signal::Stop => rustix::process::Signal::STOP,
        };
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

/// A pidfd; `None` if the kernel is older than 5.3, or a sandbox forbids the call.
#[cfg(target_os = "linux")]
pub(super) fn open(pid: Pid) -> io::Result<Option<std::os::fd::OwnedFd>> {
    use rustix::io::Errno;
    match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(handle) => Ok(Some(handle)),
        Err(Errno::SRCH) => Err(Errno::SRCH.into()),
        Err(_) => Ok(None),
    }
}

/// Forwards SIGTERM, SIGINT and SIGHUP to a child.
pub(super) struct Forwarder(Signals);

/// A running [`Forwarder`].
pub(super) struct Forwarding {
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Forwarder {
    /// Installs the signal handlers. Ignored signals stay ignored: `nohup` has to work for the child
    /// as well.
    pub(super) fn prepare() -> Option<Self> {
        Signals::new(not_ignored()).ok().map(Self)
    }

    /// Forwards to the child `pid`, which must not be waited for before [`Forwarding::end`].
    pub(super) fn start(self, pid: u32) -> Forwarding {
        let Self(mut signals) = self;
        let handle = signals.handle();
        let thread = thread::spawn(move || {
            for signal in &mut signals {
                if let (Some(pid), Some(signal)) =
                    (pid_of(pid), rustix::process::Signal::from_named_raw(signal))
                {
                    let _ = kill_process(pid, signal);
                }
            }
        });
        Forwarding { handle, thread }
    }
}

impl Forwarding {
    /// Stops forwarding, and restores the default action of the signals.
    pub(super) fn end(self) {
        self.handle.close();
        let _ = self.thread.join();
        not_ignored().for_each(interrupt::end_by);
    }
}

/// Delays SIGTERM, SIGINT and SIGHUP until it is dropped. Then this process ends, if it received one of them, unless it
/// [catches](interrupt::Interrupt::catch) them.
pub struct Delay(Vec<(i32, Arc<AtomicBool>)>);

impl Delay {
    /// Begins the delay. Signals that cannot be delayed end this process at once.
    #[must_use]
    pub fn begin() -> Self {
        let delayed = not_ignored().filter_map(|signal| {
            let received = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal, Arc::clone(&received)).ok()?;
            Some((signal, received))
        });
        let delayed = (!interrupt::are_caught()).then_some(delayed);
        Self(delayed.into_iter().flatten().collect())
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        for (signal, received) in &self.0 {
            interrupt::end_by(*signal);
            if received.load(Ordering::Relaxed) {
                let _ = signal_hook::low_level::emulate_default_handler(*signal);
            }
        }
    }
}

/// The forwarded signals, without those that this process ignores.
fn not_ignored() -> impl Iterator<Item = i32> {
    let ignored = ignored();
    [SIGTERM, SIGINT, SIGHUP]
        .into_iter()
        .filter(move |signal| ignored & (1 << (signal - 1)) == 0)
}

/// Whether a process gets this signal for what it does itself. Others come from other processes, or tell it of a limit.
pub fn is_crash(signal: i32) -> bool {
    [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP].contains(&signal)
}

/// The signals that this process ignores, as a bit set.
fn ignored() -> u64 {
    // The fallback without /proc: `nohup` ignores SIGHUP, and a shell SIGINT.
    const DEFAULT: u64 = (1 << (SIGINT - 1)) | (1 << (SIGHUP - 1));
    let status = crate::fsio::read_bytes("/proc/self/status").unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(DEFAULT)
}

/// Waits until the child `pid` has exited; its number is not reused yet.
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

/// Ends this process by the signal that ended another one, so that the parent sees the same status, without a core dump
/// of its own.
pub fn exit_by_signal(signal: i32) {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if setrlimit(Resource::Core, none).is_ok() {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}
