//! `sccfg.toml`: the policy of a repository.

mod hints;
mod update;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

pub use crate::ci::{Backend, Ci, Provider};
pub use crate::docker::Docker;
pub use crate::remote::{Kind, Remote};
pub use nix_shell_edit::options::{FlakeRef, Incremental, Linker, ShellName, Wrapper};
use sccache_control::config::toml;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::{ByteSize, CacheSizeError};
use sccfg_util::toml_message;

/// The name of the file at the root of a repository.
pub const FILE_NAME: &str = "sccfg.toml";

/// The contents of `sccfg.toml`. Every key is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The requested cache.
    pub cache: Cache,
    /// How cargo compiles.
    pub cargo: Cargo,
    /// Settings of portable keys.
    pub portable: Portable,
    /// The managed dev shells.
    pub shell: Shell,
    /// The inputs of the flake.
    pub flake: Flake,
    /// The remote back end that the team shares.
    pub remote: Remote,
    /// Continuous integration.
    pub ci: Ci,
    /// Images.
    pub docker: Docker,
}

/// `[cache]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// The requested size. The machine's config file grows to the largest request.
    #[serde(deserialize_with = "requested_size")]
    pub size: Option<ByteSize>,
}

/// `[cargo]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cargo {
    /// The policy for incremental compilation.
    pub incremental: Incremental,
    /// The program in `RUSTC_WRAPPER`.
    pub wrapper: Wrapper,
    /// The program that links on Linux.
    pub linker: Linker,
    /// Whether the repository's config file of cargo names the linker, for builds without the dev shell.
    #[serde(rename = "linker-config")]
    pub linker_config: LinkerConfig,
}

/// `[portable]`, for `wrapper = "portable"`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Portable {
    /// Whether linked outputs are cached: programs, tests, build scripts, procedural macros, dynamic
    /// libraries.
    pub links: bool,
    /// Whether the target directory of a new worktree is filled from another one, when its shell or its first build starts.
    pub seed: bool,
    /// Whether users with other paths of `CARGO_HOME` share registry crates.
    #[serde(rename = "home")]
    pub cargo_home: CargoHome,
    /// The share of hits that are compiled as well and compared.
    pub verify: Percent,
}

impl Default for Portable {
    fn default() -> Self {
        Self {
            links: true,
            seed: true,
            cargo_home: CargoHome::default(),
            verify: Percent::default(),
        }
    }
}

/// `[shell]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shell {
    /// Names of the managed dev shells.
    pub names: Vec<ShellName>,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            names: vec![ShellName::default()],
        }
    }
}

/// `[flake]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flake {
    /// The URL of sccfg as an input of the flake; `None` for no input.
    pub input: Option<FlakeRef>,
}

/// How the repository's config file of cargo has the linker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LinkerConfig {
    /// Not at all.
    #[default]
    None,
    /// As a comment.
    Comment,
    /// As flags for rustc.
    Set,
}

/// Whether users share registry crates, whose outputs contain the path of `CARGO_HOME`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CargoHome {
    /// `shared` if the cache is remote, else `exact`.
    #[default]
    Auto,
    /// Outputs are the same as without a cache. Users share them if their paths have the same
    /// length.
    Exact,
    /// Users share them for any path. Shorter paths are padded with slashes.
    Shared,
}

/// A share, such as `2%`, in hundredths of a percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent(u16);

impl Policy {
    /// Parses the text of `sccfg.toml` at `path`.
    ///
    /// # Errors
    /// If it is not TOML, or a key or value is unknown. The hint names the nearest known key, or the values of the key.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Problem> {
        let policy: Self = toml_edit::de::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            Problem::new(toml_message::shown(error.message()))
                .at(Place::at(path, text, offset))
                .hint(hints::hint_for(text, offset, error.message()))
        })?;
        if policy.shell.names.is_empty() {
            let offset = text.find("names").unwrap_or(0);
            return Err(Problem::new("`shell.names` is empty")
                .at(Place::at(path, text, offset))
                .hint("write names = [\"default\"], or remove the key"));
        }
        let is_wrong = |(_, _, text): &(_, _, &str)| text.contains(char::is_control);
        if let Some((table, key, _)) = policy.rendered_texts().find(is_wrong) {
            let what =
                format!("`{table}.{key}` contains a line break or another control character");
            let mut problem = Problem::new(what).hint("write it on one line");
            problem.place = place_of(text, table, Some(key));
            return Err(problem);
        }
        Ok(policy)
    }

    /// The texts that are rendered into scripts and variables, with their tables and keys.
    pub(crate) fn rendered_texts(
        &self,
    ) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        let (ci, remote) = (&self.ci, &self.remote);
        let texts = [
            ("remote", "address", &remote.address),
            ("remote", "endpoint", &remote.endpoint),
            ("remote", "region", &remote.region),
            ("remote", "prefix", &remote.prefix),
            ("remote", "username", &remote.username),
            ("ci", "role", &ci.role),
        ];
        let texts = texts.into_iter();
        texts.filter_map(|(table, key, text)| Some((table, key, text.as_deref()?)))
    }

    /// The text of a new `sccfg.toml` with this policy.
    ///
    /// # Errors
    /// If the template is faulty.
    pub fn render(&self) -> anyhow::Result<String> {
        let names = toml_names(&self.shell.names);
        sccfg_templates::render(
            sccfg_templates::POLICY,
            serde_json::json!({
                "size": self.cache.size.map(|size| size.to_string()),
                "incremental": self.cargo.incremental,
                "wrapper": self.cargo.wrapper,
                "linker": (self.cargo.linker != Linker::System).then_some(self.cargo.linker),
                "linker_config": (self.cargo.linker_config != LinkerConfig::None)
                    .then_some(self.cargo.linker_config),
                "links": self.portable.links.to_string(),
                "no_seed": !self.portable.seed,
                "home": self.portable.cargo_home,
                "verify": (self.portable.verify != Percent::default())
                    .then(|| self.portable.verify.to_string()),
                "names": names.to_string(),
                "input": self.flake.input.as_ref().map(|input| toml_text(input.as_str())),
            }),
        )
    }
}

