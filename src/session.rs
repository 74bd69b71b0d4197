//! The environment, repository, sccache and server of one shell, and the variables that the shell
//! has to set so that sccache follows its config file.

mod rustc_wrapper;

use sccache_control::config::path::Lookup;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::sccfg_toml::{self, Incremental, Policy, Wrapper};
use crate::shell::Change;
use sccache_control::config::path::{default_cache_dir, origin_note, user_config};
use sccache_control::config::secrets;
use sccache_control::remote::secret_command;
use sccache_control::server::address::{self, Address};
use sccache_control::server::desired_state::{DISK_VARIABLES, DesiredState, RequestedSize};
use sccache_control::server::largest_request::{largest_request, remember_request};
use sccache_control::server::probe::{Foreign, Probe};
use sccache_control::server::program::{NotExecutable, SccacheProgram};
use sccache_control::server::runtime_dir::RuntimeDir;
use sccache_control::server::select_address::{
    AddressChoice, select_address, select_address_without_query,
};
use sccache_control::server::supervisor::{EnsureOptions, ServerOutcome, Supervisor};
use sccfg_util::env;
use sccfg_util::fsio::{self, DirState, Directory};
use sccfg_util::problem::Problem;
use sccfg_util::programs::find_program;
use sccfg_util::size::ByteSize;

use rustc_wrapper::{WRAPPER, WrapperChoice};

use sccfg_util::wrapper_vars::{SCCACHE, SEED, is_off};

const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// Which command needs the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The hook of a dev shell, which has set `RUSTC_WRAPPER`.
    Hook {
        /// The policy for incremental compilation, if there is no `sccfg.toml`.
        incremental: Option<Incremental>,
        /// The requested cache size, if there is no `sccfg.toml`.
        size: Option<ByteSize>,
    },
    /// Any other command. It may run outside a dev shell, where no variable is set.
    Env,
}

/// Everything that determines the variables of a shell.
#[derive(Debug)]
pub(crate) struct Session {
    purpose: Purpose,
    incremental: Option<Incremental>,
    is_linked_worktree: bool,
    seeds: bool,
    wrapper: WrapperChoice,
    search_path: Vec<PathBuf>,
    client: Result<SccacheProgram, NotExecutable>,
    desired: Result<DesiredState, Problem>,
    runtime: Result<RuntimeDir, Problem>,
    /// The address of the server that the environment names, or else the default one.
    pub base: Address,
    /// Whether the environment named the address of one sccache version, which an earlier hook
    /// chose. `base` ignores it.
    had_dedicated_address: bool,
}

impl Session {
    /// Reads the environment, the repository that contains `start` and sccache's config file.
    ///
    /// # Errors
    /// If `sccfg.toml` is faulty, or there is no home directory.
    pub(crate) fn gather(start: &Path, purpose: Purpose) -> Result<Self> {
        let checkout = Checkout::around(start)?;
        let search_path = env::search_path();
        let policy = checkout.policy.as_ref();
        let requested = policy.map(|policy| (policy.cargo.wrapper, policy.portable));
        let wrapper = WrapperChoice::gather(requested, &search_path);
        let (incremental, size) = match (policy, purpose) {
            (Some(policy), _) => (Some(policy.cargo.incremental), policy.cache.size),
            (None, Purpose::Env) => (Some(Incremental::default()), None),
            (None, Purpose::Hook { incremental, size }) => (incremental, size),
        };
        let runtime = RuntimeDir::find();
        let mut base = base_address();
        let had_dedicated_address = runtime
            .as_ref()
            .is_ok_and(|runtime| runtime.is_socket_of_version(&base));
        if had_dedicated_address {
            base = Address::from_variables(None, env::var_os(address::PORT).as_deref());
        }
        Ok(Self {
            purpose,
            incremental,
            is_linked_worktree: checkout.is_linked_worktree,
            seeds: policy.is_some_and(|policy| {
                policy.cargo.wrapper == Wrapper::Portable && policy.portable.seed
            }),
            client: SccacheProgram::find(
                wrapper.named.as_deref(),
                env::var_os(SCCACHE).as_deref(),
                &search_path,
            ),
            desired: desired_state(size)?,
            wrapper,
            search_path,
            runtime,
            base,
            had_dedicated_address,
        })
    }

    /// Installs the portable wrapper if the repository requests it. If that fails, returns the
    /// problem, and the shell uses plain sccache.
    pub(crate) fn install_wrapper(&mut self) -> Option<Problem> {
        let client = self.client.as_ref().ok()?;
        self.wrapper.install(client, self.purpose)
    }

