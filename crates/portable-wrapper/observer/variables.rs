//! Interposes the functions that read variables, and notes their callers, and those that change variables of the compiler.
//! Rustc's library may get other values than macros.

use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use super::environment::{retain, value_if, value_of};
use super::{LONGEST, length_of};
use super::libraries;
use super::notes::{allocate, note};
use super::own_calls::caller;
use super::variadic::interpose_variadic;

/// The variable with the length of a padding and lines of `NAME=VALUE`: rustc's library gets these values instead of those of the
/// environment, with the padding in place of [`PADDING`].
const VALUES: &[u8] = b"SCCFG_VALUES";
const PADDING: u8 = 1;
/// The lines with their padding, each with a terminating NUL byte; null if there are none.
static REPLACED: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// The length of all lines in bytes.
static LENGTH: AtomicUsize = AtomicUsize::new(0);
/// Whether macros are expanded: a source was opened, and dep-info was not. Before that, clippy looks for its configuration.
static EXPANDS: AtomicBool = AtomicBool::new(false);

/// Finds out whether macros are expanded.
pub(crate) unsafe fn see_open(path: *const c_char, is_written: bool) {
    unsafe {
        if REPLACED.load(Ordering::Relaxed).is_null() || path.is_null() {
            return;
        }
        if is_written && ends_with(path.cast(), b".d") {
            REPLACED.store(ptr::null_mut(), Ordering::Relaxed);
        } else if ends_with(path.cast(), b".rs") {
            EXPANDS.store(true, Ordering::Relaxed);
        }
    }
}

/// Finds [`VALUES`], and removes it from the environment, so that neither a macro nor a program that this one starts gets it.
pub(crate) unsafe fn find_values() {
    unsafe {
        retain(|variable| {
            let value = value_if(variable, VALUES.as_ptr(), VALUES.len());
            if !value.is_null() {
                store_values(value);
            }
            value.is_null()
        });
    }
}

/// Stores the lines of `text`.
unsafe fn store_values(mut text: *const u8) {
    unsafe {
        let mut padding = 0;
        while (*text).is_ascii_digit() {
            padding = padding * 10 + usize::from(*text - b'0');
            text = text.add(1);
        }
        let length = length_of(text);
        let lines = (0..length).filter(|at| *text.add(*at) == b'\n').count();
        let Some(memory) = allocate(length + lines * padding) else {
            return;
        };
        let mut size = 0;
        // The first line break ends the length of the padding.
        for at in 1..length {
            let byte = *text.add(at);
            if byte == PADDING {
                memory.add(size).write_bytes(b'_', padding);
                size += padding;
            } else {
                *memory.add(size) = if byte == b'\n' { 0 } else { byte };
                size += 1;
            }
        }
        LENGTH.store(size, Ordering::Relaxed);
        REPLACED.store(memory, Ordering::Relaxed);
    }
}

/// The first of the replaced variables, as `NAME=VALUE`, for which `find` returns something else than null.
unsafe fn find_replaced<T>(find: impl Fn(*const u8) -> *const T) -> *const T {
    let start = REPLACED.load(Ordering::Relaxed);
    let (length, mut at) = (LENGTH.load(Ordering::Relaxed), 0);
    while !start.is_null() && at < length {
        unsafe {
            let variable = start.add(at);
            let found = find(variable);
            if !found.is_null() {
                return found;
            }
            at += length_of(variable) + 1;
        }
    }
    ptr::null()
}

/// The value of a variable for rustc's library, if it is not that of the environment; otherwise null.
unsafe fn replaced(name: *const c_char) -> *const c_char {
    unsafe {
        let length = length_of(name.cast());
        find_replaced(|variable| value_if(variable.cast(), name.cast(), length).cast())
    }
}

