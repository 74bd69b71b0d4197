//! The settings that sccache uses, from the file, the variables and its defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml_edit::{Item, Table};

use super::file::{self, Disk};
use super::keys::{self, REMOTES};
use super::{secrets, toml, variables};
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

/// sccache's default size of the disk cache (`default_disk_cache_size` in its `config.rs`).
pub const DEFAULT_SIZE: ByteSize = ByteSize::from_bytes(10 << 30);

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The config file.
    File(Place),
    /// The environment variable of this name.
    Variable(String),
    /// sccache's default.
    Default,
}

impl Source {
    /// The place in the file, if the value is from there.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::File(place) => Some(place),
            Self::Variable(_) | Self::Default => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => write!(f, "{}:{}", place.path.display(), place.line),
            Self::Variable(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

impl<T> Sourced<T> {
    fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }
}

/// The settings that sccache uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The disk cache.
    pub disk: EffectiveDisk,
    /// The configured remote back ends, in sccache's order of preference.
    pub remotes: Vec<Sourced<&'static str>>,
    /// The levels of a multi-level cache.
    pub chain: Option<Sourced<Vec<String>>>,
    /// All other keys of the file that are not replaced by variables.
    pub others: Vec<Other>,
}

/// A key that is set in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The dotted name.
    pub name: String,
    /// The value as it is written.
    pub value: Sourced<String>,
    /// The value as JSON.
    pub json: serde_json::Value,
    /// The value without secrets, if it contains any.
    pub shown: Option<String>,
}

/// The disk cache that sccache uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveDisk {
    /// The directory.
    pub dir: Sourced<PathBuf>,
    /// The maximum size.
    pub size: Sourced<ByteSize>,
    /// Whether the file or a variable configures it.
    pub is_set: bool,
    /// The place of the table in the file.
    pub place: Option<Place>,
    /// The table of the file, if variables replace it.
    pub replaced: Option<Replaced>,
}

/// A table `[cache.disk]` that variables replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The variables that replace it.
    pub variables: Vec<&'static str>,
    /// Its directory and size.
    pub file: Disk,
    /// Its other keys, whose values are lost.
    pub others: Vec<String>,
    /// The place of the table.
    pub place: Option<Place>,
}

impl Effective {
    /// Whether the disk cache is used.
    pub(crate) fn uses_disk(&self) -> bool {
        match &self.chain {
            Some(chain) => chain.value.iter().any(|level| level == "disk"),
            None => self.remotes.is_empty(),
        }
    }

    /// The back ends that are used, in order.
    pub fn storage(&self) -> Vec<String> {
        match (&self.chain, self.remotes.first()) {
            (Some(chain), _) => chain.value.clone(),
            (None, Some(remote)) => vec![remote.value.to_owned()],
            (None, None) => vec!["disk".to_owned()],
        }
    }
}

/// The settings for a config file at `path` with the contents `text` (`None` if it does not exist) and
/// these variables. Variables for a back end replace the whole table of the file.
///
/// # Errors
/// When the text is not TOML, or its disk cache is invalid.
pub fn effective(
    text: Option<&str>,
    path: &Path,
    variables: &BTreeMap<String, String>,
    default_dir: &Path,
) -> Result<Effective, Problem> {
    let text = text.unwrap_or_default();
    let document = toml::parse(text, path)?;
    let file = File {
        text,
        path,
        root: document.as_table(),
    };
    let remotes: Vec<_> = REMOTES
        .into_iter()
        .filter_map(|name| {
            if let Some(variable) = variables::remote(variables, name) {
                return Some(Sourced::new(name, Source::Variable(variable.to_owned())));
            }
            Some(Sourced::new(
                name,
                Source::File(file.place(&["cache", name])?),
            ))
        })
        .collect();
    let replaced_remotes: Vec<&str> = remotes
        .iter()
        .filter(|remote| remote.source.place().is_none())
        .map(|remote| remote.value)
        .collect();
    let mut others = Vec::new();
    file.collect(&mut others);
    others.retain(|other| {
        let table = other.name.strip_prefix("cache.").unwrap_or_default();
        let table = table.split('.').next().unwrap_or_default();
        let is_replaced_disk = table == "disk" && !variables::disk(variables).is_empty();
        !is_replaced_disk
            && !replaced_remotes.contains(&table)
            && !["cache.disk.dir", "cache.disk.size"].contains(&other.name.as_str())
    });
    Ok(Effective {
        disk: file.disk(variables, default_dir)?,
        remotes,
        chain: file.chain(variables),
        others,
    })
}

