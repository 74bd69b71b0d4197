//! cargo's settings, from the files and variables that cargo reads ("Configuration" in the book of cargo): its build directory,
//! its compiler, and the variables that it sets. A shell waits for this, and cargo itself may be rustup's, which may install
//! a toolchain.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cargo_home;
use sccfg_util::{env, fsio};

/// How deep files may include others.
const DEEPEST: usize = 16;

/// The settings that count here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CargoSettings {
    target_dir: Option<PathBuf>,
    /// With its placeholders.
    build_dir: Option<PathBuf>,
    rustc: Option<OsString>,
    /// The variables that files name.
    variables: BTreeMap<String, Variable>,
    /// Whether a file includes others, which not every cargo reads.
    has_includes: bool,
}

/// A variable that cargo sets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    value: OsString,
    /// Also if it is set.
    is_forced: bool,
}

/// A configuration file.
#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    build: BuildTable,
    #[serde(default)]
    env: BTreeMap<String, Value>,
    include: Option<Includes>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BuildTable {
    target_dir: Option<PathBuf>,
    build_dir: Option<String>,
    rustc: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Table {
        value: String,
        #[serde(default)]
        force: bool,
        #[serde(default)]
        relative: bool,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Includes {
    One(Include),
    Several(Vec<Include>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Include {
    Path(PathBuf),
    Table { path: PathBuf },
}

impl CargoSettings {
    /// Those of a cargo that runs in `directory`. `None` if a file cannot be read.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let path = |name: &str| variable(name).map(|value| directory.join(value));
        let mut settings = Self {
            target_dir: path("CARGO_TARGET_DIR").or_else(|| path("CARGO_BUILD_TARGET_DIR")),
            build_dir: path("CARGO_BUILD_BUILD_DIR"),
            rustc: variable("RUSTC").or_else(|| variable("CARGO_BUILD_RUSTC")),
            ..Self::default()
        };
        for file in configuration_files(directory) {
            settings.add(&file, 0)?;
        }
        Some(settings)
    }

    /// Adds what no file said before `file`, which is nearer than those that it includes.
    fn add(&mut self, file: &Path, depth: usize) -> Option<()> {
        // Paths are relative to the directory that contains `.cargo`.
        let base = file.parent()?.parent()?;
        let text = fsio::read(file).ok()?.unwrap_or_default();
        let File {
            build,
            env,
            include,
        } = toml_edit::de::from_str(&text).ok()?;
        let BuildTable {
            target_dir,
            build_dir,
            rustc,
        } = build;
        let below = |path: PathBuf| base.join(path);
        self.target_dir = self.target_dir.take().or_else(|| target_dir.map(below));
        self.build_dir = (self.build_dir.take()).or_else(|| Some(base.join(build_dir?)));
        self.rustc = self.rustc.take().or_else(|| {
            // A name without a slash is looked up in `PATH`.
            let named = PathBuf::from(rustc?);
            let is_path = named.components().count() > 1;
            Some(if is_path { below(named) } else { named }.into())
        });
        for (name, value) in env {
            let variable = match value {
                Value::Text(value) => Variable {
                    value: value.into(),
                    is_forced: false,
                },
                Value::Table {
                    value,
                    force,
                    relative,
                } => Variable {
                    value: if relative {
                        below(value.into()).into()
                    } else {
                        value.into()
                    },
                    is_forced: force,
                },
            };
            self.variables.entry(name).or_insert(variable);
        }
        let includes = match include {
            None => Vec::new(),
            Some(Includes::One(include)) => vec![include],
            Some(Includes::Several(includes)) => includes,
        };
        self.has_includes |= !includes.is_empty();
        // The last one counts most.
        for include in includes.into_iter().rev() {
            let (Include::Path(path) | Include::Table { path }) = include;
            if depth < DEEPEST {
                self.add(&file.parent()?.join(path), depth + 1)?;
            }
        }
        Some(())
    }

    /// The build directory of the workspace at `root`. `None` if only cargo knows it.
    pub(crate) fn build_directory(&self, root: &Path) -> Option<PathBuf> {
        if self.has_includes {
            return None;
        }
        let build = match &self.build_dir {
            Some(build) => without_placeholders(build, root)?,
            None => self
                .target_dir
                .clone()
                .unwrap_or_else(|| root.join("target")),
        };
        Some(build.components().collect())
    }

    /// The compiler, by its path or its name.
    pub(super) fn rustc(&self) -> &OsStr {
        self.rustc.as_deref().unwrap_or(OsStr::new("rustc"))
    }

    /// The variables that cargo sets for compilers and build scripts, besides its own.
    pub(super) fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let set = self
            .variables
            .iter()
            .filter(|(name, variable)| variable.is_forced || env::var_os(name).is_none());
        set.map(|(name, variable)| (name.into(), variable.value.clone()))
    }
}

/// The configuration files for `directory`, the nearest first.
fn configuration_files(directory: &Path) -> Vec<PathBuf> {
    let home = cargo_home();
    let nearest = directory.ancestors().map(|above| above.join(".cargo"));
    let mut directories: Vec<PathBuf> = nearest.filter(|directory| *directory != home).collect();
    directories.push(home);
    let file = |directory: PathBuf| {
        // cargo reads the first of these.
        let names = ["config", "config.toml"].into_iter();
        names
            .map(|name| directory.join(name))
            .find(|file| file.is_file())
    };
    directories.into_iter().filter_map(file).collect()
}

/// `build` with the values of what cargo replaces in it. `None` for the digest of a path, which only cargo knows.
fn without_placeholders(build: &Path, root: &Path) -> Option<PathBuf> {
    let mut text = build.to_str()?.to_owned();
    let values = [
        ("{workspace-root}", root.to_owned()),
        ("{cargo-cache-home}", cargo_home()),
    ];
    for (name, value) in values {
        // A placeholder stands at the beginning, and has been joined to a directory.
        if let Some(at) = text.find(name) {
            text = format!("{}{}", value.to_str()?, &text[at + name.len()..]);
        }
    }
    (!text.contains(['{', '}'])).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_have_values_except_digests() {
        let root = Path::new("/w");
        let without = |text: &str| without_placeholders(Path::new(text), root);
        assert_eq!(without("/w/a/{workspace-root}/b"), Some("/w/b".into()));
        assert_eq!(without("/a/b"), Some("/a/b".into()));
        let home = cargo_home();
        assert_eq!(without("/w/{cargo-cache-home}/x"), Some(home.join("x")));
        assert_eq!(without("/w/{cargo-cache-home}/{workspace-path-hash}"), None);
    }

    #[test]
    fn the_nearest_file_counts_and_its_paths_are_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let member = root.join("crates/app");
        let write = |path: &str, text: &str| {
            fsio::replace_and_create_dir(&root.join(path), text.as_bytes()).unwrap();
        };
        fsio::create_dir_all(&member).unwrap();
        let found = || CargoSettings::read(&member).unwrap().build_directory(&root);
        let found_one = || found().unwrap();
        assert_eq!(found_one(), root.join("target"));
        write(".cargo/config.toml", "build.target-dir = \"out\"\n");
        assert_eq!(found_one(), root.join("out"));
        write("crates/.cargo/config", "[build]\ntarget-dir = \"in\"\n");
        assert_eq!(found_one(), root.join("crates/in"));
        write(
            "crates/.cargo/config",
            "[build]\nbuild-dir = \"{workspace-root}/b\"\n",
        );
        assert_eq!(found_one(), root.join("b"));
        write("crates/.cargo/config", "include = \"other.toml\"\n");
        assert_eq!(found(), None);
    }
}
