//! The variables of a process.

use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::notes::LOG;

/// The variable with the libraries that the dynamic linker loads first.
const PRELOAD: &[u8] = b"LD_PRELOAD";
/// The variable of a program that must not see the variables of the observer.
const HIDES: &[u8] = b"SCCFG_HIDES";

unsafe extern "C" {
    pub(crate) static mut environ: *const *const c_char;
}

/// The variables that were removed from the environment of this process, null if none was.
static HIDDEN: [(&[u8], AtomicPtr<c_char>); 2] = [
    (PRELOAD, AtomicPtr::new(core::ptr::null_mut())),
    (LOG, AtomicPtr::new(core::ptr::null_mut())),
];
/// The most variables that a program gets with those that are hidden. With more, it is not observed.
const MOST_VARIABLES: usize = 1024;

/// Removes the variables of the observer, if this program must not see them.
pub(crate) unsafe fn hide() {
    unsafe {
        if value_of(HIDES.as_ptr(), HIDES.len()).is_null() {
            return;
        }
        let mut from = environ;
        let mut to = environ.cast_mut();
        while !(*from).is_null() {
            let is = |name: &[u8]| !value_if(*from, name.as_ptr(), name.len()).is_null();
            let hidden = HIDDEN.iter().find(|(name, _)| is(name));
            if let Some((_, hidden)) = hidden {
                hidden.store((*from).cast_mut(), Ordering::Relaxed);
            } else if !is(HIDES) {
                *to = *from;
                to = to.add(1);
            }
            from = from.add(1);
        }
        *to = core::ptr::null();
    }
}

/// Has `start` start a program with `variables`, and with those that are hidden from this process.
pub(crate) unsafe fn with_hidden<R>(
    variables: *const *const c_char,
    start: impl FnOnce(*const *const c_char) -> R,
) -> R {
    unsafe {
        let is_hidden = HIDDEN.iter().any(|(_, hidden)| !hidden.load(Ordering::Relaxed).is_null());
        if !is_hidden || variables.is_null() {
            return start(variables);
        }
        let mut count = 0;
        while !(*variables.add(count)).is_null() {
            count += 1;
        }
        // The end is null.
        if count + HIDDEN.len() + 1 > MOST_VARIABLES {
            return start(variables);
        }
        let mut all = MaybeUninit::<[*const c_char; MOST_VARIABLES]>::uninit();
        let all = all.as_mut_ptr().cast::<*const c_char>();
        core::ptr::copy_nonoverlapping(variables, all, count);
        for (name, hidden) in &HIDDEN {
            let hidden = hidden.load(Ordering::Relaxed);
            if !hidden.is_null() && value_in(variables, name.as_ptr(), name.len()).is_null() {
                *all.add(count) = hidden;
                count += 1;
            }
        }
        *all.add(count) = core::ptr::null();
        start(all)
    }
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
unsafe fn value_if(variable: *const c_char, name: *const u8, length: usize) -> *const u8 {
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

/// Whether the dynamic linker loads the library `path` into a program that gets `variables`.
pub(crate) unsafe fn is_preloaded(variables: *const *const c_char, path: *const u8) -> bool {
    unsafe {
        let mut is_preloaded = false;
        let mut variable = variables;
        while !variable.is_null() && !(*variable).is_null() {
            let value = value_if(*variable, PRELOAD.as_ptr(), PRELOAD.len());
            if !value.is_null() {
                // The last one counts, if there are more.
                is_preloaded = has_element(value, path);
            }
            variable = variable.add(1);
        }
        is_preloaded
    }
}

/// Whether `path` is in `list`, where colons or spaces stand between paths.
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
