//! Facts about a compile that follow from a package's directory, without running a compiler.

mod known_sources;
mod registry;
mod targets;
mod vendored;

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ignore::{DirEntry, WalkBuilder};

pub(super) use self::known_sources::KnownSources;
pub(super) use self::registry::{Library, Registry};
pub(super) use self::vendored::{is_file_of_vendored, is_vendored, vendored_copy};
use super::build_dir;
use super::digest::{self, FileStamp, Key};
use super::macro_effects::CompileTimeVariables;
use super::native_library::Libraries;
use super::path_map::PathMap;
use super::state_dir::{FORMAT, StateDir};
use sccfg_util::env;
use sccfg_util::fsio;

/// Whether the variable `name` is in every key, and its value is not a path.
pub(super) fn is_of_cargo(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || matches!(name, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME")
}

/// The variables that the generated files of a build script name; `None` if the files cannot be read.
pub(super) fn variables_of_generated(
    directory: &Path,
    state: &StateDir,
) -> Option<CompileTimeVariables> {
    let moment = SystemTime::now();
    let files = all_in(directory)?;
    let stamps = digest_of_stamps(&files);
    let subject = format!("{FORMAT} {}", directory.display());
    if let Some((known, variables)) = state.load::<(String, _)>("generated", &subject)
        && known == stamps
    {
        return Some(variables);
    }
    let texts = files
        .iter()
        .filter_map(|(file, _)| fsio::read_text(directory.join(file)));
    let mut variables = CompileTimeVariables::default();
    texts.for_each(|text| variables.read_generated(&text));
    variables.end_of_files(|name| has_file(&files, name));
    if are_settled(&files, moment) {
        state.save("generated", &subject, &(stamps, &variables));
    }
    Some(variables)
}

/// Whether one of the files has the name of the one at `path`, in any directory.
fn has_file(files: &[StampedFile], path: &Path) -> bool {
    let mut names = files.iter().map(|(file, _)| file.file_name());
    names.any(|name| name == path.file_name())
}

/// Whether the package with this source is vendored, or neither a member of the workspace nor downloaded: cargo passes absolute
/// paths to the compiler then, and the hash in the names of its outputs depends on its path.
pub(super) fn is_outside(source: &str) -> bool {
    let source = Path::new(source);
    source.is_absolute() && !env::cargo_home().is_some_and(|home| source.starts_with(home))
}

/// Whether a file has the extension of Rust sources.
pub(super) fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

/// The path of a file, relative to the directory that was read, and its stamp.
type StampedFile = (PathBuf, Option<FileStamp>);

/// The maximum number of files in a directory that is read.
pub(super) const MAX_FILES: usize = 20_000;

/// All files in `directory`, sorted, with their stamps; a broken link has none.
fn all_in(directory: &Path) -> Option<Vec<StampedFile>> {
    let files = fsio::stat_files(directory, MAX_FILES).ok()?.into_iter();
    let files = files.map(|(name, stat)| (name.into(), stat.map(FileStamp::from)));
    Some(files.collect())
}

/// A digest of the names and stamps of files.
fn digest_of_stamps(files: &[(PathBuf, Option<FileStamp>)]) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, stamp) in files {
        let name = name.as_os_str().as_encoded_bytes();
        hasher.update(&name.len().to_le_bytes());
        hasher.update(name);
        hasher.update(&[u8::from(stamp.is_some())]);
        if let Some(stamp) = stamp {
            stamp.hash_into(&mut hasher);
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// All files that `walk` finds in `directory`, sorted, with their stamps; a broken link has none.
fn walked(walk: &WalkBuilder, directory: &Path) -> Option<Vec<(PathBuf, Option<FileStamp>)>> {
    let mut files = Vec::new();
    for entry in walk.build() {
        let entry = entry.ok()?;
        if entry.file_type().is_none_or(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.into_path();
        let name = path.strip_prefix(directory).ok()?.to_owned();
        files.push((name, FileStamp::of(&path)));
        if files.len() > MAX_FILES {
            return None;
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Some(files)
}

/// Whether any write after `moment` changes these stamps.
fn are_settled(files: &[(PathBuf, Option<FileStamp>)], moment: SystemTime) -> bool {
    let mut stamps = files.iter().filter_map(|(_, stamp)| stamp.as_ref());
    stamps.all(|stamp| stamp.is_settled_at(moment))
}

/// The digest of all files in a workspace, which a macro may read, except files that git ignores and generated ones. It is
/// saved until a file changes.
pub(super) fn surroundings(directory: &Path, state: &StateDir) -> Option<String> {
    let mut walk = WalkBuilder::new(directory);
    walk.hidden(false).git_global(false);
    // `.env` is usually ignored by git, but macros that access databases read it.
    contents("workspaces", directory, walk, Some(".env"), state)
}

/// As [`surroundings`], including ignored files.
pub(super) fn everything_in(directory: &Path, state: &StateDir) -> Option<String> {
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false);
    contents("directories", directory, walk, None, state)
}

/// Excludes the directories of tools from a walk of `directory`.
pub(super) fn leave_out_tools(walk: &mut WalkBuilder, directory: &Path) {
    let root = directory.to_owned();
    // In a linked worktree, `.git` is a file.
    walk.filter_entry(move |entry| entry.path() == root || !is_other(entry.path()));
}

/// Whether a directory belongs to tools, so that no macro reads it.
fn is_other(directory: &Path) -> bool {
    const NAMES: [&str; 6] = [".git", ".jj", ".hg", "target", "node_modules", ".direnv"];
    let name = directory.file_name().unwrap_or_default();
    NAMES.iter().any(|tool| name == *tool) || is_built(directory)
}

/// Whether a directory is marked as generated by a tool.
pub(super) fn is_built(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name == ".git") || build_dir::is_one(directory)
}

/// The maximum size of a directory whose contents are read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

fn contents(
    kind: &str,
    directory: &Path,
    mut walk: WalkBuilder,
    and: Option<&str>,
    state: &StateDir,
) -> Option<String> {
    leave_out_tools(&mut walk, directory);
    let moment = SystemTime::now();
    let mut files = walked(&walk, directory)?;
    // A broken link cannot be read.
    files.retain(|(_, stamp)| stamp.is_some());
    if let Some((name, stamp)) =
        and.and_then(|name| Some((name, FileStamp::of(&directory.join(name))?)))
    {
        files.push((name.into(), Some(stamp)));
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files.dedup();
    let stamps = digest_of_stamps(&files);
    let bytes: u64 = files
        .iter()
        .filter_map(|(_, stamp)| Some(stamp.as_ref()?.size()))
        .sum();
    if bytes > MAX_BYTES {
        // The stamps are valid only in this checkout.
        return Some(stamps);
    }
    let subject = format!("{FORMAT} {}", directory.display());
    if let Some((known, digest)) = state.load::<(String, String)>(kind, &subject)
        && known == stamps
    {
        return Some(digest);
    }
    let mut key = Key::default();
    for (name, _) in &files {
        let content = digest::of_file(&directory.join(name)).unwrap_or_default();
        key.add(name.to_string_lossy(), content);
    }
    let digest = key.finish();
    if are_settled(&files, moment) {
        state.save(kind, &subject, &(stamps, &digest));
    }
    Some(digest)
}

/// Whether the file at `path`, or one below the directory `path`, was changed at `moment` or later. Directories of tools are
/// excluded.
pub(super) fn is_changed_since(path: &Path, moment: SystemTime) -> bool {
    entries_of(path).any(|entry| {
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        !is_dir && FileStamp::of(entry.path()).is_some_and(|stamp| stamp.changed_since(moment))
    })
}

/// Whether a file or directory was created, renamed or removed in `directory` or below it at `moment` or later. Directories of
/// tools are excluded.
pub(super) fn has_other_names_since(directory: &Path, moment: SystemTime) -> bool {
    entries_of(directory).any(|entry| {
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        let modified = || entry.metadata().ok()?.modified().ok();
        is_dir && modified().is_none_or(|modified| modified >= moment)
    })
}

/// `path`, and all files and directories below it, except directories of tools.
fn entries_of(path: &Path) -> impl Iterator<Item = DirEntry> + use<> {
    let mut walk = WalkBuilder::new(path);
    walk.standard_filters(false);
    leave_out_tools(&mut walk, path);
    walk.build().flatten()
}

/// The state of the git repository around `directory` that `git describe` shows: head and tags. `None` if there is
/// none.
pub(super) fn history(directory: &Path) -> Option<String> {
    let named = directory
        .ancestors()
        .map(|ancestor| ancestor.join(".git"))
        .find(|path| fsio::exists(path))?;
    let text = |path: &Path| String::from_utf8(fsio::read_bytes(path)?).ok();
    let line = |path: &Path| Some(text(path)?.trim().to_owned());
    // In a linked worktree, `.git` is a file.
    let own = match line(&named) {
        Some(line) => directory.join(
            named
                .with_file_name("")
                .join(line.strip_prefix("gitdir:")?.trim()),
        ),
        None => named,
    };
    let common = line(&own.join("commondir")).map_or_else(|| own.clone(), |path| own.join(path));
    let mut key = Key::default();
    let head = line(&own.join("HEAD"))?;
    if let Some(branch) = head.strip_prefix("ref:") {
        key.add(
            "branch",
            line(&common.join(branch.trim())).unwrap_or_default(),
        );
    }
    key.add("head", &head);
    key.add(
        "packed",
        text(&common.join("packed-refs")).unwrap_or_default(),
    );
    let tags = common.join("refs/tags");
    let mut all = fsio::names_in(&tags);
    all.sort_unstable();
    for tag in all {
        key.add(&tag, line(&tags.join(&tag)).unwrap_or_default());
    }
    Some(key.finish())
}

/// Extensions of a build script's files that count only if they are linked. autocfg leaves `.ll` files with random names, and eyre
/// metadata with its path.
const NOT_READ: [&str; 11] = [
    "o", "a", "d", "obj", "lib", "so", "dylib", "dll", "rlib", "rmeta", "ll",
];

/// Whether [`generated`] omits the file at `path` in `directory`.
pub(super) fn is_left_out(path: &Path, directory: &Path) -> bool {
    let Ok(below) = path.strip_prefix(directory) else {
        return false;
    };
    let extension = below.extension().unwrap_or_default().to_string_lossy();
    let above = below.ancestors().skip(1);
    let mut above = above.filter(|above| !above.as_os_str().is_empty());
    NOT_READ.contains(&&*extension) || above.any(|above| is_of_cmake(&directory.join(above)))
}

/// Whether `directory` is a build directory of cmake, which contains paths and times, and no Rust code.
fn is_of_cmake(directory: &Path) -> bool {
    directory.join("CMakeCache.txt").is_file()
}

/// What is in the output directory of a build script, without build directories of cmake.
pub(super) fn walk_generated(directory: &Path) -> ignore::Walk {
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false).sort_by_file_name(Ord::cmp);
    walk.filter_entry(|entry| !is_of_cmake(entry.path()));
    walk.build()
}

/// The digest of the files that a build script generated, except objects and libraries, which count only if they are linked.
/// Paths in the files are replaced by placeholders. Programs and libraries with other names count as they are stored. Files
/// [named by a digest](is_named_by_digest) do not count if the directory `has_copies` that macros wrote.
pub(super) fn generated(directory: &Path, path_map: &PathMap, has_copies: bool) -> Option<String> {
    let mut key = Key::default();
    let linked = LazyCell::new(|| Libraries::read(directory));
    for (count, entry) in walk_generated(directory).enumerate() {
        let entry = entry.ok()?;
        let path = entry.path();
        let name = path.strip_prefix(directory).ok()?.to_string_lossy();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let is_dir = entry.file_type().is_none_or(|kind| kind.is_dir());
        if is_dir || NOT_READ.contains(&&*extension) || has_copies && is_named_by_digest(path) {
            continue;
        }
        if count > MAX_FILES {
            return None;
        }
        let digest = match fsio::read_link(path) {
            // A link to a directory, or a broken link.
            Some(link) if !path.is_file() => {
                path_map.digest_with_placeholders(link.as_os_str().as_encoded_bytes())
            }
            _ => match linked.as_ref().and_then(|linked| linked.stored_form(path)) {
                Some(stored) => Ok(stored),
                None => path_map.digest_with_placeholders(fsio::open(path).ok()?),
            },
        };
        key.add(name, digest.ok()?);
    }
    Some(key.finish())
}

/// Whether the name of the file at `path` has 64 hexadecimal digits, as that of a digest, possibly with an extension.
pub(super) fn is_named_by_digest(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().as_encoded_bytes();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

/// The variables that a build script sets for its package, from the output that cargo stores. `None` if there is none.
pub(super) fn set_by_build_script(out_dir: &Path) -> Option<Vec<String>> {
    let output = build_dir::printed_by_script(out_dir)?;
    let text = String::from_utf8_lossy(&output);
    let name_of = |line: &str| {
        Some(
            line.strip_prefix("rustc-env=")?
                .split_once('=')?
                .0
                .to_owned(),
        )
    };
    let mut names: Vec<String> = instructions(&text).filter_map(name_of).collect();
    names.sort_unstable();
    names.dedup();
    Some(names)
}

/// The directories in which a build script has native libraries searched, from the output that cargo stores.
pub(super) fn searched_for_libraries(out_dir: &Path) -> Vec<PathBuf> {
    let output = build_dir::printed_by_script(out_dir).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    let directory_of = |line: &str| {
        let value = line.strip_prefix("rustc-link-search=")?.trim_end();
        // Other kinds are not for native libraries.
        let directory = match value.split_once('=') {
            Some(("native" | "all" | "framework", directory)) => directory,
            Some((kind, _)) if !kind.contains('/') => return None,
            _ => value,
        };
        Some(PathBuf::from(directory))
    };
    instructions(&text).filter_map(directory_of).collect()
}

/// The instructions for cargo in what a build script printed.
fn instructions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        line.strip_prefix("cargo::")
            .or_else(|| line.strip_prefix("cargo:"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fsio::replace_and_create_dir(&directory.path().join(name), text.as_bytes()).unwrap();
        }
        directory
    }

    #[test]
    fn the_digest_of_a_workspace_does_not_depend_on_its_path() {
        let state_dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(state_dir.path());
        let files = [
            ("Cargo.toml", ""),
            ("a/src/lib.rs", "1"),
            ("a/migrations/1.sql", "a"),
        ];
        let of = |files: &[(&str, &str)]| surroundings(directory(files).path(), &state).unwrap();
        let before = of(&files);
        assert_eq!(before, of(&files));
        let with = |more: (&'static str, &'static str)| of(&[&files[..], &[more]].concat());
        for more in [
            ("a/migrations/2.sql", "b"),
            ("a/migrations/1.sql", "b"),
            ("shared.txt", ""),
            (".env", "X=1"),
            (".sqlx/1", ""),
        ] {
            assert_ne!(before, with(more), "{more:?}");
        }
        assert_eq!(before, with(("target/x", "x")));
    }

    #[test]
    fn generated_files_count_except_objects_and_probes() {
        let of = |directory: &Path| generated(directory, &PathMap::default(), false).unwrap();
        let one = directory(&[("g.rs", "1"), ("autocfg_1a2b_0.ll", "a"), ("x.o", "a")]);
        let two = directory(&[("g.rs", "1"), ("autocfg_3c4d_0.ll", "b"), ("x.o", "b")]);
        assert_eq!(of(one.path()), of(two.path()));
        // cxx links directories there.
        fsio::replace_link(&one.path().join("crate"), Path::new("../..")).unwrap();
        let linked = of(one.path());
        assert_ne!(linked, of(two.path()));
        fsio::replace_link(&one.path().join("crate"), Path::new("nowhere")).unwrap();
        assert_ne!(linked, of(one.path()));
    }

    #[test]
    fn variables_of_a_build_script_are_read_from_its_output() {
        for file in ["output", "run/stdout"] {
            let printed = "cargo:rustc-env=B=1\ncargo::rustc-env=A=x=y\nnoise\n";
            let directory = directory(&[(file, printed)]);
            let names = set_by_build_script(&directory.path().join("out"));
            assert_eq!(names.unwrap(), ["A", "B"]);
        }
    }
}
