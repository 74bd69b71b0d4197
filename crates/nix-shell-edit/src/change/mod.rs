//! Changes of Nix text, as edits of byte ranges.
//!
//! [`derivation`] and [`devshell`] edit the set that a shell is made from, [`modules`] and [`wrap`]
//! add something beside it, or wrap it. [`input`] adds sccfg to the inputs of the flake. [`set`] and
//! [`hook`] turn changes into [`edits`]; [`references`] writes what `find` found in scope.

pub(crate) mod commented_out;
pub(crate) mod derivation;
pub(crate) mod devshell;
pub(crate) mod edits;
pub(crate) mod hook;
pub(crate) mod hook_conflicts;
mod hook_parts;
mod hook_reader;
pub(crate) mod input;
pub(crate) mod modules;
pub(crate) mod references;
pub(crate) mod set;
pub(crate) mod shell_settings;
pub(crate) mod wrap;

use self::hook::HookFacts;
use crate::variable::Variable;

/// Why a set was not edited.
#[derive(Debug)]
pub(crate) enum Declined {
    /// Not all its attributes are known: the shell has to be wrapped.
    Unclear,
    /// The name of an attribute is computed; its byte offset.
    DynamicName(usize),
}

/// Facts about an edited set, for the report.
#[derive(Debug, Default)]
pub(crate) struct SetFacts {
    pub(crate) hook: HookFacts,
    /// Settings of sccfg's variables in the set itself.
    pub(crate) own: Vec<OwnValue>,
}

/// A value that the user's text gives to one of sccfg's variables.
#[derive(Debug)]
pub(crate) struct OwnValue {
    pub(crate) variable: Variable,
    /// As it is written, in Nix or in the shell.
    pub(crate) value: String,
    /// Its byte offset.
    pub(crate) offset: usize,
}
