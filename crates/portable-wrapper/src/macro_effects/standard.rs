//! The effects of parts of the standard library. Only those that are listed as pure count as pure. The crate `libc` is treated
//! as the module `std::libc`.

use super::c_library;
use super::reach::Reach;

/// Modules that are pure.
const HARMLESS: [&str; 61] = [
    "alloc",
    "any",
    "arch",
    "array",
    "ascii",
    "assert_matches",
    "async_iter",
    "autodiff",
    "borrow",
    "boxed",
    "cell",
    "char",
    "clone",
    "cmp",
    "collections",
    "convert",
    "default",
    "error",
    "f128",
    "f16",
    "f32",
    "f64",
    "ffi",
    "fmt",
    "future",
    "hash",
    "hint",
    "i128",
    "i16",
    "i32",
    "i64",
    "i8",
    "intrinsics",
    "isize",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "option",
    "panic",
    "panicking",
    "path",
    "pat",
    "pin",
    "prelude",
    "primitive",
    "ptr",
    "range",
    "rc",
    "result",
    "simd",
    "slice",
    "str",
    "string",
    "sync",
    "task",
    "thread",
    "u128",
    "vec",
    "unicode",
];
const HARMLESS_NUMBERS: [&str; 5] = ["u8", "u16", "u32", "u64", "usize"];
/// Macros that only use the names in their arguments.
pub(super) const PLAIN_MACROS: [&str; 27] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "compile_error",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "line",
    "matches",
    "panic",
    "print",
    "println",
    "stringify",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
];
/// The macros among them that ask for the path of the source.
pub(super) const LOCATION_MACROS: [&str; 2] = ["dbg", "file"];
/// Other macros, as `use` names them; their arguments are read where they are used.
const OTHER_MACROS: [&str; 11] = [
    "addr_of",
    "include_bytes",
    "include_str",
    "is_x86_feature_detected",
    "module_path",
    "option_env",
    "ready",
    "thread_local",
    "try",
    "writeln",
    "self",
];
/// Types of network addresses, which open no connection.
const ADDRESSES: [&str; 9] = [
    "AddrParseError",
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "Ipv6MulticastScope",
    "SocketAddr",
    "SocketAddrV4",
    "SocketAddrV6",
    "Shutdown",
];
/// Functions and types of `std::fs` that only read.
const READ: [&str; 14] = [
    "DirEntry",
    "File",
    "FileTimes",
    "FileType",
    "Metadata",
    "Permissions",
    "ReadDir",
    "canonicalize",
    "exists",
    "metadata",
    "read",
    "read_dir",
    "read_link",
    "read_to_string",
];

/// The effect of `path`, which begins with `std`. Naming a module has no effect.
pub(super) fn reach(path: &[&str]) -> Reach {
    let item = path.get(2).copied();
    match path.get(1).copied() {
        None => Reach::Nothing,
        Some(name)
            if HARMLESS.contains(&name)
                || HARMLESS_NUMBERS.contains(&name)
                || PLAIN_MACROS.contains(&name)
                || OTHER_MACROS.contains(&name) =>
        {
            Reach::Nothing
        }
        Some("env") => of_env(item),
        Some("fs") => match item {
            None => Reach::Nothing,
            Some("symlink_metadata") => Reach::Files,
            Some("File") => match path.get(3).copied() {
                None | Some("open") => Reach::Files,
                Some(_) => Reach::Volatile,
            },
            Some(item) if READ.contains(&item) => Reach::Files,
            Some(_) => Reach::Volatile,
        },
        Some("process") => match item {
            None | Some("exit" | "abort" | "ExitCode" | "Termination") => Reach::Nothing,
            Some(_) => Reach::Volatile,
        },
        Some("net") => match item {
            None => Reach::Nothing,
            Some(item) if ADDRESSES.contains(&item) => Reach::Nothing,
            Some(_) => Reach::Volatile,
        },
        Some("time") => match item {
            None | Some("Duration" | "TryFromFloatSecsError" | "SystemTimeError") => Reach::Nothing,
            Some("Instant" | "SystemTime" | "UNIX_EPOCH") => Reach::Clock,
            Some(_) => Reach::Volatile,
        },
        Some("io") => match item {
            Some("stdin" | "Stdin" | "StdinLock") => Reach::Streams,
            _ => Reach::Nothing,
        },
        Some("backtrace") => match item {
            None => Reach::Nothing,
            Some(_) if path.get(3) == Some(&"force_capture") => Reach::Nothing,
            Some(_) => Reach::Backtrace,
        },
        Some("os") => of_system(path),
        Some("libc") => item.map_or(Reach::Nothing, c_library::reach),
        // Traits, types and macros at the root.
        Some(name) if name.starts_with(char::is_uppercase) => Reach::Nothing,
        Some(_) => Reach::Volatile,
    }
}

fn of_env(item: Option<&str>) -> Reach {
    match item {
        None
        | Some(
            "consts" | "split_paths" | "join_paths" | "VarError" | "JoinPathsError" | "SplitPaths",
        ) => Reach::Nothing,
        Some("var" | "var_os") => Reach::NamedVariable,
        Some("current_dir" | "current_exe") => Reach::Location,
        Some("temp_dir") => Reach::Variables(&["TMPDIR"]),
        Some("home_dir") => Reach::Variables(&["HOME"]),
        Some("args" | "args_os" | "Args" | "ArgsOs") => Reach::Arguments,
        Some("set_var" | "remove_var" | "set_current_dir") => Reach::Volatile,
        Some(_) => Reach::Environment,
    }
}

