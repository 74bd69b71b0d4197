//! The variables that a shell has to set.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use super::Session;
use super::rustc_wrapper::WRAPPER;
use crate::sccfg_toml::Incremental;
use crate::shell::Change;
use sccache_control::server::address::{self, Address};
use sccache_control::server::desired_state::DISK_VARIABLES;
use sccache_control::server::program::SccacheProgram;
use sccache_control::server::select_address::AddressChoice;
use sccfg_util::env;
use sccfg_util::programs::find_program;

const INCREMENTAL: &str = "CARGO_INCREMENTAL";

impl Session {
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
