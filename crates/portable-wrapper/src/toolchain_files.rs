//! The files of a toolchain that the [identity](super::compiler) of its compiler covers. Other components and targets can be installed
//! and removed, so their files are inputs by themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::compiler::{Compiler, LIBRARIES};

/// Directories of a toolchain whose files are covered, so their existence is covered as well.
const DIRECTORIES: [&str; 5] = ["", "bin", LIBRARIES, "lib64", "lib64/rustlib"];
/// Programs that rustc, and the C compilers that it runs, look up first in the directory with the linker of the toolchain.
const LINKERS: [&str; 8] = ["c++", "cc", "clang", "clang++", "g++", "gcc", "ld", "lld"];
/// The directories of the components rust-src and rustc-src.
const SOURCES: [&str; 2] = ["lib/rustlib/src/rust", "lib/rustlib/rustc-src/rust"];

/// The covered files of a toolchain; see the [module](self).
#[derive(Debug, Clone, Default)]
pub(super) struct ToolchainFiles {
    /// The paths of the toolchain's directory.
    roots: BTreeSet<PathBuf>,
    /// Covered files, relative to that directory.
    files: BTreeSet<PathBuf>,
    /// Libraries of the compiler that are not below it.
    elsewhere: BTreeSet<PathBuf>,
    /// The directories of targets whose libraries are covered.
    targets: Vec<PathBuf>,
    /// The compiler as it is started.
    program: PathBuf,
}

impl ToolchainFiles {
    /// The files of `compiler`, and of the standard library for `target`, if there is one.
    pub(super) fn of(compiler: &Compiler, target: Option<&str>) -> Self {
        let sysroot = compiler.sysroot.as_path();
        let real = sysroot.canonicalize().ok();
        // rustup knows toolchains by links as well.
        let named = compiler.program.ancestors().nth(2);
        let named = named.filter(|named| real.is_some() && named.canonicalize().ok() == real);
        let roots = [Some(sysroot), real.as_deref(), named];
        let roots: BTreeSet<PathBuf> = roots.into_iter().flatten().map(Path::to_owned).collect();
        let below = |path: &Path| {
            let mut roots = roots.iter();
            roots.find_map(|root| Some(path.strip_prefix(root).ok()?.to_owned()))
        };
        // The compiler may be a script that runs it.
        let mut files = BTreeSet::from([PathBuf::from("bin/rustc")]);
        let mut elsewhere = BTreeSet::new();
        for path in compiler.paths() {
            match below(path) {
                Some(path) => files.insert(path),
                None => elsewhere.insert(path.to_owned()),
            };
        }
        let targets = [compiler.host(), target].into_iter().flatten();
        let targets = targets.map(|target| Path::new("lib/rustlib").join(target));
        Self {
            targets: targets.collect(),
            elsewhere,
            roots,
            files,
            program: compiler.program.clone(),
        }
    }

    /// Adds `path` to the paths of the toolchain's directory if it leads there.
    pub(super) fn add_root(&mut self, path: PathBuf) {
        let real = path.canonicalize();
        if real.is_ok_and(|real| self.roots.contains(&real)) {
            self.roots.insert(path);
        }
    }

    /// The paths of the toolchain's directory.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(PathBuf::as_path)
    }

    /// Whether `path` is in the toolchain.
    pub(super) fn is_in(&self, path: &Path) -> bool {
        self.roots().any(|root| path.starts_with(root))
    }

    /// Whether `path` is in the directory of the component rust-src or rustc-src.
    pub(super) fn has_source(&self, path: &Path) -> bool {
        let is_source = |path: &Path| SOURCES.iter().any(|other| path.starts_with(other));
        let mut below = self.roots().filter_map(|root| path.strip_prefix(root).ok());
        below.any(is_source)
    }

    /// Whether the identity of the compiler covers `path`. `is_read`: whether the file was read, not only looked up.
    pub(super) fn has(&self, path: &Path, is_read: bool) -> bool {
        path == self.program
            || self.elsewhere.contains(path)
            || self.is_not_around_link(path)
            || self.roots().any(|root| match path.strip_prefix(root) {
                Ok(path) => self.has_below(path, is_read),
                // The parent directories of the toolchain.
                Err(_) => !is_read && root.starts_with(path),
            })
    }

    /// Whether the compiler does not find its libraries at `path`, next to the symbolic link by which it is started. It looks there
    /// first (`from_env_args_next` in rustc's `filesearch.rs`).
    fn is_not_around_link(&self, path: &Path) -> bool {
        let around = self.program.ancestors().nth(2);
        let is_sought = |around: &Path| {
            let mut sought = ["lib64/rustlib", "lib/rustlib"].iter();
            sought.any(|libraries| path == around.join(libraries))
        };
        around.is_some_and(is_sought) && self.program.is_symlink() && !path.exists()
    }

    fn has_below(&self, path: &Path, is_read: bool) -> bool {
        let is_directory = || {
            DIRECTORIES.iter().any(|other| path == Path::new(other))
                || self.targets.iter().any(|target| target.starts_with(path))
        };
        let is_of_target = |target: &PathBuf| {
            path.strip_prefix(target)
                .is_ok_and(|path| path.starts_with(LIBRARIES) || is_of_linker(path, is_read))
        };
        self.files.contains(path)
            || !is_read && is_directory()
            || self.targets.iter().any(is_of_target)
    }
}

/// Whether `path`, relative to the directory of a target, is the linker, or the path of a program that is looked up there first.
fn is_of_linker(path: &Path, is_read: bool) -> bool {
    let Ok(path) = path.strip_prefix("bin") else {
        return false;
    };
    let name = path.to_string_lossy();
    path.starts_with("gcc-ld")
        || path == Path::new("rust-lld")
        || !is_read && (name.is_empty() || LINKERS.contains(&&*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("", false, true)]
    #[case("", true, false)]
    #[case("bin/rustc", true, true)]
    #[case("bin/rustfmt", true, false)]
    #[case("lib/librustc_driver.so", true, true)]
    #[case("lib/rustlib", false, true)]
    #[case("lib/rustlib", true, false)]
    #[case("lib/rustlib/components", true, false)]
    #[case("lib/rustlib/host/lib/libcore.rlib", true, true)]
    #[case("lib/rustlib/host/lib", true, true)]
    #[case("lib/rustlib/host/bin/cc", false, true)]
    #[case("lib/rustlib/host/bin/gcc-ld/ld.lld", true, true)]
    #[case("lib/rustlib/host/bin/llvm-objcopy", false, false)]
    #[case("lib/rustlib/other/lib", false, false)]
    #[case("lib/rustlib/src/rust/library", false, false)]
    fn what_may_be_installed_later_is_not_covered(
        #[case] path: &str,
        #[case] is_read: bool,
        #[case] expected: bool,
    ) {
        let files = ToolchainFiles {
            roots: BTreeSet::from([PathBuf::from("/tools/one")]),
            files: ["bin/rustc", "lib/librustc_driver.so"]
                .map(PathBuf::from)
                .into(),
            elsewhere: BTreeSet::from([PathBuf::from("/llvm/lib/libLLVM.so")]),
            targets: vec![PathBuf::from("lib/rustlib/host")],
            program: PathBuf::from("/tools/one/bin/rustc"),
        };
        assert_eq!(
            files.has(&Path::new("/tools/one").join(path), is_read),
            expected
        );
        assert!(files.has(Path::new("/tools"), false));
        assert!(!files.has(Path::new("/tools"), true));
        assert!(!files.has(Path::new("/tools/two"), false));
        assert!(files.has(Path::new("/llvm/lib/libLLVM.so"), true));
    }
}
