//! Variables and files that the compiler and its allocator read themselves. The same read by a macro cannot be distinguished
//! from that.

use std::path::Path;

const VARIABLES: [&str; 24] = [
    "CARGO",
    "CARGO_MAKEFLAGS",
    "CARGO_PRIMARY_PACKAGE",
    "CI",
    "COLORTERM",
    "LD_LIBRARY_PATH",
    "MAKEFLAGS",
    "MALLOC_CONF",
    "MFLAGS",
    "NO_COLOR",
    "PATH",
    "QNX_TARGET",
    "RAYON_NUM_THREADS",
    "RAYON_RS_NUM_CPUS",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_MIN_STACK",
    "RUST_TARGET_PATH",
    "SDKROOT",
    "SYSROOT",
    "TERM",
    "TERM_PROGRAM",
    "TMPDIR",
    "_RJEM_MALLOC_CONF",
];
const PREFIXES: [&str; 2] = ["LLVM_", "RUSTC_"];
/// Variables that clippy reads to find its configuration.
const OF_CLIPPY: [&str; 2] = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"];
/// The prefix of clippy's own variables, which `cargo clippy` sets for all programs of a build.
pub(super) const PREFIX_OF_CLIPPY: &str = "CLIPPY_";
/// Files of the system that the compiler reads.
const FILES: [&str; 15] = [
    "/dev/null",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/malloc.conf",
    "/proc/self/cgroup",
    "/proc/self/exe",
    "/proc/self/maps",
    "/proc/self/mountinfo",
    "/proc/self/statm",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/kernel/mm/transparent_hugepage/enabled",
];
/// Directories of such files. File descriptors are among them because of cargo's jobserver. The sources of the standard library
/// have the path `/rustc/HASH/…`, and are looked up there if the component `rust-src` is not installed.
const DIRECTORIES: [&str; 4] = [
    "/dev/fd",
    "/rustc",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];

/// Whether the compiler reads the variable `name`, or clippy if it runs the compiler.
pub(super) fn is_variable(name: &str, is_clippy: bool) -> bool {
    VARIABLES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || is_clippy && (OF_CLIPPY.contains(&name) || name.starts_with(PREFIX_OF_CLIPPY))
}

/// Whether the compiler may read this file of the system.
pub(super) fn is_file(path: &Path) -> bool {
    FILES.iter().any(|file| path == Path::new(file))
        || DIRECTORIES
            .iter()
            .any(|directory| path.starts_with(directory))
}
