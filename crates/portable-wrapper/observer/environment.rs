//! The variables of a process.

use core::ffi::c_char;

unsafe extern "C" {
    pub(crate) static environ: *const *const c_char;
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
            let text = (*variable).cast::<u8>();
            let mut at = 0;
            while at < length && *text.add(at) == *name.add(at) {
                at += 1;
            }
            if at == length && *text.add(at) == b'=' {
                return text.add(at + 1).cast();
            }
            variable = variable.add(1);
        }
    }
    core::ptr::null()
}
