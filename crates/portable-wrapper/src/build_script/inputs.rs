//! The keys of a run: what its result depends on.
//!
//! The first key has what is known before the script runs: its program, its variables, the machine,
//! and for a package of the workspace all of its files. The second key adds the contents of the files
//! that the script declared when it ran under the first key.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::instructions::Declared;
use super::machine;
use super::source::Source;
use crate::compiler::{self, Compiler};
use crate::digest::{self, Key, KeyPart, KeyedHasher};
use crate::macro_effects::MacroEffects;
use crate::package::{self, Registry};
use crate::path_map::{PathMap, Role};
use crate::state_dir::{FORMAT, StateDir};
use crate::uncacheable::Uncacheable;
use crate::unit_key::environment;
use sccfg_util::env;

/// Variables that cargo sets for a build script, besides those with a prefix below.
/// <https://doc.rust-lang.org/cargo/reference/environment-variables.html>
const OF_CARGO: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "DEBUG",
    "HOST",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC_LINKER",
    "TARGET",
];
const PREFIXES_OF_CARGO: [&str; 5] = [
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "DEP_",
];
/// Variables that do not change a result: how many processes may run at once, and where cargo is.
const NOT_OF_SCRIPTS: [&str; 2] = ["NUM_JOBS", "RUSTC"];
/// Variables of the user, which count if the script of a published package names them, and for any other script.
const OF_THE_USER: [&str; 4] = ["HOME", "HOSTNAME", "LOGNAME", "USER"];

/// A build script that is about to run.
pub(super) struct Script<'a> {
    /// The digest of its program.
    pub(super) program: &'a str,
    pub(super) source: &'a Source,
    /// What the crates do that it uses.
    pub(super) effects: &'a MacroEffects,
    /// The directory of its package, in which it runs.
    pub(super) package: &'a Path,
    /// Whether the package is from a registry, so that it never changes.
    pub(super) is_published: bool,
    pub(super) arguments: &'a [OsString],
    pub(super) out_dir: &'a Path,
    pub(super) path_map: &'a PathMap,
    pub(super) state: &'a StateDir,
}

