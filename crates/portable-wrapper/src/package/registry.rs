//! Packages of registries, which never change, and their libraries.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::string::FromUtf8Error;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::super::digest::{self, Key};
use super::super::macro_effects::{
    self, Author, CompileTimeVariables, Conditions, MacroEffects, Source, SourceText,
};
use super::super::path_map::PathMap;
use super::super::state_dir::{FORMAT, StateDir};
use super::known_sources::KnownSources;
use super::targets::Targets;
use super::{StampedFile, all_in, are_settled, digest_of_stamps, has_file, is_rust};
use sccfg_util::fsio;

/// A package of a registry. It never changes, so the digest of all of its files can stand for a unit's sources.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Registry {
    /// The stamps of its files.
    stamps: String,
    /// The digest of its files' names and contents.
    pub(in super::super) digest: String,
    /// The variables that its sources name. Dep-info shows whether a unit reads others.
    pub(in super::super) variables: CompileTimeVariables,
    pub(in super::super) sources: KnownSources,
    /// Its macros that ask for the location in which they are used.
    pub(in super::super) asking_macros: BTreeSet<String>,
}

impl Registry {
    /// Reads the package in `directory`, unless it is saved.
    pub(in super::super) fn read(directory: &Path, state: &StateDir) -> Option<Self> {
        let moment = SystemTime::now();
        let files = files_of(directory)?;
        if files.iter().any(|(_, stamp)| stamp.is_none()) {
            return None;
        }
        let stamps = digest_of_stamps(&files);
        let subject = format!("{FORMAT} {}", directory.display());
        if let Some(known) = state.load::<Self>("packages", &subject)
            && known.stamps == stamps
        {
            return Some(known);
        }
        let mut key = Key::default();
        let mut variables = CompileTimeVariables::default();
        let mut sources = KnownSources::of(directory);
        let (mut with_macros, mut with_paths) = (Vec::new(), Vec::new());
        let targets = Targets::of(directory);
        for (file, _) in &files {
            let path = directory.join(file);
            let name = file.to_string_lossy();
            if !is_rust(file) {
                key.add(name, digest::of_file(&path)?);
                continue;
            }
            let bytes = fsio::read_bytes(&path)?;
            key.add(name, digest::of(&bytes));
            let mut found = CompileTimeVariables::default();
            let text = text_of(bytes);
            found.read(&text, Author::Published);
            sources.read(file, &text);
            if !targets.has_in_library(file) {
                found.paths.clear();
                found.included.clear();
            }
            // rustc would not find it, so it is not included: often by a test whose files are not published.
            let is_missing = |name: &str| {
                let path = path_below(file, Path::new(name));
                path.is_some_and(|path| !files.iter().any(|(file, _)| *file == path))
            };
            found
                .included
                .retain(|(name, is_beside)| !(*is_beside && is_missing(name)));
            if found.paths.is_empty() {
                variables.add(found);
            } else {
                with_paths.push((file, found));
            }
            if macro_effects::may_define_macros(&text) {
                with_macros.push(text);
            }
        }
        let inactive = if with_paths.is_empty() {
            BTreeSet::new()
        } else {
            inactive_files(directory, &files, &targets)
        };
        for (file, mut found) in with_paths {
            if inactive.contains(file) {
                found.paths.clear();
            }
            variables.add(found);
        }
        read_included(directory, &files, &targets, &mut variables)?;
        let found = Self {
            stamps,
            digest: key.finish(),
            variables,
            sources,
            asking_macros: macro_effects::asking_macros(&with_macros),
        };
        if are_settled(&files, moment) {
            state.save("packages", &subject, &found);
        }
        Some(found)
    }

    /// The library of the package in `directory`, whose name is `name`.
    pub(in super::super) fn library(
        &self,
        directory: &Path,
        name: String,
        root: &Path,
        out_dir: Option<String>,
        conditions: Conditions,
    ) -> Option<Library> {
        Some(Library {
            root: root.strip_prefix(directory).ok()?.to_owned(),
            directory: directory.to_owned(),
            package: self.digest.clone(),
            name,
            out_dir,
            conditions,
        })
    }
}

/// The sources of a library of a registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Library {
    directory: PathBuf,
    /// The digest of the package.
    package: String,
    /// The name of the package.
    name: String,
    /// The crate's root source file, relative to the directory.
    root: PathBuf,
    /// Where its build script wrote files, with placeholders.
    out_dir: Option<String>,
    conditions: Conditions,
}

