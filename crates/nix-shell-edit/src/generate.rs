//! Generates a flake for a project that has none. The editor then adds its regions, as to any other
//! flake.

mod manifest;
mod native;
mod shell_nix;
mod toolchain;

use anyhow::{Context as _, Result};
use serde::Serialize;

use self::native::Native;
use self::toolchain::{Expression, Rust};
use super::quote;
use sccfg_util::problem::Problem;

pub use self::shell_nix::{SHELL_NIX, ShellNix};
pub use self::toolchain::choose;

/// Where a generated flake takes Rust from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Toolchain {
    /// The Rust of nixpkgs
    Nixpkgs,
    /// oxalica's rust-overlay, which reads rust-toolchain.toml
    RustOverlay,
    /// nix-community's fenix
    Fenix,
}

/// The names of rustup's toolchain file. If both exist, rustup reads the first.
pub const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// The files of a project, read by the caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// The name of the directory: the name of a project whose manifest has none.
    pub directory_name: &'a str,
    /// The text of Cargo.toml.
    pub cargo_toml: Option<&'a str>,
    /// The text of Cargo.lock.
    pub cargo_lock: Option<&'a str>,
    /// rustup's toolchain file.
    pub toolchain_file: Option<ToolchainFile<'a>>,
    /// The requested source of Rust, if any.
    pub toolchain: Option<Toolchain>,
}

/// rustup's toolchain file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolchainFile<'a> {
    /// One of [`TOOLCHAIN_FILES`].
    pub name: &'a str,
    /// The file's contents.
    pub text: &'a str,
}

/// The facts about a project that determine a generated flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    description: String,
    rust: Rust,
    native: Native,
}

impl Project {
    /// Reads `sources`.
    ///
    /// # Errors
    /// When Cargo.toml or the toolchain file cannot be parsed, or when the source of Rust does not
    /// have the requested toolchain. Errors name the files without a directory.
    pub fn detect(sources: &Sources<'_>) -> Result<Self, Problem> {
        let source = choose(sources.toolchain, sources.toolchain_file);
        Ok(Self {
            description: manifest::description(sources.cargo_toml, sources.directory_name)?,
            rust: Rust::new(source, sources.toolchain_file)?,
            native: Native::of(sources.cargo_lock.unwrap_or_default())
                .map_err(|error| Problem::new(format!("{error:#}")))?,
        })
    }

    /// The steps that the user has to take before the shell can be entered.
    pub fn manual_steps(&self) -> Option<&'static str> {
        match self.rust.expression {
            Expression::FenixFile { .. } => Some(
                "run `nix develop` once and replace `fakeSha256` in flake.nix with the hash that it reports",
            ),
            _ => None,
        }
    }
}

/// The context of `templates/flake.nix`.
#[derive(Serialize)]
struct Context<'a> {
    description: String,
    source: Toolchain,
    rust: &'a Expression,
    has_analyzer: bool,
    native: &'a Native,
}

/// The text of a flake.nix for `project`, formatted as nixfmt would.
///
/// # Errors
/// When the template is defective.
pub fn generate(project: &Project) -> Result<String> {
    sccfg_templates::render(
        sccfg_templates::FLAKE,
        Context {
            description: quote::string(&project.description),
            source: project.rust.source,
            rust: &project.rust.expression,
            has_analyzer: project.rust.has_analyzer,
            native: &project.native,
        },
    )
    .context("generating flake.nix")
}

/// The text of a flake.nix whose shell is that of `shell`, formatted as nixfmt would.
///
/// # Errors
/// When Cargo.toml cannot be parsed, or the template is defective.
pub fn generate_for(shell: ShellNix, sources: &Sources<'_>) -> Result<String> {
    let description = manifest::description(sources.cargo_toml, sources.directory_name)?;
    sccfg_templates::render(
        sccfg_templates::FLAKE_OF_SHELL,
        serde_json::json!({
            "description": quote::string(&description),
            "call": shell.call(),
        }),
    )
    .context("generating flake.nix")
}

#[cfg(test)]
mod tests;
