//! The launcher of C compilers: a recorded build script runs it instead of the wrapper (`RUSTC_WRAPPER`). The objects that such
//! a script compiles are not looked up, because the result of the whole run is stored. For a compile, the launcher reads
//! arguments from the locked file `recording`, by which the compiler writes placeholders into debug information, and replaces
//! itself with the compiler. Otherwise, it replaces itself with the wrapper: the file `sccache` in the parent of its own
//! directory.
//!
//! The wrapper would do the same. But scripts compile thousands of files, and a program without libraries starts in a
//! fifth of the time. `src/cc/launcher.rs` says when it is used. It is compiled by `build.rs`, and is not part of the
//! workspace.

#![no_std]
#![no_main]
#![no_builtins]

mod system;

use core::mem::MaybeUninit;

use system::{LONGEST_PATH, Process, RUSTC_WRAPPER, after, copy, execve, length_of, number, system_call};

/// The wrapper recognises this version of the launcher by it.
#[used]
#[unsafe(no_mangle)]
static MARK: [u8; 32] = *b"sccfg: launcher of C compilers 1";

const OUT_DIR: &[u8] = b"OUT_DIR=";
const PATH: &[u8] = b"PATH=";
/// The path of the locked file, relative to the parent of `OUT_DIR`.
const RECORDING: &[u8] = b"/.sccfg/recording\0";
const NAME: &[u8] = b"/sccache\0";
/// The names of gcc and clang.
const COMPILERS: [&[u8]; 6] = [b"cc", b"gcc", b"c++", b"g++", b"clang", b"clang++"];
/// The size of the buffer for the added arguments, each with a terminating NUL byte. In bytes.
const LONGEST_RECORD: usize = 8192;
const MOST_ARGUMENTS: usize = 2048;

const AT_FDCWD: usize = -100_isize as usize;
const O_CLOEXEC: usize = 0o2_000_000;
const LOCK_SH: usize = 1;
const LOCK_NB: usize = 4;
const EWOULDBLOCK: isize = 11;

type Path = MaybeUninit<[u8; LONGEST_PATH]>;

/// Returns only if nothing can be run.
unsafe fn run(process: &Process) {
    let &Process { count, arguments, environment, executed } = process;
    unsafe {
        let mut out_dir = core::ptr::null();
        let mut path = core::ptr::null();
        let mut wrapper_variable = core::ptr::null_mut();
        let mut variable = environment;
        while !(*variable).is_null() {
            if let Some(value) = after(*variable, OUT_DIR) {
                out_dir = value;
            } else if let Some(value) = after(*variable, PATH) {
                path = value;
            } else if after(*variable, RUSTC_WRAPPER).is_some() {
                wrapper_variable = variable;
            }
            variable = variable.add(1);
        }
        if count >= 2 && !out_dir.is_null() && is_c_compiler(*arguments.add(1)) {
            run_compiler(process, out_dir, path);
        }
        let mut buffer = MaybeUninit::<[u8; LONGEST_PATH + RUSTC_WRAPPER.len()]>::uninit();
        let buffer = buffer.as_mut_ptr().cast::<u8>();
        let wrapper = buffer.add(RUSTC_WRAPPER.len());
        let Some(length) = parent(executed, length_of(executed)) else { return };
        let Some(length) = parent(executed, length) else { return };
        if length + NAME.len() > LONGEST_PATH {
            return;
        }
        copy(RUSTC_WRAPPER.as_ptr(), buffer, RUSTC_WRAPPER.len());
        copy(executed, wrapper, length);
        copy(NAME.as_ptr(), wrapper.add(length), NAME.len());
        if !wrapper_variable.is_null() {
            *wrapper_variable = buffer;
        }
        *arguments = wrapper;
        execve(wrapper, arguments, environment);
    }
}

/// Runs the compiler with the added arguments. Returns if the run is not recorded, or the compiler cannot be run.
unsafe fn run_compiler(process: &Process, out_dir: *const u8, path: *const u8) {
    unsafe {
        let mut record = MaybeUninit::<[u8; LONGEST_RECORD]>::uninit();
        let record = record.as_mut_ptr().cast::<u8>();
        let Some(length) = read_record(out_dir, record) else { return };
        // The compiler and its arguments.
        let given = process.arguments.add(1);
        let count = process.count - 1;
        let mut all = MaybeUninit::<[*const u8; MOST_ARGUMENTS]>::uninit();
        let all = all.as_mut_ptr().cast::<*const u8>();
        if count >= MOST_ARGUMENTS {
            return;
        }
        let mut used = 0;
        while used < count {
            *all.add(used) = *given.add(used);
            used += 1;
        }
        if is_compile_with_debug_information(given, count) {
            let mut at = 0;
            while at < length {
                if used + 1 >= MOST_ARGUMENTS {
                    return;
                }
                *all.add(used) = record.add(at);
                used += 1;
                at += length_of(record.add(at)) + 1;
            }
        }
        *all.add(used) = core::ptr::null();
        execute(*given, path, all, process.environment);
    }
}