/// The path of a file with the value of the environment, if it begins with a value that rustc's library got instead; otherwise `path`
/// itself. Paths of code are not changed: they would be in the output as well.
pub(crate) unsafe fn real_path(path: *const c_char, real: &mut MaybeUninit<[u8; LONGEST]>) -> *const c_char {
    unsafe {
        let real = real.as_mut_ptr().cast::<u8>();
        if REPLACED.load(Ordering::Relaxed).is_null() || path.is_null() || ends_with(path.cast(), b".rs") {
            return path;
        }
        let found = find_replaced(|variable| {
            let mut name = 0;
            while !matches!(*variable.add(name), 0 | b'=') {
                name += 1;
            }
            let value = value_of(variable, name).cast::<u8>();
            let rest = rest_of(path.cast(), value_if(variable.cast(), variable, name));
            if value.is_null() || rest.is_null() {
                return ptr::null::<u8>();
            }
            let (first, second) = (length_of(value), length_of(rest));
            if first + second >= LONGEST {
                return ptr::null();
            }
            ptr::copy_nonoverlapping(value, real, first);
            ptr::copy_nonoverlapping(rest, real.add(first), second + 1);
            real
        });
        if found.is_null() { path } else { found.cast() }
    }
}

/// Whether a path ends with this extension, and has something before it.
unsafe fn ends_with(path: *const u8, extension: &[u8]) -> bool {
    unsafe {
        let length = length_of(path);
        let start = length.wrapping_sub(extension.len());
        length > extension.len() && extension.iter().enumerate().all(|(at, byte)| *path.add(start + at) == *byte)
    }
}

/// What follows the directory `directory` in `path`; null if `path` is not below it.
unsafe fn rest_of(path: *const u8, directory: *const u8) -> *const u8 {
    unsafe {
        if directory.is_null() {
            return ptr::null();
        }
        let mut at = 0;
        while *directory.add(at) != 0 && *path.add(at) == *directory.add(at) {
            at += 1;
        }
        let is_below = *directory.add(at) == 0 && *path.add(at) == b'/';
        if is_below { path.add(at) } else { ptr::null() }
    }
}

/// Notes that a variable is read, and whether rustc's library reads it. `caller` is the return address.
unsafe extern "C" fn read_variable(name: *const c_char, caller: usize) -> *const c_char {
    unsafe {
        let is_compiler = libraries::is_compiler(caller);
        note(if is_compiler { b'e' } else { b'v' }, name);
        let is_of_source = is_compiler && EXPANDS.load(Ordering::Relaxed);
        let replaced = if is_of_source { replaced(name) } else { ptr::null() };
        if replaced.is_null() { value_of(name.cast(), length_of(name.cast())) } else { replaced }
    }
}

macro_rules! reads_variables {
    ($($name:ident)*) => { $(
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(name: *const c_char) -> *const c_char {
            #[cfg(target_arch = "x86_64")]
            core::arch::naked_asm!("mov rsi, [rsp]", "jmp {read}", read = sym read_variable);
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!("mov x1, x30", "b {read}", read = sym read_variable);
        }
    )* };
}
reads_variables! { getenv secure_getenv __secure_getenv }

/// Notes that a macro changes a variable, or all of them, as the standard library and other macros would read them.
unsafe fn change_variable(name: *const c_char, caller: usize) {
    if libraries::has_compiler() && !libraries::is_compiler(caller) {
        unsafe { note(b'c', name) };
    }
}

interpose_variadic! {
    clearenv c"clearenv" see_clearenv
    putenv c"putenv" see_putenv
    setenv c"setenv" see_setenv
    unsetenv c"unsetenv" see_unsetenv
}

unsafe fn see_clearenv(registers: *const usize, stack: *const usize) {
    unsafe { change_variable(c"*".as_ptr(), caller(registers, stack)) }
}

unsafe fn see_setenv(registers: *const usize, stack: *const usize) {
    unsafe { change_variable(*registers as *const c_char, caller(registers, stack)) }
}

/// Its argument is `NAME=VALUE`.
unsafe fn see_putenv(registers: *const usize, stack: *const usize) {
    unsafe { see_setenv(registers, stack) }
}

unsafe fn see_unsetenv(registers: *const usize, stack: *const usize) {
    unsafe { see_setenv(registers, stack) }
}
