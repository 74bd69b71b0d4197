//! The compiler and its configuration as parts of the key of a unit.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::compiler::{self, Compiler};
use super::super::digest;
use super::super::state_dir::FORMAT;
use super::super::toolchain::selecting_files;
use super::super::uncacheable::Uncacheable;
use super::KeyBuilder;
use sccfg_util::env;

/// The prefix of the label of a key part with the digest of the standard library. The target follows.
pub(crate) const STANDARD_LIBRARY: &str = "standard library ";
/// The label of the key part with the directory of the toolchain, if the sources of the standard library are installed there.
pub(crate) const SYSROOT: &str = "sysroot";
/// The label of the key part with the digest of clippy's driver.
pub(crate) const DRIVER: &str = "driver";
/// The label of the key part that says whether `rustc` is the compiler, for macros that may ask it for its version.
pub(crate) const NAMED_COMPILER: &str = "program rustc";

impl KeyBuilder<'_> {
    pub(super) fn add_compiler(
        &mut self,
        compiler: &Compiler,
        driver: Option<&str>,
    ) -> Result<(), Uncacheable> {
        self.key.add("format", FORMAT);
        self.key.add("compiler", compiler.digest());
        self.key.add("version", &compiler.version);
        if let Some(driver) = driver {
            self.key.add(DRIVER, driver);
            // With `--no-deps`, clippy checks only packages that the command line selects, for which cargo sets this.
            self.add_variable("CARGO_PRIMARY_PACKAGE");
            self.add_clippy_config();
        }
        if compiler.has_sources {
            self.key
                .add(SYSROOT, compiler.sysroot.as_os_str().as_encoded_bytes());
        }
        for file in target_files(self.unit.target.as_deref(), &compiler.sysroot) {
            self.note_read(&file);
            if let Some(digest) = digest::of_file(&file) {
                self.key.add("target specification", digest);
            }
        }
        if let Some(target) = &self.unit.target
            && let Some(digest) = compiler.digest_of_target(target, self.state)
        {
            self.key.add(format!("{STANDARD_LIBRARY}{target}"), digest);
        }
        let is_tuned = |word: &String| word.replace('_', "-") == "tune-cpu=native";
        if self.unit.codegen("target-cpu") == Some("native")
            || self.unit.counted.iter().any(is_tuned)
        {
            let processor = compiler::processor().ok_or(Uncacheable::UnknownProcessor)?;
            self.key.add("processor", processor);
        }
        Ok(())
    }

    /// Adds whether the program `rustc` is the compiler, if a macro may ask it for its version.
    pub(super) fn add_named_compiler(&mut self) {
        if !self.macros.may_ask_for_version() {
            return;
        }
        self.names_compiler = self.compiler.is_named_in(self.cwd, self.state);
        self.key
            .add(NAMED_COMPILER, self.names_compiler.to_string());
        for file in selecting_files(self.cwd) {
            self.known_inputs.add_file(&file);
        }
    }

    /// Adds clippy's configuration. How many directories above it is says that nearer files are absent.
    fn add_clippy_config(&mut self) {
        for (nth, file) in self.clippy_configs() {
            self.note_read(&file);
            if let Some(digest) = digest::of_file(&file)
                && let Some(name) = file.file_name()
            {
                self.key
                    .add(format!("{nth} above: {}", name.display()), digest);
            }
        }
    }

    /// The files that clippy looks for as its configuration, and how many directories above they are: those in the package's
    /// directory and its ancestors, up to the nearest with such a file (`lookup_conf_file` in clippy's `clippy_config`).
    pub(super) fn clippy_configs(&self) -> Vec<(usize, PathBuf)> {
        let set = env::var_os("CLIPPY_CONF_DIR").or_else(|| env::var_os("CARGO_MANIFEST_DIR"));
        let Some(directory) = set.map(|directory| self.cwd.join(directory)) else {
            return Vec::new();
        };
        // Before 1.71, clippy did not resolve symbolic links.
        let resolved = fs::canonicalize(&directory).ok();
        let resolved = resolved.filter(|resolved| *resolved != directory);
        let starts = [Some(directory), resolved].into_iter().flatten();
        starts
            .flat_map(|start| up_to_nearest_config(&start))
            .collect()
    }
}

/// The possible configuration files of clippy in `start` and in the directories above it, up to the first directory with one.
fn up_to_nearest_config(start: &Path) -> Vec<(usize, PathBuf)> {
    let mut all = Vec::new();
    for (nth, directory) in start.ancestors().enumerate() {
        let files = [".clippy.toml", "clippy.toml"].map(|name| directory.join(name));
        let is_found = files
            .iter()
            .any(|file| fs::metadata(file).is_ok_and(|found| !found.is_dir()));
        all.extend(files.map(|file| (nth, file)));
        if is_found {
            break;
        }
    }
    all
}

/// The possible files with the specification of the target of this name, if it is not built into the compiler.
fn target_files(target: Option<&str>, sysroot: &Path) -> Vec<PathBuf> {
    let Some(target) = target else {
        return Vec::new();
    };
    let directories = env::var_os("RUST_TARGET_PATH").unwrap_or_default();
    let mut files: Vec<_> = env::split_paths(&directories)
        .into_iter()
        .map(|directory| directory.join(format!("{target}.json")))
        .collect();
    files.push(sysroot.join("lib/rustlib").join(target).join("target.json"));
    files.retain(|file| file.is_file());
    files
}
