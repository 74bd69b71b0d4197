//! Digests of what a build script may use of the machine: programs, headers and libraries. They are computed once for each
//! cargo process: cargo does not check its own inputs again during a build either.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::cached_digest::CachedDigest;
use crate::compiler;
use crate::digest::Key;
use crate::state_dir::{FORMAT, StateDir};
use sccfg_util::fsio::{NIX_STORE, share};
use sccfg_util::programs::find_program;
use sccfg_util::{env, proc};

/// Programs that build scripts run, also through crates and tools that they use.
const PROGRAMS: [&str; 47] = [
    "ar",
    "as",
    "autoconf",
    "automake",
    "bash",
    "bison",
    "c++",
    "cargo",
    "cc",
    "clang",
    "clang++",
    "cmake",
    "cpp",
    "flex",
    "g++",
    "gcc",
    "gfortran",
    "git",
    "gmake",
    "go",
    "ld",
    "ld.lld",
    "libtool",
    "llvm-ar",
    "llvm-config",
    "m4",
    "make",
    "meson",
    "mold",
    "nasm",
    "ninja",
    "nm",
    "node",
    "npm",
    "objcopy",
    "perl",
    "pkg-config",
    "pkgconf",
    "protoc",
    "python3",
    "ranlib",
    "rustfmt",
    "sh",
    "strip",
    "wget",
    "wild",
    "yasm",
];
/// The databases of installed packages of package managers.
const PACKAGES: [&str; 6] = [
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/pacman/local",
    "/etc/ld.so.cache",
];
/// Directories with headers, libraries and pkg-config files that may belong to no package.
const DIRECTORIES: [&str; 5] = [
    HEADERS,
    "/usr/local/include",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/share/pkgconfig",
];
/// Variables with such directories, separated by colons.
const SEARCH_PATHS: [&str; 9] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "LIBRARY_PATH",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_LIBDIR",
    "CMAKE_PREFIX_PATH",
    "CMAKE_INCLUDE_PATH",
];
/// The maximum depth at which headers are searched for.
const DEPTH: usize = 8;
/// Prefixes of the names of directories with packages of other languages.
const OTHER_LANGUAGES: [&str; 4] = ["node_modules", "perl", "python", "ruby"];
/// The maximum number of files in a directory. With more, no run is cached.
const MAX_FILES: usize = 100_000;

/// The headers of the system, which users may also install by hand.
pub(super) const HEADERS: &str = "/usr/include";

/// The parts of keys with digests of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Machine {
    /// Installed packages, and headers.
    Headers,
    /// Installed packages.
    Packages,
    /// The programs in [`PROGRAMS`].
    Programs,
}

impl Machine {
    const ALL: [Self; 3] = [Self::Headers, Self::Packages, Self::Programs];

    /// The label of the key part.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers of the machine",
            Self::Packages => "packages of the machine",
            Self::Programs => "programs of the machine",
        }
    }

    /// The variant with this label.
    pub(crate) fn called(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name)
    }

    /// Its digest; `None` if it cannot be determined.
    pub(crate) fn digest(self, state: &StateDir) -> Option<String> {
        match self {
            Self::Headers => headers(state),
            Self::Packages => packages(state),
            Self::Programs => programs(state),
        }
    }
}

/// The digest of installed packages and headers. `None` if it cannot be determined.
fn headers(state: &StateDir) -> Option<String> {
    once_for_build("headers", state, || {
        let mut key = Key::default();
        key.add("packages", packages(state)?);
        for directory in directories() {
            key.add(directory.to_string_lossy(), listing(&directory)?);
        }
        Some(key.finish())
    })
}

/// The digest of installed packages. `None` if it cannot be determined.
fn packages(state: &StateDir) -> Option<String> {
    once_for_build("packages", state, || {
        let packages: Vec<PathBuf> = PACKAGES.iter().map(PathBuf::from).collect();
        let subject = format!("{packages:?}");
        Some(CachedDigest::load_or_compute(state, "machines", &subject, || packages).digest)
    })
}

/// The digest of the programs of the machine. `None` if it cannot be determined.
fn programs(state: &StateDir) -> Option<String> {
    once_for_build("programs of machines", state, || {
        let mut key = Key::default();
        let search_path = env::search_path();
        let mut programs = Vec::new();
        for name in PROGRAMS {
            let Some(program) = find_program(OsStr::new(name), &search_path) else {
                key.add(name, "none");
                continue;
            };
            // The path counts as well: it may be printed, and programs find their own files relative to it.
            key.add(name, program.as_os_str().as_encoded_bytes());
            programs.push(program);
        }
        let subject = format!("{programs:?}");
        let known = CachedDigest::load_or_compute(state, "machines", &subject, || programs.clone());
        key.add("programs", known.digest);
        for (name, is_cpp) in [("cc", false), ("c++", true)] {
            if let Some(program) = find_program(OsStr::new(name), &search_path) {
                let compiler = compiler::c_compiler(&program, is_cpp, state);
                key.add(name, compiler.unwrap_or_default());
            }
        }
        Some(key.finish())
    })
}

/// Computes a digest once for each build, that is, for each cargo process.
fn once_for_build(
    what: &str,
    state: &StateDir,
    determine: impl Fn() -> Option<String>,
) -> Option<String> {
    let Some((pid, started)) = proc::parent() else {
        return determine();
    };
    let path = env::var("PATH").unwrap_or_default();
    let values: Vec<_> = SEARCH_PATHS.iter().map(|name| env::var_os(name)).collect();
    let subject = format!("{FORMAT} {what} {pid} {started} {path} {values:?}");
    state.load_or_compute("machines", &subject, |_| true, |_| true, &determine)
}

/// The directories with headers and libraries, without those in the Nix store, which never change.
pub(super) fn directories() -> BTreeSet<PathBuf> {
    let named = SEARCH_PATHS
        .iter()
        .filter_map(|name| env::var_os(name))
        .flat_map(|value| env::split_paths(&value));
    named
        .chain(DIRECTORIES.iter().map(PathBuf::from))
        .filter(|directory| directory.is_absolute() && !directory.starts_with(NIX_STORE))
        .collect()
}

/// The digest of the names, sizes and modification times of the files below `directory`. `None` if there
/// are too many.
pub(super) fn listing(directory: &Path) -> Option<String> {
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false)
        .follow_links(true)
        .sort_by_file_name(Ord::cmp)
        .max_depth(Some(DEPTH))
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            !OTHER_LANGUAGES.iter().any(|other| name.starts_with(other))
        });
    let mut hasher = blake3::Hasher::new();
    for (count, entry) in walk.build().enumerate() {
        // The directory may not exist.
        let Ok(entry) = entry else { continue };
        if count > MAX_FILES {
            return None;
        }
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        let version = share::version_of_target(entry.path());
        hasher.update(entry.path().as_os_str().as_encoded_bytes());
        let version = version.filter(|_| !is_dir);
        hasher.update(format!(" {version:?}\n").as_bytes());
    }
    Some(hasher.finalize().to_hex().to_string())
}
