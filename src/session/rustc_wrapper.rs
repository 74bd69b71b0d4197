//! What stands in `RUSTC_WRAPPER`: sccache, or the portable wrapper in front of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Purpose;
use crate::sccfg_toml::{CargoHome, Portable, Wrapper};
use crate::shell::Change;
#[cfg(unix)]
use portable_wrapper::install::{InstalledWrapper, is_packaged};
use sccache_control::server::desired_state::DesiredState;
use sccache_control::server::program::SccacheProgram;
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{find_program, is_wrapper};
use sccfg_util::wrapper_vars::{CARGO_HOME_MODE, LINKS, SCCACHE};

/// The variable that cargo finds its wrapper by.
pub(super) const WRAPPER: &str = "RUSTC_WRAPPER";

/// The wrapper of this shell, and the one that is asked for.
#[derive(Debug)]
pub(super) struct WrapperChoice {
    /// `RUSTC_WRAPPER`, where it is not empty.
    pub(super) named: Option<OsString>,
    /// Whether it is set and empty, as of somebody who wants none.
    is_empty: bool,
    /// Whether it names a front, of this or another sccfg.
    is_front: bool,
    /// What the repository asks for, if it says anything.
    policy: Option<(Wrapper, Portable)>,
    /// The front to be put in force, once it is known to be there.
    front: Option<PathBuf>,
}

impl WrapperChoice {
    pub(super) fn gather(policy: Option<(Wrapper, Portable)>, search_path: &[PathBuf]) -> Self {
        let value = env::var_os(WRAPPER);
        let is_empty = value.as_ref().is_some_and(|value| value.is_empty());
        let named = value.filter(|value| !value.is_empty());
        let path = named
            .as_ref()
            .and_then(|name| find_program(name, search_path));
        let is_front = match (&path, &named) {
            (Some(path), _) => is_wrapper(path),
            (None, Some(gone)) => is_wrapper(Path::new(gone)),
            (None, None) => false,
        };
        Self {
            // Where nobody says anything, as in a shell of a Nix module, what is there stays.
            front: path.filter(|_| is_front && policy.is_none()),
            named,
            is_empty,
            is_front,
            policy,
        }
    }

    /// Has the front in place, if it is asked for; says why that cannot be.
    pub(super) fn put_in_place(&mut self, client: &SccacheProgram, by: Purpose) -> Option<Problem> {
        if !self.asks_for_front(client, by) {
            return None;
        }
        match self.find_front() {
            Ok(front) => {
                self.front = Some(front);
                None
            }
            Err(mut problem) => {
                problem.what = format!(
                    "keys are not portable here, sccache runs by itself: {}",
                    problem.what
                );
                Some(problem)
            }
        }
    }

    /// Whether the policy wants the front, and nobody has put another wrapper there.
    fn asks_for_front(&self, client: &SccacheProgram, by: Purpose) -> bool {
        let is_asked = matches!(self.policy, Some((Wrapper::Portable, _)));
        let is_sccache = match &self.named {
            None => by == Purpose::Env || !self.is_empty,
            Some(name) => {
                let path = Path::new(name);
                self.is_front
                    || path == client.executable.path
                    || path.file_stem().is_some_and(|stem| stem == "sccache")
            }
        };
        is_asked && is_sccache
    }

    #[cfg(unix)]
    fn find_front(&self) -> Result<PathBuf, Problem> {
        if let Some(named) = self.named.as_deref().map(Path::new)
            && is_packaged(named)
        {
            return Ok(named.to_owned());
        }
        let wrapper = InstalledWrapper::find()?;
        wrapper.install()?;
        Ok(wrapper.path)
    }

    #[cfg(not(unix))]
    fn find_front(&self) -> Result<PathBuf, Problem> {
        Err(Problem::new("there is no portable wrapper on this system"))
    }

    /// What to set and to unset for it, beside all that sccache itself needs.
    pub(super) fn changes(
        &self,
        client: &SccacheProgram,
        desired: Option<&DesiredState>,
        by: Purpose,
    ) -> Vec<Change> {
        let text = |path: &Path| path.display().to_string();
        let sccache = text(&client.executable.path);
        let Some(front) = &self.front else {
            let mut changes = Vec::new();
            if self.is_front || by == Purpose::Env && self.named.is_none() {
                changes.push(Change::Set(WRAPPER, sccache));
            }
            changes.extend(self.without_front());
            return changes;
        };
        let mut changes = vec![
            Change::Set(WRAPPER, text(front)),
            Change::Set(SCCACHE, sccache),
        ];
        let portable = self.policy.map(|(_, portable)| portable);
        let home = match portable.unwrap_or_default().cargo_home {
            CargoHome::Exact => Some(CargoHome::Exact),
            CargoHome::Shared => Some(CargoHome::Shared),
            CargoHome::Auto => desired
                .is_some_and(is_for_others)
                .then_some(CargoHome::Shared),
        };
        changes.extend(set_or_unset(CARGO_HOME_MODE, home.map(CargoHome::name)));
        if let Some(portable) = portable {
            changes.extend(set_or_unset(LINKS, (!portable.links).then_some("off")));
        }
        changes
    }

    /// Takes out what an outer shell with the front has left.
    pub(super) fn without_front(&self) -> impl Iterator<Item = Change> + use<> {
        let is_known = self.policy.is_some() || self.is_front;
        let names = [SCCACHE, CARGO_HOME_MODE, LINKS].into_iter();
        names
            .filter(move |_| is_known)
            .filter_map(|name| set_or_unset(name, None))
    }

    /// The value of `RUSTC_WRAPPER` that names sccache itself.
    pub(super) fn sccache<'a>(&'a self, client: &'a SccacheProgram) -> Option<&'a Path> {
        if self.is_front {
            return Some(&client.executable.path);
        }
        self.named.as_deref().map(Path::new)
    }
}

/// Whether others may have use for what is cached: it is in a remote cache.
fn is_for_others(desired: &DesiredState) -> bool {
    desired.remote.is_some()
}

fn set_or_unset(name: &'static str, value: Option<&str>) -> Option<Change> {
    match value {
        Some(value) => Some(Change::Set(name, value.to_owned())),
        None => env::var_os(name).map(|_| Change::Unset(name)),
    }
}
