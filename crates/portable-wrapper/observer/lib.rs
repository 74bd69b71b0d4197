//! The library that the wrapper has the dynamic linker load (`LD_PRELOAD`) into the compiler, while it lists the sources of a
//! unit or compiles it, and into build scripts and the programs that they run. It interposes the functions of the C library
//! that open, look up or change files, read variables or the clock, run programs or connect to others: it [notes] the arguments
//! of each call, and carries it out. So the wrapper learns what procedural macros read, whatever their source looks like.
//! `src/observation.rs` reads the notes. It uses neither the standard library nor versioned symbols of a C library, so that it
//! can be loaded into every compiler. Functions that an allocator may call before it is ready are system calls here; for
//! others, the next definition is looked up. It is compiled by `build.rs`, and is not part of the workspace.

#![no_std]
#![allow(clippy::missing_safety_doc, reason = "they are the functions of the C library")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;

mod clock;
mod environment;
mod hidden;
mod interpose;
mod layout;
mod libraries;
mod missing_library;
mod next;
mod notes;
mod own_calls;
mod own_output;
mod own_sources;
mod paths;
mod programs;
mod random;
mod raw_calls;
mod realpath;
#[path = "../system_call.rs"]
mod system_call;
mod variables;
mod variadic;

use environment::environ;
use notes::{is_noting, may_have_macros, observes_only_children, note, write};
use paths::{note_at, note_path};
use system_call::{number, system_call};

unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// Stands for the current directory where a system call takes the file descriptor of a directory.
const AT_FDCWD: isize = -100;
const AT_SYMLINK_NOFOLLOW: usize = 0x100;
const O_WRONLY: usize = 0o1;
const O_RDWR: usize = 0o2;
const O_CREAT: usize = 0o100;
const O_EXCL: usize = 0o200;
const O_TRUNC: usize = 0o1000;
const O_CLOEXEC: usize = 0o2_000_000;

/// Makes a system call, and returns -1 with the error in `errno` if it fails, as the C library does.
unsafe fn as_function(number: usize, arguments: [usize; 5]) -> isize {
    let result = unsafe { system_call(number, arguments) };
    if result < 0 {
        unsafe { *__errno_location() = -result as c_int };
        return -1;
    }
    result
}

/// The size of a buffer for a path, in bytes (`PATH_MAX`).
const LONGEST: usize = 4096;
/// The symbolic link to the program of this process.
const PROGRAM: &CStr = c"/proc/self/exe";

/// Reads the target of a symbolic link. Returns its length in bytes, or an error below zero.
unsafe fn read_link(link: *const u8, to: &mut MaybeUninit<[u8; LONGEST]>) -> isize {
    let arguments = [AT_FDCWD as usize, link as usize, to.as_mut_ptr() as usize, LONGEST, 0];
    unsafe { system_call(number::READLINKAT, arguments) }
}

unsafe fn length_of(text: *const u8) -> usize {
    let mut length = 0;
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    length
}

/// Called when the library is loaded. Notes the program of this process, which shows that it is observed. Finds the path of
/// this library and, in a compiler, the addresses of its code.
#[used]
#[unsafe(link_section = ".init_array")]
static LOADED: unsafe extern "C" fn(c_int, *const *mut c_char) = loaded;

unsafe extern "C" fn loaded(count: c_int, words: *const *mut c_char) {
    unsafe {
        if environ.is_null() {
            return;
        }
        // Also in a program that is not noted: the programs that it starts are to be observed.
        libraries::find();
        if !is_noting() {
            return;
        }
        if libraries::has_compiler() {
            if may_have_macros() {
                variables::find_values();
                libraries::remember_start();
                note(b'r', c"macros".as_ptr());
            } else {
                note(b'r', c"".as_ptr());
            }
        }
        own_output::find(count, words);
        clock::find();
        random::find();
        if !observes_only_children() {
            let mut real = MaybeUninit::uninit();
            let (program, length) = note_program(b'i', &mut real);
            if length > 0 && hidden::is_behind_launcher(program, length) {
                clock::mark_script();
                libraries::remember_program();
            }
            libraries::note_all();
        }
        hidden::hide();
    }
}

/// The options of AddressSanitizer in a program that defines none. Without this one, AddressSanitizer aborts a program into
/// which another library is loaded before its own (`verify_asan_link_order` in compiler-rt's `asan_flags.inc`).
#[unsafe(no_mangle)]
pub extern "C" fn __asan_default_options() -> *const c_char {
    c"verify_asan_link_order=0".as_ptr()
}

fn is_written(flags: usize) -> bool {
    flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) != 0
}

/// Whether the file may exist and be read as well as written. Not while a compiler lists sources.
fn is_updated(flags: usize) -> bool {
    flags & O_RDWR != 0 && flags & (O_TRUNC | O_EXCL) == 0 && !observes_only_children()
}

/// Whether a path is that of the device with random numbers, which programs of LLVM read for the names of temporary files.
unsafe fn is_random_numbers(path: *const c_char) -> bool {
    !path.is_null() && unsafe { CStr::from_ptr(path) } == c"/dev/urandom"
}

