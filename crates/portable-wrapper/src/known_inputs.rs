//! The files that a compile may read: those in the key of the unit, and those of the system, the toolchain and registries. A
//! key has the files that the arguments, the sources and the macros of a unit are known to refer to. The compiler, its
//! assembler and the linker may read others: a linker script may include a file, and a thin archive refers to objects. So a
//! compile is observed, and a unit that read a file which is not in its key is not stored.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::build_dir::library_dirs;
use super::digest;
use super::observation::Requests;
use super::package;
use super::system_directories::{KERNEL_DIRECTORIES, SHARED_MEMORY, SOURCES, SYSTEM_DIRECTORIES};
use super::unit_manifest::UnitManifest;
use sccfg_util::env;
use sccfg_util::fsio::RealPaths;

/// Must be changed when other files of the same compile become known.
pub(super) const READER: &str = "7";

/// Extensions of files that rustc writes for other units.
const UNIT_EXTENSIONS: [&str; 5] = ["rlib", "rmeta", "so", "dylib", "dll"];
/// Prefixes of the names of files that compilers and linkers create in the directory for temporary files.
const TEMPORARY_PREFIXES: [&str; 4] = ["cc", "collect", "lto", "rustc"];

/// The files that a compile may read. Symbolic links in their paths are resolved after the compile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownInputs {
    files: BTreeSet<PathBuf>,
    /// Directories whose files may all be read.
    directories: BTreeSet<PathBuf>,
    /// The directories among them whose symbolic links may be followed to any target, because they are part of an installation.
    installed: BTreeSet<PathBuf>,
    /// Output directories of other units.
    units: BTreeSet<PathBuf>,
    /// The `OUT_DIR` of the build script. Objects and libraries in it have to be added one by one.
    out_dir: Option<PathBuf>,
    /// Copies of files that macros of the unit write to the `OUT_DIR`, and directories for them.
    copies: BTreeSet<PathBuf>,
    /// Whether files in the `OUT_DIR` that are named by a digest may be such copies. They have to be added one by one.
    may_have_copies: bool,
    /// Programs, each with the checkout that may contain it.
    installations: Vec<(PathBuf, PathBuf)>,
}

impl KnownInputs {
    pub(super) fn add_file(&mut self, path: &Path) {
        self.files.insert(path.to_owned());
    }

    pub(super) fn add_directory(&mut self, path: &Path) {
        self.directories.insert(path.to_owned());
    }

    /// Adds the directory of a toolchain or of registries.
    pub(super) fn add_installed(&mut self, path: &Path) {
        self.add_directory(path);
        self.installed.insert(path.to_owned());
    }

    /// Adds an output directory of other units, with the directory of copies of its libraries.
    pub(super) fn add_units(&mut self, path: &Path) {
        self.units.extend(library_dirs(path));
    }

    pub(super) fn set_out_dir(&mut self, path: &Path) {
        self.out_dir = Some(path.to_owned());
    }

    /// Notes that macros of the unit may write copies of files to the `OUT_DIR`.
    pub(super) fn expect_copies(&mut self) {
        self.may_have_copies = true;
    }

    /// Adds a copy of a file that a macro of the unit writes to the `OUT_DIR`, or a directory for copies.
    pub(super) fn add_copy(&mut self, path: &Path) {
        self.copies.insert(path.to_owned());
    }

    /// Adds the prefix in which `program` is installed with its libraries, unless that contains `checkout`.
    pub(super) fn add_installation(&mut self, program: &Path, checkout: &Path) {
        let installation = (program.to_owned(), checkout.to_owned());
        self.installations.push(installation);
    }

    /// The known inputs with canonical paths, for a compile in `directory`.
    fn canonical(&self, directory: &Path, real_paths: &RealPaths) -> Self {
        let real = |path: &PathBuf| real_paths.of_or_same(&directory.join(path));
        let all = |paths: &BTreeSet<PathBuf>| paths.iter().map(real).collect();
        let installed = self.installations.iter().filter_map(|(program, checkout)| {
            let program = real(program);
            let directory = program.parent().filter(|path| path.ends_with("bin"))?;
            let prefix = directory.parent()?;
            let is_own = prefix != Path::new("/") && !real(checkout).starts_with(prefix);
            is_own.then(|| prefix.to_owned())
        });
        let mut directories: BTreeSet<PathBuf> = all(&self.directories);
        directories.extend(installed);
        Self {
            files: all(&self.files),
            directories,
            installed: BTreeSet::new(),
            units: all(&self.units),
            out_dir: self.out_dir.as_ref().map(real),
            copies: all(&self.copies),
            may_have_copies: self.may_have_copies,
            installations: Vec::new(),
        }
    }

