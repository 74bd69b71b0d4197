//! Gives macros the same random numbers each time, so that two expansions of a source can be compared. Programs that they run get
//! random ones, and so does the compiler, unless it shares the standard library with macros. Two expansions may choose the same names
//! for temporary files; those of units whose macros write files are not compared.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::environment::{retain, value_if, value_of};
use super::libraries::{has_compiler, is_compiler};

/// The variable that asks for it. Its value is the seed.
const REPEATED: &[u8] = b"SCCFG_REPEATED";

static IS_REPEATED: AtomicBool = AtomicBool::new(false);
/// The state of the generator.
static STATE: AtomicU64 = AtomicU64::new(0);

/// Determines whether macros in this process get the same numbers each time. Removes the variable, so that a compiler that a macro
/// runs does not find it.
pub(crate) unsafe fn find() {
    unsafe {
        let seed = value_of(REPEATED.as_ptr(), REPEATED.len());
        if seed.is_null() || !has_compiler() {
            return;
        }
        for byte in CStr::from_ptr(seed).to_bytes() {
            STATE.fetch_add(u64::from(*byte), Ordering::Relaxed);
            next();
        }
        IS_REPEATED.store(true, Ordering::Relaxed);
        retain(|variable| value_if(variable, REPEATED.as_ptr(), REPEATED.len()).is_null());
    }
}

/// Writes the next numbers into the buffer; false if the code with the return address `caller` is to get random ones.
pub(crate) unsafe fn fill(buffer: *mut u8, length: usize, caller: usize) -> bool {
    if !IS_REPEATED.load(Ordering::Relaxed) || is_compiler(caller) {
        return false;
    }
    let mut at = 0;
    while at < length {
        for byte in next().to_le_bytes().into_iter().take(length - at) {
            unsafe { *buffer.add(at) = byte };
            at += 1;
        }
    }
    true
}

/// The same for `getrandom` as a system call by number, whose arguments are in `registers`. That call is made in any case, so it gets
/// another buffer. A request for more than [`UNUSED_SIZE`] bytes stays as it is: seeds are shorter.
pub(crate) unsafe fn replace(registers: *mut usize, caller: usize) {
    unsafe {
        let (buffer, length) = (*registers.add(1) as *mut u8, *registers.add(2));
        if length <= UNUSED_SIZE && fill(buffer, length, caller) {
            *registers.add(1) = UNUSED.0.get() as usize;
        }
    }
}

/// The next number of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
fn next() -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let state = STATE.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// The size of [`UNUSED`] in bytes.
const UNUSED_SIZE: usize = 256;

/// What the system writes instead of into the caller's buffer. Nothing reads it.
struct Unused(UnsafeCell<[u8; UNUSED_SIZE]>);

// SAFETY: only the system writes to it, and nothing reads it.
unsafe impl Sync for Unused {}

static UNUSED: Unused = Unused(UnsafeCell::new([0; UNUSED_SIZE]));
