//! Nix text in, Nix text out: find the dev shells, edit them, generate a flake.
//!
//! [`edit`] is the way in: `find` has what looks, `change` what edits, and `editor` puts both
//! together and makes sure that nothing is lost.

pub mod bindings;
mod change;
mod editor;
mod find;
pub mod generate;
pub mod home;
pub mod options;
pub mod quote;
pub mod region;
mod text;
mod variable;

pub use editor::{
    Edited, EditedFile, How, Request, Touched, check_syntax, edit, edit_with_size, strip, take_out,
};
pub use find::files::Sources;
