//! Notes system calls that are made by number through `syscall`.

use core::ffi::c_char;

use super::own_calls::{self, INSECURE};
use super::paths::{forget_current, note_at, note_path};
use super::random;
use super::system_call::number;
use super::variadic::interpose_variadic;
use super::{AT_FDCWD, is_written, notes::note};

interpose_variadic! { syscall c"syscall" note_call }

/// Notes the file that a system call opens or looks up. A call that runs a program or changes a file is noted as not observed. One for
/// random numbers may be [changed](random::replace).
unsafe fn note_call(registers: *const usize, stack: *const usize) {
    unsafe {
        let argument = |nth: usize| *registers.add(nth);
        let path = |nth: usize| argument(nth) as *const c_char;
        let opens = |flags: usize| if is_written(flags) { b'w' } else { b'o' };
        match argument(0) {
            number::OPENAT => note_at(opens(argument(3)), argument(1) as isize, path(2)),
            number::OPENAT2 => {
                let how = argument(3) as *const usize;
                let kind = if how.is_null() { b'o' } else { opens(*how) };
                note_at(kind, argument(1) as isize, path(2));
            }
            number::NEWFSTATAT | number::READLINKAT | number::FACCESSAT | number::FACCESSAT2 | number::STATX => {
                note_at(b's', argument(1) as isize, path(2));
            }
            number::GETRANDOM => {
                let caller = own_calls::caller(registers, stack);
                if argument(3) & INSECURE == 0 {
                    own_calls::note_call(c"getrandom", caller);
                }
                random::replace(registers.cast_mut(), caller);
            }
            number::EXECVE | number::EXECVEAT => note(b'u', c"syscall".as_ptr()),
            call if number::MOVES.contains(&call) => forget_current(),
            call if number::CHANGES.contains(&call) => note(b'u', c"syscall".as_ptr()),
            #[cfg(target_arch = "x86_64")]
            number::OPEN => note_at(opens(argument(2)), AT_FDCWD, path(1)),
            #[cfg(target_arch = "x86_64")]
            number::STAT | number::LSTAT | number::ACCESS | number::READLINK => note_path(b's', path(1)),
            _ => {}
        }
    }
}
