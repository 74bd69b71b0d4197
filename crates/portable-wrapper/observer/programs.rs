//! Notes programs that this process executes or starts, and whether they are observed as well.

use core::ffi::{c_char, c_int};
use core::sync::atomic::AtomicUsize;

use super::environment::{environ, is_preloaded, value_in};
use super::hidden::with_hidden;
use super::next::real;
use super::libraries::own_path;
use super::missing_library::{self, is_missing_library, with_present};
use super::notes::{LOG, forget, is_noting, is_child_of_wrapper, observes_only_children, note, write};
use super::paths::note_path_of_program;
use super::system_call::number;
use super::variadic::interpose_variadic;
use super::{as_function, length_of};

/// Notes a program that is executed (`exec`). In a child process of the wrapper, it replaces a script or proxy that starts the
/// compiler, whose notes are discarded.
pub(crate) unsafe fn note_program(path: *const c_char, arguments: usize) {
    if is_child_of_wrapper() {
        forget();
    } else {
        unsafe { note_started(path, arguments) };
    }
}

/// Notes a program that is started, and its first argument, which often is the name of a command.
pub(crate) unsafe fn note_started(path: *const c_char, arguments: usize) {
    unsafe {
        if has_directory(path) && *path as u8 != b'/' && !observes_only_children() {
            note_path_of_program(b'o', path);
        }
        let arguments = arguments as *const *const u8;
        let has_some = !path.is_null() && !arguments.is_null() && !(*arguments).is_null();
        if has_some && !(*arguments.add(1)).is_null() {
            let (path, first) = (path.cast::<u8>(), *arguments.add(1));
            write(&b'x', (path, length_of(path)), b"\n", (first, length_of(first)));
        } else {
            note(b'x', path);
        }
    }
}

/// Whether the path of a program or library contains a slash, so that it is not searched for.
pub(crate) unsafe fn has_directory(path: *const c_char) -> bool {
    unsafe {
        !path.is_null() && (0..length_of(path.cast())).any(|at| *path.cast::<u8>().add(at) == b'/')
    }
}

/// Notes `program` if it is not observed with the environment `variables`.
pub(crate) unsafe fn note_environment(program: *const c_char, variables: *const *const c_char) {
    unsafe {
        if !is_noting() {
            return;
        }
        let is_told = !value_in(variables, LOG.as_ptr(), LOG.len()).is_null();
        if !is_told || !is_preloaded(variables, own_path()) {
            note(if is_missing_library() { b'z' } else { b'u' }, program);
        }
    }
}

/// Calls `start`, which starts `program`, with `variables` and those with which it is observed.
pub(crate) unsafe fn with_environment<R>(
    program: *const c_char,
    variables: usize,
    start: impl FnOnce(usize) -> R,
) -> R {
    unsafe {
        with_hidden(program, variables as *const *const c_char, |variables| {
            with_present(variables, |variables| {
                note_environment(program, variables);
                start(variables as usize)
            })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execve(path: *const c_char, arguments: usize, variables: usize) -> c_int {
    unsafe {
        note_program(path, arguments);
        with_environment(path, variables, |variables| {
            as_function(number::EXECVE, [path as usize, arguments, variables, 0, 0]) as c_int
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execv(path: *const c_char, arguments: usize) -> c_int {
    unsafe { execve(path, arguments, environ as usize) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvp(program: *const c_char, arguments: usize) -> c_int {
    static REAL: AtomicUsize = AtomicUsize::new(0);
    unsafe {
        note_program(program, arguments);
        with_environment(program, environ as usize, |variables| {
            let execvpe = real(&REAL, c"execvpe");
            execvpe(program as usize, arguments, variables, 0, 0, 0) as c_int
        })
    }
}

/// How many arguments of a function are in registers.
#[cfg(target_arch = "x86_64")]
const REGISTERS: usize = 6;
#[cfg(target_arch = "aarch64")]
const REGISTERS: usize = 8;

/// Notes a program whose path and arguments are the arguments of a variadic function: the first ones in `registers`, the others
/// on the `stack`. They end with null and, if it `has_variables`, the environment.
unsafe fn note_list(registers: *const usize, stack: *const usize, has_variables: bool) {
    unsafe {
        let argument = |nth: usize| match nth.checked_sub(REGISTERS) {
            Some(nth) => *stack.add(nth),
            None => *registers.add(nth),
        };
        let program = argument(0) as *const c_char;
        note_program(program, registers.add(1) as usize);
        missing_library::forget();
        let mut variables = environ;
        if has_variables {
            let mut end = 1;
            while argument(end) != 0 {
                end += 1;
            }
            variables = argument(end + 1) as *const *const c_char;
        }
        note_environment(program, variables);
    }
}

/// See [`note_list`].
unsafe fn note_plain_list(registers: *const usize, stack: *const usize) {
    unsafe { note_list(registers, stack, false) }
}

/// See [`note_list`], with an environment.
unsafe fn note_list_and_variables(registers: *const usize, stack: *const usize) {
    unsafe { note_list(registers, stack, true) }
}

interpose_variadic! {
    execl c"execl" note_plain_list
    execlp c"execlp" note_plain_list
    execle c"execle" note_list_and_variables
}