impl Script<'_> {
    /// The first key, and its parts.
    pub(super) fn first_key(&self) -> Result<(String, Vec<KeyPart>), Uncacheable> {
        let hasher = self.state.hasher().ok_or(Uncacheable::NoRandomNumbers)?;
        let mut key = Key::default();
        key.add("format", FORMAT);
        key.add("run of", self.program);
        let rustc = env::var_os("RUSTC").ok_or(Uncacheable::NoCompiler)?;
        let rustc = Compiler::find(&rustc, self.state).ok_or(Uncacheable::UnknownCompiler)?;
        key.add("compiler", rustc.digest());
        key.add("version", &rustc.version);
        let directory = self.package.as_os_str().as_encoded_bytes();
        key.add("directory", self.path_map.to_placeholders(directory));
        for argument in self.arguments {
            key.add("argument", argument.as_encoded_bytes());
        }
        self.add_variables(&mut key, &hasher);
        if self.source.reads_processor() {
            key.add(
                "processor",
                compiler::processor().ok_or(Uncacheable::UnknownProcessor)?,
            );
        }
        if !self.is_published || self.may_run_programs() {
            key.add(
                "machine",
                machine::digest(self.state).ok_or(Uncacheable::ScriptTools)?,
            );
        }
        if !self.is_published && self.may_run_programs() {
            // A compiler may compute from a path, for example its length, without writing it.
            key.add("paths", self.path_map.spelled_out());
        }
        if self.source.reads_git(self.effects) {
            key.add(
                "history",
                package::history(self.package).unwrap_or_default(),
            );
        }
        self.add_package(&mut key)?;
        let parts = key.parts().to_vec();
        // It must not take the lock of a unit: a build script compiles units while it runs.
        Ok((format!("r{}", key.finish()), parts))
    }

    /// Whether it may run programs, or use libraries of the system.
    fn may_run_programs(&self) -> bool {
        self.effects.inputs().each_time().is_some() || self.source.runs_programs()
    }

    fn add_variables(&self, key: &mut Key, hasher: &KeyedHasher) {
        let words = self.source.words();
        let runs = self.effects.inputs();
        let is_named = |name: &str| runs.variables.contains(name) || words.contains(name);
        let counts = |name: &str| {
            if NOT_OF_SCRIPTS.contains(&name) {
                return false;
            }
            let is_of_cargo = OF_CARGO.contains(&name)
                || PREFIXES_OF_CARGO
                    .iter()
                    .any(|prefix| name.starts_with(prefix));
            if is_of_cargo {
                return true;
            }
            if self.is_published && OF_THE_USER.contains(&name) {
                return is_named(name);
            }
            environment::counts(name, &words) || runs.variables.contains(name) && name != "PATH"
        };
        let mut variables = env::vars_where(counts);
        variables.sort_unstable();
        for (name, value) in variables {
            let value = self.path_map.to_placeholders(value.as_encoded_bytes());
            key.add_secret(format!("${}", name.to_string_lossy()), &value, hasher);
        }
    }

    /// The files of the package and those that the source names.
    fn add_package(&self, key: &mut Key) -> Result<(), Uncacheable> {
        let unreadable = Uncacheable::UnreadableSource;
        if self.is_published {
            let package = Registry::read(self.package, self.state).ok_or(unreadable)?;
            key.add("package", package.digest);
            return Ok(());
        }
        let files = package::everything_in(self.package, self.state).ok_or(unreadable)?;
        key.add("package", files);
        let root = self.path_map.directory(Role::Workspace).map(Path::new);
        if self.source.looks_above()
            && let Some(root) = root
        {
            let files = package::surroundings(root, self.state).ok_or(unreadable)?;
            key.add("workspace", files);
        }
        for text in &self.source.texts {
            // `concat!(env!("CARGO_MANIFEST_DIR"), "/../x")` begins with a slash, too.
            let relative = text.trim_start_matches('/');
            let mut places = vec![self.package.join(relative), PathBuf::from(text)];
            places.extend(root.map(|root| root.join(relative)));
            let is_path = text.contains(['/', '.']) && relative.contains(char::is_alphanumeric);
            for place in places.iter().filter(|place| is_path && place.is_absolute()) {
                if !place.starts_with(self.package) && place.is_file() {
                    key.add(
                        format!("file {text}"),
                        digest::of_file(place).unwrap_or_default(),
                    );
                }
            }
        }
        Ok(())
    }

    /// The second key: with the contents of what the script declared. `None` if something cannot be read.
    pub(super) fn second_key(&self, first: &str, declared: &Declared) -> Option<String> {
        let mut key = Key::default();
        key.add("first", first);
        for name in &declared.variables {
            let value = env::var_os(name).map(|value| {
                let value = value.as_encoded_bytes();
                [b"=", &*self.path_map.to_placeholders(value)].concat()
            });
            key.add(format!("${name}"), value.unwrap_or_default());
        }
        for (file, path) in self.declared_files(declared) {
            let content = if path.is_dir() {
                package::everything_in(&path, self.state)?
            } else {
                digest::of_file(&path).unwrap_or_default()
            };
            key.add(self.path_map.to_placeholders_str(file), content);
        }
        Some(format!("r{}", key.finish()))
    }

    /// The declared files and directories, except those that the script writes itself and those that
    /// never change.
    fn declared_files<'a>(
        &'a self,
        declared: &'a Declared,
    ) -> impl Iterator<Item = (&'a str, PathBuf)> {
        let paths = declared
            .files
            .iter()
            .map(|file| (file.as_str(), self.package.join(file)));
        paths.filter(|(_, path)| {
            let never_changes = path.starts_with("/nix/store")
                || self.is_published && path.starts_with(self.package);
            !never_changes && !path.starts_with(self.out_dir)
        })
    }

    /// Whether a file that it may have read was changed at `moment` or later.
    pub(super) fn has_changed_since(
        &self,
        moment: std::time::SystemTime,
        declared: &Declared,
    ) -> bool {
        let mut all: BTreeSet<PathBuf> = self
            .declared_files(declared)
            .map(|(_, path)| path)
            .collect();
        all.insert(self.package.to_owned());
        all.iter()
            .any(|path| package::is_changed_since(path, moment))
    }
}
