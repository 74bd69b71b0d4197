//! Nix text in, Nix text out: find the dev shells, edit them, generate a flake.
//!
//! [`edit`] is the way in: [`find`] has what looks, [`change`] what edits, and `editor` puts both
//! together and makes sure that nothing is lost.

mod change;
mod editor;
mod find;
pub mod generate;
pub mod home;
pub mod quote;
pub(crate) mod region;
mod text;
mod vars;

pub use editor::{Edited, EditedFile, How, Request, Touched, edit, strip};
pub use find::files::Sources;
