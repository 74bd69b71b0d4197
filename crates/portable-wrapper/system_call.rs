//! System calls of Linux, for the programs and the library without the standard library.

#![allow(dead_code, reason = "each of them uses some")]

use core::arch::asm;

#[cfg(target_arch = "x86_64")]
pub(crate) mod number {
    pub(crate) const READ: usize = 0;
    pub(crate) const OPEN: usize = 2;
    pub(crate) const CLOSE: usize = 3;
    pub(crate) const STAT: usize = 4;
    pub(crate) const LSTAT: usize = 6;
    pub(crate) const PREAD64: usize = 17;
    pub(crate) const ACCESS: usize = 21;
    pub(crate) const CONNECT: usize = 42;
    pub(crate) const GETPID: usize = 39;
    pub(crate) const EXECVE: usize = 59;
    pub(crate) const FLOCK: usize = 73;
    /// `chdir`, `fchdir` and `chroot`.
    pub(crate) const MOVES: [usize; 3] = [80, 81, 161];
    /// `rename`, `mkdir`, `rmdir`, `creat`, `link`, `unlink`, `symlink`, `mkdirat`, `unlinkat`, `renameat`, `linkat`, `symlinkat`,
    /// `renameat2`.
    pub(crate) const CHANGES: [usize; 13] = [82, 83, 84, 85, 86, 87, 88, 258, 263, 264, 265, 266, 316];
    pub(crate) const READLINK: usize = 89;
    pub(crate) const GETUID: usize = 102;
    pub(crate) const GETGID: usize = 104;
    pub(crate) const GETEUID: usize = 107;
    pub(crate) const GETEGID: usize = 108;
    pub(crate) const GETPPID: usize = 110;
    pub(crate) const CLOCK_GETTIME: usize = 228;
    pub(crate) const EXIT_GROUP: usize = 231;
    pub(crate) const OPENAT: usize = 257;
    pub(crate) const NEWFSTATAT: usize = 262;
    pub(crate) const READLINKAT: usize = 267;
    pub(crate) const FACCESSAT: usize = 269;
    pub(crate) const GETRANDOM: usize = 318;
    pub(crate) const EXECVEAT: usize = 322;
    pub(crate) const STATX: usize = 332;
    pub(crate) const OPENAT2: usize = 437;
    pub(crate) const FACCESSAT2: usize = 439;
}
#[cfg(target_arch = "aarch64")]
pub(crate) mod number {
    pub(crate) const FLOCK: usize = 32;
    /// `mkdirat`, `unlinkat`, `symlinkat`, `linkat`, `renameat`, `renameat2`.
    pub(crate) const CHANGES: [usize; 6] = [34, 35, 36, 37, 38, 276];
    pub(crate) const FACCESSAT: usize = 48;
    /// `chdir`, `fchdir` and `chroot`.
    pub(crate) const MOVES: [usize; 3] = [49, 50, 51];
    pub(crate) const OPENAT: usize = 56;
    pub(crate) const CLOSE: usize = 57;
    pub(crate) const READ: usize = 63;
    pub(crate) const PREAD64: usize = 67;
    pub(crate) const READLINKAT: usize = 78;
    pub(crate) const NEWFSTATAT: usize = 79;
    pub(crate) const EXIT_GROUP: usize = 94;
    pub(crate) const CLOCK_GETTIME: usize = 113;
    pub(crate) const GETPID: usize = 172;
    pub(crate) const GETPPID: usize = 173;
    pub(crate) const GETUID: usize = 174;
    pub(crate) const GETEUID: usize = 175;
    pub(crate) const GETGID: usize = 176;
    pub(crate) const GETEGID: usize = 177;
    pub(crate) const CONNECT: usize = 203;
    pub(crate) const EXECVE: usize = 221;
    pub(crate) const GETRANDOM: usize = 278;
    pub(crate) const EXECVEAT: usize = 281;
    pub(crate) const STATX: usize = 291;
    pub(crate) const OPENAT2: usize = 437;
    pub(crate) const FACCESSAT2: usize = 439;
}

/// The result of a system call, or an error below zero.
pub(crate) unsafe fn system_call(number: usize, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            lateout("rcx") _,
            lateout("r11") _,
        );
        #[cfg(target_arch = "aarch64")]
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b,
            in("x2") c,
            in("x3") d,
            in("x4") e,
        );
    }
    result
}
