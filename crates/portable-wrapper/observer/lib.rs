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
use core::sync::atomic::{AtomicUsize, Ordering};

mod clock;
mod environment;
mod hidden;
mod variadic;
mod layout;
mod libraries;
mod missing_library;
mod notes;
mod paths;
mod programs;
mod raw_calls;
mod realpath;
#[path = "../system_call.rs"]
mod system_call;
mod variables;

use environment::environ;
use notes::{is_noting, observes_only_children, note, write};
use paths::{forget_current, note_at, note_path};
use programs::{has_directory, note_environment, note_program, note_started, with_environment};
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

/// The letter of the note for a file that is opened with this mode of `fopen`.
unsafe fn kind_of_mode(mode: *const u8) -> u8 {
    let is_written = [b'a', b'w', b'+'].iter().any(|letter| unsafe { has_letter(mode, *letter) });
    if is_written { b'w' } else { b'o' }
}

unsafe fn has_letter(mut mode: *const u8, letter: u8) -> bool {
    unsafe {
        while !mode.is_null() && *mode != 0 {
            if *mode == letter {
                return true;
            }
            mode = mode.add(1);
        }
    }
    false
}

/// Called when the library is loaded. Notes the program of this process, which shows that it is observed. Finds the path of
/// this library and, in a compiler, the addresses of its code.
#[used]
#[unsafe(link_section = ".init_array")]
static LOADED: unsafe extern "C" fn() = loaded;