    /// The first file that was read and is not known, for a compile in the directory `directory` with the work directory
    /// `work`.
    pub(super) fn first_unknown(
        &self,
        requests: &Requests,
        directory: &Path,
        work: &Path,
        real_paths: &RealPaths,
    ) -> Option<PathBuf> {
        let real = |path: &Path| real_paths.of_or_same(path);
        let known = self.canonical(directory, real_paths);
        let written = requests.files.iter().filter(|(_, uses)| uses.is_written);
        let written = written.map(|(path, _)| directory.join(path));
        // Macros that write copies create their directories, which may exist.
        let written: BTreeSet<PathBuf> = written
            .filter(|path| !known.is_for_copies(&real(path)))
            .collect();
        let [checkout, work, temporary] = [directory, work, &env::temp_dir()].map(real);
        let settings = requests.settings_of_search(directory);
        let is_read = requests.files.iter().filter(|(_, uses)| uses.is_read);
        let mut paths = is_read.map(|(path, _)| directory.join(path));
        paths.find(|path| {
            // Most files are known by these checks, which need no system call.
            if self.is_installed(path)
                || settings.contains(path)
                || path.ancestors().any(|path| written.contains(path))
            {
                return false;
            }
            let Some(path) = real_paths.of_file(path) else {
                return false;
            };
            let is_temporary = is_temporary(&path, &temporary, &checkout);
            let is_of_system = || is_of_system(&path, &checkout);
            !(path.starts_with(&work)
                || is_temporary
                || is_of_system()
                || known.has(&path)
                || self.is_source_below(&path, directory, real_paths))
        })
    }

    /// Whether the file at `path` is an unchanged source of a crate that the unit depends on, whose outputs are in the key. The
    /// compiler reads such a source to locate the parts of a string in a macro of that crate.
    fn is_source_below(&self, path: &Path, directory: &Path, real_paths: &RealPaths) -> bool {
        let is_library = |file: &&PathBuf| {
            let extension = file.extension().unwrap_or_default();
            UNIT_EXTENSIONS.iter().any(|other| extension == *other)
        };
        let mut left: Vec<PathBuf> = self.files.iter().filter(is_library).cloned().collect();
        let mut seen = BTreeSet::new();
        while let Some(library) = left.pop() {
            if !seen.insert(library.clone()) {
                continue;
            }
            let Some(unit) = UnitManifest::with_parts_for_output(&library) else {
                continue;
            };
            let here = |name: &str| directory.join(unit.path_map.to_real_str(name));
            let mut sources = unit.parts.iter();
            let source = sources.find(|part| {
                let name = part.what.strip_prefix("file ");
                name.is_some_and(|name| real_paths.of_file(&here(name)).as_deref() == Some(path))
            });
            if let Some(source) = source {
                return digest::of_source(path, &unit.path_map).as_ref() == Some(&source.value);
            }
            let has_package = unit.parts.iter().any(|part| part.what == "package");
            let mut vendored = unit.vendored.iter().map(|path| real_paths.of_or_same(path));
            let is_own =
                |vendored: PathBuf| package::is_file_of_vendored(path, &vendored, &unit.package);
            if has_package && vendored.any(is_own) {
                return true;
            }
            left.extend(unit.dependencies.iter().map(|name| here(name)));
        }
        false
    }

    /// Whether `path`, without following links, is below an installed directory and contains no `..`.
    pub(super) fn is_installed(&self, path: &Path) -> bool {
        let mut installed = self.installed.iter();
        installed.any(|directory| path.starts_with(directory))
            && !path.components().any(|part| part == Component::ParentDir)
    }

    /// Whether the key of a published package covers the source at `path`: it is in a registry, or its build script generated
    /// it. Many packages include a file in another directory, such as `src/../README.md`.
    pub(super) fn has_published(&self, path: &Path, real_paths: &RealPaths) -> bool {
        let out_dir = self.out_dir.as_ref();
        let is_made = out_dir.is_some_and(|out_dir| path.starts_with(out_dir));
        let is_below = |path: &Path| {
            let mut installed = self.installed.iter();
            installed.any(|directory| path.starts_with(real_paths.of_or_same(directory)))
        };
        self.is_installed(path)
            || is_made && !self.is_left_out(path)
            || real_paths.of_file(path).is_some_and(|path| is_below(&path))
    }

    /// Whether the file at `path` is a library of the toolchain. With `-Z binary-dep-depinfo`, dep-info names those that the
    /// compiler reads, and a link reads others than the compile that lists the sources.
    pub(super) fn is_library_of_toolchain(&self, path: &Path) -> bool {
        is_library(path) && self.is_installed(path)
    }

