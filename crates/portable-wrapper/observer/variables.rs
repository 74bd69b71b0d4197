//! Interposes the functions that read variables, and notes their callers, and those that change variables of the compiler.

use core::ffi::c_char;

use super::environment::value_of;
use super::length_of;
use super::libraries;
use super::notes::note;
use super::own_calls::caller;
use super::variadic::interpose_variadic;

/// Notes that a variable is read, and whether rustc's library reads it. `caller` is the return address.
unsafe extern "C" fn read_variable(name: *const c_char, caller: usize) -> *const c_char {
    unsafe {
        note(if libraries::is_compiler(caller) { b'e' } else { b'v' }, name);
        value_of(name.cast(), length_of(name.cast()))
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
