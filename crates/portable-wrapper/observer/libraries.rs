//! The libraries in this process: that of rustc, whose code is told from that of macros, and the observer itself.

use core::ffi::{c_char, c_int, c_void};
use core::ops::Range;
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

impl Loaded {
    /// Where its code is.
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
/// How the name of rustc's library begins.
const NAME: &[u8] = b"librustc_driver-";
/// The same of the standard library, where it is a library of its own.
const STANDARD: &[u8] = b"libstd-";

/// Where code starts and ends.
type Code = [AtomicUsize; 2];

/// Where the code of rustc's library is, if it contains the standard library as well: newer ones do, and functions that
/// others call are not among it.
static CODE: Code = [const { AtomicUsize::new(0) }; 2];

/// How many libraries may be loaded with the compiler.
const MOST: usize = 32;
/// Where the code of the program is, and of the libraries that were loaded with it.
static OF_START: [Code; MOST] = [const { [const { AtomicUsize::new(0) }; 2] }; MOST];
/// How many of these there are; none if they cannot be told from macros, which have the standard library in a library in common
/// with an older compiler. [`MANY`] before they are looked at, when no macro is loaded yet.
static COUNT: AtomicUsize = AtomicUsize::new(MANY);
const MANY: usize = usize::MAX;

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

/// Finds them, before a macro is loaded.
pub(crate) unsafe fn find() {
    unsafe { dl_iterate_phdr(look_at, ptr::null_mut()) };
}

/// Remembers which code was loaded with the compiler, before a macro is.
pub(crate) unsafe fn remember_start() {
    let mut count = 0_usize;
    let failed = unsafe { dl_iterate_phdr(remember, (&raw mut count).cast()) } != 0;
    COUNT.store(if failed { 0 } else { count }, Ordering::Relaxed);
}

unsafe extern "C" fn remember(loaded: *const Loaded, _: usize, known: *mut c_void) -> c_int {
    unsafe {
        let known = &mut *known.cast::<usize>();
        let loaded = loaded.read();
        if !loaded.name.is_null() && has_name(loaded.name.cast(), STANDARD) {
            return 1;
        }
        for code in loaded.code() {
            let Some(place) = OF_START.get(*known) else {
                return 1;
            };
            store(place, &code);
            *known += 1;
        }
    }
    0
}

/// Whether the function that returns to the address `caller` was called by the compiler's program or a library that was loaded
/// with it.
pub(crate) fn is_of_start(caller: usize) -> bool {
    let count = COUNT.load(Ordering::Relaxed);
    count == MANY || OF_START.iter().take(count).any(|code| is_in(code, caller))
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
        let loaded = loaded.read();
        let name = loaded.name;
        if name.is_null() {
            return 0;
        }
        let is_compiler = has_name(name.cast(), NAME);
        for code in loaded.code() {
            if is_compiler {
                store(&CODE, &code);
            } else if code.contains(&(look_at as *const () as usize)) {
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

/// Whether the file name of a path begins like this.
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

/// Whether the function that returns to the address `caller` was called by rustc's library.
pub(crate) fn is_compiler(caller: usize) -> bool {
    is_in(&CODE, caller)
}
