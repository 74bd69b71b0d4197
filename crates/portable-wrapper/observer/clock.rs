//! Interposes the functions of the C library that return the time, and notes their callers.

use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::next::NEXT;
use super::libraries;
use super::own_calls;
use super::notes::note;
use super::system_call::number;
use super::{as_function, dlsym};

/// `CLOCK_REALTIME`
const REAL_TIME: usize = 0;
/// `CLOCK_MONOTONIC`, which measures durations and does not tell the date.
const MONOTONIC: usize = 1;

/// The address of the C library's `clock_gettime`, which need not enter the kernel (vDSO); 0 before it was [found](find).
static REAL: AtomicUsize = AtomicUsize::new(0);

/// Whether this process is a build script, not a program that one runs.
static IS_SCRIPT: AtomicBool = AtomicBool::new(false);

/// Notes that this process is a build script.
pub(crate) fn mark_script() {
    IS_SCRIPT.store(true, Ordering::Relaxed);
}

/// Looks up the C library's function. The lookup allocates memory, and allocators read the clock, so it must not happen in the
/// first read of the clock.
pub(crate) unsafe fn find() {
    REAL.store(unsafe { dlsym(NEXT, c"clock_gettime".as_ptr()) } as usize, Ordering::Relaxed);
}

/// Notes a read of the clock by a build script or, in a compiler, by a library that was loaded after its start, such as a
/// macro. `caller` is the return address.
unsafe fn note_caller(name: &CStr, caller: usize) {
    if name != c"monotonic" {
        unsafe { own_calls::note_call(name, caller) };
    }
    if IS_SCRIPT.load(Ordering::Relaxed) || libraries::is_macro(caller) {
        unsafe { note(b'k', name.as_ptr()) };
    }
}

unsafe fn time_of(clock: usize, to: *mut i64) -> c_int {
    type Real = unsafe extern "C" fn(usize, *mut i64) -> c_int;
    unsafe {
        match REAL.load(Ordering::Relaxed) {
            0 => as_function(number::CLOCK_GETTIME, [clock, to as usize, 0, 0, 0]) as c_int,
            real => core::mem::transmute::<usize, Real>(real)(clock, to),
        }
    }
}

unsafe extern "C" fn of_clock(clock: usize, to: *mut i64, caller: usize) -> c_int {
    unsafe {
        note_caller(if clock == MONOTONIC { c"monotonic" } else { c"clock_gettime" }, caller);
        time_of(clock, to)
    }
}

/// Seconds and microseconds. The time zone is that of the kernel, which is none (gettimeofday(2)).
unsafe extern "C" fn of_day(to: *mut i64, zone: *mut [i32; 2], caller: usize) -> c_int {
    unsafe {
        note_caller(c"gettimeofday", caller);
        let mut time = [0; 2];
        let result = time_of(REAL_TIME, time.as_mut_ptr());
        if !to.is_null() {
            *to = time[0];
            *to.add(1) = time[1] / 1000;
        }
        if !zone.is_null() {
            *zone = [0; 2];
        }
        result
    }
}

unsafe extern "C" fn in_seconds(to: *mut i64, _: usize, caller: usize) -> i64 {
    unsafe {
        note_caller(c"time", caller);
        let mut time = [0; 2];
        time_of(REAL_TIME, time.as_mut_ptr());
        if !to.is_null() {
            *to = time[0];
        }
        time[0]
    }
}

macro_rules! returns_time {
    ($($name:ident $does:ident)*) => { $(
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            #[cfg(target_arch = "x86_64")]
            core::arch::naked_asm!("mov rdx, [rsp]", "jmp {does}", does = sym $does);
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!("mov x2, x30", "b {does}", does = sym $does);
        }
    )* };
}
returns_time! { clock_gettime of_clock gettimeofday of_day time in_seconds }
