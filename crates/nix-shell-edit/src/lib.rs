//! Nix text in, Nix text out: find the dev shells, edit them, generate a flake.
//!
//! Start at [`edit`]. `find` reads Nix, `change` writes it, and `editor` uses both and checks that
//! nothing is lost.

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

pub use change::commented_out::{with_lines, without_line};
pub use change::hook_conflicts::{Assigned, assigned, stops_server};
pub use editor::devenv::own_settings;
pub use editor::{
    Edited, EditedFile, How, OwnSetting, Request, Touched, check_syntax, edit, edit_with_size,
    remove_regions, strip,
};
pub use find::files::Sources;
