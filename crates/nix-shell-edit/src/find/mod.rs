//! From the text of a flake to its dev shells, and to the sets that they are made from. Nothing here
//! changes or writes Nix: `change` does.
//!
//! - [`shells`] has the dev shells of a flake, each a [`found::Found`]; [`search`] walks to them from the outputs, through
//!   [`calls`] of functions, [`pairs`] of names and shells, [`flake_parts`] modules and other [`frameworks`].
//! - [`eval`] follows names, calls and [`imports`] to a [`thunk`], [`lexical`] resolves names to their bindings,
//!   [`call_package`] what `callPackage` passes; [`syntax`] takes expressions apart.
//! - [`shell_function`] recognises the function that makes a shell, its argument, and its [`prefix`]; [`module`] reads the
//!   sets of a module.
//! - [`devenv`] finds the module of the command `devenv`.
//! - [`pkgs`] finds nixpkgs' sccache in scope, [`by_system`] tells package sets from sets of them, [`input`] finds the inputs of the
//!   flake.
//! - [`files`] reads the files, [`parse`] parses them.

mod by_system;
pub(crate) mod call_package;
mod calls;
pub(crate) mod devenv;
pub(crate) mod eval;
pub(crate) mod files;
mod flake_parts;
pub(crate) mod found;
mod frameworks;
mod imports;
pub(crate) mod input;
pub(crate) mod lexical;
pub(crate) mod module;
mod pairs;
pub(crate) mod parse;
pub(crate) mod pkgs;
mod prefix;
mod search;
pub(crate) mod shell_function;
pub(crate) mod shells;
pub(crate) mod syntax;
pub(crate) mod thunk;
