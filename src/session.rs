//! The environment, repository, sccache and server of one shell, and the variables that the shell
//! has to set so that sccache follows its config file.

mod checkout;
mod rustc_wrapper;
mod server;
mod variables;

use std::path::{Path, PathBuf};

use anyhow::Result;

use self::checkout::Checkout;
pub(crate) use self::checkout::policy_around;
use self::rustc_wrapper::WrapperChoice;
use self::server::desired_state;
pub(crate) use self::server::{base_address, unusable_dir};
use crate::sccfg_toml::{Incremental, Wrapper};
use sccache_control::server::address::{self, Address};
use sccache_control::server::desired_state::DesiredState;
use sccache_control::server::largest_request::remember_request;
use sccache_control::server::program::{NotExecutable, SccacheProgram};
use sccache_control::server::runtime_dir::RuntimeDir;
use sccache_control::server::supervisor::Supervisor;
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;
use sccfg_util::wrapper_vars::{SCCACHE, SEED, is_off};

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

    /// The directory for locks and cached probes, if there is one.
    pub(crate) fn runtime_dir(&self) -> Option<&RuntimeDir> {
        self.runtime.as_ref().ok()
    }
}
