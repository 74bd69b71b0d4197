//! The libraries in this process: that of rustc, whose code is told from that of macros, and the observer itself.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::notes::note;

unsafe extern "C" {
    fn dl_iterate_phdr(
        each: unsafe extern "C" fn(*const Loaded, usize, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
}

/// What `dl_iterate_phdr` says of a loaded program or library.
#[repr(C)]
struct Loaded {
    /// What is added to the addresses of its segments.
    address: usize,
    name: *const c_char,
    segments: *const Segment,
    count: u16,
}

/// A program header of a 64-bit ELF file.
#[repr(C)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: usize,
    physical_address: usize,
    size_in_file: usize,
    size: usize,
    alignment: usize,
}

const PT_LOAD: u32 = 1;
const PF_X: u32 = 1;
/// How the name of rustc's library begins.
const NAME: &[u8] = b"librustc_driver-";

/// Where the code of rustc's library starts and ends, if it contains the standard library as well: newer ones do, and
/// functions that others call are not among it.
static CODE: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// The path by which the dynamic linker loaded the observer.
static OWN: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Finds them, before a macro is loaded.
pub(crate) unsafe fn find() {
    unsafe { dl_iterate_phdr(look_at, ptr::null_mut()) };
}

/// Notes the paths of all.
pub(crate) unsafe fn note_all() {
    unsafe { dl_iterate_phdr(note_one, ptr::null_mut()) };
}

unsafe extern "C" fn note_one(loaded: *const Loaded, _: usize, _: *mut c_void) -> c_int {
    unsafe {
        let name = (*loaded).name;
        // The program has no name, and the kernel's library no path.
        if !name.is_null() && *name.cast::<u8>() == b'/' {
            note(b'm', name);
        }
    }
    0
}

/// Called for each loaded program or library until it returns 1. The observer comes before all that the program asks for.
unsafe extern "C" fn look_at(loaded: *const Loaded, _: usize, _: *mut c_void) -> c_int {
    unsafe {
        let Loaded { address, name, segments, count } = loaded.read();
        if name.is_null() {
            return 0;
        }
        let is_compiler = is_of_compiler(name.cast());
        for at in 0..usize::from(count) {
            let segment = segments.add(at).read();
            if segment.kind != PT_LOAD || segment.flags & PF_X == 0 {
                continue;
            }
            let start = address.wrapping_add(segment.address);
            let end = start.wrapping_add(segment.size);
            if is_compiler {
                CODE[0].store(start, Ordering::Relaxed);
                CODE[1].store(end, Ordering::Relaxed);
            } else if (start..end).contains(&(look_at as *const () as usize)) {
                OWN.store(name.cast_mut().cast(), Ordering::Relaxed);
            }
        }
        c_int::from(is_compiler)
    }
}

/// Whether this process is the compiler.
pub(crate) fn has_compiler() -> bool {
    CODE[0].load(Ordering::Relaxed) != 0
}

/// The path by which the dynamic linker loaded the observer; null before it was found.
pub(crate) fn own_path() -> *const u8 {
    OWN.load(Ordering::Relaxed)
}

/// Whether a path is that of rustc's library.
unsafe fn is_of_compiler(path: *const u8) -> bool {
    unsafe {
        let mut name = path;
        let mut at = path;
        while *at != 0 {
            if *at == b'/' {
                name = at.add(1);
            }
            at = at.add(1);
        }
        NAME.iter().enumerate().all(|(at, byte)| *name.add(at) == *byte)
    }
}

/// Whether the function that returns to the address `caller` was called by rustc's library.
pub(crate) fn is_compiler(caller: usize) -> bool {
    let [start, end] = [&CODE[0], &CODE[1]].map(|address| address.load(Ordering::Relaxed));
    (start..end).contains(&caller)
}
