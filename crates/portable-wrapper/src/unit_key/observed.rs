//! The observed inputs of a unit's macros, noted while the compiler listed its sources, as parts of its key.

mod question;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use self::question::{Question, questions};

use super::super::binary;
use super::super::build_dir::{library_dirs, wrapper_dir};
use super::super::compiler_requests;
use super::super::dep_info::DepInfo;
use super::super::observation::{Program, Requests, Uses, own_calls};
use super::super::path_map::{PathMap, Role, is_below_placeholder};
use super::super::system_directories::VOLATILE_DIRECTORIES;
use super::super::toolchain_files::ToolchainFiles;
use super::directories::registries;
use super::module_files::conflicting_module_file;
use super::{KeyBuilder, is_published};
use sccfg_util::env;
use sccfg_util::fsio::{self, NIX_STORE};

/// How the reason begins if a macro ran a program.
const RUNS: &str = "runs ";

/// The observed inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct Observed {
    /// Whether the compiler was observed.
    pub(super) is_complete: bool,
    /// Variables that were read and are in the key anyway.
    pub(super) variables: BTreeSet<String>,
    /// Variables that only the compiler itself read.
    pub(super) of_compiler: BTreeSet<String>,
    /// Questions about files and directories, their paths with placeholders, and the answers.
    pub(super) files: Vec<(Question, String, String)>,
    /// The copies of files that macros wrote to the `OUT_DIR`, and directories for them, with placeholders in their paths.
    pub(super) copies: BTreeSet<String>,
    /// Why the result may differ each time, if so.
    pub(super) each_time: Option<String>,
    /// Whether the result may contain the path of a directory.
    pub(super) place: bool,
    /// Whether a macro read a variable with a path of the checkout, or what it got contains such a path.
    pub(super) reads_path: bool,
    /// Whether a macro, or a program that it ran, may have asked for the current directory.
    pub(super) asks_for_current_dir: bool,
    /// Whether a macro asked for the canonical path of a file, if that is known.
    pub(super) resolves_paths: Option<bool>,
    /// A file outside of the workspace, whose path a macro may have derived from this checkout's, or a generated file that
    /// contains a path; and the paths of this checkout.
    pub(super) outside: Option<(String, String)>,
}

