//! Lookups of rust-src and rustc-src: each rustc looks for these components. The output of a rustc that a build script runs does not
//! depend on them, but the script may look for them as well.

use core::ffi::c_char;

use super::length_of;
use super::libraries::has_compiler;
use super::notes::observes_only_children;

/// The directories of the components in a toolchain.
const DIRECTORIES: [&[u8]; 2] = [b"/lib/rustlib/src/rust", b"/lib/rustlib/rustc-src/rust"];

/// Whether this process is a rustc that a build script runs, and `path` is in one of these directories.
pub(crate) unsafe fn looks_for(path: *const c_char) -> bool {
    if path.is_null() || !has_compiler() || observes_only_children() {
        return false;
    }
    DIRECTORIES.iter().any(|directory| unsafe { contains(path.cast(), directory) })
}

unsafe fn contains(path: *const u8, part: &[u8]) -> bool {
    unsafe {
        let starts_here = |at: usize| part.iter().enumerate().all(|(nth, byte)| *path.add(at + nth) == *byte);
        (0..length_of(path)).any(starts_here)
    }
}
