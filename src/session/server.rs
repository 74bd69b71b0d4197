//! The address and the server of a shell.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::Session;
use sccache_control::config::path::{Lookup, default_cache_dir, origin_note, user_config};
use sccache_control::config::secrets;
use sccache_control::remote::secret_command;
use sccache_control::server::address::{self, Address};
use sccache_control::server::desired_state::{DISK_VARIABLES, DesiredState, RequestedSize};
use sccache_control::server::largest_request::largest_request;
use sccache_control::server::probe::{Foreign, Probe};
use sccache_control::server::select_address::{
    AddressChoice, select_address, select_address_without_query,
};
use sccache_control::server::supervisor::{EnsureOptions, ServerOutcome};
use sccfg_util::env;
use sccfg_util::fsio::{self, DirState, Directory};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

impl Session {
    /// Selects the address of this shell and reconciles the server there. Never fails: returns the
    /// address, if sccache can be used, and the most important problem, if there is one.
    pub(crate) fn reconcile_server(&self) -> (Option<AddressChoice>, Option<Problem>) {
        let Some(supervisor) = self.supervisor() else {
            return (None, self.obstacle());
        };
        let runtime = supervisor.runtime_dir.as_ref().ok();
        let mut choice = select_address(self.base.clone(), &supervisor.sccache, runtime);
        log::info!(
            "the address is {}{}",
            choice.address,
            if choice.is_dedicated {
                ", for this version only"
            } else {
                ""
            }
        );
        let options = EnsureOptions {
            wait: Duration::ZERO,
            force: false,
            kill_unresponsive: false,
            // If several clients start a server on one socket at once, all but the last server are
            // orphaned, so the server is started here, under the lock. On a port, sccache prevents
            // that. With a remote cache, starting might keep the shell waiting; but without sccfg, it would start
            // without the secret.
            start_if_absent: match supervisor.desired.remote {
                Some(_) => secret_command::is_used(supervisor.desired.file()),
                None => matches!(choice.address, Address::Socket(_)),
            },
        };
        let probe: Option<Probe> = choice.probe.take();
        let is_foreign = matches!(
            &probe,
            Some(Probe::Foreign(foreign)) if !matches!(foreign, Foreign::Unresponsive(_))
        );
        let problem = match supervisor.ensure(&choice.address, probe, options) {
            Ok(ServerOutcome::Unchanged(problem)) | Err(problem) => Some(problem),
            Ok(_) => None,
        };
        let problem = problem.map(|problem| match &supervisor.runtime_dir {
            Err(cause) if is_foreign => without_other_address(problem, cause),
            _ => problem,
        });
        let problem = problem
            .or_else(|| choice.notice.take())
            .or_else(|| unusable_dir(&supervisor.desired));
        (Some(choice), problem)
    }

    /// Selects the address of this shell without contacting a server.
    pub(crate) fn select_address_without_query(&self) -> Option<AddressChoice> {
        let supervisor = self.supervisor()?;
        let runtime = supervisor.runtime_dir.as_ref().ok();
        Some(select_address_without_query(
            self.base.clone(),
            &supervisor.sccache,
            runtime,
        ))
    }
}

/// `problem` of the address of this shell, with the cause why the shell does not use another one.
fn without_other_address(problem: Problem, cause: &Problem) -> Problem {
    let hint = cause.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    problem.hint(format!("this shell has no other address: {cause}{hint}"))
}

/// The address of the server that the environment names, or else the default one.
pub(crate) fn base_address() -> Address {
    let port = env::var_os(address::PORT);
    Address::from_variables(env::var_os(address::SOCKET), port.as_deref())
}

/// The server that sccache's config file and variables require. `request` is the cache size that
/// the repository requests.
///
/// The outer error is that there is no home directory, the inner one a problem with the config
/// file.
pub(super) fn desired_state(request: Option<ByteSize>) -> Result<Result<DesiredState, Problem>> {
    let lookup = Lookup::from_environment()?;
    let path = user_config(&lookup);
    log::info!(
        "sccache's config file is {}{}",
        path.display(),
        origin_note(&lookup)
    );
    let variables: BTreeMap<String, String> = env::vars_starting_with("SCCACHE_");
    // sccache ignores a directory, and waits for what comes out of a FIFO or a device; `/dev/null` is an empty file.
    let is_directory_or_missing = path.metadata().map_or(true, |found| found.is_dir());
    let is_ignored = is_directory_or_missing || path == Path::new("/dev/null");
    let text = if is_ignored {
        Ok(None)
    } else {
        fsio::read(&path)
    };
    let default_dir = default_cache_dir(&lookup);
    Ok(text.and_then(|text| {
        let named = variables.get(DISK_VARIABLES[0]).map(Path::new);
        let dir = named.filter(|dir| dir.is_absolute());
        let request = RequestedSize {
            now: request,
            before: match text {
                Some(_) => None,
                None => largest_request(dir.unwrap_or(&default_dir)),
            },
        };
        let desired = DesiredState::new(text.as_deref(), &path, &variables, &default_dir, request);
        // Only a remote cache has secrets. Each new shell waits for this, so it is skipped.
        if desired
            .as_ref()
            .is_ok_and(|desired| desired.remote.is_none())
        {
            return desired;
        }
        secrets::register(text.as_deref().unwrap_or_default(), &path);
        desired
    }))
}

/// The problem if the cache directory cannot be used. sccache does not report it.
pub(crate) fn unusable_dir(desired: &DesiredState) -> Option<Problem> {
    let (directory, source) = desired.directory.as_ref()?;
    if fsio::is_writable(directory) && directory.is_dir() {
        return None;
    }
    let Directory { state, .. } = fsio::inspect_dir(directory.clone());
    let what = match state {
        DirState::Writable | DirState::Creatable => return None,
        DirState::ReadOnly => "is not writable",
        DirState::NotCreatable | DirState::NotADirectory => "cannot be created",
    };
    Some(
        Problem::new(format!(
            "the cache directory {} ({source}) {what}: nothing will be cached",
            directory.display()
        ))
        .hint("check its owner and mode, or run `sccfg config set cache.disk.dir /path`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_why_there_is_no_other_address_is_the_hint() {
        let foreign = Problem::new("it belongs to another user").hint("`sccfg hook` does that");
        let cause = Problem::new("could not create /tmp/sccfg-1").hint("set XDG_RUNTIME_DIR");
        let problem = without_other_address(foreign, &cause);
        assert_eq!(problem.to_string(), "it belongs to another user");
        let hint =
            "this shell has no other address: could not create /tmp/sccfg-1; set XDG_RUNTIME_DIR";
        assert_eq!(problem.hint.as_deref(), Some(hint));
    }
}
