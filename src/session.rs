//! What a shell has to set for sccache to work as the machine's file says.

mod rustc_wrapper;

use sccache_control::config::path::Lookup;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::sccfg_toml::{self, Incremental, Policy};
use crate::shell::Change;
use sccache_control::config::path::{default_cache_dir, origin_note, user_config};
use sccache_control::config::secrets;
use sccache_control::server::address::{self, Address};
use sccache_control::server::desired_state::{DISK_VARIABLES, DesiredState};
use sccache_control::server::probe::Probe;
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

use sccfg_util::wrapper_vars::SCCACHE;

const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The hook of a dev shell, which has set `RUSTC_WRAPPER`, and says what it asks for itself.
    Hook {
        /// The policy, if there is no `sccfg.toml`.
        incremental: Option<Incremental>,
        /// The size that is asked for, if there is no `sccfg.toml`.
        size: Option<ByteSize>,
    },
    /// A person, perhaps outside of Nix, who has set nothing.
    Env,
}

/// Everything that decides what a shell has to set.
#[derive(Debug)]
pub(crate) struct Session {
    purpose: Purpose,
    incremental: Option<Incremental>,
    is_linked_worktree: bool,
    wrapper: WrapperChoice,
    search_path: Vec<PathBuf>,
    client: Result<SccacheProgram, NotExecutable>,
    desired: Result<DesiredState, Problem>,
    runtime: Result<RuntimeDir, Problem>,
    /// The address that the environment names.
    pub base: Address,
    /// Whether an earlier hook named another one, which counts no longer.
    had_own_address: bool,
}

impl Session {
    /// Looks at the environment, the repository around `start` and the machine's file.
    ///
    /// # Errors
    /// When `sccfg.toml` cannot be read or there is no home directory.
    pub(crate) fn gather(start: &Path, purpose: Purpose) -> Result<Self> {
        let repository = Surroundings::of(start)?;
        let search_path = env::search_path();
        let policy = repository.policy.as_ref();
        let asked = policy.map(|policy| (policy.cargo.wrapper, policy.portable));
        let wrapper = WrapperChoice::gather(asked, &search_path);
        let (incremental, size) = match (policy, purpose) {
            (Some(policy), _) => (Some(policy.cargo.incremental), policy.cache.size),
            (None, Purpose::Env) => (Some(Incremental::default()), None),
            (None, Purpose::Hook { incremental, size }) => (incremental, size),
        };
        let runtime = RuntimeDir::find();
        let mut base = base_address();
        let had_own_address = runtime
            .as_ref()
            .is_ok_and(|runtime| runtime.is_socket_of_version(&base));
        if had_own_address {
            base = Address::from_variables(None, env::var_os(address::PORT).as_deref());
        }
        Ok(Self {
            purpose,
            incremental,
            is_linked_worktree: repository.is_linked_worktree,
            client: SccacheProgram::find(
                wrapper.named.as_deref(),
                env::var_os(SCCACHE).as_deref(),
                &search_path,
            ),
            desired: machine(size)?,
            wrapper,
            search_path,
            runtime,
            base,
            had_own_address,
        })
    }

    /// Has the portable wrapper in place, if the repository asks for it. What is in the way comes
    /// back; the shell takes sccache itself then.
    pub(crate) fn put_wrapper_in_place(&mut self) -> Option<Problem> {
        let client = self.client.as_ref().ok()?;
        self.wrapper.put_in_place(client, self.purpose)
    }

    /// What is wrong with it all, if nothing can be cached here.
    pub(crate) fn obstacle(&self) -> Option<Problem> {
        if let Err(NotExecutable(name)) = &self.client {
            return Some(
                Problem::new(format!(
                    "nothing is cached here: {} cannot be run",
                    name.display()
                ))
                .hint("put sccache on PATH, or let RUSTC_WRAPPER name it; builds work without"),
            );
        }
        let Err(problem) = &self.desired else {
            return None;
        };
        let mut problem = problem.clone();
        problem.what = format!("sccache refuses to run: {}", problem.what);
        problem
            .hint
            .get_or_insert_with(|| "see `sccfg config check`".to_owned());
        Some(problem)
    }

    /// Whether this is a shell that only got the hook, through `inputsFrom`: it has no wrapper and no
    /// sccache, and is none of ours.
    pub(crate) fn only_inherited_the_hook(&self) -> bool {
        self.client.is_err() && self.wrapper.named.is_none()
    }

    /// The sccache of this shell.
    ///
    /// # Errors
    /// With the name of what cannot be run.
    pub(crate) fn client(&self) -> Result<&SccacheProgram, &NotExecutable> {
        self.client.as_ref()
    }

    /// The supervisor of the server, where there is nothing in the way.
    pub(crate) fn supervisor(&self) -> Option<Supervisor> {
        Some(Supervisor {
            sccache: self.client.as_ref().ok()?.clone(),
            desired: self.desired.as_ref().ok()?.clone(),
            runtime_dir: self.runtime.clone(),
        })
    }