    /// Why nothing can be cached in this shell; `None` if nothing is known to prevent it.
    pub(crate) fn obstacle(&self) -> Option<Problem> {
        if let Err(NotExecutable(name)) = &self.client {
            let is_named = env::var_os("RUSTC_WRAPPER").as_ref() == Some(name);
            let hint = if is_named {
                "correct RUSTC_WRAPPER, or unset it to build without a cache"
            } else {
                "add sccache to PATH or set RUSTC_WRAPPER; builds work without it"
            };
            let name = name.display();
            return Some(
                Problem::new(format!("cannot run {name}: nothing will be cached")).hint(hint),
            );
        }
        let Err(problem) = &self.desired else {
            return None;
        };
        let mut problem = problem.clone();
        problem.what = format!("sccache would fail: {}", problem.what);
        problem
            .hint
            .get_or_insert_with(|| "run `sccfg config check`".to_owned());
        Some(problem)
    }

    /// Whether this shell only inherits the hook, through `inputsFrom`. Such a shell has neither a
    /// wrapper nor sccache, and sccfg does not manage it.
    pub(crate) fn has_only_the_hook(&self) -> bool {
        self.client.is_err() && self.wrapper.named.is_none()
    }

    /// Whether this may be such a shell, with an sccache of the user's on `PATH`.
    fn inherits_the_hook(&self) -> bool {
        self.purpose != Purpose::Env
            && self.wrapper.is_unset()
            && env::var_os("IN_NIX_SHELL").is_some()
    }

    /// Whether a worktree without a target directory is filled from another one.
    pub(crate) fn seeds(&self) -> bool {
        self.seeds && self.is_linked_worktree && !is_off(SEED)
    }

    /// Remembers the size of the cache, so that no later server on its directory is smaller.
    pub(crate) fn remember_size(&self) {
        let desired = self.desired.as_ref().ok();
        if let Some((dir, size)) = desired.and_then(DesiredState::size_to_remember) {
            remember_request(dir, size);
        }
    }

    /// The sccache of this shell.
    ///
    /// # Errors
    /// The name of the program that cannot be run.
    pub(crate) fn client(&self) -> Result<&SccacheProgram, &NotExecutable> {
        self.client.as_ref()
    }

    /// The supervisor of the server; `None` if there is an [`obstacle`](Self::obstacle).
    pub(crate) fn supervisor(&self) -> Option<Supervisor> {
        Some(Supervisor {
            sccache: self.client.as_ref().ok()?.clone(),
            desired: self.desired.as_ref().ok()?.clone(),
            runtime_dir: self.runtime.clone(),
        })
    }

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

    /// The changes of all variables that sccfg controls in this shell. Variables without a value
    /// are unset, so that no stale value remains.
    pub(crate) fn changes(&self, choice: Option<&AddressChoice>) -> Vec<Change> {
        let mut changes = Vec::new();
        let desired = self.desired.as_ref().ok();
        let wrapper = match &self.client {
            Ok(client) => self.wrapper.changes(client, desired, self.purpose),
            Err(_) => Vec::new(),
        };
        let sets_wrapper = wrapper
            .iter()
            .any(|change| matches!(change, Change::Set(WRAPPER, _)));
        let incremental = self
            .incremental
            .map(|policy| self.incremental_change(policy));
        // In a dev shell that only inherits the hook, builds would be slower, without a cache.
        let is_inherited = self.inherits_the_hook() && !sets_wrapper;
        changes.extend(
            incremental.filter(|change| !is_inherited || matches!(change, Change::Unset(_))),
        );
        let exports = match (&self.client, &self.desired) {
            (Ok(_), Ok(desired)) => desired.exports.as_ref(),
            _ => None,
        };
        let [dir_name, size_name] = DISK_VARIABLES;
        match exports {
            Some((dir, size)) => changes.extend([
                Change::Set(dir_name, dir.clone()),
                Change::Set(size_name, size.bytes().to_string()),
            ]),
            None => changes.extend(DISK_VARIABLES.map(Change::Unset)),
        }
        let Ok(client) = &self.client else {
            changes.push(Change::Unset(WRAPPER));
            changes.extend(self.wrapper.unset_portable());
            return changes;
        };
        changes.extend(wrapper);
        changes.extend(self.search_path_change(client));
        match choice {
            Some(choice) if choice.is_dedicated => {
                let port_is_used = matches!(choice.address, Address::Port(_));
                changes.extend(choice.address.variables().into_iter().filter_map(
                    |(name, value)| {
                        match value {
                            Some(value) => {
                                Some(Change::Set(name, value.to_string_lossy().into_owned()))
                            }
                            // A socket takes precedence over a port.
                            None => (port_is_used && env::var_os(name).is_some())
                                .then_some(Change::Unset(name)),
                        }
                    },
                ));
            }
            _ if self.had_dedicated_address => changes.push(Change::Unset(address::SOCKET)),
            _ => {}
        }
        changes
    }