unsafe extern "C" fn loaded() {
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
            note(b'r', c"".as_ptr());
            if observes_only_children() {
                libraries::remember_start();
            }
        }
        clock::find();
        if !observes_only_children() {
            let mut real = MaybeUninit::uninit();
            let length = read_link(PROGRAM.as_ptr().cast(), &mut real);
            if length > 0 {
                let program: *const u8 = real.as_ptr().cast();
                write(&b'i', (program, length as usize), b"", (program, 0));
                if hidden::is_behind_launcher(program, length as usize) {
                    clock::mark_script();
                }
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

/// Notes that a file is opened, and opens it.
unsafe fn open_at(directory: isize, path: *const c_char, flags: usize, mode: usize) -> isize {
    unsafe {
        if !is_written(flags) || is_updated(flags) {
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
        note_at(b's', directory, path);
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
        note_at(b's', at as isize, path);
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

/// `RTLD_NEXT`
const NEXT: *mut c_void = usize::MAX as *mut c_void;

/// Called in place of a function that the C library does not have. Returns `ENOSYS`.
unsafe extern "C" fn missing(_: usize, _: usize, _: usize, _: usize, _: usize, _: usize) -> usize {
    38
}

/// The function `name` of the next library (`RTLD_NEXT`). `known` caches its address.
unsafe fn real(known: &AtomicUsize, name: &CStr) -> unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> usize {
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

macro_rules! interpose {
    ($($name:ident $kind:tt $nth:tt)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> usize {
            static REAL: AtomicUsize = AtomicUsize::new(0);
            const NAME: &CStr = match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            };
            unsafe {
                interpose!(@call real(&REAL, NAME), NAME, $kind $nth [a, b, c, d, e, f])
            }
        }
    )* };
    // A function that changes a file: noted as a change if it succeeds, and as a lookup otherwise.
    (@call $real:expr, $name:expr, b'w' $nth:tt $all:expr) => { interpose!(@change $real, b'w' $nth $all) };
    // A function that removes a file.
    (@call $real:expr, $name:expr, b'f' $nth:tt $all:expr) => { interpose!(@change $real, b'f' $nth $all) };
    (@change $real:expr, $kind:literal $nth:tt $all:expr) => {{
        let all = $all;
        let result = $real(all[0], all[1], all[2], all[3], all[4], all[5]);
        let kind = if result as c_int == -1 { b's' } else { $kind };
        interpose!(@path kind, $nth all);
        result
    }};
    // A function that creates a hard link.
    (@call $real:expr, $name:expr, links [$from:tt $to:tt] $all:expr) => {{
        let all = $all;
        interpose!(@path b'o', $from all);
        interpose!(@call $real, $name, b'w' $to all)
    }};
    // A function that renames a file.
    (@call $real:expr, $name:expr, renames [$from:tt $to:tt] $all:expr) => {{
        let all = $all;
        interpose!(@path b'o', $from all);
        let result = $real(all[0], all[1], all[2], all[3], all[4], all[5]);
        let is_done = result as c_int != -1;
        interpose!(@path if is_done { b'f' } else { b's' }, $from all);
        interpose!(@path if is_done { b'w' } else { b's' }, $to all);
        result
    }};
    (@call $real:expr, $name:expr, changes_directory $nth:tt $all:expr) => {{
        let all = $all;
        let result = $real(all[0], all[1], all[2], all[3], all[4], all[5]);
        forget_current();
        result
    }};
    // A function that executes a program: its path, arguments and environment.
    (@call $real:expr, $name:expr, execs [$path:tt $more:literal $variables:literal] $all:expr) => {{
        let all = $all;
        let program = interpose!(@program $name, $path all);
        note_program(program, all[$more]);
        interpose!(@start $real, program, $variables all)
    }};
    (@call $real:expr, $name:expr, starts [$path:literal $more:literal $variables:literal] $all:expr) => {{
        let all = $all;
        let program = interpose!(@program $name, $path all);
        note_started(program, all[$more]);
        interpose!(@start $real, program, $variables all)
    }};
    (@program $name:expr, unnamed $all:expr) => { $name.as_ptr() };
    (@program $name:expr, $path:literal $all:expr) => { $all[$path] as *const c_char };
    (@start $real:expr, $program:expr, $variables:literal $all:expr) => {{
        let mut all = $all;
        with_environment($program, all[$variables], |variables| {
            all[$variables] = variables;
            $real(all[0], all[1], all[2], all[3], all[4], all[5])
        })
    }};
    (@call $real:expr, $name:expr, $kind:tt $nth:tt $all:expr) => {{
        let all = $all;
        interpose!(@note $name, $kind $nth all);
        $real(all[0], all[1], all[2], all[3], all[4], all[5])
    }};
    // A function that runs a shell command.
    (@note $name:expr, runs $nth:literal $all:expr) => {
        note(b'x', $all[$nth] as *const c_char);
        missing_library::forget();
        note_environment($all[$nth] as *const c_char, environ);
    };
    // A function that expands a text: a command in it is noted when it runs.
    (@note $name:expr, may_run $nth:literal $all:expr) => {{
        missing_library::forget();
        note_environment($all[$nth] as *const c_char, environ)
    }};
    // A function that opens a file with a mode, as `fopen`.
    (@note $name:expr, opens [$path:literal $mode:literal] $all:expr) => {
        let (path, mode) = ($all[$path] as *const c_char, $all[$mode] as *const u8);
        if has_letter(mode, b'+') && !has_letter(mode, b'w') && !observes_only_children() {
            note_path(b'o', path);
        }
        note_path(kind_of_mode(mode), path)
    };
    // A function that accesses files by means that are not interposed.
    (@note $name:expr, untracked call $all:expr) => {
        if !observes_only_children() { note(b'u', $name.as_ptr()) }
    };
    // A shared library, which the dynamic linker searches for if its name contains no directory.
    (@note $name:expr, loads $nth:literal $all:expr) => {
        let path = $all[$nth] as *const c_char;
        if has_directory(path) { note_path(b'l', path) } else { note(b'l', path) }
    };
    (@note $name:expr, $kind:literal call $all:expr) => { note($kind, $name.as_ptr()) };
    // The name of a host.
    (@note $name:expr, b'n' $nth:literal $all:expr) => { note(b'n', $all[$nth] as *const c_char) };
    (@note $name:expr, $kind:literal $nth:tt $all:expr) => { interpose!(@path $kind, $nth $all) };
    // A path relative to the file descriptor of a directory.
    (@path $kind:expr, [$at:literal $path:literal] $all:expr) => {
        note_at($kind, $all[$at] as isize, $all[$path] as *const c_char)
    };
    (@path $kind:expr, $nth:literal $all:expr) => { note_path($kind, $all[$nth] as *const c_char) };
}
interpose! {
    opendir b'd' 0
    __realpath_chk b'p' 0
    canonicalize_file_name b'p' 0
    scandir b'd' 0
    scandir64 b'd' 0
    fts_open untracked call
    fts64_open untracked call
    ftw untracked call
    ftw64 untracked call
    nftw untracked call
    nftw64 untracked call
    scandirat b'd' [0 1]
    scandirat64 b'd' [0 1]
    glob b'g' 0
    glob64 b'g' 0
    fopen opens [0 1]
    fopen64 opens [0 1]
    freopen opens [0 1]
    freopen64 opens [0 1]
    dlopen loads 0
    eaccess b's' 0
    euidaccess b's' 0
    faccessat b's' [0 1]
    statfs b's' 0
    statfs64 b's' 0
    statvfs b's' 0
    statvfs64 b's' 0
    getxattr b's' 0
    lgetxattr b's' 0
    chdir changes_directory 0
    chroot changes_directory 0
    fchdir changes_directory 0
    setns changes_directory 0
    chmod b'w' 0
    chown b'w' 0
    fchmodat b'w' [0 1]
    fchownat b'w' [0 1]
    lchown b'w' 0
    link links [0 1]
    linkat links [[0 1] [2 3]]
    mkdir b'w' 0
    mkdirat b'w' [0 1]
    mkdtemp b'w' 0
    mkfifo b'w' 0
    mkfifoat b'w' [0 1]
    mknod b'w' 0
    mknodat b'w' [0 1]
    mkostemp b'w' 0
    mkostemp64 b'w' 0
    mkostemps b'w' 0
    mkostemps64 b'w' 0
    mkstemp b'w' 0
    mkstemp64 b'w' 0
    mkstemps b'w' 0
    mkstemps64 b'w' 0
    remove b'f' 0
    rename renames [0 1]
    renameat renames [[0 1] [2 3]]
    renameat2 renames [[0 1] [2 3]]
    rmdir b'f' 0
    symlink b'w' 1
    symlinkat b'w' [1 2]
    truncate b'w' 0
    truncate64 b'w' 0
    unlink b'f' 0
    unlinkat b'f' [0 1]
    utime b'w' 0
    utimensat b'w' [0 1]
    utimes b'w' 0
    execvpe execs [0 1 2]
    execveat execs [1 2 3]
    fexecve execs [unnamed 1 2]
    posix_spawn starts [1 4 5]
    posix_spawnp starts [1 4 5]
    pidfd_spawn starts [1 4 5]
    pidfd_spawnp starts [1 4 5]
    system runs 0
    popen runs 0
    wordexp may_run 0
    gmtime b't' call
    gmtime_r b't' call
    localtime b't' call
    localtime_r b't' call
    getaddrinfo b'n' 0
    gethostbyname b'n' 0
    gethostname b'n' call
    socket b'n' call
    socketpair b'n' call
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
