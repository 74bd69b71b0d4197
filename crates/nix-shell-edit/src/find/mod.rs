//! From the text of a flake to its dev shells, and to what they are made from.
//!
//! [`shells`] walks from the outputs to the shells, [`eval`] follows names, calls and imports on
//! the way, [`maker`] looks at how a shell is made, [`pkgs`] for a name of nixpkgs that is in scope,
//! [`input`] for one of sccfg's own package.

pub(crate) mod eval;
pub(crate) mod files;
mod flake_parts;
mod frameworks;
pub(crate) mod input;
pub(crate) mod lexical;
pub(crate) mod parse;
pub(crate) mod pkgs;
pub(crate) mod shell_function;
pub(crate) mod shells;
