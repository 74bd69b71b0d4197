//! cargo's settings, from the files and variables that cargo reads ("Configuration" in the book of cargo): its build directory,
//! its compiler, and the variables that it sets. A shell waits for this, and cargo itself may be rustup's, which may install
//! a toolchain.

mod merged;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use merged::{Merged, Refused, Setting, Value, flag, text};
use sccfg_util::env;

/// The settings that seeding requires.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CargoSettings {
    target_dir: Option<PathBuf>,
    /// The path, with cargo's placeholders.
    build_dir: Option<PathBuf>,
    rustc: Option<OsString>,
    /// The wrapper of the compiler, and the setting that names it. An empty name is none.
    wrapper: Option<(&'static str, OsString)>,
    /// The variables in `[env]`.
    variables: BTreeMap<String, Variable>,
    /// Whether a file uses `include`, which not every version of cargo supports.
    has_includes: bool,
}

/// A variable that cargo sets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    value: OsString,
    /// Whether it replaces a value of the environment (`force`).
    is_forced: bool,
    /// Whether its value depends on the version of cargo: a relative path in a table that several files have is relative to the
    /// first of them, and since cargo 1.97 to that with the path (`EnvConfigValue` in the crate `cargo`).
    is_ambiguous: bool,
}

impl Variable {
    fn plain(value: OsString) -> Self {
        Self {
            value,
            is_forced: false,
            is_ambiguous: false,
        }
    }

    fn of(setting: &Setting) -> Result<Self, Refused> {
        let table = match &setting.value {
            Value::Text(value) => return Ok(Self::plain(value.into())),
            Value::Table(table) => table,
            Value::Flag(_) | Value::Number | Value::List(_) => return Err(Refused),
        };
        let (value, base) = text(table, "value")?.ok_or(Refused)?;
        let is_relative = flag(table, "relative")?;
        Ok(Self {
            value: if is_relative {
                setting.base.join(value).into()
            } else {
                value.into()
            },
            is_forced: flag(table, "force")?,
            is_ambiguous: is_relative && base != setting.base,
        })
    }
}

impl CargoSettings {
    /// The settings of cargo in `directory`. `None` if a file cannot be read, or if cargo would reject its contents.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let path = |name: &str| variable(name).map(|value| directory.join(value));
        let mut settings = Self {
            target_dir: path("CARGO_TARGET_DIR").or_else(|| path("CARGO_BUILD_TARGET_DIR")),
            build_dir: path("CARGO_BUILD_BUILD_DIR"),
            rustc: variable("RUSTC").or_else(|| variable("CARGO_BUILD_RUSTC")),
            wrapper: ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"]
                .into_iter()
                .find_map(|name| Some((name, env::var_os(name)?))),
            ..Self::default()
        };
        settings.add(&configuration_files(directory)).ok()?;
        Some(settings)
    }

    /// Adds the settings of `files` that are not set yet. The first file has precedence.
    fn add(&mut self, files: &[PathBuf]) -> Result<(), Refused> {
        let Merged {
            table,
            has_includes,
        } = Merged::read(files)?;
        self.has_includes = has_includes;
        let build = merged::table(&table, "build")?;
        let path = |key| Ok(text(build, key)?.map(|(path, base)| base.join(path)));
        let (target_dir, build_dir) = (path("target-dir")?, path("build-dir")?);
        self.target_dir = self.target_dir.take().or(target_dir);
        self.build_dir = self.build_dir.take().or(build_dir);
        let program = |key| {
            let program = text(build, key)?.map(|(program, base)| {
                // A name without a slash is looked up in `PATH`.
                let is_path = Path::new(program).components().count() > 1;
                if is_path {
                    base.join(program).into()
                } else {
                    program.into()
                }
            });
            Ok(program)
        };
        self.rustc = self.rustc.take().or(program("rustc")?);
        let wrapper = program("rustc-wrapper")?;
        let wrapper = wrapper.map(|wrapper| ("build.rustc-wrapper of cargo", wrapper));
        self.wrapper = self.wrapper.take().or(wrapper);
        let variables = merged::table(&table, "env")?.iter();
        self.variables = variables
            .map(|(name, setting)| {
                // As for any setting that a file has, a variable of the shell comes first.
                let set = env::var_os(&format!("CARGO_ENV_{name}"));
                let set = set.map(Variable::plain);
                Ok((name.clone(), set.map_or_else(|| Variable::of(setting), Ok)?))
            })
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Whether there is a setting for the build directory alone, apart from the target directory.
    pub(super) fn has_build_dir(&self) -> bool {
        self.build_dir.is_some()
    }

    /// The build directory of the workspace at `root`. `None` if only cargo can determine it.
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

    /// The path or the name of the compiler.
    pub(crate) fn rustc(&self) -> &OsStr {
        self.rustc.as_deref().unwrap_or(OsStr::new("rustc"))
    }

    /// The path or the name of the wrapper of the compiler, and the setting that names it.
    pub(crate) fn wrapper(&self) -> Option<(&'static str, &OsStr)> {
        let (setting, wrapper) = self.wrapper.as_ref()?;
        (!wrapper.is_empty()).then_some((setting, wrapper))
    }

    /// The name of a variable whose value depends on the version of cargo.
    pub(super) fn ambiguous_variable(&self) -> Option<&str> {
        let mut variables = self.variables.iter();
        let found = variables.find(|(_, variable)| variable.is_ambiguous);
        found.map(|(name, _)| name.as_str())
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
    let home = env::cargo_home().unwrap_or_default();
    let nearest = directory.ancestors().map(|above| above.join(".cargo"));
    let mut directories: Vec<PathBuf> = nearest.collect();
    if !directories.contains(&home) {
        directories.push(home);
    }
    let file = |directory: PathBuf| {
        // cargo reads the first of these.
        let names = ["config", "config.toml"].into_iter();
        names
            .map(|name| directory.join(name))
            .find(|file| file.is_file())
    };
    directories.into_iter().filter_map(file).collect()
}

/// `build` with cargo's placeholders replaced. `None` for the hash of a path, which only cargo can compute.
fn without_placeholders(build: &Path, root: &Path) -> Option<PathBuf> {
    let mut text = build.to_str()?.to_owned();
    let values = [
        ("{workspace-root}", root.to_owned()),
        ("{cargo-cache-home}", env::cargo_home().unwrap_or_default()),
    ];
    for (name, value) in values {
        // A placeholder at the beginning was joined to a directory.
        if let Some(at) = text.find(name) {
            text = format!("{}{}", value.to_str()?, &text[at + name.len()..]);
        }
    }
    (!text.contains(['{', '}'])).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sccfg_util::fsio;

    #[test]
    fn placeholders_have_values_except_digests() {
        let root = Path::new("/w");
        let without = |text: &str| without_placeholders(Path::new(text), root);
        assert_eq!(without("/w/a/{workspace-root}/b"), Some("/w/b".into()));
        assert_eq!(without("/a/b"), Some("/a/b".into()));
        let home = env::cargo_home().unwrap_or_default();
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
        // The variables of this process may name a target directory.
        let found = || {
            let mut settings = CargoSettings::default();
            settings.add(&configuration_files(&member)).ok().unwrap();
            settings.build_directory(&root)
        };
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
        write("crates/.cargo/other.toml", "");
        write("crates/.cargo/config", "include = [\"other.toml\"]\n");
        assert_eq!(found(), None);
    }
}