/// Runs the program `name`, which is searched for in `path` if it is not a path. Returns if it cannot be run.
unsafe fn execute(name: *const u8, path: *const u8, arguments: *const *const u8, environment: *const *const u8) {
    unsafe {
        let length = length_of(name);
        if base_of(name, length) != name {
            return execve(name, arguments, environment);
        }
        if path.is_null() {
            return;
        }
        let mut program = Path::uninit();
        let program = program.as_mut_ptr().cast::<u8>();
        let mut directory = path;
        loop {
            let mut end = directory;
            while *end != 0 && *end != b':' {
                end = end.add(1);
            }
            let size = end.offset_from(directory) as usize;
            // An empty entry of `PATH`, which is left to the wrapper, or a path that is too long.
            if size == 0 || size + length + 2 > LONGEST_PATH {
                return;
            }
            copy(directory, program, size);
            *program.add(size) = b'/';
            copy(name, program.add(size + 1), length + 1);
            execve(program, arguments, environment);
            if *end == 0 {
                return;
            }
            directory = end.add(1);
        }
    }
}

/// Reads the arguments to add. Returns their size in bytes; `None` if the file is not locked, so that the run is not recorded.
unsafe fn read_record(out_dir: *const u8, to: *mut u8) -> Option<usize> {
    unsafe {
        let length = parent(out_dir, length_of(out_dir))?;
        if length + RECORDING.len() > LONGEST_PATH {
            return None;
        }
        let mut file = Path::uninit();
        let file = file.as_mut_ptr().cast::<u8>();
        copy(out_dir, file, length);
        copy(RECORDING.as_ptr(), file.add(length), RECORDING.len());
        let file = system_call(number::OPENAT, [AT_FDCWD, file as usize, O_CLOEXEC, 0, 0]);
        if file < 0 {
            return None;
        }
        let file = file as usize;
        let locked = system_call(number::FLOCK, [file, LOCK_SH | LOCK_NB, 0, 0, 0]);
        let mut read = -1;
        if locked == -EWOULDBLOCK {
            read = system_call(number::READ, [file, to as usize, LONGEST_RECORD, 0, 0]);
        }
        system_call(number::CLOSE, [file, 0, 0, 0, 0]);
        let read = usize::try_from(read).ok()?;
        // Every argument ends with a NUL byte.
        let is_whole = read < LONGEST_RECORD && (read == 0 || *to.add(read - 1) == 0);
        is_whole.then_some(read)
    }
}

/// Whether this is gcc or clang, by its name, as in `aarch64-linux-gnu-gcc-12`.
unsafe fn is_c_compiler(program: *const u8) -> bool {
    unsafe {
        let mut part = base_of(program, length_of(program));
        loop {
            let mut at = 0;
            while at < COMPILERS.len() {
                if let Some(rest) = after(part, *COMPILERS.as_ptr().add(at))
                    && ends_after_version(rest)
                {
                    return true;
                }
                at += 1;
            }
            while *part != 0 && *part != b'-' {
                part = part.add(1);
            }
            if *part == 0 {
                return false;
            }
            part = part.add(1);
        }
    }
}

/// Whether a part of a name ends here, or after a version.
unsafe fn ends_after_version(mut text: *const u8) -> bool {
    unsafe {
        while (*text).is_ascii_digit() || *text == b'.' {
            text = text.add(1);
        }
        *text == 0 || *text == b'-'
    }
}

/// Whether the arguments have the compiler write debug information into an object.
unsafe fn is_compile_with_debug_information(arguments: *const *const u8, count: usize) -> bool {
    unsafe {
        let (mut is_compile, mut has_debug_information) = (false, false);
        let mut at = 1;
        while at < count {
            let argument = *arguments.add(at);
            is_compile |= after(argument, b"-c\0").is_some();
            has_debug_information |=
                after(argument, b"-g").is_some() && after(argument, b"-g0\0").is_none();
            at += 1;
        }
        is_compile && has_debug_information
    }
}

/// The length of the directory of a path, without a slash at the end.
unsafe fn parent(path: *const u8, length: usize) -> Option<usize> {
    let mut at = length;
    while at > 1 {
        at -= 1;
        if unsafe { *path.add(at) } == b'/' {
            return Some(at);
        }
    }
    None
}

/// The name at the end of a path.
unsafe fn base_of(path: *const u8, length: usize) -> *const u8 {
    let mut at = length;
    while at > 0 && unsafe { *path.add(at - 1) } != b'/' {
        at -= 1;
    }
    unsafe { path.add(at) }
}
