//! All generated text: minijinja over `templates/`, strict about undefined names.

use anyhow::{Context as _, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// A template of `templates/`, compiled into the binary.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// The file's name, for error texts.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// Names a file of `templates/` as a [`Template`].
#[macro_export]
macro_rules! template {
    ($name:literal) => {
        $crate::render::Template {
            name: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name)),
        }
    };
}

/// Renders `template` with `context`.
///
/// # Errors
/// When the template uses a name that `context` lacks: a defect of the template.
pub fn render<C: Serialize>(template: Template, context: C) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .context("setting up the template syntax")?;
    environment.set_syntax(syntax);
    environment
        .render_named_str(template.name, template.text, Value::from(Serde(context)))
        .with_context(|| format!("rendering the template {}", template.name))
}
