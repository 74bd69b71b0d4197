//! Starting a server, with an environment that contains nothing of the shell or project.

use std::ffi::OsString;
use std::time::Duration;

use super::address::Address;
use super::desired_state::{DISK_VARIABLES, DesiredState};
use super::program::Executable;
use super::query::{error_summary, set_address};
use crate::remote::secret_command;
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::proc::Completion;

/// The idle timeout of a server, in seconds. sccache counts from the last request, so no compile may
/// take longer; its default of ten minutes is too short.
pub const IDLE_TIMEOUT: &str = "7200";
/// How long sccache waits for a server to start, unless its config file says otherwise
/// (`SERVER_STARTUP_TIMEOUT` in its `commands.rs`).
const SCCACHE_STARTUP_MS: u64 = 10_000;
/// How much longer sccfg waits.
const STARTUP_MARGIN_MS: u64 = 5_000;

/// Variables that back ends read: credentials, endpoints, directories.
const PASSED_PREFIXES: [&str; 8] = [
    "SCCACHE_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "ACTIONS_",
    "ALIBABA_CLOUD_",
    "TENCENTCLOUD_",
    "XDG_",
];
const PASSED: [&str; 15] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
];
/// Variables that sccache sets for its own child; with them it would not start a daemon.
const INTERNAL: [&str; 3] = [
    "SCCACHE_START_SERVER",
    "SCCACHE_STARTUP_NOTIFY",
    "SCCACHE_NO_DAEMON",
];

/// Whether a server is started with the variable `name`.
pub fn is_passed_to_server(name: &str) -> bool {
    (PASSED.contains(&name)
        || PASSED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix)))
        && !INTERNAL.contains(&name)
}

/// The environment of a server in the desired state, without the variables of its address.
pub(super) fn server_environment(desired: &DesiredState) -> Vec<(OsString, OsString)> {
    let mut environment =
        env::vars_where(|name| is_passed_to_server(name) && !DISK_VARIABLES.contains(&name));
    if let Some((dir, size)) = &desired.exports {
        let [dir_name, size_name] = DISK_VARIABLES;
        environment.push((dir_name.into(), dir.into()));
        environment.push((size_name.into(), size.bytes().to_string().into()));
    }
    if !environment
        .iter()
        .any(|(name, _)| name == "SCCACHE_IDLE_TIMEOUT")
    {
        environment.push(("SCCACHE_IDLE_TIMEOUT".into(), IDLE_TIMEOUT.into()));
    }
    environment
}

/// Why no server was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StartError {
    /// Another process started one first.
    AddressInUse,
    /// It does not start.
    Failed(Problem),
}

/// Starts a server at `address`. The caller holds the lock: a second start on one Unix socket
/// orphans the first server.
///
/// # Errors
/// When a server is running already, or none starts. A remote back end is named then, because a
/// server does not start if it cannot be reached.
pub(super) fn start(
    program: &Executable,
    address: &Address,
    desired: &DesiredState,
) -> Result<(), StartError> {
    let mut environment = server_environment(desired);
    let secrets = secret_command::variables(&desired.file).map_err(StartError::Failed)?;
    environment.extend(secrets);
    set_address(&mut environment, address);
    let startup = desired.startup_timeout_ms.unwrap_or_default();
    let limit = Duration::from_millis(startup.max(SCCACHE_STARTUP_MS) + STARTUP_MARGIN_MS);
    let reason = match program.run(&["--start-server"], environment, limit) {
        Err(error) => format!("could not run {}: {error}", program.path.display()),
        Ok(Completion::TimedOut) => format!("timed out after {} seconds", limit.as_secs()),
        Ok(Completion::Exited(output)) if output.status.success() => return Ok(()),
        Ok(Completion::Exited(output)) => error_summary(&output.stderr),
    };
    if reason.contains("Address in use") || reason.contains("Address already in use") {
        return Err(StartError::AddressInUse);
    }
    Err(StartError::Failed(start_failed(&reason, address, desired)))
}

fn start_failed(reason: &str, address: &Address, desired: &DesiredState) -> Problem {
    let what = format!("could not start the sccache server at {address}: {reason}");
    match &desired.remote {
        Some((name, source)) => Problem::new(format!(
            "{what} (the cache is `{name}`, configured by {source})"
        ))
        .hint(format!(
            "builds fail while `{name}` cannot be reached: start it, or remove it from {source}"
        )),
        None => Problem::new(what)
            .hint("run `sccache --start-server` with SCCACHE_LOG=debug for details"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_gets_what_back_ends_need_and_nothing_of_the_project() {
        for name in [
            "SCCACHE_BUCKET",
            "AWS_PROFILE",
            "https_proxy",
            "XDG_CACHE_HOME",
            "PATH",
        ] {
            assert!(is_passed_to_server(name), "{name}");
        }
        for name in [
            "TMPDIR",
            "CARGO_HOME",
            "IN_NIX_SHELL",
            "SCCACHE_START_SERVER",
            "RUSTFLAGS",
        ] {
            assert!(!is_passed_to_server(name), "{name}");
        }
    }
}