    /// Whether the file at `path` is an object or library of the build script, or may be a copy that a macro wrote: it has to be
    /// added by itself.
    pub(super) fn is_left_out(&self, path: &Path) -> bool {
        let out_dir = self.out_dir.as_ref();
        out_dir.is_some_and(|out_dir| {
            package::is_left_out(path, out_dir)
                || self.may_have_copies
                    && path.starts_with(out_dir)
                    && package::is_named_by_digest(path)
        })
    }

    /// Whether `path` is the `OUT_DIR`, or a directory in it for copies of files.
    fn is_for_copies(&self, path: &Path) -> bool {
        self.out_dir.as_deref() == Some(path) || self.copies.contains(path)
    }

    fn has(&self, path: &Path) -> bool {
        let is_below = |directories: &BTreeSet<PathBuf>| {
            path.ancestors().any(|path| directories.contains(path))
        };
        let is_of_unit = || {
            let parent = path.parent();
            is_library(path) && parent.is_some_and(|parent| self.units.contains(parent))
        };
        let is_made = || {
            let out_dir = self.out_dir.as_ref();
            out_dir.is_some_and(|out_dir| path.starts_with(out_dir)) && !self.is_left_out(path)
        };
        self.files.contains(path) || is_below(&self.directories) || is_of_unit() || is_made()
    }
}

/// Whether a file at `path` has the extension of a library or metadata.
fn is_library(path: &Path) -> bool {
    let kind = path.extension().unwrap_or_default().to_string_lossy();
    UNIT_EXTENSIONS.contains(&&*kind)
}

/// The first file that a compile wrote to one of `directories` outside of `work`, that is no copy of `known`, and
/// that still exists: a linker wrapper script may copy its output. Coverage data (`.profraw`) is ignored.
pub(super) fn first_written(
    known: &KnownInputs,
    requests: &Requests,
    directories: &[&Path],
    work: &Path,
    real_paths: &RealPaths,
) -> Option<PathBuf> {
    let real = |path: &Path| real_paths.of_or_same(path);
    let (directory, work) = (*directories.first()?, real(work));
    let directories: Vec<_> = directories.iter().map(|path| real(path)).collect();
    let copies: BTreeSet<PathBuf> = known.copies.iter().map(|path| real(path)).collect();
    let is_written = requests.files.iter().filter(|(_, uses)| uses.is_written);
    let mut paths = is_written.map(|(path, _)| directory.join(path));
    paths.find(|path| {
        let is_counted = path.extension() == Some("profraw".as_ref());
        if is_counted {
            return false;
        }
        let Some(path) = real_paths.of_file(path) else {
            return false;
        };
        let is_here = directories.iter().any(|other| path.starts_with(other));
        is_here && !path.starts_with(&work) && !copies.contains(&path)
    })
}

/// Whether a file is in a directory of the system and not in `checkout`, which may be below one.
pub(super) fn is_of_system(path: &Path, checkout: &Path) -> bool {
    SYSTEM_DIRECTORIES
        .iter()
        .any(|other| path.starts_with(other))
        && !path.starts_with(checkout)
        && !path.starts_with(SHARED_MEMORY)
        && !SOURCES.iter().any(|sources| path.starts_with(sources))
}

/// Whether the file at `path` is a device or generated by the kernel: another process may read another content.
pub(super) fn is_kernel_file(path: &Path, real_paths: &RealPaths) -> bool {
    let real = real_paths.of(path);
    real.is_some_and(|path| is_below_kernel_directory(&path) && !path.starts_with(SHARED_MEMORY))
}

/// Whether `path` is below a directory of devices or of files that the kernel generates.
pub(super) fn is_below_kernel_directory(path: &Path) -> bool {
    KERNEL_DIRECTORIES
        .iter()
        .any(|other| path.starts_with(other))
}