struct File<'a> {
    text: &'a str,
    path: &'a Path,
    root: &'a Table,
}

impl File<'_> {
    fn place(&self, keys: &[&str]) -> Option<Place> {
        let (key, _) = toml::find(self.root, keys)?;
        Some(Place::at(self.path, self.text, key.span()?.start))
    }

    fn source(&self, keys: &[&str]) -> Source {
        self.place(keys).map_or(Source::Default, Source::File)
    }

    fn disk(
        &self,
        variables: &BTreeMap<String, String>,
        default_dir: &Path,
    ) -> Result<EffectiveDisk, Problem> {
        let file = file::disk(self.text, self.path)?;
        let place = self.place(&["cache", "disk"]);
        let replacing = variables::disk(variables);
        let from = |name: &str| Source::Variable(name.to_owned());
        let replaced = (!replacing.is_empty() && place.is_some()).then(|| Replaced {
            file: file.clone(),
            others: self.disk_others(variables),
            place: place.clone(),
            variables: replacing.clone(),
        });
        let (dir, size) = if replacing.is_empty() {
            (
                file.dir
                    .map(|dir| Sourced::new(dir, self.source(&["cache", "disk", "dir"]))),
                file.size
                    .map(|size| Sourced::new(size, self.source(&["cache", "disk", "size"]))),
            )
        } else {
            (
                variables
                    .get("SCCACHE_DIR")
                    .map(|dir| Sourced::new(dir.into(), from("SCCACHE_DIR"))),
                variables::filled(variables, "SCCACHE_CACHE_SIZE")
                    .and_then(ByteSize::parse_like_sccache)
                    .map(|size| Sourced::new(size, from("SCCACHE_CACHE_SIZE"))),
            )
        };
        Ok(EffectiveDisk {
            dir: dir.unwrap_or_else(|| Sourced::new(default_dir.to_owned(), Source::Default)),
            size: size.unwrap_or(Sourced::new(DEFAULT_SIZE, Source::Default)),
            is_set: place.is_some() || !replacing.is_empty(),
            place,
            replaced,
        })
    }

    /// The keys of `[cache.disk]` other than dir and size whose values no variable repeats.
    fn disk_others(&self, variables: &BTreeMap<String, String>) -> Vec<String> {
        let disk = toml::find(self.root, &["cache", "disk"]);
        let table = disk.and_then(|(_, item)| item.as_table_like());
        let mode = variables::rw_mode(variables, "SCCACHE_LOCAL_RW_MODE").unwrap_or("READ_WRITE");
        table
            .into_iter()
            .flat_map(toml_edit::TableLike::iter)
            .filter(|(key, item)| match *key {
                "dir" | "size" => false,
                "rw_mode" => item.as_str() != Some(mode),
                _ => true,
            })
            .map(|(key, _)| key.to_owned())
            .collect()
    }

    fn chain(&self, variables: &BTreeMap<String, String>) -> Option<Sourced<Vec<String>>> {
        if let Some(chain) = variables::chain(variables) {
            let source = Source::Variable("SCCACHE_MULTILEVEL_CHAIN".to_owned());
            return Some(Sourced::new(chain, source));
        }
        let keys = ["cache", "multilevel", "chain"];
        let levels = toml::find(self.root, &keys)?.1.as_array()?;
        let levels = levels
            .iter()
            .filter_map(|level| Some(level.as_str()?.trim().to_owned()));
        Some(Sourced::new(levels.collect(), self.source(&keys)))
    }

    fn collect(&self, out: &mut Vec<Other>) {
        for (name, key) in keys::all() {
            for written in [Some(key.name), key.alias].into_iter().flatten() {
                let dotted = match name.rsplit_once('.') {
                    Some((table, _)) => format!("{table}.{written}"),
                    None => written.to_owned(),
                };
                let path: Vec<&str> = dotted.split('.').collect();
                let found = toml::find(self.root, &path);
                let Some((_, item @ (Item::Value(_) | Item::ArrayOfTables(_)))) = found else {
                    continue;
                };
                if item.is_table_like() {
                    continue;
                }
                let shown = secrets::redacted(&path, item);
                let is_open = file::json(&shown) == file::json(item);
                out.push(Other {
                    shown: (!is_open).then(|| file::plain(&shown)),
                    json: file::json(item),
                    value: Sourced::new(file::written(item), self.source(&path)),
                    name: dotted,
                });
            }
        }
    }
}
