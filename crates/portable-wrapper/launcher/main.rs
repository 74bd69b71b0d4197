//! The program that cargo runs in place of a build script.
//!
//! If cargo runs with the wrapper whose path is in [`WRAPPER`], it replaces itself with that wrapper, which
//! looks the run of the build script up. Otherwise, or if the wrapper no longer exists, it replaces
//! itself with the build script, which is in the same directory under the same name with `.program`
//! added. Environment, arguments, directory and open files stay as they are.
//!
//! There is a copy beside each build script, so it uses neither the standard library nor a C library:
//! it is a few kilobytes long. A shell script would not do, because a shell changes `PWD` and other
//! variables. It is compiled by `build.rs`, and is not part of the workspace.

#![no_std]
#![no_main]

use core::arch::{asm, global_asm};
use core::mem::MaybeUninit;

/// The path of the wrapper, followed by zeros. The wrapper finds it in the file by the text that is
/// here at first.
#[used]
#[unsafe(no_mangle)]
static WRAPPER: [u8; 1024] = {
    let mark = *b"sccfg: the path of the wrapper is written here";
    let mut bytes = [0; 1024];
    let mut at = 0;
    while at < mark.len() {
        bytes[at] = mark[at];
        at += 1;
    }
    bytes
};

const RUSTC_WRAPPER: &[u8] = b"RUSTC_WRAPPER=";
const FLAG: &[u8] = b"--sccfg-build-script\0";
const SUFFIX: &[u8] = b".program\0";
/// `AT_EXECFN` of the auxiliary vector: the path that was executed.
const AT_EXECFN: usize = 31;
const LONGEST_PATH: usize = 4096;
const MOST_ARGUMENTS: usize = 64;

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

/// `stack` is what the kernel passes: the number of arguments, the arguments, a zero, the environment,
/// a zero, and the auxiliary vector.
unsafe extern "C" fn start(stack: *const usize) -> ! {
    unsafe {
        let count = *stack;
        let arguments = stack.add(1).cast::<*const u8>();
        let environment = arguments.add(count + 1);
        let mut end = environment;
        let mut is_wrapped = false;
        while !(*end).is_null() {
            if let Some(value) = after(*end, RUSTC_WRAPPER) {
                is_wrapped = is_wrapper(value);
            }
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
        if executed.is_null() {
            exit(127);
        }
        // Neither is filled with zeros: that would need `memset`.
        let mut with = MaybeUninit::<[*const u8; MOST_ARGUMENTS]>::uninit();
        if is_wrapped && count + 4 <= MOST_ARGUMENTS {
            let with = with.as_mut_ptr().cast::<*const u8>();
            *with = wrapper();
            *with.add(1) = FLAG.as_ptr();
            *with.add(2) = executed;
            let mut at = 0;
            // The zero at the end as well.
            while at <= count {
                with.add(3 + at).write_volatile(*arguments.add(at));
                at += 1;
            }
            execve(wrapper(), with, environment);
        }
        let mut program = MaybeUninit::<[u8; LONGEST_PATH]>::uninit();
        let program = program.as_mut_ptr().cast::<u8>();
        let mut length = 0;
        while *executed.add(length) != 0 && length < LONGEST_PATH - SUFFIX.len() {
            program.add(length).write_volatile(*executed.add(length));
            length += 1;
        }
        let mut at = 0;
        while at < SUFFIX.len() {
            program.add(length + at).write_volatile(*SUFFIX.as_ptr().add(at));
            at += 1;
        }
        execve(program, arguments, environment);
        exit(127)
    }
}

/// The path of the wrapper. The value was written after this was compiled, so it must not be read
/// as a constant.
fn wrapper() -> *const u8 {
    core::hint::black_box(&raw const WRAPPER).cast()
}

/// What follows `name` in `text`, if `text` begins with it.
unsafe fn after(text: *const u8, name: &[u8]) -> Option<*const u8> {
    let mut at = 0;
    while at < name.len() {
        if unsafe { *text.add(at) != *name.as_ptr().add(at) } {
            return None;
        }
        at += 1;
    }
    Some(unsafe { text.add(at) })
}

/// Whether `path` is the path of the wrapper.
unsafe fn is_wrapper(path: *const u8) -> bool {
    let wrapper = wrapper();
    let mut at = 0;
    while at < WRAPPER.len() {
        let (here, there) = unsafe { (*path.add(at), *wrapper.add(at)) };
        if here != there {
            return false;
        }
        if here == 0 {
            return at > 0;
        }
        at += 1;
    }
    false
}

/// Returns only if it fails.
unsafe fn execve(path: *const u8, arguments: *const *const u8, environment: *const *const u8) {
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!(
            "syscall",
            inlateout("rax") 59_usize => _,
            in("rdi") path,
            in("rsi") arguments,
            in("rdx") environment,
            lateout("rcx") _,
            lateout("r11") _,
        );
        #[cfg(target_arch = "aarch64")]
        asm!(
            "svc 0",
            in("x8") 221_usize,
            inlateout("x0") path => _,
            in("x1") arguments,
            in("x2") environment,
        );
    }
}

fn exit(status: usize) -> ! {
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("syscall", in("rax") 231_usize, in("rdi") status, options(noreturn));
        #[cfg(target_arch = "aarch64")]
        asm!("svc 0", in("x8") 94_usize, in("x0") status, options(noreturn));
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(127)
}
