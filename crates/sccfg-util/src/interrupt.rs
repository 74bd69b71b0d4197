//! Ctrl-C and other requests to exit, recorded so that temporary files can be removed first.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::TERM_SIGNALS;

/// Whether this process was asked to exit.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Installs handlers: from now on, SIGINT, SIGTERM, SIGQUIT and SIGHUP are recorded and do not end this process.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn catch() -> io::Result<Self> {
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
