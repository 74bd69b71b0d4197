//! The entry point, the exit and system calls of a program without the standard library and without a C library.

use core::arch::global_asm;

#[path = "../system_call.rs"]
mod system_call;

pub(crate) use system_call::{number, system_call};

pub(crate) const RUSTC_WRAPPER: &[u8] = b"RUSTC_WRAPPER=";
pub(crate) const LONGEST_PATH: usize = 4096;
/// `AT_EXECFN` of the auxiliary vector: the path that was executed.
const AT_EXECFN: usize = 31;

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    start = sym start,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x0, sp",
    "and sp, x0, #-16",
    "bl {start}",
    "brk #1",
    start = sym start,
);

/// What the kernel passes to a program.
pub(crate) struct Process {
    /// The number of arguments.
    pub(crate) count: usize,
    /// The arguments, and a null pointer.
    pub(crate) arguments: *mut *const u8,
    /// The environment, and a null pointer.
    pub(crate) environment: *mut *const u8,
    /// The path that was executed.
    pub(crate) executed: *const u8,
}

/// `stack` is what the kernel passes: the number of arguments, the arguments, null, the environment, null, and the auxiliary
/// vector.
unsafe extern "C" fn start(stack: *mut usize) -> ! {
    unsafe {
        let count = *stack;
        let arguments = stack.add(1).cast::<*const u8>();
        let environment = arguments.add(count + 1);
        let mut end = environment;
        while !(*end).is_null() {
            end = end.add(1);
        }
        let mut auxiliary = end.add(1).cast::<usize>();
        let mut executed: *const u8 = core::ptr::null();
        while *auxiliary != 0 {
            if *auxiliary == AT_EXECFN {
                executed = *auxiliary.add(1) as *const u8;
            }
            auxiliary = auxiliary.add(2);
        }
        if !executed.is_null() {
            let process = Process { count, arguments, environment, executed };
            super::run(&process);
        }
    }
    exit(127)
}

/// The rest of `text` after the prefix `name`, if it has this prefix.
pub(crate) unsafe fn after(text: *const u8, name: &[u8]) -> Option<*const u8> {
    let mut at = 0;
    while at < name.len() {
        if unsafe { *text.add(at) != *name.as_ptr().add(at) } {
            return None;
        }
        at += 1;
    }
    Some(unsafe { text.add(at) })
}

pub(crate) unsafe fn length_of(text: *const u8) -> usize {
    let mut length = 0;
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    length
}

pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    let mut at = 0;
    while at < length {
        unsafe { *to.add(at) = *from.add(at) };
        at += 1;
    }
}

/// Returns only if it fails.
pub(crate) unsafe fn execve(path: *const u8, arguments: *const *const u8, environment: *const *const u8) {
    unsafe { system_call(number::EXECVE, [path as usize, arguments as usize, environment as usize, 0, 0]) };
}

fn exit(status: usize) -> ! {
    unsafe { system_call(number::EXIT_GROUP, [status, 0, 0, 0, 0]) };
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(127)
}
