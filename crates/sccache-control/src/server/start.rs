//! Starting a server, with an environment in which nothing of this shell or project sticks to it.

use std::ffi::OsString;
use std::time::Duration;

use super::address::Address;
use super::asked::{lead, reason};
use super::client::Runnable;
use super::wanted::{REPEATED, Wanted};
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::proc::Ended;

/// The limit of a server that is not asked anything, in seconds: sccache counts from the last
/// request, so that no compile may take longer. Its own ten minutes are too few.
pub const IDLE_TIMEOUT: &str = "7200";

/// What back ends read: credentials, endpoints, proxies, certificates.
const KEPT_PREFIXES: [&str; 8] = [
    "SCCACHE_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "ACTIONS_",
    "ALIBABA_CLOUD_",
    "TENCENTCLOUD_",
    "XDG_",
];
const KEPT: [&str; 16] = [
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
    "SystemRoot",
];
/// What sccache tells its own child; inherited by mistake, it would not start a daemon.
const DROPPED: [&str; 3] = [
    "SCCACHE_START_SERVER",
    "SCCACHE_STARTUP_NOTIFY",
    "SCCACHE_NO_DAEMON",
];

/// Whether a server gets this variable.
pub fn is_kept(name: &str) -> bool {
    (KEPT.contains(&name) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        && !DROPPED.contains(&name)
}

/// The environment of a server that is to be as `wanted`, without its address.
pub fn environment(wanted: &Wanted) -> Vec<(OsString, OsString)> {
    let mut environment = env::pairs(|name| is_kept(name) && !REPEATED.contains(&name));
    if let Some((dir, size)) = &wanted.exports {
        let [dir_name, size_name] = REPEATED;
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
pub enum NotStarted {
    /// Somebody else was faster: there is one now.
    InUse,
    /// It cannot be started.
    Failed(Problem),
}

/// Starts a server at `address`. The caller holds the lock: a second start on one Unix socket
/// orphans the first server.
///
/// # Errors
/// When there is one already, or it does not come up: then with the place that set up a remote
/// back end, which a server has to reach.
pub fn start(program: &Runnable, address: &Address, wanted: &Wanted) -> Result<(), NotStarted> {
    let mut environment = environment(wanted);
    lead(&mut environment, address);
    // sccache itself gives up after ten seconds, or what the file says.
    let limit = Duration::from_millis(wanted.startup.unwrap_or_default().max(10_000) + 5_000);
    let said = match program.run(&["--start-server"], environment, limit) {
        Err(error) => format!("running {}: {error}", program.path.display()),
        Ok(Ended::Limit) => format!("nothing came of it in {} seconds", limit.as_secs()),
        Ok(Ended::Itself(output)) if output.status.success() => return Ok(()),
        Ok(Ended::Itself(output)) => reason(&output.stderr),
    };
    if said.contains("Address in use") || said.contains("Address already in use") {
        return Err(NotStarted::InUse);
    }
    Err(NotStarted::Failed(not_started(&said, address, wanted)))
}

fn not_started(said: &str, address: &Address, wanted: &Wanted) -> Problem {
    let what = format!("the sccache server does not start at {address}: {said}");
    match &wanted.remote {
        Some((name, source)) => Problem::new(format!(
            "{what} (the cache is `{name}`, set up by {source})"
        ))
        .hint(format!(
            "builds fail until `{name}` can be reached: start it, or take it out of {source}"
        )),
        None => Problem::new(what)
            .hint("run `sccache --start-server` with SCCACHE_LOG=debug to see more"),
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
            assert!(is_kept(name), "{name}");
        }
        for name in [
            "TMPDIR",
            "CARGO_HOME",
            "IN_NIX_SHELL",
            "SCCACHE_START_SERVER",
            "RUSTFLAGS",
        ] {
            assert!(!is_kept(name), "{name}");
        }
    }
}
