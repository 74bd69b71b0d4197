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
#![no_builtins]

mod system;

use core::mem::MaybeUninit;

use system::{LONGEST_PATH, Process, RUSTC_WRAPPER, after, copy, execve, length_of};

/// The path of the wrapper, padded with NUL bytes. The wrapper writes it over the marker text that is compiled in.
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

const FLAG: &[u8] = b"--sccfg-build-script\0";
const SUFFIX: &[u8] = b".program\0";
const MOST_ARGUMENTS: usize = 64;

/// Returns only if nothing can be run.
unsafe fn run(process: &Process) {
    let &Process { count, arguments, environment, executed } = process;
    unsafe {
        let mut is_wrapped = false;
        let mut variable = environment;
        while !(*variable).is_null() {
            if let Some(value) = after(*variable, RUSTC_WRAPPER) {
                is_wrapped = is_wrapper(value);
            }
            variable = variable.add(1);
        }
        // Uninitialised, because filling an array with zeros would need `memset`.
        let mut with = MaybeUninit::<[*const u8; MOST_ARGUMENTS]>::uninit();
        if is_wrapped && count + 4 <= MOST_ARGUMENTS {
            let with = with.as_mut_ptr().cast::<*const u8>();
            *with = wrapper();
            *with.add(1) = FLAG.as_ptr();
            *with.add(2) = executed;
            let mut at = 0;
            // Includes the terminating null.
            while at <= count {
                with.add(3 + at).write_volatile(*arguments.add(at));
                at += 1;
            }
            execve(wrapper(), with, environment);
        }
        let mut program = MaybeUninit::<[u8; LONGEST_PATH]>::uninit();
        let program = program.as_mut_ptr().cast::<u8>();
        let length = length_of(executed).min(LONGEST_PATH - SUFFIX.len());
        copy(executed, program, length);
        copy(SUFFIX.as_ptr(), program.add(length), SUFFIX.len());
        execve(program, arguments, environment);
    }
}

/// The path of the wrapper. It was written into the file after the compile, so the compiler must not treat it as a constant.
fn wrapper() -> *const u8 {
    core::hint::black_box(&raw const WRAPPER).cast()
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