/// Whether `path` is a temporary file of the compiler or the linker. The checkout may be below the directory for temporary
/// files as well.
fn is_temporary(path: &Path, temporary: &Path, checkout: &Path) -> bool {
    if checkout.starts_with(temporary) && path.starts_with(checkout) {
        return false;
    }
    let below = path.strip_prefix(temporary).ok();
    let first = below.and_then(|below| below.iter().next());
    first.is_some_and(|first| {
        let first = first.to_string_lossy();
        TEMPORARY_PREFIXES
            .iter()
            .any(|start| first.starts_with(start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sccfg_util::fsio;

    #[test]
    fn a_checkout_may_be_below_a_directory_of_the_system() {
        let is_of_system = |path: &str| is_of_system(path.as_ref(), "/usr/share/w".as_ref());
        for path in ["/usr/lib/crt1.o", "/dev/null", "/usr/share/other/a.ld"] {
            assert!(is_of_system(path), "{path}");
        }
        for path in [
            "/usr/share/w/a.ld",
            "/usr/src/a.ld",
            "/usr/local/src/a.ld",
            "/dev/shm/a.ld",
            "/home/a.ld",
        ] {
            assert!(!is_of_system(path), "{path}");
        }
        let is_temporary =
            |path: &str| is_temporary(path.as_ref(), "/tmp".as_ref(), "/tmp/cc-project".as_ref());
        assert!(is_temporary("/tmp/ccAbCd.o"));
        assert!(!is_temporary("/tmp/cc-project/a.ld"));
    }

    #[test]
    fn a_published_source_may_be_named_through_a_parent() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in [
            "registry/x/src/lib.rs",
            "registry/x/README.md",
            "other/README.md",
        ] {
            fsio::replace_and_create_dir(&path(name), b"").unwrap();
        }
        fsio::replace_link(&path("home"), &path("registry")).unwrap();
        let mut known = KnownInputs::default();
        known.add_installed(&path("home"));
        let has = |name: &str| known.has_published(&path(name), &RealPaths::default());
        assert!(has("home/x/src/lib.rs"));
        assert!(has("home/x/src/../README.md"));
        assert!(!has("home/x/../../other/README.md"));
        assert!(!has("other/README.md"));
    }

    #[test]
    fn a_file_has_to_be_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in [
            "a.ld",
            "b.ld",
            "out/g.rs",
            "out/x.o",
            "deps/libx.rlib",
            "work/x.o",
            "toolchain/lib/a.rlib",
        ] {
            fsio::replace_and_create_dir(&path(name), b"").unwrap();
        }
        fsio::replace_link(&path("toolchain/b.ld"), Path::new("../b.ld")).unwrap();
        let mut known = KnownInputs::default();
        known.add_file(&path("a.ld"));
        known.add_units(&path("deps"));
        known.add_installed(&path("toolchain"));
        known.set_out_dir(&path("out"));
        let unknown = |name: &str| {
            let mut requests = Requests::default();
            requests.files.entry(name.into()).or_default().is_read = true;
            let real_paths = RealPaths::default();
            known.first_unknown(&requests, directory.path(), &path("work"), &real_paths)
        };
        for name in [
            "a.ld",
            "out/g.rs",
            "deps/libx.rlib",
            "work/x.o",
            "absent",
            "/etc/passwd",
            "toolchain/lib/a.rlib",
            "toolchain/b.ld",
        ] {
            assert_eq!(unknown(name), None, "{name}");
        }
        for name in ["b.ld", "out/x.o", "deps/../b.ld", "toolchain/../b.ld"] {
            assert!(unknown(name).is_some(), "{name}");
        }
    }

    /// A macro that writes copies to `OUT_DIR` creates that directory, although it is there.
    #[test]
    fn copies_that_macros_write_make_no_other_file_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let copy = format!("out/assets/{:064x}.txt", 1);
        let other = format!("out/{:064x}.bin", 2);
        for name in [&copy, &other, "out/x.o", "out/g.rs"] {
            fsio::replace_and_create_dir(&path(name), b"").unwrap();
        }
        let mut known = KnownInputs::default();
        known.set_out_dir(&path("out"));
        known.expect_copies();
        known.add_copy(&path("out/assets"));
        known.add_copy(&path(&copy));
        known.add_file(&path(&copy));
        let mut requests = Requests::default();
        for name in ["out", "out/assets", &copy] {
            requests.files.entry(path(name)).or_default().is_written = true;
        }
        let real_paths = RealPaths::default();
        let work = path("work");
        let written = |requests: &Requests| {
            first_written(&known, requests, &[directory.path()], &work, &real_paths)
        };
        assert_eq!(written(&requests), None);
        let mut with_other = requests.clone();
        with_other.files.entry(path(&other)).or_default().is_written = true;
        assert!(written(&with_other).is_some());
        for (name, is_known) in [
            (&*copy, true),
            ("out/g.rs", true),
            (&other, false),
            ("out/x.o", false),
        ] {
            let mut requests = requests.clone();
            requests.files.entry(path(name)).or_default().is_read = true;
            let unknown = known.first_unknown(&requests, directory.path(), &work, &real_paths);
            assert_eq!(unknown.is_none(), is_known, "{name}");
        }
    }
}
