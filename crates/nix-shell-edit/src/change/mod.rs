//! What is found becomes edits of bytes.
//!
//! [`derivation`] and [`devshell`] edit the set that a shell is made from, [`modules`] and [`wrap`]
//! put something beside or around it; [`input`] adds sccfg to the inputs of the flake; [`set`] and
//! [`hook`] turn changes into [`edits`].

pub(crate) mod derivation;
pub(crate) mod devshell;
pub(crate) mod edits;
pub(crate) mod hook;
pub(crate) mod hook_conflicts;
pub(crate) mod input;
pub(crate) mod modules;
pub(crate) mod references;
pub(crate) mod set;
pub(crate) mod shell_settings;
pub(crate) mod wrap;

use self::hook::HookFacts;

/// Why a set was left alone.
#[derive(Debug)]
pub(crate) enum Declined {
    /// Its attributes cannot all be known: the shell as a whole has to be wrapped.
    Unclear,
    /// An attribute's name is computed; byte offset of it.
    DynamicName(usize),
}

/// What was done, for the report.
#[derive(Debug, Default)]
pub(crate) struct SetFacts {
    pub(crate) hook: HookFacts,
}
