//! The effects that the observer (`observer/lib.rs`) notes whatever the arguments are: starting programs, opening connections,
//! changing files, variables and the current directory, reading the clock, and asking for the process, the user or the machine.

/// Types of `std::process` for programs that are started.
const OF_PROGRAMS: [&str; 11] = [
    "Child",
    "ChildStderr",
    "ChildStdin",
    "ChildStdout",
    "Command",
    "CommandArgs",
    "CommandEnvs",
    "ExitStatus",
    "ExitStatusError",
    "Output",
    "Stdio",
];
/// Traits of `std::os::unix::process` for these types.
const EXTENSIONS: [&str; 3] = ["ChildExt", "CommandExt", "ExitStatusExt"];
/// Functions of `std::os::unix::fs` that are not noted.
const UNNOTED: [&str; 3] = ["chroot", "fchown", "*"];
/// Functions of the C library that are noted. `getrandom` is not noted with the flag of the standard library.
const OF_C: [&str; 77] = [
    "arc4random",
    "arc4random_buf",
    "arc4random_uniform",
    "chmod",
    "chown",
    "clearenv",
    "clock",
    "clock_gettime",
    "connect",
    "drand48",
    "execv",
    "execve",
    "execvp",
    "fchmodat",
    "fchownat",
    "ftime",
    "getaddrinfo",
    "getegid",
    "getentropy",
    "geteuid",
    "getgid",
    "gethostbyname",
    "gethostid",
    "gethostname",
    "getloadavg",
    "getlogin",
    "getlogin_r",
    "getpid",
    "getppid",
    "getpwnam",
    "getpwnam_r",
    "getpwuid",
    "getpwuid_r",
    "getrusage",
    "gettimeofday",
    "getuid",
    "gmtime",
    "gmtime_r",
    "lchown",
    "link",
    "linkat",
    "localtime",
    "localtime_r",
    "lrand48",
    "mkdir",
    "mkdirat",
    "mkdtemp",
    "mkfifo",
    "mkstemp",
    "mrand48",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "putenv",
    "rand",
    "random",
    "remove",
    "rename",
    "renameat",
    "rmdir",
    "setenv",
    "socket",
    "socketpair",
    "symlink",
    "symlinkat",
    "sysinfo",
    "system",
    "time",
    "times",
    "timespec_get",
    "truncate",
    "uname",
    "unlink",
    "unlinkat",
    "unsetenv",
    "utimensat",
    "utimes",
];

/// Whether what `path` names may run programs. `path` begins with `std`, and is not pure.
pub(super) fn runs_programs(path: &[&str]) -> bool {
    match path {
        ["std", "process", "Command" | "*", ..] => true,
        ["std", "libc", item, ..] => {
            let mut starts = ["exec", "fexec", "popen", "posix_spawn", "system"].into_iter();
            starts.any(|start| item.starts_with(start))
        }
        _ => false,
    }
}

/// Whether all effects of what `path` names are noted. `path` begins with `std`, and is not pure.
pub(super) fn is_noted(path: &[&str]) -> bool {
    match path {
        ["std", "fs" | "net" | "time", ..] | ["std", "os", _, "net", ..] => true,
        ["std", "env", item, ..] => ["set_var", "remove_var", "set_current_dir"].contains(item),
        ["std", "process", item, ..] => *item == "id" || OF_PROGRAMS.contains(item),
        ["std", "os", _, "process", item, ..] => *item == "parent_id" || EXTENSIONS.contains(item),
        ["std", "os", _, "fs", item, ..] => !UNNOTED.contains(item),
        ["std", "libc", item, ..] => OF_C.contains(item),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_functions_are_not_noted() {
        assert!(is_noted(&["std", "process", "Command", "new"]));
        assert!(is_noted(&["std", "fs", "create_dir"]));
        assert!(is_noted(&["std", "env", "set_var"]));
        assert!(is_noted(&["std", "time", "*"]));
        assert!(is_noted(&["std", "env", "set_current_dir"]));
        assert!(is_noted(&["std", "process", "id"]));
        assert!(is_noted(&["std", "os", "unix", "net", "UnixStream"]));
        assert!(runs_programs(&["std", "process", "Command", "new"]));
        assert!(runs_programs(&["std", "libc", "execvp"]));
        assert!(!runs_programs(&["std", "process", "ChildStdin"]));
        for path in [
            &["std", "process", "*"][..],
            &["std", "libc", "syscall"],
            &["std", "libc", "getrandom"],
            &["std", "env", "args"],
            &["std", "env", "vars"],
        ] {
            assert!(!is_noted(path), "{path:?}");
        }
    }
}
