//! Functions of the C library that are carried out by the next definition (`RTLD_NEXT`), after a note or before it.

use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::AtomicUsize;

use super::next::real;
use super::environment::environ;
use super::missing_library;
use super::notes::{note, observes_only_children};
use super::paths::{forget_current, note_at, note_path};
use super::programs::{has_directory, note_environment, note_program, note_started, with_environment};

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
    // The directory may be missing.
    (@call $real:expr, $name:expr, changes_directory_to $nth:tt $all:expr) => {{
        let all = $all;
        interpose!(@path b's', $nth all);
        interpose!(@call $real, $name, changes_directory $nth all)
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
    chdir changes_directory_to 0
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
    bind b'n' call
    getifaddrs b'n' call
    if_nameindex b'n' call
    if_nametoindex b'n' call
    sendmmsg b'n' call
    sendto b'n' call
    socket b'n' call
    socketpair b'n' call
}
