//! Writes notes to the memfd, which each observed process maps.

use core::ffi::{c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::slice;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use super::environment::value_of;
use super::layout::{ENTRIES, MAGIC, NOTES, ROOM, SIZE, TABLE, USED, VOID};
use super::system_call::{number, system_call};
use super::{AT_FDCWD, LONGEST, O_CLOEXEC, O_RDWR, PROGRAM, length_of, read_link};

/// The variable `WHO:PATH`, where `PATH` is that of the memfd for notes. `WHO` is the process ID of the wrapper, whose child
/// processes are observed, or `*` and the path of a program: then all programs but this one are observed. Before the `*`, there
/// may be the process ID of the wrapper whose child is a compiler with macros.
pub(crate) const LOG: &[u8] = b"SCCFG_OBSERVED";

unsafe extern "C" {
    fn mmap(
        at: *mut c_void,
        length: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: i64,
    ) -> *mut c_void;
}

const PROT_READ_WRITE: c_int = 3;
const MAP_SHARED: c_int = 1;
const MAP_FAILED: usize = usize::MAX;

/// The address at which the memfd is mapped, [`UNKNOWN`], or [`NONE`] if this process is not observed.
static FILE: AtomicUsize = AtomicUsize::new(UNKNOWN);
const UNKNOWN: usize = 0;
const NONE: usize = 1;
/// The process ID of the wrapper, if only its child processes are observed.
static WRAPPER: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Whether this process was started as a compiler whose macros are distinguished from it.
static HAS_MACROS: AtomicBool = AtomicBool::new(false);

/// Whether this process is observed.
pub(crate) fn is_noting() -> bool {
    unsafe { file() }.is_some()
}

/// Whether only child processes of the wrapper are observed, and this is one.
pub(crate) fn is_child_of_wrapper() -> bool {
    observes_only_children() && parent() == WRAPPER.load(Ordering::Relaxed)
}

/// Whether only child processes of the wrapper are observed, and the programs that they execute: those that list sources.
pub(crate) fn observes_only_children() -> bool {
    is_noting() && WRAPPER.load(Ordering::Relaxed) != usize::MAX
}

/// Whether this process is a compiler that lists sources or compiles a unit, whose macros are distinguished from it, or a script
/// or proxy that starts it.
pub(crate) fn may_have_macros() -> bool {
    is_noting() && HAS_MACROS.load(Ordering::Relaxed)
}

/// The process ID of the parent process.
fn parent() -> usize {
    unsafe { system_call(number::GETPPID, [0; 5]) as usize }
}

/// The path in the value of [`LOG`], if this process is to be observed; null otherwise.
unsafe fn path_for(mut value: *const u8) -> *const u8 {
    unsafe {
        if value.is_null() {
            return value;
        }
        let mut wrapper = 0_usize;
        while (*value).is_ascii_digit() {
            wrapper = wrapper.wrapping_mul(10).wrapping_add(usize::from(*value - b'0'));
            value = value.add(1);
        }
        HAS_MACROS.store(wrapper != 0 && parent() == wrapper, Ordering::Relaxed);
        if *value == b'*' {
            let program = value.add(1);
            let mut length = 0;
            while *program.add(length) != b':' {
                if *program.add(length) == 0 {
                    return core::ptr::null();
                }
                length += 1;
            }
            if is_running(program, length) {
                return core::ptr::null();
            }
            return program.add(length + 1);
        }
        if *value == b':' && parent() == wrapper {
            WRAPPER.store(wrapper, Ordering::Relaxed);
            value.add(1)
        } else {
            core::ptr::null()
        }
    }
}

/// Whether this process runs the program with this path.
unsafe fn is_running(program: *const u8, length: usize) -> bool {
    unsafe {
        let mut real = MaybeUninit::<[u8; LONGEST]>::uninit();
        if read_link(PROGRAM.as_ptr().cast(), &mut real) != length as isize {
            return false;
        }
        let buffer = real.as_ptr().cast::<u8>();
        (0..length).all(|at| *buffer.add(at) == *program.add(at))
    }
}

/// Maps the file at `path`, if it is a memfd for notes. If the wrapper has closed that already, the path may be that of a pipe, from
/// which nothing must be read: `pread` fails there, and does not wait.
unsafe fn map(path: *const u8) -> Option<usize> {
    unsafe {
        let arguments = [AT_FDCWD as usize, path as usize, O_RDWR | O_CLOEXEC, 0, 0];
        let opened = system_call(number::OPENAT, arguments);
        if opened < 0 {
            return None;
        }
        let mut magic = 0_u64;
        let arguments = [opened as usize, (&raw mut magic) as usize, size_of::<u64>(), 0, 0];
        let read = system_call(number::PREAD64, arguments);
        let mut mapped = MAP_FAILED;
        if read == size_of::<u64>() as isize && magic == MAGIC {
            let anywhere = core::ptr::null_mut();
            mapped = mmap(anywhere, SIZE, PROT_READ_WRITE, MAP_SHARED, opened as c_int, 0) as usize;
        }
        system_call(number::CLOSE, [opened as usize, 0, 0, 0, 0]);
        (mapped != MAP_FAILED).then_some(mapped)
    }
}

/// Memory of this size, which is never freed; `None` if there is none.
pub(crate) unsafe fn allocate(size: usize) -> Option<*mut u8> {
    const MAP_PRIVATE_ANONYMOUS: c_int = 0x22;
    let anywhere = core::ptr::null_mut();
    let memory = unsafe { mmap(anywhere, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0) };
    (memory as usize != MAP_FAILED).then_some(memory.cast())
}

unsafe fn file() -> Option<*mut u8> {
    let mut file = FILE.load(Ordering::Acquire);
    if file == UNKNOWN {
        file = unsafe {
            let path = path_for(value_of(LOG.as_ptr(), LOG.len()).cast());
            let mapped = if path.is_null() { None } else { map(path) };
            mapped.unwrap_or(NONE)
        };
        FILE.store(file, Ordering::Release);
    }
    (file != NONE).then_some(file as *mut u8)
}

unsafe fn number_at(file: *mut u8, offset: usize) -> &'static AtomicU64 {
    unsafe { &*file.add(offset).cast::<AtomicU64>() }
}

