//! What a package's folder says of a compile, without running a compiler.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use super::digest::{self, Key, Stamp};
use super::state::{FORMAT, State};
use crate::fsio;

/// A package of a registry: nobody changes it, so that all of it may stand for what is compiled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Registry {
    /// The stamps of its files.
    stamps: String,
    /// Its files' names and contents.
    pub(super) digest: String,
    /// The variables that its sources ask for; `None` where that cannot be read off.
    pub(super) variables: Option<Vec<String>>,
}

impl Registry {
    /// Reads the package in `folder`, or remembers it.
    pub(super) fn read(folder: &Path, state: &State) -> Option<Self> {
        let files = files_in(folder)?;
        let stamps = digest::of(format!("{files:?}").as_bytes());
        let subject = format!("{FORMAT} {}", folder.display());
        if let Some(known) = state.recall::<Self>("packages", &subject)
            && known.stamps == stamps
        {
            return Some(known);
        }
        let mut key = Key::default();
        let mut variables = Some(BTreeSet::new());
        for (name, _) in &files {
            let bytes = fsio::bytes(folder.join(name))?;
            key.add(name.to_string_lossy(), digest::of(&bytes));
            if name.extension().is_some_and(|it| it == "rs") {
                match (
                    variables.as_mut(),
                    asked_for(&String::from_utf8_lossy(&bytes)),
                ) {
                    (Some(all), Some(more)) => all.extend(more),
                    _ => variables = None,
                }
            }
        }
        let found = Self {
            stamps,
            digest: key.finish(),
            variables: variables.map(|all| all.into_iter().collect()),
        };
        state.remember("packages", &subject, &found);
        Some(found)
    }
}

/// More than this no package has whose files are worth looking at one by one.
const MOST_FILES: usize = 20_000;

