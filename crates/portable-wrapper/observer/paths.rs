//! Notes absolute paths: those relative to the current directory or to an open directory are resolved.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::notes::{is_noting, note, write};
use super::{LONGEST, length_of, own_output, read_link};

/// The directory with symbolic links to all open files.
const DESCRIPTORS: &[u8] = b"/proc/self/fd/";

/// The current directory of this process.
struct Current(UnsafeCell<MaybeUninit<[u8; LONGEST]>>);
unsafe impl Sync for Current {}
static CURRENT: Current = Current(UnsafeCell::new(MaybeUninit::uninit()));
/// The length of [`CURRENT`], 0 if it is not known, or `FILLED` while it is written.
static CURRENT_LENGTH: AtomicUsize = AtomicUsize::new(0);
const FILLED: usize = usize::MAX;
/// How often the process has changed its current directory.
static MOVES: AtomicUsize = AtomicUsize::new(0);

/// Discards the cached current directory.
pub(crate) fn forget_current() {
    MOVES.fetch_add(1, Ordering::SeqCst);
    CURRENT_LENGTH.store(0, Ordering::SeqCst);
}

/// The same as [`note`] for a path that may be relative to the current directory. Programs that were started may be
/// in another one than the process that the wrapper started.
pub(crate) unsafe fn note_path(kind: u8, path: *const c_char) {
    unsafe {
        if matches!(kind, b'q' | b's') && own_output::is(path) {
            return;
        }
        if is_complete(path) {
            return note(kind, path);
        }
        if !is_noting() {
            return;
        }
        let (current, relative) = (CURRENT.0.get().cast::<u8>(), path.cast::<u8>());
        let known = CURRENT_LENGTH.load(Ordering::SeqCst);
        if known != 0 && known != FILLED {
            return write(&kind, (current, known), b"/", (relative, length_of(relative)));
        }
        let moves = MOVES.load(Ordering::SeqCst);
        let mut real = MaybeUninit::uninit();
        let length = note_below(kind, c"/proc/self/cwd".as_ptr().cast(), path, &mut real);
        if length == 0 {
            return;
        }
        let fills = CURRENT_LENGTH.compare_exchange(0, FILLED, Ordering::SeqCst, Ordering::SeqCst);
        if fills.is_ok() {
            core::ptr::copy_nonoverlapping(real.as_ptr().cast(), current, length);
            let is_same = MOVES.load(Ordering::SeqCst) == moves;
            CURRENT_LENGTH.store(if is_same { length } else { 0 }, Ordering::SeqCst);
        }
    }
}

/// As [`note_path`], for a program that is started. The process may be a child of `vfork`, which shares the memory of its
/// parent but not the current directory, so the cached directory is not used.
pub(crate) unsafe fn note_path_of_program(kind: u8, path: *const c_char) {
    unsafe {
        if is_complete(path) {
            return note(kind, path);
        }
        if is_noting() {
            let mut real = MaybeUninit::uninit();
            note_below(kind, c"/proc/self/cwd".as_ptr().cast(), path, &mut real);
        }
    }
}

/// Whether a path is absolute, empty or null.
unsafe fn is_complete(path: *const c_char) -> bool {
    unsafe { path.is_null() || *path as u8 == b'/' || *path == 0 }
}

/// Notes a path relative to the directory that the symbolic link `link` leads to. Writes that directory to `real`, and returns
/// its length, or 0 if it is not known.
unsafe fn note_below(
    kind: u8,
    link: *const u8,
    path: *const c_char,
    real: &mut MaybeUninit<[u8; LONGEST]>,
) -> usize {
    unsafe {
        let length = read_link(link, real);
        if length <= 0 {
            note(kind, path);
            return 0;
        }
        let relative = path.cast::<u8>();
        write(&kind, (real.as_ptr().cast(), length as usize), b"/", (relative, length_of(relative)));
        length as usize
    }
}

/// The same as [`note`] for a path that may be relative to an open directory.
pub(crate) unsafe fn note_at(kind: u8, directory: isize, path: *const c_char) {
    unsafe {
        if path.is_null() || *path == 0 {
            // The open file itself.
            return;
        }
        let is_at = directory as c_int as isize;
        if *path as u8 == b'/' || is_at < 0 {
            return note_path(kind, path);
        }
        let mut name = [0_u8; 32];
        let mut start = name.as_mut_ptr().add(name.len() - 1);
        let mut rest = is_at as usize;
        loop {
            start = start.sub(1);
            *start = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        for byte in DESCRIPTORS.iter().rev() {
            start = start.sub(1);
            *start = *byte;
        }
        let mut real = MaybeUninit::uninit();
        note_below(kind, start, path, &mut real);
    }
}
