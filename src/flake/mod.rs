//! Nix text in, Nix text out: find the dev shells, edit them, generate a flake.
//!
//! [`edit`] is the way in: [`shells`] walks from the outputs to the shells, [`maker`] looks at how
//! each is made, and [`derivation`], [`devshell`] or [`wrap`] turns that into edits of bytes.

mod derivation;
mod devshell;
mod editor;
mod eval;
mod files;
mod flake_parts;
pub mod generate;
mod hook;
mod lexical;
mod maker;
mod modules;
mod parse;
mod pkgs;
pub mod quote;
mod region;
mod set;
mod shell_text;
mod shells;
mod text;
mod vars;
mod wrap;

pub use editor::{Edited, EditedFile, How, Request, Touched, edit, strip};
pub use files::Sources;