fn files_in(folder: &Path) -> Option<Vec<(PathBuf, Stamp)>> {
    let mut files = Vec::new();
    for entry in WalkBuilder::new(folder).standard_filters(false).build() {
        let entry = entry.ok()?;
        if entry.file_type().is_some_and(|it| it.is_dir()) {
            continue;
        }
        let name = entry.path().strip_prefix(folder).ok()?.to_owned();
        files.push((name, Stamp::of(entry.path())?));
        if files.len() > MOST_FILES {
            return None;
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Some(files)
}

/// The names in `env!("…")` and `option_env!("…")`; `None` if there is one that is not written out.
fn asked_for(source: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("env!") {
        rest = &rest[at + "env!".len()..];
        let argument = rest
            .trim_start()
            .strip_prefix(['(', '[', '{'])?
            .trim_start();
        let (name, after) = argument.strip_prefix('"')?.split_once('"')?;
        if name.contains('\\') || !after.trim_start().starts_with([')', ']', '}', ',']) {
            return None;
        }
        names.push(name.to_owned());
    }
    Some(names)
}

/// What a macro could read in the folder of a package of one's own without rustc's knowledge: the
/// names of all files, and the contents of those that are no sources. Other packages below it, what
/// git ignores, and what only tests read are left out.
pub(super) fn surroundings(folder: &Path, with_tests: bool) -> Option<String> {
    let mut key = Key::default();
    let mut count = 0;
    let root = folder.to_owned();
    let mut walk = WalkBuilder::new(folder);
    walk.hidden(false)
        .git_global(false)
        .sort_by_file_name(Ord::cmp);
    walk.filter_entry(move |entry| {
        let name = entry.file_name().to_string_lossy();
        if !entry.file_type().is_some_and(|it| it.is_dir()) {
            return true;
        }
        let path = entry.path();
        path == root
            || !(matches!(
                &*name,
                ".git" | ".jj" | ".hg" | "target" | "node_modules" | ".direnv"
            ) || (!with_tests
                && path.parent() == Some(&root)
                && matches!(&*name, "tests" | "benches" | "examples"))
                || path.join("Cargo.toml").is_file()
                || path.join("CACHEDIR.TAG").is_file())
    });
    for entry in walk.build() {
        let entry = entry.ok()?;
        if entry.file_type().is_none_or(|it| it.is_dir()) {
            continue;
        }
        count += 1;
        if count > MOST_FILES {
            return None;
        }
        let path = entry.path();
        let name = path.strip_prefix(folder).ok()?.to_string_lossy();
        let content = if path.extension().is_some_and(|it| it == "rs") {
            String::new()
        } else {
            digest::of_file(path).unwrap_or_default()
        };
        key.add(name, content);
    }
    // Read by macros that talk to databases, although git ignores it most of the time.
    if let Some(digest) = digest::of_file(&folder.join(".env")) {
        key.add(".env", digest);
    }
    Some(key.finish())
}

/// What a build script made for its package, but for objects and libraries, which are looked at
/// where they are linked. `hide` takes the place out of a file.
pub(super) fn generated(folder: &Path, hide: impl Fn(&[u8]) -> Vec<u8>) -> Option<String> {
    const NOT_READ: [&str; 9] = ["o", "a", "d", "obj", "lib", "so", "dylib", "dll", "rlib"];
    let mut key = Key::default();
    let mut walk = WalkBuilder::new(folder);
    walk.standard_filters(false).sort_by_file_name(Ord::cmp);
    // Where cmake worked: full of paths and times, and nobody compiles it as Rust.
    walk.filter_entry(|entry| !entry.path().join("CMakeCache.txt").is_file());
    for (count, entry) in walk.build().enumerate() {
        let entry = entry.ok()?;
        let path = entry.path();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        if entry.file_type().is_none_or(|it| it.is_dir()) || NOT_READ.contains(&&*extension) {
            continue;
        }
        if count > MOST_FILES {
            return None;
        }
        let name = path.strip_prefix(folder).ok()?.to_string_lossy();
        key.add(name, digest::of(&hide(&fsio::bytes(path)?)));
    }
    Some(key.finish())
}

/// The variables that the build script of a package sets, from the file that cargo keeps of its
/// output beside `out_dir`.
pub(super) fn set_by_build_script(out_dir: &Path) -> Vec<String> {
    let Some(output) = out_dir
        .parent()
        .and_then(|folder| fsio::bytes(folder.join("output")))
    else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output);
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let line = line
                .strip_prefix("cargo::")
                .or_else(|| line.strip_prefix("cargo:"))?;
            let (name, _) = line.strip_prefix("rustc-env=")?.split_once('=')?;
            Some(name.to_owned())
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_off_where_they_are_written_out() {
        let source = r#"const A: &str = env!("A"); let b = option_env! ( "B" ); env!["C", "no C"]"#;
        assert_eq!(asked_for(source).unwrap(), ["A", "B", "C"]);
        assert_eq!(asked_for("env!(concat!(\"A\", \"B\"))"), None);
        assert_eq!(
            asked_for("macro_rules! m { ($x:expr) => { env!($x) } }"),
            None
        );
        assert_eq!(asked_for("std::env::var(\"A\")").unwrap(), [""; 0]);
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fsio::replace_deep(&folder.path().join(name), text.as_bytes()).unwrap();
        }
        folder
    }

    #[test]
    fn what_a_macro_could_read_counts_wherever_the_package_is() {
        let files = [
            ("Cargo.toml", ""),
            ("src/lib.rs", "1"),
            ("migrations/1.sql", "a"),
        ];
        let of = |files: &[(&str, &str)]| surroundings(folder(files).path(), false).unwrap();
        let before = of(&files);
        assert_eq!(before, of(&files));
        let with = |more: (&'static str, &'static str)| of(&[&files[..], &[more]].concat());
        assert_ne!(before, with(("migrations/2.sql", "b")));
        assert_ne!(before, with(("migrations/1.sql", "b")));
        assert_ne!(before, with(("src/new.rs", "")));
        assert_ne!(before, with((".env", "DATABASE_URL=x")));
        // rustc says which sources it read.
        assert_eq!(before, with(("src/lib.rs", "2")));
        assert_eq!(before, with(("tests/data.txt", "x")));
        assert_eq!(before, with(("target/x", "x")));
        assert_eq!(
            of(&[&files[..], &[("sub/Cargo.toml", "")]].concat()),
            of(&[&files[..], &[("sub/Cargo.toml", ""), ("sub/x", "")]].concat())
        );
    }

    #[test]
    fn a_package_is_read_once() {
        let package = folder(&[("src/lib.rs", "env!(\"X\")")]);
        let state_folder = tempfile::tempdir().unwrap();
        let state = State::at(state_folder.path());
        let first = Registry::read(package.path(), &state).unwrap();
        assert_eq!(first.variables.clone().unwrap(), ["X"]);
        let again = Registry::read(package.path(), &state).unwrap();
        assert_eq!(first.digest, again.digest);
        fsio::replace(&package.path().join("src/lib.rs"), b"option_env!(NAME)").unwrap();
        let changed = Registry::read(package.path(), &state).unwrap();
        assert_ne!(first.digest, changed.digest);
        assert_eq!(changed.variables, None);
    }

    #[test]
    fn cargo_keeps_what_a_build_script_said() {
        let folder = folder(&[(
            "output",
            "cargo:rustc-env=B=1\ncargo::rustc-env=A=x=y\nnoise\n",
        )]);
        assert_eq!(set_by_build_script(&folder.path().join("out")), ["A", "B"]);
    }
}
