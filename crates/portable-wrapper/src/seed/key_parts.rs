//! Compares the parts of a unit's key. cargo itself compares what is in its fingerprint (features, profile, flags, dependencies,
//! the compiler's version). All other parts are compared here. A part that cannot be compared counts as different.

use std::path::{Path, PathBuf};

use super::super::compiler;
use super::super::digest::{self, KeyPart};
use super::super::package;
use super::super::state_dir::FORMAT;
use super::super::unit_key::linking::{LIBRARIES_IN, is_library, libraries_in};
use super::super::unit_key::module_files::conflicting_module_file;
use super::super::unit_key::observed::Question;
use super::super::unit_key::{
    CARGO_VARIABLES, NAMED_COMPILER, OUTPUT_DIRECTORY, STANDARD_LIBRARY, SYSROOT, UNSET,
};
use super::Why;
use super::checks::{Checks, Unit};
use super::delivery::has_extension;
use super::dependencies;
use super::of_shell::OfShell;
use super::reference_time::modified;
use super::source_record::{Detected, Scope};
use sccfg_util::env;

/// Set by cargo if the package is named on its command line or is a default member. Another command is no reason for cargo to
/// compile a unit again.
const PRIMARY_PACKAGE: &str = "CARGO_PRIMARY_PACKAGE";