/// Items of `std::os::fd` that only pass on open files. Code that opens or reads one names a type such as `File`.
const DESCRIPTORS: [&str; 7] = [
    "AsFd",
    "AsRawFd",
    "BorrowedFd",
    "IntoRawFd",
    "OwnedFd",
    "RawFd",
    "*",
];

/// Modules of `std::os` for platforms on which sccfg does not run: code that names them is not compiled.
const ELSEWHERE: [&str; 11] = [
    "cygwin",
    "fortanix_sgx",
    "hermit",
    "solid",
    "trusty",
    "uefi",
    "vxworks",
    "wasi",
    "wasip2",
    "windows",
    "xous",
];

fn of_system(path: &[&str]) -> Reach {
    match (path.get(2).copied(), path.get(3).copied()) {
        (Some(platform), _) if ELSEWHERE.contains(&platform) => Reach::Nothing,
        (Some("fd"), Some(item)) if !DESCRIPTORS.contains(&item) => Reach::Volatile,
        (None | Some("raw" | "fd"), _)
        | (Some(_), None | Some("ffi" | "io" | "prelude" | "thread" | "raw")) => Reach::Nothing,
        (Some(_), Some("fs")) => match path.get(4).copied() {
            None => Reach::Nothing,
            Some(item) if item.ends_with("Ext") => Reach::Files,
            Some(_) => Reach::Volatile,
        },
        _ => Reach::Volatile,
    }
}

/// The effect of `use PATH::*`.
pub(super) fn reach_of_glob(path: &[&str]) -> Reach {
    match path.get(1).copied() {
        Some("env") if path.len() == 2 => Reach::Environment,
        // Code that uses an item of a module names the module, see `MODULES`.
        None | Some("io" | "thread") => Reach::Nothing,
        Some("backtrace") => reach(&["std", "backtrace", "*"]),
        Some("os") if matches!(path.last(), Some(&("fd" | "ffi" | "prelude"))) => Reach::Nothing,
        Some("fs" | "libc" | "process" | "net" | "time" | "os") if path.len() < 4 => {
            Reach::Volatile
        }
        _ => reach(path),
    }
}

/// Modules with items that are not pure.
pub(super) const MODULES: [&str; 9] = [
    "backtrace",
    "env",
    "fs",
    "io",
    "libc",
    "net",
    "os",
    "process",
    "time",
];

/// Whether `path` is one of [`MODULES`], or the whole library.
pub(super) fn is_module(path: &[&str]) -> bool {
    match path {
        ["std"] => true,
        ["std", module] => MODULES.contains(module),
        // It has types only.
        ["std", "os", "raw", ..] => false,
        ["std", "os", "fd", ..] => path.len() < 4,
        ["std", "os", rest @ ..] => rest.len() < 3,
        _ => false,
    }
}

/// Methods of paths that read files.
pub(in super::super) const FILE_LOOKUPS: [&str; 10] = [
    "canonicalize",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "metadata",
    "read_dir",
    "read_link",
    "symlink_metadata",
    "try_exists",
];
/// The method that checks whether a stream is a terminal. It counts for standard streams, as other files are opened by name.
pub(super) const IS_TERMINAL: &str = "is_terminal";
/// Identifiers in unpublished code: functions that return the number of processors or take a file descriptor, and attributes
/// for code that runs without a call. Published crates use the former for the number of threads, for files that they opened and
/// for standard streams, and code that runs without a call is read like their other code.
pub(super) const VOLATILE: [&str; 6] = [
    "available_parallelism",
    "borrow_raw",
    "from_raw_fd",
    "init_array",
    "link_section",
    "num_cpus",
];
/// Methods of spans that return the path of a source, and the one that evaluates `file!()` and `env!` for a macro.
pub(super) const LOCATION_METHODS: [&str; 3] = ["expand_expr", "local_file", "source_file"];
/// Methods that return a file's times or identity.
pub(in super::super) const FILE_TIMES: [&str; 8] = [
    "accessed", "atime", "created", "ctime", "dev", "ino", "modified", "mtime",
];
/// The names among them that rarely mean anything else.
pub(super) const TIMES: [&str; 5] = ["accessed", "atime", "ctime", "modified", "mtime"];
/// The times among them that only change when the file is written. They can be in a key.
pub(super) const TIMES_OF_WRITES: [&str; 3] = ["created", "modified", "mtime"];
/// Methods that return other metadata of a file's inode.
pub(in super::super) const METADATA: [&str; 9] = [
    "blksize",
    "blocks",
    "gid",
    "mode",
    "nlink",
    "permissions",
    "rdev",
    "readonly",
    "uid",
];
/// Functions of `File` that write.
pub(super) const WRITES: [&str; 4] = ["create", "create_new", "options", "set_len"];
/// The types of paths.
pub(super) const PATHS: [&str; 5] = ["DirEntry", "OsStr", "OsString", "Path", "PathBuf"];
