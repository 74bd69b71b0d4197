//! The compiler and its configuration as parts of the key of a unit.

use std::path::{Path, PathBuf};

use super::super::compiler::{self, Compiler};
use super::super::digest;
use super::super::state_dir::FORMAT;
use super::super::uncacheable::Uncacheable;
use super::KeyBuilder;
use sccfg_util::env;

/// The prefix of the label of a key part with the digest of the standard library. The target follows.
pub(crate) const STANDARD_LIBRARY: &str = "standard library ";

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
            self.key.add("driver", driver);
            // With `--no-deps`, clippy checks only packages that the command line selects, for which cargo sets this.
            self.add_variable("CARGO_PRIMARY_PACKAGE");
            self.add_clippy_config();
        }
        if compiler.has_sources {
            self.key
                .add("sysroot", compiler.sysroot.as_os_str().as_encoded_bytes());
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
        if self.unit.codegen("target-cpu") == Some("native") {
            let processor = compiler::processor().ok_or(Uncacheable::UnknownProcessor)?;
            self.key.add("processor", processor);
        }
        Ok(())
    }

    /// Adds clippy's configuration.
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

    /// The files that may be clippy's configuration, for which it searches in the package's directory and its ancestors; and how
    /// many directories above they are.
    pub(super) fn clippy_configs(&self) -> Vec<(usize, PathBuf)> {
        let set = env::var_os("CLIPPY_CONF_DIR").or_else(|| env::var_os("CARGO_MANIFEST_DIR"));
        let directory = set.map(|directory| self.cwd.join(directory));
        let ancestors = directory.iter().flat_map(|directory| directory.ancestors());
        let in_each = ancestors.enumerate().flat_map(|(nth, directory)| {
            ["clippy.toml", ".clippy.toml"].map(|name| (nth, directory.join(name)))
        });
        in_each.collect()
    }
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
