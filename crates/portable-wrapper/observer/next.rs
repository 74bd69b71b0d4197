//! The functions that the libraries behind this one define.

use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::dlsym;

/// `RTLD_NEXT`
pub(super) const NEXT: *mut c_void = usize::MAX as *mut c_void;

/// Called in place of a function that the C library does not have. Returns `ENOSYS`.
unsafe extern "C" fn missing(_: usize, _: usize, _: usize, _: usize, _: usize, _: usize) -> usize {
    38
}

/// The function `name` of the next library (`RTLD_NEXT`). `known` caches its address.
pub(super) unsafe fn real(known: &AtomicUsize, name: &CStr) -> unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> usize {
    let mut address = known.load(Ordering::Relaxed);
    if address == 0 {
        address = unsafe { dlsym(NEXT, name.as_ptr()) } as usize;
        if address == 0 {
            return missing;
        }
        known.store(address, Ordering::Relaxed);
    }
    unsafe { core::mem::transmute(address) }
}
