//! Inputs of units that come from the shell: variables, and programs on the search path. A worktree may be seeded in another shell
//! than the one of its first build.

use serde::{Deserialize, Serialize};

use super::super::cached_digest;
use super::super::compiler::LinkerNames;
use super::super::digest::{self, KeyedHasher};
use super::super::state_dir::StateDir;
use super::super::unit_key::UNSET;
use sccfg_util::env;
use sccfg_util::programs::find_program;

/// An input that may differ in the shell of the first build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum OfShell {
    /// The variable of this name, whether it is set or not.
    Variable(String),
    /// The program of this name on the search path.
    Program(String),
    /// The linker of these names on the search path.
    Linker(LinkerNames),
}

/// The variables and the search path of this process.
pub(super) struct Shell {
    state: Option<StateDir>,
    hasher: Option<KeyedHasher>,
}

impl Shell {
    pub(super) fn current() -> Self {
        let state = StateDir::find();
        let hasher = state.as_ref().and_then(StateDir::hasher);
        Self { state, hasher }
    }

    /// The value of an input, or a digest of it.
    pub(super) fn value(&self, input: &OfShell) -> String {
        // Without a state directory, no value is the one in a record.
        self.known_value(input).unwrap_or_else(digest::now)
    }

    fn known_value(&self, input: &OfShell) -> Option<String> {
        let state = self.state.as_ref()?;
        Some(match input {
            OfShell::Variable(name) => match env::var_os(name) {
                Some(value) => {
                    let value = [b"=", value.as_encoded_bytes()].concat();
                    digest::shown_secret(&format!("${name}"), &value, self.hasher.as_ref()?)
                }
                None => UNSET.to_owned(),
            },
            OfShell::Program(name) => match find_program(name.as_ref(), &env::search_path()) {
                Some(path) => {
                    let digest = cached_digest::of_file(&path, state)?;
                    format!("{} {digest}", path.display())
                }
                None => UNSET.to_owned(),
            },
            OfShell::Linker(names) => names.digest(state).unwrap_or_default(),
        })
    }
}
