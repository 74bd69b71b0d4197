//! Undeclared inputs of a build script whose run was looked up: the variables that its code names, and variables and files that
//! the run was observed to read.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use super::super::build_script::{self, Machine, Source, VariablesRead, is_of_cargo, session};
use super::super::digest;
use super::super::macro_effects::AmbientInputs;
use super::super::observed_inputs::ObservedInputs;
use super::super::path_map::{PathMap, Role};
use super::super::uncacheable::Uncacheable;
use super::super::unit_manifest::{Sharing, UnitManifest};
use super::Why;
use super::checks::Checks;
use super::dependencies::Taken;
use super::of_shell::OfShell;
use super::reference_time::modified;
use super::source_record::{Detected, Scope};
use super::units::{Kind, Run};
use sccfg_util::env;

/// Prefixes of variables that cargo or rustup sets during a build, and that a shell may not have.
const OF_A_BUILD: [&str; 4] = ["CARGO", "LD_LIBRARY_PATH", "RUSTC", "RUSTUP_"];

/// The file whose mtime is the time at which cargo started the script.
const INVOKED: &str = "invoked.timestamp";

/// Whether all inputs of the run of a workspace package with this manifest are known, because it was observed.
pub(super) fn is_observed(manifest: &UnitManifest) -> bool {
    let observed = manifest.observed.as_ref();
    matches!(manifest.sharing, Sharing::Everywhere)
        && observed.is_some_and(|(observed, _)| observed.is_observed)
}

/// Whether a word may be the name of a variable.
fn is_variable(word: &str) -> bool {
    let is_part =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    word.len() > 1 && word.chars().all(is_part)
}

