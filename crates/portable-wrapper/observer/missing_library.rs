//! The observer's file may be removed while a program is observed. The dynamic linker would report that on the standard error
//! of each program that is started afterwards, so these are started without the observer.

use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};

use super::environment::{PRELOAD, environ, is_preloaded, value_if};
use super::hidden::MOST_VARIABLES;
use super::libraries::own_path;
use super::notes::note;
use super::system_call::{number, system_call};
use super::{AT_FDCWD, LONGEST, length_of};

/// Whether the observer's file was found to be missing.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// `LD_PRELOAD` without the observer, for [`forget`].
struct Rest(UnsafeCell<MaybeUninit<[u8; LONGEST]>>);
unsafe impl Sync for Rest {}
static REST: Rest = Rest(UnsafeCell::new(MaybeUninit::uninit()));

/// Whether the observer's file was found to be missing, so that programs are started without it.
pub(crate) fn is_missing_library() -> bool {
    IS_LOST.load(Ordering::Relaxed)
}

/// Whether the dynamic linker would load the observer into a program that gets `variables`, and cannot.
unsafe fn is_missing(variables: *const *const c_char) -> bool {
    unsafe {
        let own = own_path();
        if !is_preloaded(variables, own) {
            return false;
        }
        if system_call(number::FACCESSAT, [AT_FDCWD as usize, own as usize, 0, 0, 0]) >= 0 {
            return false;
        }
        IS_LOST.store(true, Ordering::Relaxed);
        note(b'z', own.cast());
        true
    }
}

/// Calls `start`, which starts a program, with `variables`, from which the observer is removed if its file is missing.
pub(crate) unsafe fn with_present<R>(
    variables: *const *const c_char,
    start: impl FnOnce(*const *const c_char) -> R,
) -> R {
    unsafe { if is_missing(variables) { start_without(variables, start) } else { start(variables) } }
}

#[inline(never)]
unsafe fn start_without<R>(variables: *const *const c_char, start: impl FnOnce(*const *const c_char) -> R) -> R {
    unsafe {
        let mut all = MaybeUninit::<[*const c_char; MOST_VARIABLES]>::uninit();
        let all = all.as_mut_ptr().cast::<*const c_char>();
        let mut rest = MaybeUninit::<[u8; LONGEST]>::uninit();
        let rest = rest.as_mut_ptr().cast::<u8>();
        let mut count = 0;
        while !(*variables.add(count)).is_null() {
            if count + 1 == MOST_VARIABLES {
                return start(variables);
            }
            let variable = *variables.add(count);
            *all.add(count) = if write_rest(variable, rest) { rest.cast() } else { variable };
            count += 1;
        }
        *all.add(count) = core::ptr::null();
        start(all)
    }
}

/// Removes the observer from `LD_PRELOAD` of this process, if its file is missing.
pub(crate) unsafe fn forget() {
    unsafe {
        if !is_missing(environ) {
            return;
        }
        let rest = REST.0.get().cast::<u8>();
        let mut variable = environ.cast_mut();
        while !(*variable).is_null() {
            if write_rest(*variable, rest) {
                *variable = rest.cast();
            }
            variable = variable.add(1);
        }
    }
}

/// Writes `variable` without the observer to `to`. Returns false if it is not `LD_PRELOAD`, or is too long.
unsafe fn write_rest(variable: *const c_char, to: *mut u8) -> bool {
    unsafe {
        let list = value_if(variable, PRELOAD.as_ptr(), PRELOAD.len());
        if list.is_null() || length_of(variable.cast()) >= LONGEST {
            return false;
        }
        let start = PRELOAD.len() + 1;
        core::ptr::copy_nonoverlapping(variable.cast(), to, start);
        let (own, mut at, mut end) = (own_path(), list, start);
        loop {
            let mut length = 0;
            while !matches!(*at.add(length), 0 | b':' | b' ') {
                length += 1;
            }
            let is_own = length == length_of(own) && (0..length).all(|nth| *at.add(nth) == *own.add(nth));
            if !is_own {
                if end > start {
                    *to.add(end) = b':';
                    end += 1;
                }
                core::ptr::copy_nonoverlapping(at, to.add(end), length);
                end += length;
            }
            if *at.add(length) == 0 {
                break;
            }
            at = at.add(length + 1);
        }
        *to.add(end) = 0;
        true
    }
}