    /// Whether these variables have the directory and the size of the config file, as a hook sets them.
    pub(crate) fn repeats_file(&self, variables: &BTreeMap<String, String>) -> bool {
        let exports = self.desired.as_ref().ok();
        let exports = exports.and_then(|desired| desired.exports.as_ref());
        exports.is_some_and(|(dir, size)| {
            let expected = [dir.clone(), size.bytes().to_string()];
            let actual = DISK_VARIABLES.map(|name| variables.get(name));
            expected.iter().map(Some).eq(actual)
        })
    }

    /// The directory for locks and cached probes, if there is one.
    pub(crate) fn runtime_dir(&self) -> Option<&RuntimeDir> {
        self.runtime.as_ref().ok()
    }

    /// The change of `CARGO_INCREMENTAL` that `policy` requires in this checkout.
    pub(crate) fn incremental_change(&self, policy: Incremental) -> Change {
        if policy.is_off(self.is_linked_worktree) {
            Change::Set(INCREMENTAL, "0".to_owned())
        } else {
            Change::Unset(INCREMENTAL)
        }
    }

    /// Puts the sccache of the flake first on `PATH`, so that `sccache --show-stats` runs the
    /// version that compiles. Only directories of the Nix store are added, because others may
    /// contain other programs.
    fn search_path_change(&self, client: &SccacheProgram) -> Option<Change> {
        let wrapper = self.wrapper.sccache(client)?.to_str()?;
        let directory = wrapper.strip_suffix("/sccache")?;
        let (_, in_store) = directory.strip_suffix("/bin")?.split_once("/store/")?;
        let on_path = find_program(OsStr::new("sccache"), &self.search_path);
        if !in_store.contains("-sccache") || on_path.as_deref() == Some(Path::new(wrapper)) {
            return None;
        }
        let rest = env::var("PATH").unwrap_or_default();
        Some(Change::First {
            directory: directory.to_owned(),
            whole: format!("{directory}:{rest}"),
        })
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
fn desired_state(request: Option<ByteSize>) -> Result<Result<DesiredState, Problem>> {
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

/// The checkout around a directory.
struct Checkout {
    policy: Option<Policy>,
    is_linked_worktree: bool,
}

impl Checkout {
    /// Searches for `sccfg.toml` upwards from `start`, to the root of the git work tree.
    fn around(start: &Path) -> Result<Self, Problem> {
        let mut policy = None;
        for directory in start.ancestors() {
            let path = directory.join(sccfg_toml::FILE_NAME);
            if policy.is_none() && fsio::exists(&path) {
                let text = fsio::read(&path)?.unwrap_or_default();
                policy = Some(Policy::parse(&path, &text)?);
            }
            let git = directory.join(".git");
            if fsio::exists(&git) {
                return Ok(Self {
                    policy,
                    is_linked_worktree: is_link_to_worktree(&git),
                });
            }
        }
        Ok(Self {
            policy,
            is_linked_worktree: false,
        })
    }
}

/// The `sccfg.toml` that applies in `start`, if there is one.
///
/// # Errors
/// If it cannot be read, or is faulty.
pub(crate) fn policy_around(start: &Path) -> Result<Option<Policy>, Problem> {
    Ok(Checkout::around(start)?.policy)
}

/// The `.git` of a linked worktree is a file that names a directory with a file `commondir`. Where that directory is not
/// there, as in a container, it lies below `worktrees/`.
fn is_link_to_worktree(git: &Path) -> bool {
    let Some(bytes) = fsio::read_bytes(git) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let first = text.lines().next().unwrap_or_default();
    let named = first.strip_prefix("gitdir:").unwrap_or_default().trim();
    let directory = git.with_file_name(named);
    if directory.is_dir() {
        fsio::exists(&directory.join("commondir"))
    } else {
        first.contains("/worktrees/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_why_there_is_no_other_address_is_the_hint() {
        let foreign = Problem::new("it belongs to another user").hint("`sccfg hook` does that");
        let cause = Problem::new("could not create /tmp/sccfg-1").hint("set XDG_RUNTIME_DIR");
        let problem = without_other_address(foreign, &cause);
        assert_eq!(problem.to_string(), "it belongs to another user");
        let hint =
            "this shell has no other address: could not create /tmp/sccfg-1; set XDG_RUNTIME_DIR";
        assert_eq!(problem.hint.as_deref(), Some(hint));
    }
}
