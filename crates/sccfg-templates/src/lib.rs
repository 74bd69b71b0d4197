//! The templates in `templates/`, and rendering them with minijinja, which rejects undefined names.

use anyhow::{Context as _, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// A file of `templates/`, compiled into the binary.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// The file's name, for errors.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! template {
    ($name:literal) => {
        Template {
            name: $name,
            text: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../templates/",
                $name
            )),
        }
    };
}

/// `.envrc`.
pub const ENVRC: Template = template!("envrc");
/// A generated `flake.nix`.
pub const FLAKE: Template = template!("flake.nix");
/// `sccache.nix`, a home-manager module.
pub const HOME: Template = template!("home.nix");
/// The shell hook. Lines may have a condition: [`condition_of`]. `modules/lib.nix` renders the same
/// file.
pub const HOOK: Template = template!("hook.sh");
/// The shell hook of sccfg 0.1.0, which is recognised in regions.
pub const HOOK_0_1_0: Template = template!("earlier/hook-0.1.0.sh");
/// The wrapper that the user's configuration of cargo names.
pub const RUSTC_WRAPPER: Template = template!("rustc-wrapper.sh");
/// `sccfg.toml`.
pub const POLICY: Template = template!("sccfg.toml");

/// The condition of a line of [`HOOK`] and the line itself: `@NAME line`.
pub fn condition_of(line: &str) -> (Option<&str>, &str) {
    match line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
        Some((name, line)) => (Some(name), line),
        None => (None, line),
    }
}

/// Renders `template` with `context`.
///
/// # Errors
/// When the template uses a name that `context` does not have.
pub fn render<C: Serialize>(template: Template, context: C) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .context("could not set up the template syntax")?;
    environment.set_syntax(syntax);
    environment
        .render_named_str(template.name, template.text, Value::from(Serde(context)))
        .with_context(|| format!("could not render the template {}", template.name))
}