impl KeyBuilder<'_> {
    /// The variables that macros were observed to read: those that are not yet in the key, and the others. Variables of the
    /// compiler count only if a macro is known to read them.
    pub(super) fn observed_variables(&self, requests: &Requests) -> [BTreeSet<String>; 2] {
        let names = requests.variables.iter().cloned();
        let names = names.filter(|name| !compiler_requests::is_variable(name, self.is_clippy));
        let is_in_key = |name: &String| {
            let mut parts = self.key.parts().iter();
            parts.any(|part| part.what.strip_prefix('$') == Some(name))
        };
        let (known, new) = names.partition(is_in_key);
        [new, known]
    }

    /// The inputs in `requests` that are neither the compiler's own nor in the key, for a unit with these sources.
    pub(super) fn observed(&self, info: &DepInfo, requests: &Requests) -> Observed {
        let whole = |path: &Path| plain(&self.cwd.join(path));
        let listed = info.files.iter().flat_map(|file| {
            let other = conflicting_module_file(file).map(PathBuf::from);
            other.into_iter().chain([PathBuf::from(file)])
        });
        let listed: BTreeSet<PathBuf> = listed.map(|file| whole(&file)).collect();
        let own = both(&wrapper_dir(&self.unit.out_dir));
        let of_compiler = self.compiler_files();
        let of_clippy: BTreeSet<PathBuf> = if self.is_clippy {
            let configs = self.clippy_configs().into_iter();
            configs.map(|(_, file)| whole(&file)).collect()
        } else {
            BTreeSet::new()
        };
        let mut found = Observed {
            is_complete: true,
            variables: self.observed_variables(requests)[1].clone(),
            of_compiler: requests.of_compiler.clone(),
            asks_for_current_dir: own_calls::ask_for_current_dir(&requests.own_calls)
                || requests
                    .programs
                    .iter()
                    .any(|program| !self.is_known_version(program)),
            resolves_paths: requests.resolves_paths(),
            reads_path: self.is_given_path(info, requests),
            ..Observed::default()
        };
        let searched = self.searched_to_root(requests);
        for name in &searched {
            found.ask(Question::Above, &self.cwd.join(name), &self.path_map);
        }
        let is_searched = |path: &Path| {
            let is_above = path.parent().is_some_and(|above| self.is_above_cwd(above));
            is_above && path.file_name().is_some_and(|name| searched.contains(name))
        };
        for (noted, uses) in &requests.files {
            let path = whole(noted);
            if is_searched(&path) {
                continue;
            }
            // `..` after a symbolic link leads to another directory than in the text of the path.
            let asked: PathBuf = self.cwd.join(noted).components().collect();
            let is_plain = path == asked || path.canonicalize().ok() == asked.canonicalize().ok();
            let is_copy = self.is_copy(&path, *uses);
            if is_copy {
                let copy = self.path_map.to_placeholders_path(&asked);
                found.copies.insert(copy);
            }
            let is_source = listed.contains(&path) && (is_copy || !uses.is_written);
            let is_cwd = path == self.cwd && !uses.is_read && !uses.is_resolved;
            let is_known = is_source
                || is_cwd
                || own.iter().any(|own| path.starts_with(own))
                || of_compiler.has(&path, *uses);
            if is_plain && is_known {
                // Their contents are in the key.
                found.place |= is_source && self.is_link_to_path(&asked);
                if (is_source || is_cwd) && self.macros.reads_file_times() {
                    found.ask(Question::Times, &asked, &self.path_map);
                }
                if is_source && self.macros.is_own && self.macros.asks_for_metadata {
                    found.ask(Question::Metadata, &asked, &self.path_map);
                }
                continue;
            }
            // Their contents are in the key.
            if is_plain && !uses.is_written && of_clippy.contains(&path) {
                found.place |= uses.is_resolved && path.is_file();
                continue;
            }
            // Files in the Nix store never change. Their paths, and those in the toolchain, do not contain that of a checkout.
            let is_here = path.starts_with(self.cwd)
                || path.starts_with(NIX_STORE)
                || of_compiler.toolchain.is_in(&path)
                || self
                    .path_map
                    .find_in(path.as_os_str().as_encoded_bytes())
                    .is_some()
                || is_published(&path, registries().as_deref());
            let of_system = VOLATILE_DIRECTORIES
                .iter()
                .any(|other| path.starts_with(other));
            if uses.is_written && !is_copy {
                found.each_time(&format!("writes {}", path.display()));
            } else if of_system && !is_here {
                found.each_time(&format!("reads {}", path.display()));
            } else {
                // The answer has placeholders, and a macro may compute a value from the real path.
                let has_path = uses.is_read && self.has_path(&asked);
                if !is_here || has_path {
                    let name = || self.path_map.to_placeholders_path(&asked);
                    let paths = || (name(), self.path_map.spelled_out());
                    found.outside.get_or_insert_with(paths);
                }
                found.place |= uses.is_resolved || self.is_link_to_path(&asked);
                for question in questions(*uses, &self.macros) {
                    found.ask(question, &asked, &self.path_map);
                }
            }
        }
        self.add_effects(requests, &mut found);
        found.files.sort_by(|a, b| (&a.1, &a.2).cmp(&(&b.1, &b.2)));
        found.files.dedup();
        found
    }

    /// Whether a macro read a variable with a path of the checkout, or may have got such a path from generated source.
    fn is_given_path(&self, info: &DepInfo, requests: &Requests) -> bool {
        let mut names = requests.variables.difference(&requests.of_compiler);
        let mut files = info.files.iter();
        names.any(|name| self.has_path_of_checkout(name))
            || files.any(|file| self.has_path(&self.cwd.join(file)))
    }

    /// Whether the file is a link whose target, which a macro may read, contains a path that may differ between checkouts.
    fn is_link_to_path(&self, file: &Path) -> bool {
        fsio::read_link(file).is_some_and(|target| {
            let target = target.as_os_str().as_encoded_bytes();
            self.path_map.find_in(target).is_some()
        })
    }

    /// Whether the value of the variable `name` contains a path that may differ between checkouts.
    fn has_path_of_checkout(&self, name: &str) -> bool {
        env::var_os(name).is_some_and(|value| {
            let value = value.as_encoded_bytes();
            self.path_map.find_in(value).is_some()
                || *self.path_map.to_placeholders(value) != *value
                || self.names_unmapped_home(&String::from_utf8_lossy(value))
        })
    }

    /// Adds why the result may differ each time: what macros did besides reading files and variables.
    fn add_effects(&self, requests: &Requests, found: &mut Observed) {
        // By `cargo locate-project`, published macros find the workspace's manifest. They read it, so it is noted. cargo's working
        // directory, which is in the key, is that of the workspace.
        let macros = &self.macros;
        let is_search = |program: &&Program| {
            program.finds_manifest() && !macros.is_own
                || program.describes_workspace() && macros.runs_only_reviewed()
                || self.is_known_version(program)
        };
        // In notes, bytes that are not UTF-8 are replaced.
        let mut names = requests.variables.iter();
        if names.any(|name| name.contains(char::REPLACEMENT_CHARACTER)) {
            found.each_time("reads a variable whose name is not UTF-8");
        }
        let mut programs = requests.programs.iter();
        if let Some(program) = programs.find(|program| !is_search(program)) {
            found.each_time(&format!("{RUNS}{}", program.path));
        }
        if !requests.connections.is_empty() {
            found.each_time("uses the network");
        }
        if let Some(name) = requests.changed_variables.first() {
            found.each_time(&format!("changes the variable {name}"));
        }
        // Hashers of published crates use the time as their seed, on which no result depends.
        let may_differ = || self.macros.each_time().is_some();
        if (requests.reads_clock || requests.shows_date) && may_differ() {
            found.each_time("reads the clock");
        }
        if may_differ()
            && let Some(call) = requests.own_calls.iter().find(|call| self.counts(call))
        {
            found.each_time(&format!("calls {call}"));
        }
    }

    /// Whether a macro ran `program` only to print the version of the compiler, which is in the key.
    fn is_known_version(&self, program: &Program) -> bool {
        self.names_compiler && program.may_ask_for_version()
    }

    /// Whether `directory` is an ancestor of the compiler's current directory, and not that directory itself.
    fn is_above_cwd(&self, directory: &Path) -> bool {
        directory != self.cwd && self.cwd.starts_with(directory)
    }

    /// The names of missing files that were looked for in all ancestors of the compiler's current directory in the workspace, as
    /// `.env` and `rustfmt.toml` are. In another checkout, they are looked for in the ancestors of that one.
    fn searched_to_root(&self, requests: &Requests) -> BTreeSet<OsString> {
        let above = self.cwd.ancestors().skip(1).count();
        if above < 2 || !self.path_map.is_below(self.cwd, Role::Workspace) {
            return BTreeSet::new();
        }
        let mut counts: BTreeMap<&OsStr, usize> = BTreeMap::new();
        for (path, uses) in &requests.files {
            let parent = path.parent().filter(|parent| self.is_above_cwd(parent));
            if let (Some(_), Some(name)) = (parent, path.file_name())
                && !uses.is_written
                && path.symlink_metadata().is_err()
            {
                *counts.entry(name).or_default() += 1;
            }
        }
        let names = counts.into_iter().filter(|(_, count)| *count == above);
        names.map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether the result of a macro may depend on its call of the function `call`. The current directory is the place of the unit,
    /// and the number of processors decides how many threads there are. The random numbers of a published macro are as good as
    /// those of another build.
    fn counts(&self, call: &str) -> bool {
        const HARMLESS: [&str; 7] = [
            "fstatvfs",
            "fstatvfs64",
            "getrlimit",
            "getrlimit64",
            "sched_getaffinity",
            "statvfs",
            "statvfs64",
        ];
        let is_harmless = HARMLESS.contains(&call) || own_calls::CURRENT_DIR.contains(&call);
        !is_harmless && (self.macros.is_own || !own_calls::RANDOM.contains(&call))
    }

    /// Whether a file of the target directory contains a path that differs between checkouts.
    fn has_path(&self, path: &Path) -> bool {
        self.path_map.is_below(path, Role::Target)
            && fsio::open(path).is_ok_and(|file| {
                let found = binary::has_path(&file, &self.path_map);
                found.unwrap_or(true)
            })
    }

    /// The files that the compiler itself reads.
    fn compiler_files(&self) -> CompilerFiles {
        let externs = self.unit.externs.iter();
        let externs = externs.filter_map(|(_, file)| file.as_deref());
        let searched = self.unit.search.iter();
        let searched = searched.flat_map(|(_, directory)| both(directory));
        CompilerFiles {
            toolchain: ToolchainFiles::of(self.compiler, self.unit.target.as_deref()),
            externs: externs.flat_map(both).collect(),
            searched: searched.flat_map(|path| library_dirs(&path)).collect(),
        }
    }

    /// Adds the observed inputs.
    pub(super) fn add_observed(&mut self, observed: &Observed) {
        self.is_observed = observed.is_complete && !self.macros.is_unknown;
        if self.is_observed && !self.macros.lists_variables {
            self.read_by_compiler.clone_from(&observed.of_compiler);
            // Variables that were not read are no longer exposed.
            self.exposed
                .retain(|name| observed.variables.contains(name));
        }
        for name in &observed.variables {
            // The source includes a file by this variable, or a macro reads it.
            if !self.only_includes(name) && !self.macros.only_finds_by(name) {
                self.expose_variable(name);
            }
        }
        for (question, path, answer) in &observed.files {
            self.key.add(question.part(path), answer);
            let path = self.cwd.join(self.path_map.to_real_str(path));
            for path in question.files(&path) {
                self.known_inputs.add_file(&path);
                let question = match question {
                    Question::Above => Question::Found,
                    other => *other,
                };
                self.read_files.add_answer(question, path, answer);
            }
        }
        for path in &observed.copies {
            let path = self.path_map.to_real_str(path);
            self.known_inputs.add_copy(Path::new(&*path));
        }
        self.asks_for_place |= observed.place;
        self.asks_for_current_dir = observed.asks_for_current_dir || !self.is_observed;
        self.resolves_paths = observed.resolves_paths.filter(|_| self.is_observed);
        if let Some((path, paths)) = &observed.outside {
            self.key.add("path_map", paths);
            let why = format!("a macro in its dependencies reads {path}");
            self.keyed_by_path.get_or_insert(why);
        }
        if let Some(seen) = &observed.each_time {
            let running = self.macros.running_programs();
            let running = running.filter(|_| seen.starts_with(RUNS));
            match running.or_else(|| self.macros.each_time()) {
                Some(may) => self.compile_each_time(&format!("{seen} ({may})")),
                None => self.compile_each_time(seen),
            }
        }
    }

    /// Whether the answers are the same here.
    pub(super) fn is_seen_here(&self, observed: &Observed) -> bool {
        let is_same = |(_, paths): &(String, String)| *paths == self.path_map.spelled_out();
        observed.outside.as_ref().is_none_or(is_same)
            && observed.files.iter().all(|(question, path, was)| {
                let path = self.path_map.to_real_str(path);
                question.answer(Path::new(&path), &self.path_map) == *was
            })
    }
}

