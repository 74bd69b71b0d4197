//! The identifiers and programs in the source of a build script that show which inputs it may read.

/// The identifiers and programs by which a script gets an input.
pub(super) struct Signs {
    pub(super) names: &'static [&'static str],
    pub(super) programs: &'static [&'static str],
}

pub(super) const CLOCK: Signs = Signs {
    names: &[
        "Instant",
        "OffsetDateTime",
        "SystemTime",
        "UNIX_EPOCH",
        "chrono",
        "clock_gettime",
        "gettimeofday",
        "jiff",
        "now",
        "now_local",
        "now_utc",
    ],
    programs: &[],
};
/// Times of files, and other metadata that differs between copies of a file. The observer does not note reads of them.
pub(super) const TIMES: Signs = Signs {
    names: &[
        "accessed",
        "atime",
        "atime_nsec",
        "created",
        "ctime",
        "ctime_nsec",
        "ino",
        "modified",
        "mtime",
        "mtime_nsec",
        "nlink",
        "st_atime",
        "st_atime_nsec",
        "st_ctime",
        "st_ctime_nsec",
        "st_ino",
        "st_mtime",
        "st_mtime_nsec",
        "st_nlink",
    ],
    programs: &["date"],
};
/// The clock in a build script that passes the time of its run to the crate. Times of files are not among it.
pub(super) const WALL_CLOCK: Signs = Signs {
    names: &[
        "OffsetDateTime",
        "SystemTime",
        "chrono",
        "jiff",
        "now_local",
        "now_utc",
    ],
    programs: &["date"],
};
pub(super) const NETWORK: Signs = Signs {
    names: &[
        "TcpListener",
        "TcpStream",
        "ToSocketAddrs",
        "UdpSocket",
        "UnixStream",
        "attohttpc",
        "download",
        "hyper",
        "isahc",
        "minreq",
        "reqwest",
        "ureq",
    ],
    programs: &["aria2c", "curl", "rsync", "wget"],
};
pub(super) const RANDOM: Signs = Signs {
    names: &[
        "RandomState",
        "fastrand",
        "getrandom",
        "rand",
        "random",
        "thread_rng",
        "uuid",
    ],
    programs: &["uuidgen"],
};
/// Inputs that differ between users, machines, or runs on one machine.
pub(super) const MACHINE: Signs = Signs {
    names: &[
        "current_exe",
        "gethostname",
        "getpid",
        "getuid",
        "home_dir",
        "sysinfo",
        "whoami",
    ],
    programs: &["hostname", "id", "uname", "who", "whoami"],
};
pub(super) const PROCESSOR: Signs = Signs {
    names: &[
        "is_aarch64_feature_detected",
        "is_x86_feature_detected",
        "raw_cpuid",
    ],
    programs: &["-march=native", "-mcpu=native", "-mtune=native"],
};
/// The time stamp counter, which is read without a system call.
pub(super) const PROCESSOR_CLOCK: Signs = Signs {
    names: &["__rdtscp", "_rdtsc"],
    programs: &[],
};
/// Functions that compute a hash with the random seed of a map.
pub(super) const HASHES: Signs = Signs {
    names: &["build_hasher", "hash_one"],
    programs: &[],
};
pub(super) const GIT: Signs = Signs {
    names: &["built", "git2", "gix", "shadow_rs", "vergen"],
    programs: &[".git", "git"],
};
pub(super) const RUNS_GIT: Signs = Signs {
    names: &["git2", "gix"],
    programs: &["git"],
};
/// Functions that list all variables, and symbols through which C code finds them in memory.
pub(super) const ALL_VARIABLES: Signs = Signs {
    names: &[
        "__environ",
        "_environ",
        "asm",
        "dlsym",
        "environ",
        "global_asm",
        "link_name",
        "link_section",
        "naked_asm",
        "vars",
        "vars_os",
    ],
    programs: &["env", "export", "printenv", "set"],
};

/// Whether `text` begins with `set`, `export` or `env` and a name, as sentences do. As a command of a shell, it prints no
/// variables, unless `env` only sets some.
pub(super) fn is_sentence(text: &str) -> bool {
    let mut words = text.split(' ');
    let (first, second) = (words.next(), words.next());
    let is_program = |word: &str| ALL_VARIABLES.programs.contains(&word);
    let is_word = second.is_some_and(|word| word.starts_with(char::is_alphabetic));
    let is_beginning = match first {
        Some("set" | "export") => is_word,
        Some("env") => is_word && !text.contains('=') && !words.chain(second).any(is_program),
        _ => false,
    };
    is_beginning
        && !text.contains(['\n', '\r', '\\', ';', '&', '$', '`', '('])
        && !text.split(' ').any(is_pipe)
}

/// Whether `word` has a `|`, other than between alternatives in braces, as in `set NAME={yes|no}`: a shell would start a program
/// called `no}`.
fn is_pipe(word: &str) -> bool {
    let is_name = |name: &str| name.chars().all(char::is_alphanumeric);
    let inside = word.split_once('{').map(|(_, rest)| rest);
    let inside = inside.and_then(|rest| rest.strip_suffix('}'));
    let are_alternatives = inside.is_some_and(|inside| {
        let inside = inside.trim_matches(['{', '}']);
        inside.split('|').all(is_name)
    });
    word.contains('|') && !are_alternatives
}

pub(super) const RUNS_PROGRAMS: Signs = Signs {
    names: &["Command", "process"],
    programs: &[],
};
/// Code that may run programs without the standard library.
pub(super) const FOREIGN: Signs = Signs {
    names: &["asm", "libc", "link_name", "nix", "rustix"],
    programs: &[],
};
/// Names and prefixes of functions of the C library that run programs.
pub(super) const RUN_IN_C: [&str; 7] = [
    "_exec",
    "exec",
    "fork",
    "popen",
    "posix_spawn",
    "system",
    "vfork",
];
/// Functions that return the path of the script or its package.
pub(super) const PATH_FUNCTIONS: [&str; 5] = [
    "absolute",
    "canonicalize",
    "current_dir",
    "getcwd",
    "realpath",
];
/// Variables with the path of the package.
pub(super) const PACKAGE_PATH_VARIABLES: [&str; 3] =
    ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "PWD"];