    /// Finds this shell's address and brings the server there in line, without ever failing: what
    /// the user should know comes back as one problem.
    pub(crate) fn bring_in_line(&self) -> (Option<AddressChoice>, Option<Problem>) {
        let Some(supervisor) = self.supervisor() else {
            return (None, self.obstacle());
        };
        let runtime = supervisor.runtime_dir.as_ref().ok();
        let mut choice = select_address(self.base.clone(), &supervisor.sccache, runtime);
        log::info!(
            "the address is {}{}",
            choice.address,
            if choice.is_dedicated {
                ", of this version alone"
            } else {
                ""
            }
        );
        let options = EnsureOptions {
            wait: Duration::ZERO,
            force: false,
            kill_unresponsive: false,
            // Many clients that start a server on one socket at once leave all but the last of
            // these servers behind, so there it is started under the lock. On a port, sccache
            // settles that by itself.
            // Nor is a shell kept waiting for a remote that is down.
            start_if_absent: matches!(choice.address, Address::Socket(_))
                && supervisor.desired.remote.is_none(),
        };
        let probe: Option<Probe> = choice.probe.take();
        let trouble = match supervisor.ensure(&choice.address, probe, options) {
            Ok(ServerOutcome::Unchanged(problem)) | Err(problem) => Some(problem),
            Ok(_) => None,
        };
        let trouble = trouble
            .or_else(|| choice.notice.take())
            .or_else(|| unusable_dir(&supervisor.desired));
        (Some(choice), trouble)
    }

    /// Finds this shell's address without a word to any server.
    pub(crate) fn select_address_without_query(&self) -> Option<AddressChoice> {
        let supervisor = self.supervisor()?;
        let runtime = supervisor.runtime_dir.as_ref().ok();
        Some(select_address_without_query(
            self.base.clone(),
            &supervisor.sccache,
            runtime,
        ))
    }

    /// What to set and what to unset, always all of it, so that nothing stale stays.
    pub(crate) fn changes(&self, choice: Option<&AddressChoice>) -> Vec<Change> {
        let mut changes = Vec::new();
        changes.extend(self.incremental.map(|policy| self.incremental(policy)));
        let exports = match (&self.client, &self.desired) {
            (Ok(_), Ok(wanted)) => wanted.exports.as_ref(),
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
            changes.extend(self.wrapper.without_front());
            return changes;
        };
        let wanted = self.desired.as_ref().ok();
        changes.extend(self.wrapper.changes(client, wanted, self.purpose));
        changes.extend(self.search_path_change(client));
        match choice {
            Some(choice) if choice.is_dedicated => {
                changes.extend(choice.address.variables().into_iter().filter_map(
                    |(name, value)| Some(Change::Set(name, value?.to_string_lossy().into_owned())),
                ));
            }
            _ if self.had_own_address => changes.push(Change::Unset(address::SOCKET)),
            _ => {}
        }
        changes
    }

    fn incremental(&self, policy: Incremental) -> Change {
        let is_off = match policy {
            Incremental::Off => true,
            Incremental::Workspace => false,
            Incremental::Auto => self.is_linked_worktree,
        };
        if is_off {
            Change::Set(INCREMENTAL, "0".to_owned())
        } else {
            Change::Unset(INCREMENTAL)
        }
    }

    /// The sccache of the flake comes first on the search path, so that `sccache --show-stats` is
    /// of the version that compiles. The directory of any other wrapper may hold anything.
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

/// The address that the environment names.
pub(crate) fn base_address() -> Address {
    let port = env::var_os(address::PORT);
    Address::from_variables(env::var_os(address::SOCKET), port.as_deref())
}

/// What the machine's file asks for; `request` is what the repository does.
fn machine(request: Option<ByteSize>) -> Result<Result<DesiredState, Problem>> {
    let lookup = Lookup::from_environment()?;
    let path = user_config(&lookup);
    log::info!(
        "sccache's config file is {}{}",
        path.display(),
        origin_note(&lookup)
    );
    let variables: BTreeMap<String, String> = env::vars_starting_with("SCCACHE_");
    // sccache passes over what is no file.
    let text = if path.is_file() {
        fsio::read(&path)
    } else {
        Ok(None)
    };
    let default_dir = default_cache_dir(&lookup);
    Ok(text.and_then(|text| {
        let wanted = DesiredState::new(text.as_deref(), &path, &variables, &default_dir, request);
        // The disk alone has no secrets, and a shell waits for this.
        if wanted.as_ref().is_ok_and(|it| it.remote.is_none()) {
            return wanted;
        }
        secrets::register(text.as_deref().unwrap_or_default(), &path);
        wanted
    }))
}

/// The cache directory that cannot be used, of which sccache itself says nothing.
pub(crate) fn unusable_dir(wanted: &DesiredState) -> Option<Problem> {
    let (directory, source) = wanted.directory.as_ref()?;
    if fsio::is_writable(directory) && directory.is_dir() {
        return None;
    }
    let Directory { state, .. } = fsio::inspect_dir(directory.clone());
    let what = match state {
        DirState::Writable | DirState::Creatable => return None,
        DirState::ReadOnly => "cannot be written to",
        DirState::NotCreatable | DirState::NotADirectory => "cannot be made",
    };
    Some(
        Problem::new(format!(
            "the cache directory {} ({source}) {what}, so nothing is kept",
            directory.display()
        ))
        .hint("check its owner and mode, or `sccfg config set cache.disk.dir /path`"),
    )
}

/// The repository around a directory.
struct Surroundings {
    policy: Option<Policy>,
    is_linked_worktree: bool,
}

impl Surroundings {
    /// Looks upwards from `start` to the root of the git work tree.
    fn of(start: &Path) -> Result<Self, Problem> {
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

/// The `.git` of a linked worktree is a file that names a directory below `worktrees/`.
fn is_link_to_worktree(git: &Path) -> bool {
    git.is_file()
        && fsio::read_bytes(git).is_some_and(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            let first = text.lines().next().unwrap_or_default();
            first.contains("/worktrees/")
        })
}
