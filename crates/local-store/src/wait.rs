//! Waiting for other processes that use a store.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use sccfg_util::fsio::{self, Locking};
use sccfg_util::proc::running::Suspension;

/// How long a build waits for other processes in total, each time that it stores or counts something.
const LONGEST_OF_BUILD: Duration = Duration::from_secs(5);

/// In a shorter wait, suspended processes are not looked for: most waits are short, because a store is locked for moments.
const CHECK_SUSPENSION_AFTER: Duration = Duration::from_millis(50);

/// How long a command waits before it reports that.
const REPORT_AFTER: Duration = Duration::from_secs(3);

/// Called repeatedly while a command waits for other processes, after the first seconds, with their process IDs as far as they
/// are known. If it returns `false`, the command fails with [`io::ErrorKind::Interrupted`].
pub type OnWait<'a> = &'a dyn Fn(&[u32]) -> bool;

/// How long to wait for other processes.
#[derive(Clone, Copy)]
pub(crate) enum Patience<'a> {
    /// Until this time, and not for a suspended process: a build can continue without the store.
    Until(Instant),
    /// Without limit, unless the function returns false.
    Command(OnWait<'a>),
}

impl Patience<'_> {
    pub(crate) fn of_build() -> Self {
        Self::Until(Instant::now() + LONGEST_OF_BUILD)
    }

    /// Waits for the lock of `file`.
    pub(crate) fn lock(self, file: &File, how: Locking) -> io::Result<()> {
        let mut suspension = Suspension::default();
        let is_locked = fsio::lock_while(file, how, |waited| match self {
            Self::Until(end) => {
                let goes_on = Instant::now() < end;
                goes_on
                    && (waited < CHECK_SUSPENSION_AFTER
                        || !suspension.is_of_any(&fsio::lock_holders(file)))
            }
            Self::Command(on_wait) => waited < REPORT_AFTER || on_wait(&fsio::lock_holders(file)),
        })?;
        match (is_locked, self) {
            (true, _) => Ok(()),
            (false, Self::Until(_)) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "another process holds its lock",
            )),
            (false, Self::Command(_)) => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}
