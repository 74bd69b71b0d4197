//! The sources of the compiler and of its libraries, which each compiler looks for. Nothing that it makes for a build script depends
//! on whether they are installed, but the script itself may look for them as well.

use core::ffi::c_char;

use super::length_of;
use super::libraries::has_compiler;
use super::notes::is_one_observed;

/// Where they would be in a toolchain.
const PLACES: [&[u8]; 2] = [b"/lib/rustlib/src/rust", b"/lib/rustlib/rustc-src/rust"];

/// Whether this is a compiler that a build script runs, and looks for its sources at `path`.
pub(crate) unsafe fn looks_for(path: *const c_char) -> bool {
    if path.is_null() || !has_compiler() || is_one_observed() {
        return false;
    }
    PLACES.iter().any(|place| unsafe { contains(path.cast(), place) })
}

unsafe fn contains(path: *const u8, part: &[u8]) -> bool {
    unsafe {
        let starts_here = |at: usize| part.iter().enumerate().all(|(nth, byte)| *path.add(at + nth) == *byte);
        (0..length_of(path)).any(starts_here)
    }
}