/// The place in `text`, the contents of `sccfg.toml`, of a table or one of its keys.
pub(crate) fn place_of(text: &str, table: &str, key: Option<&str>) -> Option<Place> {
    let path = Path::new(FILE_NAME);
    let document = toml::parse(text, path).ok()?;
    let (name, table) = document.as_table().get_key_value(table)?;
    let key = match key {
        Some(key) => table.as_table_like()?.key(key)?,
        None => name,
    };
    Some(Place::at(path, text, key.span()?.start))
}

/// A quoted TOML string.
fn toml_text(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn toml_names(names: &[ShellName]) -> toml_edit::Array {
    names.iter().map(ShellName::as_str).collect()
}

impl Percent {
    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

impl TryFrom<String> for Percent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().strip_suffix('%').map(str::trim_end);
        let share = number.and_then(|number| number.parse::<f64>().ok());
        let share = share.filter(|share| (0.0..=100.0).contains(share));
        let share = share.ok_or_else(|| {
            format!("`{text}` is not a share; write a percentage from 0% to 100%, such as \"2%\"")
        })?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 10000"
        )]
        let hundredths = (share * 100.0).round() as u16;
        Ok(Self(hundredths))
    }
}

impl LinkerConfig {
    /// The value in `sccfg.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Comment => "comment",
            Self::Set => "set",
        }
    }
}

impl CargoHome {
    /// The value in `sccfg.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Exact => "exact",
            Self::Shared => "shared",
        }
    }
}

/// A size that is not too small for a cache.
fn requested_size<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ByteSize>, D::Error> {
    let size = ByteSize::deserialize(deserializer)?;
    if size.is_too_small_for_a_cache() {
        let error = CacheSizeError::TooSmall(size.bytes().to_string());
        return Err(serde::de::Error::custom(error));
    }
    Ok(Some(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Policy, Problem> {
        Policy::parse(Path::new(FILE_NAME), text)
    }

    #[test]
    fn every_key_has_a_default() {
        let policy = parse("").unwrap();
        assert_eq!(policy, Policy::default());
        assert_eq!(policy.shell.names, [ShellName::default()]);
    }

    #[test]
    fn what_is_rendered_reads_back() {
        let mut policy = Policy::default();
        assert_eq!(parse(&policy.render().unwrap()).unwrap(), policy);
        policy.cache.size = Some("24GiB".parse().unwrap());
        policy.cargo.incremental = Incremental::Auto;
        policy.flake.input = Some("github:owner/sccfg?ref=v1&dir=a".parse().unwrap());
        policy.shell.names = vec![
            "a \"quoted\" \\ näme".parse().unwrap(),
            "ci".parse().unwrap(),
        ];
        let text = policy.render().unwrap();
        assert_eq!(parse(&text).unwrap(), policy, "{text}");
        policy.cargo.linker = Linker::Mold;
        policy.cargo.linker_config = LinkerConfig::Comment;
        policy.cargo.wrapper = Wrapper::Portable;
        assert_eq!(parse(&policy.render().unwrap()).unwrap(), policy);
        for cargo_home in [CargoHome::Auto, CargoHome::Exact, CargoHome::Shared] {
            policy.portable = Portable {
                links: false,
                seed: false,
                cargo_home,
                verify: "2.5%".parse().unwrap(),
            };
            let text = policy.render().unwrap();
            assert_eq!(parse(&text).unwrap(), policy, "{text}");
            let updated = policy.update(Path::new(FILE_NAME), "# ours\n").unwrap();
            assert_eq!(parse(&updated).unwrap(), policy, "{updated}");
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_the_nearest_right_one() {
        let problem = parse("[cargo]\nincremetal = \"off\"\n").unwrap_err();
        assert!(
            problem.to_string().starts_with("sccfg.toml:2:1: "),
            "{problem}"
        );
        assert_eq!(problem.hint.as_deref(), Some("did you mean `incremental`?"));
        let problem = parse("[cache]\nsize = \"lots\"\n").unwrap_err();
        assert!(
            problem.to_string().contains("`lots` is not a size"),
            "{problem}"
        );
        let problem = parse("[portable]\nlink = false\n").unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("did you mean `links`?"));
        let problem = parse("[portable]\nhome = \"mine\"\n").unwrap_err();
        assert!(
            problem
                .hint
                .unwrap()
                .contains("\"auto\", \"exact\", \"shared\"")
        );
        assert!(parse("[portable]\nlinks = \"off\"\n").is_err());
        assert!(parse("[shell]\nnames = []\n").is_err());
        assert!(parse("[cargo]\nincremental = \"yes\"\n").is_err());
        assert!(parse("nonsense").is_err());
        let problem = parse("[flake]\ninput = \"two words\"\n").unwrap_err();
        assert!(
            problem
                .to_string()
                .contains("`two words` is not a flake reference"),
            "{problem}"
        );
        for text in ["", "a\"b", "${x}", "--refresh", "github:a/b#default"] {
            assert!(text.parse::<FlakeRef>().is_err(), "{text}");
        }
    }
}
