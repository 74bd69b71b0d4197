//! Ctrl-C and other requests to exit, recorded so that temporary files can be removed first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::TERM_SIGNALS;

/// Whether these signals end this process. Shared with the handlers that [`end_by`] installs.
static ENDS_PROCESS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Installs the default action of `signal` behind the handlers that are installed already; they remain. It has no effect after
/// [`Interrupt::catch`].
pub(crate) fn end_by(signal: i32) {
    let ends = Arc::clone(&ENDS_PROCESS);
    let _ = signal_hook::flag::register_conditional_default(signal, ends);
}

/// Whether such signals are recorded, and do not end this process.
pub(crate) fn are_caught() -> bool {
    !ENDS_PROCESS.load(Ordering::Relaxed)
}

/// Whether this process was asked to exit.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Installs handlers: from now on, SIGINT, SIGTERM, SIGQUIT and SIGHUP are recorded and do not end this process.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn catch() -> io::Result<Self> {
        ENDS_PROCESS.store(false, Ordering::Relaxed);
        let received = Arc::new(AtomicBool::new(false));
        for signal in TERM_SIGNALS {
            signal_hook::flag::register(*signal, Arc::clone(&received))?;
        }
        signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&received))?;
        Ok(Self(received))
    }

    /// Whether such a signal was received.
    pub fn is_received(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