impl Checks<'_> {
    /// Compares one part of the key.
    pub(super) fn part(&self, part: &KeyPart, unit: &Unit<'_>) -> Result<(), Why> {
        let KeyPart { what, value } = part;
        let same = |found: Option<&str>, why: &'static str| {
            if found == Some(value) {
                Ok(())
            } else {
                Err(Why::from(why))
            }
        };
        let compiled_in = || what.strip_prefix("env!(")?.strip_suffix(')');
        if let Some(name) = what.strip_prefix('$').or_else(compiled_in) {
            return self.variable(what, name, value, unit);
        }
        if let Some(name) = what.strip_prefix("--extern ") {
            return if value == name {
                Ok(())
            } else {
                dependencies::is_same(name, value, unit.manifest, unit.dependencies)
            };
        }
        if let Some(file) = what.strip_prefix("file ") {
            return self.source(file, value, unit);
        }
        if let Some((question, file)) = Question::of_part(what) {
            let answer = self.answer(question, file, unit);
            return same(Some(&answer), "a file that a macro read has changed");
        }
        if let Some(name) = what.strip_prefix("library ") {
            let why = "a native library has changed";
            let digest_of = |path: &Path| self.digest(path);
            let is_made = (self.libraries).has(name, value, (unit.from, self.from), digest_of);
            return if is_made || self.is_installed_library(part, name, unit) {
                Ok(())
            } else {
                same(self.library_of_system(name, unit).as_deref(), why)
            };
        }
        if let Some(directory) = what.strip_prefix(LIBRARIES_IN) {
            let directory = PathBuf::from(unit.to.to_real_str(directory));
            let (files, found) = libraries_in(&directory, &self.state);
            self.compares(&directory, Scope::Libraries, Detected::Not);
            for file in files {
                self.compares(&file, Scope::File, Detected::Not);
            }
            return same(Some(&found), "a native library has changed");
        }
        if let Some(target) = what.strip_prefix(STANDARD_LIBRARY) {
            let found = self.compiler.digest_of_target(target, &self.state);
            let why = "the standard library of its target has changed";
            return same(found.as_deref(), why);
        }
        match what.as_str() {
            "format" => same(
                Some(FORMAT),
                "it was compiled with another version of sccfg",
            ),
            "compiler" => same(
                Some(self.compiler.digest()),
                "it was compiled with another compiler",
            ),
            SYSROOT => {
                let path = self.compiler.sysroot.as_os_str().as_encoded_bytes();
                same(
                    Some(&digest::shown(path)),
                    "it was compiled with another compiler",
                )
            }
            NAMED_COMPILER => same(
                Some(&self.is_compiler_named(unit).to_string()),
                "a macro may ask another compiler for its version",
            ),
            "processor" => same(
                compiler::processor().as_deref(),
                "it was compiled for another processor",
            ),
            // cargo compares these. Packages never change, and dependencies are compared as a whole.
            "version" | "crate" | "emit" | "source" | "directory" | "argument" | "-l"
            | "-L native" | "--extern" | "package" | "crate below" | OUTPUT_DIRECTORY => Ok(()),
            "OUT_DIR" => {
                let files = unit.run.and_then(|run| {
                    let out_dir = self.from.build.join(&run.out_dir);
                    package::generated(&out_dir, unit.from, false)
                });
                same(
                    files.as_deref(),
                    "the files of its build script have changed",
                )
            }
            "linker" => self.same_linker(value, unit),
            "history" => same(
                Some(&self.history(unit)),
                "a macro reads the state of the git repository, which differs here",
            ),
            _ => Err(Why::general(format!(
                "a part of its key cannot be compared ({what})"
            ))),
        }
    }

    /// Compares the linker of `unit` with that of the digest `value`.
    fn same_linker(&self, value: &str, unit: &Unit<'_>) -> Result<(), Why> {
        let has_path = |name: &str| unit.from.has_placeholder(name.as_bytes());
        let linker = unit.manifest.linker.as_ref();
        if linker.is_some_and(|linker| linker.names().any(has_path)) {
            let why = "cargo's fingerprint has the path of the linker, which is in the checkout";
            return Err(Why::general(why));
        }
        let names = self.linker_names(unit);
        let is_same = self.linker(&names).as_deref() == Some(value);
        self.compares_of_shell(OfShell::Linker(names));
        if is_same {
            Ok(())
        } else {
            Err("it was linked by another linker".into())
        }
    }

    /// Whether macros of `unit` that ask `rustc` for its version ask the compiler.
    fn is_compiler_named(&self, unit: &Unit<'_>) -> bool {
        self.compares_of_shell(OfShell::Program("rustc".to_owned()));
        self.compares_of_shell(OfShell::Variable("RUSTC".to_owned()));
        // If rustup runs cargo, it selects the toolchain of the workspace for all that cargo runs.
        let directory = if self.is_cargo_run_by_rustup() {
            &self.to.workspace
        } else {
            self.directory_of_sources(unit)
        };
        self.compiler.is_named_in(directory, &self.state)
    }

    /// The digest of the state of the git repository that contains the unit's sources.
    fn history(&self, unit: &Unit<'_>) -> String {
        package::history(self.directory_of_sources(unit)).unwrap_or_default()
    }

    /// A directory in which the unit's sources are.
    fn directory_of_sources(&self, unit: &Unit<'_>) -> &Path {
        // The sources of published packages are below `CARGO_HOME`.
        if unit.is_published {
            &self.to.cargo_home
        } else {
            &self.to.workspace
        }
    }

    /// The answer to a macro's question about a file.
    fn answer(&self, question: Question, file: &str, unit: &Unit<'_>) -> String {
        let path = self.to.workspace.join(unit.to.to_real_str(file));
        // A read of a directory returns its names.
        let what = match question {
            Question::Read => Scope::Names,
            Question::Found
            | Question::Resolved
            | Question::Metadata
            | Question::Times
            | Question::Above => Scope::File,
        };
        for file in question.files(&path) {
            self.compares(&file, what, Detected::Not);
        }
        digest::shown(question.answer(&path, unit.to).as_bytes())
    }

    /// Compares the value of a variable.
    fn variable(&self, what: &str, name: &str, value: &str, unit: &Unit<'_>) -> Result<(), Why> {
        let is_of_package = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if unit.set_by_script.iter().any(|set| set == name)
            || CARGO_VARIABLES.contains(&name) && !is_of_package
            || name == PRIMARY_PACKAGE
            || is_of_package && unit.is_published
        {
            return Ok(());
        }
        let program = self
            .program_of_package(name, unit)
            .map(PathBuf::into_os_string);
        let set_by_cargo = self.set_by_cargo(name);
        if set_by_cargo.is_some() {
            self.compares_of_shell(OfShell::Program("cargo".to_owned()));
        } else if !is_of_package && program.is_none() {
            // Another target directory would be another build directory, so programs have the same paths until the first build.
            // cargo knows those of `env!`, but not those that a macro was observed to read.
            self.compares_variable(name);
        }
        let now = if is_of_package {
            let package = unit.package;
            package.and_then(|package| Some(package.variables.get(name)?.into()))
        } else {
            program.or(set_by_cargo).or_else(|| env::var_os(name))
        };
        let now = now.map_or_else(
            || UNSET.to_owned(),
            |now| {
                let hidden = unit.to.to_placeholders(now.as_encoded_bytes());
                digest::shown_secret(what, &[b"=", &*hidden].concat(), &self.hasher)
            },
        );
        if now == value {
            return Ok(());
        }
        Err(format!("the variable {name} has another value").into())
    }

    /// Compares a source.
    fn source(&self, file: &str, value: &str, unit: &Unit<'_>) -> Result<(), Why> {
        let path = self.to.workspace.join(unit.to.to_real_str(file));
        let changed = || Why::from(format!("{file} is not the same here"));
        if self.is_immutable(&path) {
            return Ok(());
        }
        if path.starts_with(&self.to.build) {
            // A generated file is copied from the other checkout.
            let path = self.from.workspace.join(unit.from.to_real_str(file));
            let digest = digest::of_source(&path, unit.from);
            return if digest.as_deref() == Some(value) {
                Ok(())
            } else {
                Err(changed())
            };
        }
        // A linker reads files that are not in rustc's dep-info.
        let mut parts = unit.manifest.parts.iter();
        let may_be_linked = parts.any(|part| part.what == "linker") && !has_extension(file, "rs");
        let detected = if may_be_linked {
            Detected::Not
        } else {
            Detected::ByCargo
        };
        self.compares(&path, Scope::File, detected);
        let is_listed = |other: &String| {
            let mut listed = unit.manifest.parts.iter();
            listed.any(|part| part.what.strip_prefix("file ") == Some(other))
        };
        let other = conflicting_module_file(file).filter(|other| !is_listed(other));
        let other = other.map(|other| self.to.workspace.join(unit.to.to_real_str(&other)));
        if let Some(other) = &other {
            // cargo does not know it, and rustc fails if it exists.
            self.compares(other, Scope::File, Detected::Not);
        }
        if self.digest(&path).as_deref() != Some(value)
            || other.is_some_and(|other| other.is_file())
        {
            return Err(changed());
        }
        if modified(&path).is_none_or(|time| time > self.moment) {
            return Err(Why::general(format!(
                "{file} was modified after seeding began"
            )));
        }
        Ok(())
    }

    /// Whether the build script of the unit leads to a native library outside of the checkout with the file name `name` that has
    /// the digest in `part`. Of several with this name, each must be in the key.
    fn is_installed_library(&self, part: &KeyPart, name: &str, unit: &Unit<'_>) -> bool {
        let Some(run) = unit.run.filter(|_| is_library(name)) else {
            return false;
        };
        let directories = package::searched_for_libraries(&self.from.build.join(&run.out_dir));
        let is_outside = |directory: &PathBuf| {
            let checkouts = [self.from, self.to];
            !checkouts.into_iter().any(|checkout| {
                directory.starts_with(&checkout.workspace) || directory.starts_with(&checkout.build)
            })
        };
        let directories = directories.into_iter().filter(is_outside);
        let files = directories.map(|directory| directory.join(name));
        let files: Vec<_> = files.filter(|file| file.is_file()).collect();
        let of_name: Vec<_> = unit
            .manifest
            .parts
            .iter()
            .filter(|other| other.what == part.what)
            .collect();
        let found: Option<Vec<_>> = files
            .iter()
            .map(|file| {
                self.compares(file, Scope::File, Detected::Not);
                self.digest(file)
            })
            .collect();
        found.is_some_and(|found| {
            let is_known = |digest: &String| of_name.iter().any(|part| part.value == *digest);
            found.contains(&part.value) && found.iter().all(is_known)
        })
    }

    /// The digest of the system library `name` for the linker of `unit`.
    fn library_of_system(&self, name: &str, unit: &Unit<'_>) -> Option<String> {
        let find = || self.linker_names(unit).library(name, &self.state);
        (!is_library(name)).then(find)?
    }
}
