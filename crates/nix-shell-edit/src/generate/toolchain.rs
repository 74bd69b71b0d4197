//! The Rust of the shell, and how the flake gets it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Toolchain, ToolchainFile};
use crate::quote;
use sccfg_util::problem::{Place, Problem};

/// The source of Rust of a generated flake: as requested, otherwise rust-overlay where there is a
/// toolchain file, otherwise nixpkgs.
pub fn choose(
    requested: Option<Toolchain>,
    toolchain_file: Option<ToolchainFile<'_>>,
) -> Toolchain {
    requested.unwrap_or(match toolchain_file {
        Some(_) => Toolchain::RustOverlay,
        None => Toolchain::Nixpkgs,
    })
}

/// The Rust of the shell, as the template expects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Rust {
    pub(super) source: Toolchain,
    pub(super) expression: Expression,
    /// Whether rust-analyzer is among the toolchain's components.
    pub(super) has_analyzer: bool,
}

/// How the flake gets the toolchain; the texts are Nix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Expression {
    /// The packages of nixpkgs.
    Packages,
    /// The latest stable release, of rust-overlay.
    LatestStable,
    /// rust-overlay reads the file.
    OverlayFile { file: String, has_source: bool },
    /// fenix's own pin of a channel, with these components and standard libraries.
    FenixChannel {
        channel: &'static str,
        file: Option<String>,
        components: Vec<String>,
        targets: Vec<String>,
    },
    /// fenix reads the file, given a hash.
    FenixFile {
        file: String,
        channel: String,
        has_source: bool,
    },
}

impl Rust {
    /// The Rust that `toolchain_file` requests, from `source`.
    ///
    /// # Errors
    /// When rustup would not read the file, or `source` does not have the toolchain.
    pub(super) fn new(
        source: Toolchain,
        toolchain_file: Option<ToolchainFile<'_>>,
    ) -> Result<Self, Problem> {
        let (expression, has_analyzer) = match (source, toolchain_file) {
            (Toolchain::Nixpkgs, _) => (Expression::Packages, false),
            (Toolchain::RustOverlay, None) => (Expression::LatestStable, false),
            (Toolchain::RustOverlay, Some(file)) => {
                let request = Request::read(file)?;
                (request.of_rust_overlay(file)?, request.has("rust-analyzer"))
            }
            (Toolchain::Fenix, None) => (Request::stable().of_fenix_channel("stable", None), false),
            (Toolchain::Fenix, Some(file)) => {
                let request = Request::read(file)?;
                (request.of_fenix(file)?, request.has("rust-analyzer"))
            }
        };
        Ok(Self {
            source,
            expression,
            has_analyzer,
        })
    }
}

#[derive(Debug, Deserialize)]
struct File {
    toolchain: Request,
}

/// The contents of a toolchain file, see
/// <https://rust-lang.github.io/rustup/overrides.html#the-toolchain-file>.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    channel: Option<String>,
    path: Option<String>,
    profile: Option<String>,
    components: Vec<String>,
    targets: Vec<String>,
}

/// The two forms of a toolchain file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One line, the channel.
    Plain,
    Toml,
}

impl Form {
    /// As rustup does it: one line in a file without extension is the channel.
    fn of(file: ToolchainFile<'_>) -> Self {
        if Path::new(file.name).extension().is_none() && file.text.trim_end().lines().count() == 1 {
            Self::Plain
        } else {
            Self::Toml
        }
    }
}

impl Request {
    fn stable() -> Self {
        Self {
            channel: Some("stable".to_owned()),
            ..Self::default()
        }
    }

    fn read(file: ToolchainFile<'_>) -> Result<Self, Problem> {
        if Form::of(file) == Form::Plain {
            return Ok(Self {
                channel: Some(file.text.trim().to_owned()),
                ..Self::default()
            });
        }
        toml_edit::de::from_str(file.text)
            .map(|read: File| read.toolchain)
            .map_err(|error| {
                let start = error.span().map_or(0, |span| span.start);
                Problem::new(error.message().trim_end())
                    .at(Place::at(Path::new(file.name), file.text, start))
                    .hint("fix or delete the file; rustup cannot read it either")
            })
    }

    fn has(&self, component: &str) -> bool {
        self.components
            .iter()
            .any(|name| name == component || name.strip_suffix("-preview") == Some(component))
    }

