//! Undeclared inputs of a build script of the workspace whose run was not observed, and files that it wrote elsewhere. In a
//! checkout without a build, cargo runs each script, whatever it declares. So a run of another checkout is taken only if the
//! source of the script has no undeclared input that may differ here, and writes only to `OUT_DIR`. Otherwise the script runs,
//! and units that depend on it are looked up as usual.

use std::collections::BTreeSet;
use std::path::Path;

use ignore::WalkBuilder;

use super::super::build_script::own_path::OwnPath;
use super::super::build_script::{self, Source, is_of_cargo};
use super::super::macro_effects::{AmbientInputs, FILE_LOOKUPS, FILE_TIMES, METADATA};
use super::super::package;
use super::super::path_map::PathMap;
use super::checks::Checks;
use super::dependencies::Taken;
use super::source_record::{Detected, Scope};
use super::units::{CargoUnit, Kind, Local, Run};
use super::{Package, Why};
use sccfg_util::{env, fsio};

/// Types and modules by which a script reads files, besides the methods of paths ([`FILE_LOOKUPS`]).
const READS: [&str; 3] = ["File", "OpenOptions", "fs"];
/// Methods that distinguish links from files, besides [`METADATA`] and [`FILE_TIMES`].
const LINKS: [&str; 3] = ["is_symlink", "read_link", "symlink_metadata"];
/// Methods that lead from `OUT_DIR` to a directory above it, where a script may write for other programs.
const UPWARDS: [&str; 3] = ["ancestors", "parent", "pop"];

impl Checks<'_> {
    /// Fails if the build script may have an input that differs here, or has changed there since its `run`, and that it did not
    /// declare. `unit` is the unit of the run, and `script` the compile of the script.
    pub(super) fn declares_all(
        &self,
        script: &Taken<'_>,
        (unit, run): (&CargoUnit, &Run),
        package: &Package,
    ) -> Result<(), Why> {
        let Kind::Compile {
            out_dir,
            stem,
            manifest,
        } = &script.unit.kind
        else {
            return Err("the program of its build script was not found".into());
        };
        let dep_info = self.from.build.join(out_dir).join(format!("{stem}.d"));
        let source = Source::read(&dep_info, &self.from.workspace);
        let source = source.ok_or("the source of its build script cannot be read")?;
        let used = manifest.code.inputs();
        if let Some(why) = source.hazard(&used, false) {
            return Err(Why::general(why.describe()));
        }
        if source.may_run_programs(&used) || source.reads_git(&used) {
            return Err(Why::general("its build script may run programs"));
        }
        if source.may_ask_for_package_path(&used) {
            return Err(Why::general(
                "its build script may read the path of its package",
            ));
        }
        let names = |all: &[&str]| all.iter().any(|name| source.names.contains(*name));
        let texts = || source.texts.iter().map(String::as_str);
        let declared = unit.local.iter().filter_map(|local| match local {
            Local::RerunIfEnvChanged { var } => Some(var.as_str()),
            _ => None,
        });
        let declared: BTreeSet<&str> = declared.collect();
        let lists_variables = source.lists_variables(&used) || used.environment.is_some();
        let undeclared = undeclared_variable(texts(), &used, &declared);
        if let Some(name) = undeclared.or(lists_variables.then(|| "any".to_owned())) {
            let why =
                format!("its build script may read a variable that it does not declare ({name})");
            return Err(Why::general(why));
        }
        if !names(&READS) && !names(&FILE_LOOKUPS) && !used.reads_files() {
            return Ok(());
        }
        if names(&UPWARDS) {
            return Err(Why::general(
                "its build script may write files outside of its OUT_DIR",
            ));
        }
        let is_outside = |text: &str| {
            let path = Path::new(text);
            path.iter().any(|part| part == "..") || path.is_absolute() && path.exists()
        };
        let names_path = |name: &&str| {
            let value = env::var_os(name).filter(|_| !is_of_cargo(name));
            let paths = value
                .map(|value| env::split_paths(&value))
                .unwrap_or_default();
            paths.iter().any(|path| is_outside(&path.to_string_lossy()))
        };
        if let Some(name) = declared.iter().find(|name| names_path(name)) {
            let why = format!("its build script may read a file that the variable {name} names");
            return Err(Why::general(why));
        }
        let asks_for_metadata = names(&METADATA) || names(&FILE_TIMES) || names(&LINKS);
        if asks_for_metadata || used.asks_for_metadata || texts().any(is_outside) {
            return Err(Why::general(
                "its build script may read files outside of its package, or metadata of files",
            ));
        }
        let directory = self.to.workspace.join(&package.directory);
        self.compares(&directory, Scope::Package, Detected::Not);
        let [from, to] = [self.from, self.to].map(|checkout| {
            package::everything_in(&checkout.workspace.join(&package.directory), &self.state)
        });
        if from.is_none() || from != to {
            return Err("its build script may read a file that differs".into());
        }
        let path_map = self.from.path_map().ok_or("a path is not UTF-8")?;
        let package = self.from.workspace.join(&package.directory);
        let is_changed = |started| {
            package::is_changed_since(&package, started)
                || package::has_other_names_since(&package, started)
        };
        if self.started(run).is_none_or(is_changed) {
            return Err("its build script may read a file that has changed since it ran".into());
        }
        let reads_path = || OwnPath::new(&path_map, None, std::iter::empty()).is_below(&package);
        if self.names_workspace(run, &path_map) || reads_path() {
            return Err("its build script may read the path of the other checkout".into());
        }
        Ok(())
    }

    /// Whether the output or a file of a run contains the path of the workspace, other than in that of the target directory.
    fn names_workspace(&self, run: &Run, path_map: &PathMap) -> bool {
        // Only the files in the directory of the output itself: the wrapper's records below it contain paths.
        let directories = [(&run.directory, Some(1)), (&run.out_dir, None)];
        let walks = directories.into_iter().flat_map(|(below, depth)| {
            let mut walk = WalkBuilder::new(self.from.build.join(below));
            walk.standard_filters(false).max_depth(depth);
            walk.build().flatten()
        });
        let mut files = walks.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
        files.any(|file| {
            let bytes = fsio::read_artifact(file.path()).unwrap_or_default();
            build_script::names_workspace(&path_map.to_placeholders(&bytes))
        })
    }
}

/// A variable that a script may read and does not declare. Variables of cargo are compared by cargo, or in the keys of units.
fn undeclared_variable<'t>(
    texts: impl Iterator<Item = &'t str>,
    used: &AmbientInputs,
    declared: &BTreeSet<&str>,
) -> Option<String> {
    let is_declared = |name: &str| declared.contains(name) || is_of_cargo(name);
    let may_be_name = |text: &str| {
        let is_upper = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        let is_part =
            |letter: char| is_upper(letter) || letter.is_ascii_digit() || "{}".contains(letter);
        text.len() > 1 && text.starts_with(is_upper) && text.chars().all(is_part)
            || env::var_os(text).is_some()
    };
    let mut named = texts.filter(|text| may_be_name(text));
    let mut of_crates = used.named_variables();
    let found = named.find(|name| !is_declared(name));
    found
        .or_else(|| of_crates.find(|name| !is_declared(name)))
        .map(str::to_owned)
}
