//! Interposes the functions that read variables, and notes their callers.

use core::ffi::c_char;

use super::environment::value_of;
use super::length_of;
use super::libraries;
use super::notes::note;

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