/// Discards all earlier notes: those of a script or proxy that executes the compiler.
pub(crate) fn forget() {
    unsafe {
        if let Some(file) = file() {
            let used = number_at(file, USED).load(Ordering::SeqCst);
            number_at(file, VOID).store(used, Ordering::SeqCst);
        }
    }
}

/// Longer notes, in bytes, are not looked up in the table.
const USUAL: usize = 512;

/// Writes a note unless it is in the table: a letter, two texts with a separator, and a NUL byte.
pub(crate) unsafe fn write(kind: &u8, first: (*const u8, usize), between: &[u8], second: (*const u8, usize)) {
    unsafe {
        let Some(file) = file() else {
            return;
        };
        let between = (between.as_ptr(), between.len());
        let parts = [(&raw const *kind, 1), first, between, second, (b"\0".as_ptr(), 1)];
        let length = parts.iter().fold(0, |sum, (_, length)| sum + length);
        if length > USUAL {
            append(file, &parts, length);
            return;
        }
        let mut note = MaybeUninit::<[u8; USUAL]>::uninit();
        let note = note.as_mut_ptr().cast::<u8>();
        let mut at = note;
        for (text, length) in parts {
            core::ptr::copy_nonoverlapping(text, at, length);
            at = at.add(length);
        }
        let note = slice::from_raw_parts(note, length);
        let hash = hash(note);
        let entry = match find(file, note, hash) {
            Found::Noted => return,
            Found::Free(entry) => entry,
        };
        if let Some(place) = append(file, &[(note.as_ptr(), length)], length) {
            // Other processes find the note only after it is complete.
            entry.store(u64::from(hash) << 32 | place as u64, Ordering::Release);
        }
    }
}

/// Writes a note with one text, unless that is null.
pub(crate) unsafe fn note(kind: u8, text: *const c_char) {
    if !text.is_null() {
        let text = text.cast::<u8>();
        unsafe { write(&kind, (text, 0), b"", (text, length_of(text))) };
    }
}

/// Appends a note. Returns its offset in bytes from [`NOTES`], or `None` if there is no room.
unsafe fn append(file: *mut u8, parts: &[(*const u8, usize)], length: usize) -> Option<usize> {
    unsafe {
        let used = number_at(file, USED);
        let place = used.fetch_add(length as u64, Ordering::Relaxed) as usize;
        if place + length > ROOM {
            // `USED` above `ROOM` shows that notes were lost.
            return None;
        }
        let start = file.add(NOTES + place);
        let mut at = 0;
        for &(text, more) in parts {
            // The letter is written last: the reader ignores a note without it.
            let skipped = usize::from(at == 0);
            core::ptr::copy_nonoverlapping(text.add(skipped), start.add(at + skipped), more - skipped);
            at += more;
        }
        let (letter, _) = parts[0];
        (*start.cast::<AtomicU8>()).store(*letter, Ordering::Release);
        Some(place)
    }
}

enum Found {
    Noted,
    /// The entry of the table to use for this note.
    Free(&'static AtomicU64),
}

/// The number of entries that a hash maps to (set-associative).
const WAYS: usize = 4;

/// Looks up a note in the table. An entry has the note's hash in the upper half, and its offset in the lower one.
unsafe fn find(file: *mut u8, note: &[u8], hash: u32) -> Found {
    unsafe {
        let first = hash as usize % (ENTRIES / WAYS) * WAYS;
        let entry = |way| number_at(file, TABLE + 8 * (first + way));
        let void = number_at(file, VOID).load(Ordering::Relaxed) as usize;
        for way in 0..WAYS {
            let known = entry(way).load(Ordering::Acquire);
            if known == 0 {
                return Found::Free(entry(way));
            }
            let place = known as u32 as usize;
            let is_in_file = place >= void && place + note.len() <= ROOM;
            if (known >> 32) as u32 == hash && is_in_file {
                if slice::from_raw_parts(file.add(NOTES + place), note.len()) == note {
                    return Found::Noted;
                }
            }
        }
        // The note of a replaced entry may be written again.
        Found::Free(entry(hash as usize / ENTRIES % WAYS))
    }
}

/// FNV-1a, folded to 32 bits (draft-eastlake-fnv).
fn hash(text: &[u8]) -> u32 {
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 32) as u32 ^ hash as u32
}