    /// The channel, if `source` has it.
    fn channel(&self, file: ToolchainFile<'_>, source: &str) -> Result<Channel<'_>, Problem> {
        let asked = self.channel.as_deref().or(self.path.as_deref());
        let problem = |what: String| {
            let start = asked.and_then(|text| file.text.find(text)).unwrap_or(0);
            Problem::new(what)
                .at(Place::at(Path::new(file.name), file.text, start))
                .hint("use the Rust of nixpkgs instead: --toolchain nixpkgs")
        };
        match (self.channel.as_deref(), &self.path) {
            (Some(name), None) => Channel::parse(name)
                .ok_or_else(|| problem(format!("{source} has no toolchain `{name}`"))),
            (_, Some(path)) => Err(problem(format!(
                "the toolchain at `{path}` is not one that {source} can provide"
            ))),
            (None, None) => Err(problem("no toolchain channel".to_owned())),
        }
    }

    fn of_rust_overlay(&self, file: ToolchainFile<'_>) -> Result<Expression, Problem> {
        let channel = self.channel(file, "rust-overlay")?;
        let problem = |what| Problem::new(what).at(Place::at(Path::new(file.name), file.text, 0));
        if channel.name == "stable" && channel.is_dated {
            return Err(problem("rust-overlay has no stable channel by date")
                .hint("name the version instead, such as 1.90.0"));
        }
        if Form::of(file) == Form::Toml && file.text.trim_end().lines().count() == 1 {
            return Err(
                problem("rust-overlay reads a one-line file as a bare channel")
                    .hint("put `[toolchain]` on one line and `channel` on the next"),
            );
        }
        Ok(Expression::OverlayFile {
            file: path(file),
            has_source: self.has("rust-src"),
        })
    }

    fn of_fenix(&self, file: ToolchainFile<'_>) -> Result<Expression, Problem> {
        let channel = self.channel(file, "fenix")?;
        let path = path(file);
        Ok(match (channel.name, channel.is_dated) {
            ("stable", false) => self.of_fenix_channel("stable", Some(file)),
            ("beta", false) => self.of_fenix_channel("beta", Some(file)),
            // `complete` is of one day; only `latest` has other targets.
            ("nightly", false) if self.targets.is_empty() => {
                self.of_fenix_channel("complete", Some(file))
            }
            ("nightly", false) => self.of_fenix_channel("latest", Some(file)),
            _ => Expression::FenixFile {
                channel: match Form::of(file) {
                    Form::Plain => format!("builtins.readFile {path}"),
                    Form::Toml => format!("(pkgs.lib.importTOML {path}).toolchain.channel"),
                },
                file: path,
                has_source: self.has("rust-src"),
            },
        })
    }

    fn of_fenix_channel(
        &self,
        channel: &'static str,
        file: Option<ToolchainFile<'_>>,
    ) -> Expression {
        let mut components = vec!["cargo", "rust-src", "rustc"];
        if self.profile.as_deref() != Some("minimal") {
            components.extend(["clippy", "rustfmt"]);
        }
        components.extend(self.components.iter().map(String::as_str));
        components.sort_unstable();
        components.dedup();
        Expression::FenixChannel {
            channel,
            file: file.map(|file| file.name.to_owned()),
            components: components.into_iter().map(quote::string).collect(),
            targets: self
                .targets
                .iter()
                .map(|target| quote::attribute(target))
                .collect(),
        }
    }
}

/// The file as a Nix path; its name is one of [`super::TOOLCHAIN_FILES`].
fn path(file: ToolchainFile<'_>) -> String {
    format!("./{}", file.name)
}

/// A channel that Rust publishes: `stable`, `beta`, `nightly`, `1.90` or `1.90.0`, or one with a date.
#[derive(Debug, PartialEq, Eq)]
struct Channel<'a> {
    name: &'a str,
    is_dated: bool,
}

impl<'a> Channel<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (name, date) = match text.split_once('-') {
            Some((name, date)) => (name, Some(date)),
            None => (text, None),
        };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let is_version =
            name.split('.').all(is_number) && (2..=3).contains(&name.split('.').count());
        let is_channel = ["stable", "beta", "nightly"].contains(&name);
        let is_date = |date: &str| {
            date.split('-').map(str::len).eq([4, 2, 2]) && date.split('-').all(is_number)
        };
        match date {
            None if is_channel || is_version => Some(Self {
                name,
                is_dated: false,
            }),
            Some(date) if is_channel && is_date(date) => Some(Self {
                name,
                is_dated: true,
            }),
            _ => None,
        }
    }
}
