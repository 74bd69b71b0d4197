//! The templates in `templates/`, and rendering them with minijinja, which rejects undefined names.

use anyhow::{Context as _, Result};
use minijinja::syntax::{SyntaxConfig, SyntaxConfigBuilder};
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

/// The action for GitHub Actions, for [`render_with_percent_signs`].
pub const CI_ACTION: Template = template!("ci/action.yml");
/// The action that reports statistics at the end of a job, not rendered.
pub const CI_REPORT: Template = template!("ci/report.yml");
/// The program of that action, not rendered.
pub const CI_REPORT_PROGRAM: Template = template!("ci/report.js");
/// The script for jobs of any provider, for [`render_with_percent_signs`].
pub const CI_SCRIPT: Template = template!("ci/sccfg.sh");
/// The compose file with a Redis, not rendered.
pub const DOCKER_COMPOSE: Template = template!("docker/compose.yaml");
/// `.dockerignore`, not rendered.
pub const DOCKER_IGNORE: Template = template!("docker/dockerignore");
/// The stage that installs sccache in an image.
pub const DOCKER_STAGE: Template = template!("docker/stage");
/// The program that compiles by sccache in builds of images.
pub const DOCKER_WRAPPER: Template = template!("docker/sccache.sh");
/// A generated Dockerfile.
pub const DOCKERFILE: Template = template!("docker/Dockerfile");
/// `.envrc`.
pub const ENVRC: Template = template!("envrc");
/// A generated `flake.nix`.
pub const FLAKE: Template = template!("flake.nix");
/// A generated `flake.nix` whose shell is that of `shell.nix`.
pub const FLAKE_OF_SHELL: Template = template!("flake-of-shell.nix");
/// `sccache.nix`, a home-manager module.
pub const HOME: Template = template!("home.nix");
/// The shell hook. Lines may have a condition: [`condition_of`]. `modules/lib.nix` renders the same
/// file.
pub const HOOK: Template = template!("hook.sh");
/// The shell hook of sccfg 0.1.0, which is recognised in regions.
pub const HOOK_0_1_0: Template = template!("earlier/hook-0.1.0.sh");
/// The program that `sccfg verify --linker` has cargo run in place of the compiler, with `links`, the quoted directory
/// for commands of links, and `wrapper`, the quoted wrapper of the compiler or nothing.
pub const LINK_RECORDER: Template = template!("link-recorder.sh");
/// The page of `sccfg report --html`. Its name makes minijinja escape what is inserted.
pub const REPORT: Template = template!("report.html");
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
    render_by(&mut SyntaxConfig::builder(), template, context)
}

/// As [`render`], for texts that contain braces: a template has blocks `<% … %>` and variables `<$ … $>`.
///
/// # Errors
/// When the template uses a name that `context` does not have.
pub fn render_with_percent_signs<C: Serialize>(template: Template, context: C) -> Result<String> {
    let mut syntax = SyntaxConfig::builder();
    syntax
        .block_delimiters("<%", "%>")
        .variable_delimiters("<$", "$>")
        .comment_delimiters("<#", "#>");
    render_by(&mut syntax, template, context)
}

fn render_by<C: Serialize>(
    syntax: &mut SyntaxConfigBuilder,
    template: Template,
    context: C,
) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = syntax
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
