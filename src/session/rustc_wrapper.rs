//! The value of `RUSTC_WRAPPER`: sccache, or the portable wrapper, which runs sccache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Purpose;
use crate::sccfg_toml::{CargoHome, Portable, Wrapper};
use crate::shell::Change;
use portable_wrapper::install::{InstalledWrapper, is_packaged};
use sccache_control::server::desired_state::DesiredState;
use sccache_control::server::program::SccacheProgram;
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{find_program, is_wrapper};
use sccfg_util::wrapper_vars::{CARGO_HOME_MODE, LINKS, SCCACHE, VERIFY};

pub(super) const WRAPPER: &str = "RUSTC_WRAPPER";

/// The current wrapper of this shell, and the requested one.
#[derive(Debug)]
pub(super) struct WrapperChoice {
    /// `RUSTC_WRAPPER`, unless it is empty.
    pub(super) named: Option<OsString>,
    /// Whether it is set and empty: the user wants no wrapper.
    is_empty: bool,
    /// Whether it names a portable wrapper, of this or another sccfg.
    is_portable_wrapper: bool,
    /// What `sccfg.toml` requests, if there is one.
    policy: Option<(Wrapper, Portable)>,
    /// The portable wrapper to use, once it is known to exist.
    portable: Option<PathBuf>,
}

impl WrapperChoice {
    pub(super) fn gather(policy: Option<(Wrapper, Portable)>, search_path: &[PathBuf]) -> Self {
        let value = env::var_os(WRAPPER);
        let is_empty = value.as_ref().is_some_and(|value| value.is_empty());
        let named = value.filter(|value| !value.is_empty());
        let path = named
            .as_ref()
            .and_then(|name| find_program(name, search_path));
        let is_portable_wrapper = match (&path, &named) {
            (Some(path), _) => is_wrapper(path),
            (None, Some(gone)) => is_wrapper(Path::new(gone)),
            (None, None) => false,
        };
        Self {
            // Without sccfg.toml, as in the shell of a Nix module, a portable wrapper stays.
            portable: path.filter(|_| is_portable_wrapper && policy.is_none()),
            named,
            is_empty,
            is_portable_wrapper,
            policy,
        }
    }

    /// Whether `RUSTC_WRAPPER` is not set, also not to an empty text.
    pub(super) fn is_unset(&self) -> bool {
        self.named.is_none() && !self.is_empty
    }

    /// Installs the portable wrapper if it is requested; returns the problem if that fails.
    pub(super) fn install(&mut self, client: &SccacheProgram, by: Purpose) -> Option<Problem> {
        if !self.is_requested(client, by) {
            return None;
        }
        match self.find_or_install() {
            Ok(wrapper) => {
                self.portable = Some(wrapper);
                None
            }
            Err(mut problem) => {
                problem.what = format!(
                    "using plain sccache instead of the portable wrapper: {}",
                    problem.what
                );
                Some(problem)
            }
        }
    }

    /// Whether the policy requests the portable wrapper, and `RUSTC_WRAPPER` does not name another
    /// program.
    fn is_requested(&self, client: &SccacheProgram, by: Purpose) -> bool {
        let is_portable = matches!(self.policy, Some((Wrapper::Portable, _)));
        let is_sccache = match &self.named {
            None => by == Purpose::Env || !self.is_empty,
            Some(name) => {
                let path = Path::new(name);
                self.is_portable_wrapper
                    || path == client.executable.path
                    || path.file_stem().is_some_and(|stem| stem == "sccache")
            }
        };
        is_portable && is_sccache
    }

    fn find_or_install(&self) -> Result<PathBuf, Problem> {
        if let Some(named) = self.named.as_deref().map(Path::new)
            && is_packaged(named)
        {
            return Ok(named.to_owned());
        }
        let wrapper = InstalledWrapper::find()?;
        wrapper.install()?;
        Ok(wrapper.path)
    }

    /// The variables to set and to unset for the wrapper.
    pub(super) fn changes(
        &self,
        client: &SccacheProgram,
        desired: Option<&DesiredState>,
        by: Purpose,
    ) -> Vec<Change> {
        let text = |path: &Path| path.display().to_string();
        let sccache = text(&client.executable.path);
        let Some(wrapper) = &self.portable else {
            let mut changes = Vec::new();
            if self.is_portable_wrapper || by == Purpose::Env && self.named.is_none() {
                changes.push(Change::Set(WRAPPER, sccache));
            }
            changes.extend(self.unset_portable());
            return changes;
        };
        let mut changes = vec![
            Change::Set(WRAPPER, text(wrapper)),
            Change::Set(SCCACHE, sccache),
        ];
        let portable = self.policy.map(|(_, portable)| portable);
        let home = match portable.unwrap_or_default().cargo_home {
            CargoHome::Exact => Some(CargoHome::Exact),
            CargoHome::Shared => Some(CargoHome::Shared),
            CargoHome::Auto => desired.is_some_and(is_shared).then_some(CargoHome::Shared),
        };
        changes.extend(set_or_unset(CARGO_HOME_MODE, home.map(CargoHome::name)));
        // Without sccfg.toml, an outer shell has set them.
        let portable = portable.unwrap_or_default();
        changes.extend(set_or_unset(LINKS, (!portable.links).then_some("off")));
        let share = portable.verify.to_string();
        let share = (!portable.verify.is_zero()).then_some(&*share);
        changes.extend(set_or_unset(VERIFY, share));
        changes
    }

    /// Unsets what an outer shell with the portable wrapper has set.
    pub(super) fn unset_portable(&self) -> impl Iterator<Item = Change> + use<> {
        let is_known = self.policy.is_some() || self.is_portable_wrapper;
        let names = [SCCACHE, CARGO_HOME_MODE, LINKS, VERIFY].into_iter();
        names
            .filter(move |_| is_known)
            .filter_map(|name| set_or_unset(name, None))
    }

    /// The value of `RUSTC_WRAPPER` that names sccache itself.
    pub(super) fn sccache<'a>(&'a self, client: &'a SccacheProgram) -> Option<&'a Path> {
        if self.is_portable_wrapper {
            return Some(&client.executable.path);
        }
        self.named.as_deref().map(Path::new)
    }
}

/// Whether other users may read the entries.
fn is_shared(desired: &DesiredState) -> bool {
    desired.remote.is_some()
}

fn set_or_unset(name: &'static str, value: Option<&str>) -> Option<Change> {
    match value {
        Some(value) => Some(Change::Set(name, value.to_owned())),
        None => env::var_os(name).map(|_| Change::Unset(name)),
    }
}
