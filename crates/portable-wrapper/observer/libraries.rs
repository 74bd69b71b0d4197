//! The libraries that are loaded into this process: that of rustc, whose code is distinguished from that of macros, and the
//! observer.

use core::ffi::{c_char, c_int, c_void};
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::notes::{may_have_macros, note};

unsafe extern "C" {
    fn dl_iterate_phdr(
        each: unsafe extern "C" fn(*const Loaded, usize, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
}

/// The first fields of `struct dl_phdr_info`: a loaded program or library.
#[repr(C)]
struct Loaded {
    /// The base address, which is added to the addresses of the segments.
    address: usize,
    name: *const c_char,
    segments: *const Segment,
    count: u16,
}

impl Loaded {
    /// The address ranges of its code.
    unsafe fn code(&self) -> impl Iterator<Item = Range<usize>> {
        let segments = (0..usize::from(self.count)).map(|at| unsafe { self.segments.add(at).read() });
        let code = segments.filter(|segment| segment.kind == PT_LOAD && segment.flags & PF_X != 0);
        code.map(|segment| {
            let start = self.address.wrapping_add(segment.address);
            start..start.wrapping_add(segment.size)
        })
    }
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
/// The prefix of the file name of rustc's library.
const RUSTC_DRIVER: &[u8] = b"librustc_driver-";
/// The prefix of the file name of the standard library, where that is a separate library.
const LIBSTD: &[u8] = b"libstd-";

/// The start and end address of code.
type Code = [AtomicUsize; 2];

/// The code of rustc's library; zeros in a process that is not the compiler. Newer versions of it contain the standard library.
/// With an older one, the compiler and macros call the C library through the same standard library, and cannot be
/// distinguished.
static COMPILER_CODE: Code = [const { AtomicUsize::new(0) }; 2];

/// The maximum number of address ranges of code that are loaded with the compiler.
const MAX_RANGES: usize = 32;
/// The code of the program and of the libraries that were loaded at its start.
static START_CODE: [Code; MAX_RANGES] = [const { [const { AtomicUsize::new(0) }; 2] }; MAX_RANGES];
/// The number of ranges in [`START_CODE`]. 0 if there are too many, or if an older compiler shares the standard library with
/// macros. [`NOT_COUNTED`] before [`remember_start`], when no macro is loaded yet.
static COUNT: AtomicUsize = AtomicUsize::new(NOT_COUNTED);
const NOT_COUNTED: usize = usize::MAX;

/// The path by which the dynamic linker loaded the observer.
static OWN: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

fn store(place: &Code, code: &Range<usize>) {
    place[0].store(code.start, Ordering::Relaxed);
    place[1].store(code.end, Ordering::Relaxed);
}

fn is_in(place: &Code, address: usize) -> bool {
    let [start, end] = [&place[0], &place[1]].map(|end| end.load(Ordering::Relaxed));
    (start..end).contains(&address)
}

/// Finds the code of rustc's library, and the path of the observer.
pub(crate) unsafe fn find() {
    unsafe { dl_iterate_phdr(look_at, ptr::null_mut()) };
}

/// Stores the address ranges of all code that is loaded. Must be called before a macro is loaded.
pub(crate) unsafe fn remember_start() {
    let mut count = 0_usize;
    let failed = unsafe { dl_iterate_phdr(remember, (&raw mut count).cast()) } != 0;
    COUNT.store(if failed { 0 } else { count }, Ordering::Relaxed);
}

unsafe extern "C" fn remember(loaded: *const Loaded, _: usize, known: *mut c_void) -> c_int {
    unsafe {
        let known = &mut *known.cast::<usize>();
        let loaded = loaded.read();
        if !loaded.name.is_null() && has_name(loaded.name.cast(), LIBSTD) {
            return 1;
        }
        for code in loaded.code() {
            let Some(place) = START_CODE.get(*known) else {
                return 1;
            };
            store(place, &code);
            *known += 1;
        }
    }
    0
}

/// Whether the return address `caller` is in the compiler's program, or in a library that was loaded at its start.
fn was_loaded_at_start(caller: usize) -> bool {
    let count = COUNT.load(Ordering::Relaxed);
    count == NOT_COUNTED || START_CODE.iter().take(count).any(|code| is_in(code, caller))
}

/// Whether the return address `caller` is in a library that the observed compiler loaded after its start, such as a macro.
pub(crate) fn is_macro(caller: usize) -> bool {
    has_compiler() && may_have_macros() && !was_loaded_at_start(caller)
}

/// Notes the paths of all loaded libraries.
pub(crate) unsafe fn note_all() {
    unsafe { dl_iterate_phdr(note_one, ptr::null_mut()) };
}

unsafe extern "C" fn note_one(loaded: *const Loaded, _: usize, _: *mut c_void) -> c_int {
    unsafe {
        let name = (*loaded).name;
        // The program has no name, and the vDSO has a name without a directory.
        if !name.is_null() && *name.cast::<u8>() == b'/' {
            note(b'm', name);
        }
    }
    0
}

/// Called for the program and each library, in the order in which they were loaded, until it returns 1. The observer precedes
/// the libraries of the program.
unsafe extern "C" fn look_at(loaded: *const Loaded, _: usize, _: *mut c_void) -> c_int {
    unsafe {
        let loaded = loaded.read();
        let name = loaded.name;
        if name.is_null() {
            return 0;
        }
        let is_compiler = has_name(name.cast(), RUSTC_DRIVER);
        for code in loaded.code() {
            if is_compiler {
                store(&COMPILER_CODE, &code);
            } else if code.contains(&(look_at as *const () as usize)) {
                OWN.store(name.cast_mut().cast(), Ordering::Relaxed);
            }
        }
        c_int::from(is_compiler)
    }
}

/// Whether this process is the compiler.
pub(crate) fn has_compiler() -> bool {
    COMPILER_CODE[0].load(Ordering::Relaxed) != 0
}

/// The path by which the dynamic linker loaded the observer; null before it was found.
pub(crate) fn own_path() -> *const u8 {
    OWN.load(Ordering::Relaxed)
}

/// Whether the file name of a path begins with `start`.
unsafe fn has_name(path: *const u8, start: &[u8]) -> bool {
    unsafe {
        let mut name = path;
        let mut at = path;
        while *at != 0 {
            if *at == b'/' {
                name = at.add(1);
            }
            at = at.add(1);
        }
        start.iter().enumerate().all(|(at, byte)| *name.add(at) == *byte)
    }
}

/// The code of the program of a build script.
static PROGRAM_CODE: Code = [const { AtomicUsize::new(0) }; 2];

/// Remembers the addresses of the code of this process's program, without its libraries.
pub(crate) unsafe fn remember_program() {
    unsafe { dl_iterate_phdr(remember_first, ptr::null_mut()) };
}

/// The dynamic linker lists the program first.
unsafe extern "C" fn remember_first(loaded: *const Loaded, _: usize, _: *mut c_void) -> c_int {
    unsafe {
        let loaded = loaded.read();
        for code in loaded.code() {
            store(&PROGRAM_CODE, &code);
        }
    }
    1
}

/// Whether the return address `caller` is in the program of a build script, not in a library.
pub(crate) fn is_program(caller: usize) -> bool {
    is_in(&PROGRAM_CODE, caller)
}

/// Whether the return address `caller` is in rustc's library.
pub(crate) fn is_compiler(caller: usize) -> bool {
    is_in(&COMPILER_CODE, caller)
}
