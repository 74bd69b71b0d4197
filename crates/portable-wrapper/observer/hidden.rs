//! Hides the observer's variables from a program that may list all variables, but not from the programs that it starts.

use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::environment::{PRELOAD, retain, value_if, value_in, value_of};
use super::notes::LOG;
use super::system_call::{number, system_call};
use super::{AT_FDCWD, LONGEST, PROGRAM, length_of};

/// The variable of a program that must not see the variables of the observer.
const HIDES: &[u8] = b"SCCFG_HIDES";
/// The observer's variables that were removed from the environment of this process, as `NAME=value`; null for one that was not.
static HIDDEN: [(&[u8], AtomicPtr<c_char>); 2] = [
    (PRELOAD, AtomicPtr::new(core::ptr::null_mut())),
    (LOG, AtomicPtr::new(core::ptr::null_mut())),
];
/// The maximum number of variables of a started program, including the hidden ones. With more, the program is not observed.
pub(crate) const MOST_VARIABLES: usize = 1024;

/// Removes the variables of the observer, if this program must not see them.
pub(crate) unsafe fn hide() {
    unsafe {
        if value_of(HIDES.as_ptr(), HIDES.len()).is_null() {
            return;
        }
        retain(|variable| {
            let is = |name: &[u8]| !value_if(variable, name.as_ptr(), name.len()).is_null();
            let hidden = HIDDEN.iter().find(|(name, _)| is(name));
            if let Some((_, hidden)) = hidden {
                hidden.store(variable.cast_mut(), Ordering::Relaxed);
            }
            hidden.is_none() && !is(HIDES)
        });
    }
}

/// Calls `start`, which starts `program`, with `variables` and those that are hidden from this process.
pub(crate) unsafe fn with_hidden<R>(
    program: *const c_char,
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
        // Plus `SCCFG_HIDES` and the terminating null.
        if count + HIDDEN.len() + 2 > MOST_VARIABLES {
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
        if is_own(program) {
            *all.add(count) = c"SCCFG_HIDES=1".as_ptr();
            count += 1;
        }
        *all.add(count) = core::ptr::null();
        start(all)
    }
}

/// The launcher of a build script adds this to its own path to get that of the script.
const BEHIND_LAUNCHER: &[u8] = b".program\0";

/// Whether the program at this path is a build script that a launcher starts.
pub(crate) unsafe fn is_behind_launcher(path: *const u8, length: usize) -> bool {
    let end = &BEHIND_LAUNCHER[..BEHIND_LAUNCHER.len() - 1];
    let is_same = |at: usize| unsafe { *path.add(length - end.len() + at) } == end[at];
    length > end.len() && (0..end.len()).all(is_same)
}

/// Whether `program` is the path of the program of this process, or of its launcher.
unsafe fn is_own(program: *const c_char) -> bool {
    unsafe {
        let length = if program.is_null() { LONGEST } else { length_of(program.cast()) };
        if length + BEHIND_LAUNCHER.len() > LONGEST {
            return false;
        }
        let mut behind = MaybeUninit::<[u8; LONGEST]>::uninit();
        let behind = behind.as_mut_ptr().cast::<u8>();
        core::ptr::copy_nonoverlapping(program.cast(), behind, length);
        let end = behind.add(length);
        core::ptr::copy_nonoverlapping(BEHIND_LAUNCHER.as_ptr(), end, BEHIND_LAUNCHER.len());
        let own = file_at(PROGRAM.as_ptr().cast());
        own.is_some() && (file_at(program.cast()) == own || file_at(behind) == own)
    }
}

/// The device and the inode number of the file at `path`.
unsafe fn file_at(path: *const u8) -> Option<(u64, u64)> {
    // `st_dev` and `st_ino`, the first two fields of `struct stat`, which is shorter than this.
    let mut state = [0_u64; 32];
    let to = state.as_mut_ptr() as usize;
    let arguments = [AT_FDCWD as usize, path as usize, to, 0, 0];
    let is_there = unsafe { system_call(number::NEWFSTATAT, arguments) } >= 0;
    is_there.then_some((state[0], state[1]))
}
