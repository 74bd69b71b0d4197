//! What sccache takes in the end, and where each value comes from.

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

/// The size of sccache's disk cache when nothing says otherwise: 10 GiB (`default_disk_cache_size` in
/// its `config.rs`).
pub const DEFAULT_SIZE: ByteSize = ByteSize::from_bytes(10 << 30);

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The config file.
    File(Place),
    /// The environment variable of this name.
    Variable(String),
    /// sccache itself.
    Default,
}

impl Source {
    /// The place in the file, if it is from the file.
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

/// What sccache takes in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The disk cache.
    pub disk: EffectiveDisk,
    /// The remote back ends that are set up, the one that sccache prefers first.
    pub remotes: Vec<Sourced<&'static str>>,
    /// The levels, if several back ends are chained.
    pub chain: Option<Sourced<Vec<String>>>,
    /// Every other key that is set in the file and counts.
    pub others: Vec<Other>,
}

/// A key of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The dotted name.
    pub name: String,
    /// The value as it is written.
    pub value: Sourced<String>,
    /// The value as JSON.
    pub json: serde_json::Value,
    /// What may be shown of it, if that is not all.
    pub shown: Option<String>,
}

/// The disk cache as sccache takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveDisk {
    /// The directory.
    pub dir: Sourced<PathBuf>,
    /// The size to which it may grow.
    pub size: Sourced<ByteSize>,
    /// Whether the file or the environment says anything of it.
    pub is_set: bool,
    /// Where the file does.
    pub place: Option<Place>,
    /// What the file says and a variable took away.
    pub lost: Option<Lost>,
}

/// A `[cache.disk]` table that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The variables that replace it.
    pub variables: Vec<&'static str>,
    /// Its directory and size.
    pub file: Disk,
    /// Its other keys, which no variable repeats.
    pub others: Vec<String>,
    /// Where it stands.
    pub place: Option<Place>,
}

impl Effective {
    /// Whether anything is kept on the disk.
    pub fn uses_disk(&self) -> bool {
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

/// What sccache takes from the config file at `path`, which holds `text` (`None`: it is not
/// there), and from these variables: a table made by variables replaces the file's whole table.
///
/// # Errors
/// When the text cannot be parsed, or its disk cache cannot be read.
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
    let replaced: Vec<&str> = remotes
        .iter()
        .filter(|remote| remote.source.place().is_none())
        .map(|remote| remote.value)
        .collect();
    let mut others = Vec::new();
    file.collect(&mut others);
    others.retain(|other| {
        let table = other.name.strip_prefix("cache.").unwrap_or_default();
        let table = table.split('.').next().unwrap_or_default();
        let disk_lost = table == "disk" && !variables::disk(variables).is_empty();
        !disk_lost
            && !replaced.contains(&table)
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
        let lost = (!replacing.is_empty() && place.is_some()).then(|| Lost {
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
            lost,
        })
    }

    /// The keys of `[cache.disk]` besides dir and size that a variable would have to repeat.
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
                let shown = secrets::shown(&path, item);
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
