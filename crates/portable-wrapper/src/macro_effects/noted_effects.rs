//! The effects that the observer (`observer/lib.rs`) notes whatever the arguments are: starting programs, opening connections,
//! changing files, and reading the clock.

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
/// Functions of the C library that are noted.
const OF_C: [&str; 43] = [
    "chmod",
    "chown",
    "clock_gettime",
    "connect",
    "execv",
    "execve",
    "execvp",
    "fchmodat",
    "fchownat",
    "getaddrinfo",
    "gethostbyname",
    "gethostname",
    "gettimeofday",
    "gmtime",
    "gmtime_r",
    "lchown",
    "link",
    "linkat",
    "localtime",
    "localtime_r",
    "mkdir",
    "mkdirat",
    "mkdtemp",
    "mkfifo",
    "mkstemp",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "remove",
    "rename",
    "renameat",
    "rmdir",
    "socket",
    "socketpair",
    "symlink",
    "symlinkat",
    "system",
    "time",
    "truncate",
    "unlink",
    "unlinkat",
    "utimensat",
    "utimes",
];

/// Whether all effects of what `path` names are noted. `path` begins with `std`, and is not pure.
pub(super) fn is_noted(path: &[&str]) -> bool {
    match path {
        ["std", "fs" | "net", ..] | ["std", "os", _, "net", ..] => true,
        ["std", "process", item, ..] => OF_PROGRAMS.contains(item),
        ["std", "os", _, "process", item, ..] => EXTENSIONS.contains(item),
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
        assert!(is_noted(&["std", "os", "unix", "net", "UnixStream"]));
        for path in [
            &["std", "process", "id"][..],
            &["std", "process", "*"],
            &["std", "os", "unix", "process", "parent_id"],
            &["std", "libc", "syscall"],
            &["std", "env", "args"],
        ] {
            assert!(!is_noted(path), "{path:?}");
        }
    }
}
