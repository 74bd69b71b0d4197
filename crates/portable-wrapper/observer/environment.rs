//! Looks up environment variables.

use core::ffi::c_char;

/// The variable with the libraries that the dynamic linker loads first.
pub(crate) const PRELOAD: &[u8] = b"LD_PRELOAD";

unsafe extern "C" {
    pub(crate) static mut environ: *const *const c_char;
}

/// The value of a variable; null if it is not set.
pub(crate) unsafe fn value_of(name: *const u8, length: usize) -> *const c_char {
    unsafe { value_in(environ, name, length) }
}

/// The value of a variable among `variables`; null if it is not set.
pub(crate) unsafe fn value_in(variables: *const *const c_char, name: *const u8, length: usize) -> *const c_char {
    unsafe {
        let mut variable = variables;
        while !variable.is_null() && !(*variable).is_null() {
            let value = value_if(*variable, name, length);
            if !value.is_null() {
                return value.cast();
            }
            variable = variable.add(1);
        }
    }
    core::ptr::null()
}

/// The value of this variable if it has this name, otherwise null.
pub(crate) unsafe fn value_if(variable: *const c_char, name: *const u8, length: usize) -> *const u8 {
    unsafe {
        let text = variable.cast::<u8>();
        let mut at = 0;
        while at < length && *text.add(at) == *name.add(at) {
            at += 1;
        }
        let is_it = at == length && *text.add(at) == b'=';
        if is_it { text.add(at + 1) } else { core::ptr::null() }
    }
}

/// Removes the variables of this process for which `is_kept` returns false.
pub(crate) unsafe fn retain(is_kept: impl Fn(*const c_char) -> bool) {
    unsafe {
        let mut from = environ;
        let mut to = environ.cast_mut();
        while !(*from).is_null() {
            if is_kept(*from) {
                *to = *from;
                to = to.add(1);
            }
            from = from.add(1);
        }
        *to = core::ptr::null();
    }
}

/// Whether the dynamic linker loads the library `path` into a program that gets `variables`.
pub(crate) unsafe fn is_preloaded(variables: *const *const c_char, path: *const u8) -> bool {
    unsafe {
        let mut is_preloaded = false;
        let mut variable = variables;
        while !variable.is_null() && !(*variable).is_null() {
            let value = value_if(*variable, PRELOAD.as_ptr(), PRELOAD.len());
            if !value.is_null() {
                // If the variable is set several times, the last one counts.
                is_preloaded = has_element(value, path);
            }
            variable = variable.add(1);
        }
        is_preloaded
    }
}

/// Whether `path` is in `list`, whose paths are separated by colons or spaces.
unsafe fn has_element(list: *const u8, path: *const u8) -> bool {
    if path.is_null() {
        return false;
    }
    let is_end = |byte| matches!(byte, 0 | b':' | b' ');
    let mut start = list;
    loop {
        unsafe {
            let mut at = 0;
            while *path.add(at) != 0 && *start.add(at) == *path.add(at) {
                at += 1;
            }
            if *path.add(at) == 0 && is_end(*start.add(at)) {
                return true;
            }
            while !is_end(*start.add(at)) {
                at += 1;
            }
            if *start.add(at) == 0 {
                return false;
            }
            start = start.add(at + 1);
        }
    }
}