impl Checks<'_> {
    /// The manifest of a run, if it was looked up.
    pub(super) fn manifest_of(&self, run: &Run) -> Option<UnitManifest> {
        let path = build_script::manifest_of_run(&self.from.build.join(&run.out_dir))?;
        UnitManifest::read(&path)
    }

    /// Whether the manifest describes an earlier run: cargo notes when it starts a script, and the wrapper writes the manifest
    /// after that.
    pub(super) fn has_run_since_manifest(&self, run: &Run) -> bool {
        let path = build_script::manifest_of_run(&self.from.build.join(&run.out_dir));
        let Some(written) = path.and_then(|path| modified(&path)) else {
            return false;
        };
        self.started(run).is_none_or(|started| started > written)
    }

    /// When cargo started the script.
    pub(super) fn started(&self, run: &Run) -> Option<SystemTime> {
        modified(&self.from.build.join(&run.directory).join(INVOKED))
    }

    /// Fails if an input of the run of a published package [differs](Self::reads_the_same) here, or the run cannot be cached. A
    /// run that was not looked up passes.
    pub(super) fn published_reads_the_same(
        &self,
        script: &Taken<'_>,
        manifest: Option<&UnitManifest>,
    ) -> Result<(), Why> {
        let Some(manifest) = manifest else {
            return Ok(());
        };
        match &manifest.sharing {
            // Reasons of git dependencies, whose sources have the same path here.
            Sharing::NotCached(
                Uncacheable::ScriptCompiles
                | Uncacheable::ScriptGit
                | Uncacheable::ScriptWritesSources,
            ) => Ok(()),
            Sharing::NotCached(why) => Err(Why::general(why.describe())),
            _ => self.reads_the_same(script, manifest),
        }
    }

    /// Fails if an input of the run with this manifest differs here: a variable, the path of a script that may read it, or an
    /// observed input. `script` is the compile of the build script.
    pub(super) fn reads_the_same(
        &self,
        script: &Taken<'_>,
        manifest: &UnitManifest,
    ) -> Result<(), Why> {
        if !build_script::knows_same_inputs(&manifest.parts) {
            return Err(Why::general("it ran with another version of sccfg"));
        }
        self.has_same_machine(manifest)?;
        let Kind::Compile {
            out_dir,
            stem,
            manifest: compiled,
        } = &script.unit.kind
        else {
            return Ok(());
        };
        let from = manifest.path_map.all_mapped();
        let from = from.ok_or("a path in its manifest is too long")?;
        let to = from.moved(&self.from.roles()?, &self.to.roles()?);
        let to =
            to.ok_or("it ran in another directory, or the path of this checkout is too long")?;
        let program = compiled
            .outputs
            .first()
            .map(|(_, digest, _)| digest.as_str());
        let dep_info = self.from.build.join(out_dir).join(format!("{stem}.d"));
        let root = from.directory(Role::Workspace).unwrap_or("/");
        let source = program
            .and_then(|program| Source::of(program, &dep_info, Path::new(root), &self.state))
            .ok_or("the source of its build script cannot be read")?;
        if manifest
            .parts
            .iter()
            .any(|part| part.what == build_script::CHECKOUT_PATHS)
        {
            return Err(Why::general(
                "its build script may read the path of its package",
            ));
        }
        self.variables(manifest, &source, &compiled.code.inputs(), &to)?;
        let is_observed = manifest.observed.as_ref();
        let is_observed = is_observed.is_some_and(|(observed, _)| observed.is_observed);
        if !is_observed && !build_script::names_same_programs(&manifest.parts, &source, &self.state)
        {
            return Err("a program that its build script names has changed".into());
        }
        let value_of = |name: &str| self.set_by_cargo(name).or_else(|| env::var_os(name));
        if !build_script::names_same_contents(&manifest.parts, &to, value_of) {
            return Err(
                "a file that a variable or its build script names is not the same here".into(),
            );
        }
        let programs = manifest.observed.iter();
        for program in programs.flat_map(|(observed, _)| &observed.programs) {
            self.compares_of_shell(OfShell::Program(program.clone()));
        }
        if let Some((observed, _)) = manifest.observed.as_ref().filter(|_| !script.is_published) {
            for path in observed
                .opened_paths(&to)
                .chain(observed.looked_up_paths(&to))
            {
                self.compares(&path, Scope::File, Detected::Not);
            }
            for path in observed.listed_paths(&to) {
                self.compares(&path, Scope::Names, Detected::Not);
            }
        }
        let Some((observed, digest)) = &manifest.observed else {
            return Ok(());
        };
        let found = observed.find(&to, &self.state);
        if found.digest == *digest {
            return Ok(());
        }
        let mut files = found.parts.iter();
        let file = files.find_map(|part| {
            let file = part.what.strip_prefix("file ")?;
            (!manifest.parts.contains(part)).then(|| to.to_real_str(file))
        });
        Err(match file {
            Some(file) => {
                format!("its build script read or looked for {file}, which is not the same here")
                    .into()
            }
            None => {
                "its build script used a program, a library or a value that is not the same here"
                    .into()
            }
        })
    }

    /// Fails if programs, packages or headers of the machine differ from those in the key of the run.
    fn has_same_machine(&self, manifest: &UnitManifest) -> Result<(), Why> {
        let mut known = self.machine.borrow_mut();
        for part in &manifest.parts {
            let Some(machine) = Machine::called(&part.what) else {
                continue;
            };
            let now = known.entry(machine).or_insert_with(|| {
                let digest = machine.digest(&self.state)?;
                Some(digest::shown(digest.as_bytes()))
            });
            if now.as_ref() != Some(&part.value) {
                return Err("programs, packages or headers of this machine have changed".into());
            }
        }
        Ok(())
    }

    fn variables(
        &self,
        manifest: &UnitManifest,
        source: &Source,
        used: &AmbientInputs,
        to: &PathMap,
    ) -> Result<(), Why> {
        let unknown = ObservedInputs::default();
        let observed = manifest.observed.as_ref();
        let observed = observed.map_or(&unknown, |(observed, _)| observed);
        let is_observed = observed.is_observed;
        let words = source.words(used, is_observed);
        let lists_all = source.lists_variables(used) || used.may_use_any_variable();
        let read = VariablesRead::by(observed);
        let is_named = |name: &str| build_script::may_read(name, &words, used);
        let is_of_build = |name: &str| OF_A_BUILD.iter().any(|start| name.starts_with(start));
        let may_differ = |name: &str| {
            !is_of_cargo(name)
                && (lists_all
                    || observed.session_variables.contains(name)
                    || read.may_include(name)
                    || is_named(name))
                && (!is_of_build(name)
                    || observed.session_variables.contains(name) && !is_named(name))
        };
        let there = manifest.parts.iter().filter_map(|part| {
            let name = part.what.strip_prefix('$')?;
            may_differ(name).then(|| (name.to_owned(), part.value.clone()))
        });
        let here = build_script::variables(source, used, is_observed).into_iter();
        let here = here.map(|(name, value)| (name.to_string_lossy().into_owned(), value));
        let of_session = session::values(observed).into_iter();
        let here = here.chain(of_session).filter_map(|(name, value)| {
            may_differ(&name).then(|| {
                let value = build_script::shown_variable(&name, &value, to, &self.hasher);
                (name, value)
            })
        });
        let (there, here): (BTreeMap<_, _>, BTreeMap<_, _>) = (there.collect(), here.collect());
        for name in here.keys() {
            self.compares_variable(name);
        }
        // A variable that is not set here may be set when the first build begins.
        let in_source = words.iter().copied().filter(|_| !is_observed);
        let unset = observed
            .variables
            .iter()
            .map(String::as_str)
            .chain(in_source);
        let unset = unset.filter(|name| is_variable(name) && env::var_os(name).is_none());
        let may_be_set = |name: &&str| {
            may_differ(name)
                && !session::is_left_to_runs(name)
                && (!session::is_of_everything(name) || is_named(name))
        };
        unset
            .filter(may_be_set)
            .for_each(|name| self.compares_variable(name));
        let mut names = there.keys().chain(here.keys());
        match names.find(|name| there.get(*name) != here.get(*name)) {
            Some(name) => {
                Err(format!("its build script may read the variable {name}, which differs").into())
            }
            None => Ok(()),
        }
    }
}