impl Observed {
    /// Whether the key has the paths of the checkout because of these inputs.
    pub(super) fn ties_to_place(&self) -> bool {
        self.each_time.is_some() || self.outside.is_some()
    }

    fn each_time(&mut self, why: &str) {
        self.each_time.get_or_insert_with(|| why.to_owned());
    }

    /// Adds the question about the file at `path` with its answer.
    fn ask(&mut self, question: Question, path: &Path, path_map: &PathMap) {
        let answer = question.answer(path, path_map);
        let name = path_map.to_placeholders_path(path);
        self.files.push((question, name, answer));
    }
}

/// The files that the compiler itself uses for a unit.
struct CompilerFiles {
    toolchain: ToolchainFiles,
    externs: BTreeSet<PathBuf>,
    /// The directories in which it searches for crates and libraries.
    searched: BTreeSet<PathBuf>,
}

impl CompilerFiles {
    fn has(&self, path: &Path, uses: Uses) -> bool {
        const ARTIFACTS: [&str; 7] = ["rlib", "rmeta", "so", "dylib", "dll", "a", "d"];
        let kind = path.extension().unwrap_or_default().to_string_lossy();
        let is_artifact = || {
            let parent = path.parent();
            ARTIFACTS.contains(&&*kind)
                && parent.is_some_and(|parent| self.searched.contains(parent))
        };
        compiler_requests::is_file(path)
            || is_below_placeholder(path)
            || self.toolchain.has(path, uses.is_read)
            // The key says whether they are there.
            || self.toolchain.has_source(path)
            || self.searched.contains(path)
            || self.externs.contains(path)
            || is_artifact()
    }
}

/// Both paths of a file: without `.` and `..`, and canonical.
pub(super) fn both(path: &Path) -> Vec<PathBuf> {
    [Some(plain(path)), path.canonicalize().ok()]
        .into_iter()
        .flatten()
        .collect()
}

/// The path with `.` and `..` removed textually: links are not followed.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized() {
        assert_eq!(plain(Path::new("/w/a/./b/../c")), Path::new("/w/a/c"));
    }
}
