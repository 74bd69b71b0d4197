//! Interposes functions whose results differ each time, or between machines and users, and notes calls from the program of a build
//! script and from macros: their own code, their crates, and the standard library on their behalf. Calls from other shared
//! libraries are not noted.

use core::ffi::{CStr, c_char};

use super::as_function;
use super::variadic::interpose_variadic;
use super::libraries::{is_macro, is_program};
use super::notes::note;
use super::paths::note_path;
use super::random;
use super::system_call::number;

/// The flag with which the standard library asks for the seeds of hash maps (`GRND_INSECURE`).
pub(crate) const INSECURE: usize = 4;

/// Notes that the function `name` was called, if the return address `caller` is in the program of a build script or in a macro.
pub(crate) unsafe fn note_call(name: &CStr, caller: usize) {
    if is_program(caller) || is_macro(caller) {
        unsafe { note(b'y', name.as_ptr()) };
    }
}

/// The return address of the function that was called with these arguments.
pub(crate) unsafe fn caller(registers: *const usize, stack: *const usize) -> usize {
    unsafe {
        if cfg!(target_arch = "x86_64") { *stack.sub(1) } else { *registers.sub(1) }
    }
}

macro_rules! noted {
    ($($name:ident $seen:ident $text:literal)*) => { $(
        unsafe fn $seen(registers: *const usize, stack: *const usize) {
            unsafe { note_call($text, caller(registers, stack)) }
        }
        interpose_variadic! { $name $text $seen }
    )* };
}
noted! {
    __getcwd_chk see_getcwd_chk c"__getcwd_chk"
    __getwd_chk see_getwd_chk c"__getwd_chk"
    arc4random see_arc4random c"arc4random"
    arc4random_buf see_arc4random_buf c"arc4random_buf"
    arc4random_uniform see_arc4random_uniform c"arc4random_uniform"
    clock see_clock c"clock"
    drand48 see_drand48 c"drand48"
    fgetxattr see_fgetxattr c"fgetxattr"
    fstatvfs see_fstatvfs c"fstatvfs"
    fstatvfs64 see_fstatvfs64 c"fstatvfs64"
    ftime see_ftime c"ftime"
    get_current_dir_name see_get_current_dir_name c"get_current_dir_name"
    getcwd see_getcwd c"getcwd"
    getentropy see_getentropy c"getentropy"
    gethostid see_gethostid c"gethostid"
    getloadavg see_getloadavg c"getloadavg"
    getlogin see_getlogin c"getlogin"
    getlogin_r see_getlogin_r c"getlogin_r"
    getpwnam see_getpwnam c"getpwnam"
    getpwnam_r see_getpwnam_r c"getpwnam_r"
    getpwuid see_getpwuid c"getpwuid"
    getpwuid_r see_getpwuid_r c"getpwuid_r"
    getrlimit see_getrlimit c"getrlimit"
    getrlimit64 see_getrlimit64 c"getrlimit64"
    getrusage see_getrusage c"getrusage"
    getwd see_getwd c"getwd"
    lrand48 see_lrand48 c"lrand48"
    mrand48 see_mrand48 c"mrand48"
    rand see_rand c"rand"
    random see_random c"random"
    sched_getaffinity see_sched_getaffinity c"sched_getaffinity"
    sysinfo see_sysinfo c"sysinfo"
    times see_times c"times"
    timespec_get see_timespec_get c"timespec_get"
    uname see_uname c"uname"
}

macro_rules! noted_with_path {
    ($($name:ident $seen:ident $text:literal)*) => { $(
        unsafe fn $seen(registers: *const usize, stack: *const usize) {
            unsafe {
                note_path(b's', *registers as *const c_char);
                note_call($text, caller(registers, stack));
            }
        }
        interpose_variadic! { $name $text $seen }
    )* };
}
noted_with_path! {
    getxattr see_getxattr c"getxattr"
    lgetxattr see_lgetxattr c"lgetxattr"
    statvfs see_statvfs c"statvfs"
    statvfs64 see_statvfs64 c"statvfs64"
}

interpose_variadic! { gethostname c"gethostname" see_gethostname }

/// Programs that connect to others call it as well.
unsafe fn see_gethostname(registers: *const usize, stack: *const usize) {
    unsafe {
        note(b'n', c"gethostname".as_ptr());
        note_call(c"gethostname", caller(registers, stack));
    }
}

// These are system calls of their own: an allocator may call them before the real function can be looked up.
macro_rules! system_calls {
    ($($name:ident $does:ident $text:literal $number:ident)*) => { $(
        unsafe extern "C" fn $does(a: usize, b: usize, c: usize, caller: usize) -> isize {
            unsafe {
                if number::$number != number::GETRANDOM || c & INSECURE == 0 {
                    note_call($text, caller);
                }
                if number::$number == number::GETRANDOM && random::fill(a as *mut u8, b, caller) {
                    return b as isize;
                }
                as_function(number::$number, [a, b, c, 0, 0])
            }
        }
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            #[cfg(target_arch = "x86_64")]
            core::arch::naked_asm!("mov rcx, [rsp]", "jmp {does}", does = sym $does);
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!("mov x3, x30", "b {does}", does = sym $does);
        }
    )* };
}
system_calls! {
    getegid of_getegid c"getegid" GETEGID
    geteuid of_geteuid c"geteuid" GETEUID
    getgid of_getgid c"getgid" GETGID
    getpid of_getpid c"getpid" GETPID
    getppid of_getppid c"getppid" GETPPID
    getrandom of_getrandom c"getrandom" GETRANDOM
    getuid of_getuid c"getuid" GETUID
}
