//! Stopping and restarting a server, directly or through its service manager.

use std::thread;
use std::time::{Duration, Instant};

use super::{
    EnsureOptions, RETRY_PAUSE, ServerOutcome, Supervisor, restart_failed, unknown_activity, watch,
};
use crate::server::activity::Activity;
use crate::server::address::Address;
use crate::server::desired_state::Difference;
use crate::server::listener::{Listener, find_listener};
use crate::server::lock::Lock;
use crate::server::probe::{Foreign, Probe, RunningServer, probe_locked};
use crate::server::process::Process;
use crate::server::program::Executable;
use crate::server::service::{Action, Service};
use crate::server::start::{StartError, start};
use crate::server::stop::stop;
use sccfg_util::problem::Problem;

/// How long a service may take until its server listens: sccache's own limit of ten seconds, and
/// what the unit takes to see that no other server has the address.
const SERVICE_START_TIMEOUT: Duration = Duration::from_secs(15);
/// The pause between two probes while a service starts.
const SERVICE_POLL: Duration = Duration::from_millis(50);

impl Supervisor {
    /// Restarts the server at `address`, whether or not it is in the desired state; starts one if
    /// none is running.
    ///
    /// # Errors
    /// When builds use it for longer than `options.wait`, or when it does not stop or start.
    pub fn restart(
        &self,
        address: &Address,
        options: EnsureOptions,
    ) -> Result<ServerOutcome, Problem> {
        let (_lock, running) = self.lock_when_idle(address, options)?;
        match self.replace(running.as_deref(), address, options) {
            Ok(()) | Err(StartError::AddressInUse) => {
                self.verify(running.is_some(), Vec::new(), address)
            }
            Err(StartError::Failed(problem)) => Err(problem),
        }
    }

    /// Stops the server at `address`.
    ///
    /// # Errors
    /// When builds use it for longer than `options.wait`, or when it does not stop.
    pub fn stop(
        &self,
        address: &Address,
        options: EnsureOptions,
    ) -> Result<ServerOutcome, Problem> {
        // A service stops what runs at its address before it starts, while the process that restarts
        // the service holds the lock. So nothing waits for the lock where nothing listens.
        if find_listener(address) == Listener::None {
            return Ok(ServerOutcome::NotRunning);
        }
        let (_lock, running) = self.lock_when_idle(address, options)?;
        let process = match &running {
            Some(running) => running.process.clone(),
            None => self.unresponsive_process(address),
        };
        if running.is_none() && process.is_none() {
            return Ok(ServerOutcome::NotRunning);
        }
        if let Some(service) = Service::of(process.as_ref()) {
            service.run(Action::Stop)?;
            return Ok(ServerOutcome::Stopped);
        }
        let program = self.program_of(process.as_ref());
        stop(
            &program,
            process.as_ref(),
            address,
            options.kill_unresponsive,
        )?;
        Ok(ServerOutcome::Stopped)
    }

    /// Acquires the lock of `address` once no build uses the server there, and returns it with the
    /// server.
    fn lock_when_idle(
        &self,
        address: &Address,
        options: EnsureOptions,
    ) -> Result<(Lock, Option<Box<RunningServer>>), Problem> {
        let started = Instant::now();
        loop {
            let lock = self.lock(address)?;
            // One that hangs has no builds to wait for.
            let running = match self.query(address) {
                Probe::Server(running) => running,
                Probe::NotRunning => return Ok((lock, None)),
                Probe::Foreign(Foreign::Unresponsive(Some(_))) if options.kill_unresponsive => {
                    return Ok((lock, None));
                }
                Probe::Foreign(foreign) => return Err(foreign.problem(address)),
            };
            if options.force {
                return Ok((lock, Some(running)));
            }
            match watch(&running, address) {
                Activity::Idle => return Ok((lock, Some(running))),
                Activity::Unknown => return Err(unknown_activity()),
                Activity::Busy { .. } if started.elapsed() < options.wait => {
                    drop(lock);
                    thread::sleep(RETRY_PAUSE);
                }
                Activity::Busy {
                    connections,
                    compilers,
                } => {
                    return Err(Problem::new(format!(
                        "the sccache server is in use: {connections} connections, {compilers} \
                         running compilers"
                    ))
                    .hint("wait longer with `--wait SECONDS`, or interrupt it with `--force`"));
                }
            }
        }
    }

    /// Stops `running`, if there is one, and starts a server. The server's own program is started
    /// again if it still exists, because the address belongs to its version. The caller holds the
    /// lock.
    pub(super) fn replace(
        &self,
        running: Option<&RunningServer>,
        address: &Address,
        options: EnsureOptions,
    ) -> Result<(), StartError> {
        let process = match running {
            Some(running) => running.process.clone(),
            None if options.kill_unresponsive => self.unresponsive_process(address),
            None => None,
        };
        let program = self.program_of(process.as_ref());
        if running.is_some() || process.is_some() {
            log::info!("restarting the server at {address}");
            if let Some(service) = Service::of(process.as_ref()) {
                service.run(Action::Restart).map_err(StartError::Failed)?;
                self.await_service(address);
                return Ok(());
            }
            stop(
                &program,
                process.as_ref(),
                address,
                options.kill_unresponsive,
            )
            .map_err(StartError::Failed)?;
        } else {
            log::info!("starting a server at {address}");
        }
        match start(&program, address, &self.desired) {
            // An old program may reject a configuration that newer ones accept.
            Err(StartError::Failed(_)) if program != self.sccache.executable => {
                start(&self.sccache.executable, address, &self.desired)
            }
            result => result,
        }
    }

    /// Waits until the server of a service listens: service managers return as soon as its process
    /// runs. The caller holds the lock, so this must not wait for it.
    fn await_service(&self, address: &Address) {
        let started = Instant::now();
        while started.elapsed() < SERVICE_START_TIMEOUT
            && probe_locked(address, &self.sccache, self.runtime_dir()) == Probe::NotRunning
        {
            thread::sleep(SERVICE_POLL);
        }
    }

    fn program_of(&self, process: Option<&Process>) -> Executable {
        let path = process.and_then(Process::exe).and_then(|exe| exe.path);
        path.map_or_else(
            || self.sccache.executable.clone(),
            |path| Executable { path },
        )
    }

    fn unresponsive_process(&self, address: &Address) -> Option<Process> {
        match self.query(address) {
            Probe::Foreign(Foreign::Unresponsive(process)) => process,
            _ => None,
        }
    }

    /// Checks that the new server is in the desired state. If not, remembers that a restart did not
    /// help, so that the next shells do not repeat it.
    pub(super) fn verify(
        &self,
        was_running: bool,
        differences: Vec<Difference>,
        address: &Address,
    ) -> Result<ServerOutcome, Problem> {
        let running = match self.query(address) {
            Probe::Server(running) => running,
            Probe::Foreign(foreign) => return Err(foreign.problem(address)),
            Probe::NotRunning => {
                return Err(Problem::new(format!(
                    "the sccache server at {address} exited right after its start"
                ))
                .hint("run `sccache --start-server` with SCCACHE_LOG=debug to see why"));
            }
        };
        let left = self.differences(&running, address)?;
        if !left.is_empty() {
            if let (Some(mut cached), Some(runtime_dir)) = (running.cached, self.runtime_dir()) {
                cached.failed_restart = Some(self.desired.digest());
                cached.write(runtime_dir, address);
            }
            return Ok(ServerOutcome::Unchanged(restart_failed(&left)));
        }
        Ok(if was_running {
            ServerOutcome::Restarted(differences)
        } else {
            ServerOutcome::Started
        })
    }
}