impl Library {
    /// The inputs that it reads when a macro runs it; `None` if it cannot be read, or has changed.
    pub(in super::super) fn effects(
        &self,
        path_map: &PathMap,
        state: &StateDir,
    ) -> Option<MacroEffects> {
        let made = match &self.out_dir {
            Some(out_dir) => {
                let out_dir = PathBuf::from(path_map.to_real_str(out_dir));
                let files = all_in(&out_dir)?.into_iter();
                let with_text = |(file, _)| Some((fsio::read_text(out_dir.join(&file))?, file));
                files.filter_map(with_text).collect()
            }
            None => Vec::new(),
        };
        let mut subject = Key::default();
        subject.add("format", FORMAT);
        subject.add("reader", macro_effects::READER);
        subject.add("package", &self.package);
        subject.add("name", &self.name);
        subject.add("conditions", self.conditions.describe());
        for (text, path) in &made {
            subject.add(path.to_string_lossy(), text);
        }
        let subject = subject.finish();
        if let Some(known) = state.load("effects", &subject) {
            return Some(known);
        }
        if Registry::read(&self.directory, state)?.digest != self.package {
            return None;
        }
        let effects = self.read(&made)?;
        state.save("effects", &subject, &effects);
        Some(effects)
    }

    /// Reads the sources. `made` are the contents and paths of the files of its build script.
    fn read(&self, made: &[(String, PathBuf)]) -> Option<MacroEffects> {
        let targets = Targets::default();
        if !targets.has_in_library(&self.root) {
            let why = "a library whose root is in the directory of another cargo target";
            return Some(MacroEffects::everything(&self.name, why));
        }
        // With the root in the package's directory, all files there may be its modules.
        let is_flat = self.root.components().count() == 1;
        let own = files_of(&self.directory)?;
        let of_package = own.iter().map(|(path, _)| Source {
            path,
            text: SourceText::of_file(self.directory.join(path)),
            is_code: is_rust(path) && (is_flat || targets.has_in_library(path)),
            is_made: false,
        });
        let of_script = made.iter().map(|(text, path)| Source {
            path,
            text: SourceText::Known(text),
            is_code: is_rust(path),
            is_made: true,
        });
        let sources: Vec<_> = of_package.chain(of_script).collect();
        let (name, author) = (&self.name, Author::Published);
        let effects =
            MacroEffects::of_crate(name, author, &self.conditions, &sources, false, false);
        Some(effects)
    }
}

/// The files of the package in `directory`, without profiles of coverage runs: a program that is compiled with
/// `-C instrument-coverage`, such as a build script, writes one into the current directory when it ends. (LLVM, "Source-based Code
/// Coverage": `LLVM_PROFILE_FILE` is relative to it, and `default.profraw` if it is not set.)
fn files_of(directory: &Path) -> Option<Vec<StampedFile>> {
    let mut files = all_in(directory)?;
    files.retain(|(file, _)| {
        file.extension()
            .is_none_or(|extension| extension != "profraw")
    });
    Some(files)
}

/// The files that are not compiled into the library, such as modules with tests.
fn inactive_files(directory: &Path, files: &[StampedFile], targets: &Targets) -> BTreeSet<PathBuf> {
    let sources = files.iter().map(|(path, _)| Source {
        path,
        text: SourceText::of_file(directory.join(path)),
        is_code: is_rust(path) && targets.has_in_library(path),
        is_made: false,
    });
    let sources: Vec<_> = sources.collect();
    let inactive = macro_effects::inactive_files(&sources);
    inactive.into_iter().map(Path::to_owned).collect()
}

/// Adds the variables of files in a package that its library includes, although they are in the directory of another cargo
/// target.
fn read_included(
    directory: &Path,
    files: &[StampedFile],
    targets: &Targets,
    variables: &mut CompileTimeVariables,
) -> Option<()> {
    let mut read = BTreeSet::new();
    loop {
        let is_included = |file: &Path| {
            let mut names = variables.included.iter().map(|(name, _)| Path::new(name));
            names.any(|name| name.file_name() == file.file_name())
        };
        let is_left = |file: &Path| {
            !(is_rust(file) && targets.has_in_library(file))
                && is_included(file)
                && !read.contains(file)
        };
        let left = files
            .iter()
            .map(|(file, _)| file)
            .filter(|file| is_left(file));
        let left: Vec<_> = left.cloned().collect();
        if left.is_empty() {
            break;
        }
        for file in left {
            let bytes = fsio::read_bytes(directory.join(&file))?;
            variables.read(&text_of(bytes), Author::Published);
            read.insert(file);
        }
    }
    variables.end_of_files(|name| has_file(files, name));
    Some(())
}