/// Notes the canonical path of the program of this process, and returns it with its length, or 0 if it is not known.
unsafe fn note_program(kind: u8, real: &mut MaybeUninit<[u8; LONGEST]>) -> (*const u8, usize) {
    unsafe {
        let length = read_link(PROGRAM.as_ptr().cast(), real).max(0) as usize;
        let program = real.as_ptr().cast();
        if length > 0 {
            write(&kind, (program, length), b"", (program, 0));
        }
        (program, length)
    }
}

/// Notes that a file is opened, and opens it.
unsafe fn open_at(directory: isize, path: *const c_char, flags: usize, mode: usize) -> isize {
    unsafe {
        let mut real = MaybeUninit::uninit();
        let path = variables::real_path(path, &mut real);
        variables::see_open(path, is_written(flags));
        if is_random_numbers(path) {
            note_program(b'j', &mut MaybeUninit::uninit());
        } else if !is_written(flags) || is_updated(flags) {
            note_at(b'o', directory, path);
        }
        if is_written(flags) {
            note_at(b'w', directory, path);
        }
        as_function(
            number::OPENAT,
            [directory as usize, path as usize, flags, mode, 0],
        )
    }
}

/// Notes the file, and calls `newfstatat`.
unsafe fn stat_at(directory: isize, path: *const c_char, to: usize, flags: usize) -> isize {
    unsafe {
        if !own_sources::looks_for(path) {
            note_at(b's', directory, path);
        }
        as_function(
            number::NEWFSTATAT,
            [directory as usize, path as usize, to, flags, 0],
        )
    }
}

macro_rules! opens {
    ($($name:ident $at:ident $creates:ident)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(path: *const c_char, flags: c_int, mode: u32) -> c_int {
            unsafe { open_at(AT_FDCWD, path, flags as u32 as usize, mode as usize) as c_int }
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $at(at: c_int, path: *const c_char, flags: c_int, mode: u32) -> c_int {
            unsafe { open_at(at as isize, path, flags as u32 as usize, mode as usize) as c_int }
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $creates(path: *const c_char, mode: u32) -> c_int {
            unsafe { open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode as usize) as c_int }
        }
    )* };
}
opens! { open openat creat  open64 openat64 creat64 }

macro_rules! stats {
    ($($stat:ident $lstat:ident $at:ident $old:ident $old_link:ident $old_at:ident)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $stat(path: *const c_char, to: usize) -> c_int {
            unsafe { stat_at(AT_FDCWD, path, to, 0) as c_int }
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $lstat(path: *const c_char, to: usize) -> c_int {
            unsafe { stat_at(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW) as c_int }
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $at(at: c_int, path: *const c_char, to: usize, flags: c_int) -> c_int {
            unsafe { stat_at(at as isize, path, to, flags as usize) as c_int }
        }
        // Programs that were linked with a glibc before 2.33 call these.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $old(_: c_int, path: *const c_char, to: usize) -> c_int {
            unsafe { stat_at(AT_FDCWD, path, to, 0) as c_int }
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $old_link(_: c_int, path: *const c_char, to: usize) -> c_int {
            unsafe { stat_at(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW) as c_int }
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $old_at(_: c_int, at: c_int, path: *const c_char, to: usize, flags: c_int) -> c_int {
            unsafe { stat_at(at as isize, path, to, flags as usize) as c_int }
        }
    )* };
}
stats! {
    stat lstat fstatat __xstat __lxstat __fxstatat
    stat64 lstat64 fstatat64 __xstat64 __lxstat64 __fxstatat64
}

macro_rules! opens_without_mode {
    ($($name:ident $at:ident)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(path: *const c_char, flags: c_int) -> c_int {
            unsafe { open_at(AT_FDCWD, path, flags as u32 as usize, 0) as c_int }
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $at(at: c_int, path: *const c_char, flags: c_int) -> c_int {
            unsafe { open_at(at as isize, path, flags as u32 as usize, 0) as c_int }
        }
    )* };
}
// Programs that were compiled with `_FORTIFY_SOURCE` call these.
opens_without_mode! { __open_2 __openat_2  __open64_2 __openat64_2 }

#[unsafe(no_mangle)]
pub unsafe extern "C" fn statx(
    at: c_int,
    path: *const c_char,
    flags: c_int,
    mask: u32,
    to: usize,
) -> c_int {
    unsafe {
        if !own_sources::looks_for(path) {
            note_at(b's', at as isize, path);
        }
        let arguments = [at as isize as usize, path as usize, flags as usize, mask as usize, to];
        as_function(number::STATX, arguments) as c_int
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn access(path: *const c_char, mode: c_int) -> c_int {
    unsafe {
        note_path(b's', path);
        let arguments = [AT_FDCWD as usize, path as usize, mode as usize, 0, 0];
        as_function(number::FACCESSAT, arguments) as c_int
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn readlink(path: *const c_char, to: usize, size: usize) -> isize {
    unsafe {
        note_path(b's', path);
        as_function(number::READLINKAT, [AT_FDCWD as usize, path as usize, to, size, 0])
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn readlinkat(at: c_int, path: *const c_char, to: usize, size: usize) -> isize {
    unsafe {
        note_at(b's', at as isize, path);
        as_function(number::READLINKAT, [at as isize as usize, path as usize, to, size, 0])
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(socket: c_int, address: usize, length: u32) -> c_int {
    unsafe {
        note(b'n', c"connect".as_ptr());
        as_function(number::CONNECT, [socket as usize, address, length as usize, 0, 0]) as c_int
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
