//! Nix text in, Nix text out: find the dev shells, edit them, generate a flake.

pub mod generate;
pub mod quote;