/// The path in a package of the file with this path relative to the directory of `file`; `None` if it is not below the package.
fn path_below(file: &Path, path: &Path) -> Option<PathBuf> {
    let mut found = file.parent()?.to_owned();
    for component in path.components() {
        match component {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir => found.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found)
}

/// The text of a source, which should be UTF-8.
fn text_of(bytes: Vec<u8>) -> String {
    // Checking the whole text first is faster than a lossy conversion.
    let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    String::from_utf8(bytes).unwrap_or_else(lossy)
}

#[cfg(test)]
mod tests {
    use super::super::tests::directory;
    use super::*;

    #[test]
    fn a_library_may_include_files_of_any_name() {
        let state_dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(state_dir.path());
        let length = "const N: usize = env!(\"OUT_DIR\").len();";
        let uses = |lib: &str, included: &str| {
            let files = [
                ("src/lib.rs", lib),
                ("src/more.in", included),
                ("tests/more.rs", included),
            ];
            let package = directory(&files);
            let read = Registry::read(package.path(), &state).unwrap();
            read.variables.paths.into_iter().collect::<Vec<_>>()
        };
        let include = |name: &str| format!("include!({name:?});");
        for name in ["more.in", "../tests/more.rs"] {
            assert_eq!(uses(&include(name), length), ["OUT_DIR"], "{name}");
            assert!(uses(&include(name), "const N: usize = 1;").is_empty());
        }
        assert!(uses("", length).is_empty());
        let in_test =
            format!("#[cfg(test)] mod tests {{ {length} }} #[test] fn f() {{ {length} }}");
        assert!(uses(&in_test, "").is_empty());
        let of_features = in_test.replace("cfg(test)", "cfg(any(test, feature = \"a\"))");
        assert_eq!(uses(&of_features, ""), ["OUT_DIR"]);
        // Only in a test that is not compiled.
        assert!(uses(&include("../tests/missing.rs"), length).is_empty());
        let [all, chain] = [include("../../missing.in"), include("more.in")];
        assert_eq!(uses(&all, ""), ["CARGO_MANIFEST_DIR", "OUT_DIR"]);
        assert_eq!(uses(&chain, &all), ["CARGO_MANIFEST_DIR", "OUT_DIR"]);
    }

    #[test]
    fn modules_with_tests_are_not_part_of_the_library() {
        let state_dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(state_dir.path());
        let length = "const N: usize = env!(\"CARGO_MANIFEST_DIR\").len();";
        for (declaration, is_used) in [
            ("#[cfg(test)] mod test;", false),
            ("mod test;", true),
            ("#[cfg(feature = \"a\")] mod test;", true),
            (
                "#[cfg(test)] mod test; #[path = \"test/fixture.rs\"] mod a;",
                true,
            ),
        ] {
            let files = [
                ("src/lib.rs", "mod hpack;"),
                ("src/hpack/mod.rs", declaration),
                ("src/hpack/test/mod.rs", "mod fixture;"),
                ("src/hpack/test/fixture.rs", length),
            ];
            let package = directory(&files);
            let read = Registry::read(package.path(), &state).unwrap();
            assert_eq!(!read.variables.paths.is_empty(), is_used, "{declaration}");
        }
    }

    #[test]
    fn a_package_is_read_once() {
        let package = directory(&[("src/lib.rs", "env!(\"X\")")]);
        let state_dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(state_dir.path());
        let first = Registry::read(package.path(), &state).unwrap();
        let lib = package.path().join("src/lib.rs");
        assert!(first.variables.named.iter().eq(["X"]) && first.sources.is_plain(&lib));
        let again = Registry::read(package.path(), &state).unwrap();
        assert_eq!(first.digest, again.digest);
        fsio::replace(&lib, b"option_env!(\"Y\"); file!()").unwrap();
        let changed = Registry::read(package.path(), &state).unwrap();
        assert_ne!(first.digest, changed.digest);
        assert!(changed.variables.named.iter().eq(["Y"]) && !changed.sources.is_plain(&lib));
    }
}
