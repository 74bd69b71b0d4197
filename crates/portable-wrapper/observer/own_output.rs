//! The temporary file that a rustc which a build script runs writes (`-o FILE`). rustc asks whether it may write the file and
//! whether that is its input, and then replaces it, so what was there before is no input.

use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::environment::value_of;
use super::libraries::has_compiler;
use super::notes::observes_only_children;

/// The variable with the directory for temporary files, and the directory without it.
const VARIABLE: &[u8] = b"TMPDIR";
const DEFAULT: *const c_char = c"/tmp".as_ptr();

/// The word after `-o`; null if there is none, it is no path of a temporary file, or this process is no such rustc.
static OUTPUT: AtomicPtr<c_char> = AtomicPtr::new(core::ptr::null_mut());

/// Finds the file in the arguments of this process.
pub(crate) unsafe fn find(count: c_int, words: *const *mut c_char) {
    if words.is_null() || !has_compiler() || observes_only_children() {
        return;
    }
    for at in 1..(count as usize).saturating_sub(1) {
        unsafe {
            let (word, next) = (*words.add(at), *words.add(at + 1));
            if are_same(word, c"-o".as_ptr()) && is_temporary(next) {
                OUTPUT.store(next, Ordering::Relaxed);
            }
        }
    }
}

/// Whether `path` is this file.
pub(crate) unsafe fn is(path: *const c_char) -> bool {
    let output = OUTPUT.load(Ordering::Relaxed);
    !output.is_null() && !path.is_null() && unsafe { are_same(path, output) }
}

/// Whether `path` is in the directory for temporary files.
unsafe fn is_temporary(path: *const c_char) -> bool {
    unsafe {
        let set = value_of(VARIABLE.as_ptr(), VARIABLE.len());
        let directory = if set.is_null() { DEFAULT } else { set };
        let mut at = 0;
        while *directory.add(at) != 0 {
            if *directory.add(at) != *path.add(at) {
                return false;
            }
            at += 1;
        }
        let is_below = at > 0 && (*directory.add(at - 1) as u8 == b'/' || *path.add(at) as u8 == b'/');
        is_below && !has_parent(path.add(at))
    }
}

/// Whether a part of `path` begins with `..`.
unsafe fn has_parent(mut path: *const c_char) -> bool {
    unsafe {
        let mut before = b'/';
        while *path != 0 {
            if before == b'/' && *path as u8 == b'.' && *path.add(1) as u8 == b'.' {
                return true;
            }
            before = *path as u8;
            path = path.add(1);
        }
    }
    false
}

unsafe fn are_same(one: *const c_char, other: *const c_char) -> bool {
    unsafe {
        let mut at = 0;
        while *one.add(at) == *other.add(at) {
            if *one.add(at) == 0 {
                return true;
            }
            at += 1;
        }
    }
    false
}
