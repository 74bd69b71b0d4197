//! Interposes `realpath`: notes its callers, and returns paths with other directories to macros.

use core::ffi::{CStr, c_char, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::environment::value_of;
use super::next::{NEXT, real};
use super::paths::note_path;
use super::{LONGEST, dlsym, length_of, libraries};

unsafe extern "C" {
    fn realloc(memory: *mut c_void, size: usize) -> *mut c_void;
}

/// The variable with pairs of directories, one directory in each line: macros get the second of a pair instead of the first.
const RENAMED: &[u8] = b"SCCFG_RENAMED";

/// The version of `realpath` that allocates memory, on x86-64. Some C libraries name an older one first.
const VERSION: &CStr = c"GLIBC_2.3";

/// Notes the file, and whether rustc's library asks for its canonical path. `caller` is the return address.
unsafe extern "C" fn resolve(path: *const c_char, buffer: *mut u8, caller: usize) -> *mut u8 {
    static REAL: AtomicUsize = AtomicUsize::new(0);
    unsafe {
        if REAL.load(Ordering::Relaxed) == 0 {
            REAL.store(newer(c"realpath") as usize, Ordering::Relaxed);
        }
        let is_compiler = libraries::is_compiler(caller);
        note_path(if is_compiler { b'q' } else { b'p' }, path);
        let found = real(&REAL, c"realpath")(path as usize, buffer as usize, 0, 0, 0, 0) as *mut u8;
        if found.is_null() || is_compiler {
            return found;
        }
        rename(found, buffer.is_null())
    }
}

/// The function of this name in [`VERSION`]; null where the C library has no versions, as musl's.
unsafe fn newer(name: &CStr) -> *mut c_void {
    type Find = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut c_void;
    unsafe {
        let find = dlsym(NEXT, c"dlvsym".as_ptr());
        if find.is_null() {
            return find;
        }
        let find: Find = core::mem::transmute(find);
        find(NEXT, name.as_ptr(), VERSION.as_ptr())
    }
}

/// Replaces the first directory of [`RENAMED`] that `path` is in. `is_allocated`: the C library allocated `path`.
unsafe fn rename(path: *mut u8, is_allocated: bool) -> *mut u8 {
    unsafe {
        let mut renamed = value_of(RENAMED.as_ptr(), RENAMED.len()).cast::<u8>();
        let length = length_of(path);
        while !renamed.is_null() && *renamed != 0 {
            let (from, to) = (line(&mut renamed), line(&mut renamed));
            if !is_in(path, from) {
                continue;
            }
            let rest = length - from.1;
            let size = length.max(to.1 + rest) + 1;
            if size > LONGEST {
                return path;
            }
            let path = if is_allocated { realloc(path.cast(), size).cast() } else { path };
            if !path.is_null() {
                core::ptr::copy(path.add(from.1), path.add(to.1), rest + 1);
                core::ptr::copy_nonoverlapping(to.0, path, to.1);
            }
            return path;
        }
        path
    }
}

/// The start and the length of the line at `text`, which is advanced to the next line.
unsafe fn line(text: &mut *const u8) -> (*const u8, usize) {
    unsafe {
        let start = *text;
        let mut length = 0;
        while !matches!(*start.add(length), 0 | b'\n') {
            length += 1;
        }
        let is_last = *start.add(length) == 0;
        *text = start.add(length + usize::from(!is_last));
        (start, length)
    }
}

/// Whether `path` is the directory with this start and length, or below it.
unsafe fn is_in(path: *const u8, directory: (*const u8, usize)) -> bool {
    unsafe {
        let (start, length) = directory;
        let mut at = 0;
        while at < length && *path.add(at) == *start.add(at) {
            at += 1;
        }
        at == length && length > 0 && matches!(*path.add(at), 0 | b'/')
    }
}

#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realpath(path: *const c_char, buffer: *mut u8) -> *mut u8 {
    #[cfg(target_arch = "x86_64")]
    core::arch::naked_asm!("mov rdx, [rsp]", "jmp {resolve}", resolve = sym resolve);
    #[cfg(target_arch = "aarch64")]
    core::arch::naked_asm!("mov x2, x30", "b {resolve}", resolve = sym resolve);
}
