//! The effects of functions of the C library. Only those that are listed here count as harmless.

use super::reach::Reach;

/// Types, and functions whose results depend on their arguments alone or do not get into code: memory, texts, numbers,
/// threads, signals, open files of the caller, the number of processors. `tzset` prepares `localtime`, which the observer notes.
const HARMLESS: [&str; 117] = [
    "__error",
    "__errno",
    "__errno_location",
    "__tzset50",
    "___errno",
    "__xpg_strerror_r",
    "_errno",
    "_exit",
    "abort",
    "abs",
    "addrinfo",
    "aligned_alloc",
    "atexit",
    "atoi",
    "atol",
    "backtrace",
    "calloc",
    "close",
    "dirent",
    "dirent64",
    "dl_iterate_phdr",
    "dl_phdr_info",
    "dup",
    "dup2",
    "dup3",
    "epoll_event",
    "exit",
    "fcntl",
    "flock",
    "free",
    "getpagesize",
    "getrlimit",
    "getrlimit64",
    "group",
    "in6_addr",
    "in_addr",
    "iovec",
    "isalnum",
    "isalpha",
    "isdigit",
    "isspace",
    "linger",
    "madvise",
    "malloc",
    "malloc_usable_size",
    "memalign",
    "memchr",
    "memcmp",
    "memcpy",
    "memmem",
    "memmove",
    "memrchr",
    "memset",
    "mlock",
    "mmap",
    "mmap64",
    "mprotect",
    "mremap",
    "msync",
    "munlock",
    "munmap",
    "passwd",
    "pipe",
    "pipe2",
    "poll",
    "pollfd",
    "posix_madvise",
    "posix_memalign",
    "qsort",
    "raise",
    "realloc",
    "rlimit",
    "sched_getaffinity",
    "sched_yield",
    "sem_post",
    "sem_wait",
    "sigaction",
    "sigaddset",
    "sigaltstack",
    "sigemptyset",
    "sigfillset",
    "siginfo",
    "signal",
    "sigprocmask",
    "sockaddr",
    "sockaddr_in",
    "sockaddr_in6",
    "sockaddr_storage",
    "sockaddr_un",
    "statfs",
    "statvfs",
    "strcasecmp",
    "strchr",
    "strcmp",
    "strcpy",
    "strdup",
    "strerror",
    "strerror_r",
    "strlen",
    "strncasecmp",
    "strncmp",
    "strncpy",
    "strnlen",
    "strrchr",
    "strtod",
    "strtol",
    "sysconf",
    "termios",
    "timespec",
    "timeval",
    "tm",
    "tolower",
    "toupper",
    "tzset",
    "utsname",
    "winsize",
    "write",
];
/// Functions that read or look up files.
const FILES: [&str; 37] = [
    "access",
    "eaccess",
    "faccessat",
    "fdopen",
    "fdopendir",
    "fgets",
    "fopen",
    "fopen64",
    "fread",
    "fseek",
    "fstat",
    "fstat64",
    "fstatat",
    "fstatat64",
    "ftell",
    "getdelim",
    "getline",
    "lseek",
    "lseek64",
    "lstat",
    "lstat64",
    "open",
    "open64",
    "openat",
    "openat64",
    "opendir",
    "pread",
    "pread64",
    "read",
    "readdir",
    "readdir64",
    "readdir64_r",
    "readdir_r",
    "readlink",
    "readlinkat",
    "stat",
    "stat64",
];

/// Prefixes of functions that exist only on other platforms and in Miri.
const ELSEWHERE: [&str; 4] = ["__wasi_", "emscripten_", "esp_", "miri_"];

/// What the function or type `name` of the C library gives access to.
pub(super) fn reach(name: &str) -> Reach {
    let is_constant = || name.trim_start_matches('_').starts_with(char::is_uppercase);
    let is_type = name.starts_with("c_") || name.ends_with("_t") || is_constant();
    match name {
        "__environ" | "_environ" | "environ" | "getenv" | "secure_getenv" => Reach::Environment,
        "getcwd" | "get_current_dir_name" => Reach::Location,
        "realpath" => Reach::CanonicalPaths,
        "isatty" => Reach::Streams,
        name if is_type || name.starts_with("pthread_") || HARMLESS.contains(&name) => {
            Reach::Nothing
        }
        name if FILES.contains(&name) => Reach::Files,
        name if ELSEWHERE.iter().any(|start| name.starts_with(start)) => Reach::Nothing,
        // The clock, random numbers, programs, the network, system calls by number, and unknown functions.
        _ => Reach::Volatile,
    }
}

/// Functions whose calls the observer does not note, and whose names are unusual outside of C.
const UNSEEN: [&str; 48] = [
    "arc4random",
    "arc4random_buf",
    "arc4random_uniform",
    "clock",
    "clock_gettime",
    "clock_gettime_nsec_np",
    "dlopen",
    "dlsym",
    "dlvsym",
    "drand48",
    "environ",
    "execv",
    "execve",
    "execvp",
    "fexecve",
    "fork",
    "getentropy",
    "getenv",
    "getauxval",
    "getegid",
    "geteuid",
    "getgid",
    "gethostid",
    "gethostname",
    "getloadavg",
    "getpid",
    "getppid",
    "getrandom",
    "getrusage",
    "getsid",
    "gettid",
    "gettimeofday",
    "getuid",
    "lrand48",
    "mach_absolute_time",
    "mrand48",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "rand",
    "rand_r",
    "random",
    "syscall",
    "sysinfo",
    "time",
    "times",
    "uname",
    "vfork",
];

/// Whether a function of this name may be one of the C library whose calls the observer does not note.
pub(super) fn is_unseen(name: &str) -> bool {
    UNSEEN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_functions_may_do_anything() {
        assert_eq!(reach("memcpy"), Reach::Nothing);
        assert_eq!(reach("c_int"), Reach::Nothing);
        assert_eq!(reach("O_RDONLY"), Reach::Nothing);
        assert_eq!(reach("_SC_NPROCESSORS_ONLN"), Reach::Nothing);
        assert_eq!(reach("open"), Reach::Files);
        assert_eq!(reach("getenv"), Reach::Environment);
        assert_eq!(reach("environ"), Reach::Environment);
        for name in ["time", "syscall", "dlsym", "new_function"] {
            assert_eq!(reach(name), Reach::Volatile, "{name}");
        }
    }
}
