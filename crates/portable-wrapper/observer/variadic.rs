//! Interposes variadic functions: their arguments are noted, and the real function is entered with the same registers,
//! unless noting changed them, and the same stack.

/// For each `NAME SYMBOL NOTE`, defines the function `NAME`. It calls `NOTE` with pointers to its arguments, of which the first
/// ones are in registers and the others on the stack, and jumps to the next definition of `SYMBOL` (`RTLD_NEXT`).
macro_rules! interpose_variadic {
    ($($name:ident $text:literal $seen:ident)*) => { $(
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            /// Notes the arguments, and returns the address of the real function.
            unsafe extern "C" fn note(registers: *const usize, stack: *const usize) -> usize {
                static REAL: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);
                unsafe {
                    $seen(registers, stack);
                    $crate::next::real(&REAL, $text) as usize
                }
            }
            #[cfg(target_arch = "x86_64")]
            core::arch::naked_asm!(
                "push rax",
                "push r9",
                "push r8",
                "push rcx",
                "push rdx",
                "push rsi",
                "push rdi",
                "mov rdi, rsp",
                "lea rsi, [rsp + 64]",
                "call {note}",
                "mov r11, rax",
                "pop rdi",
                "pop rsi",
                "pop rdx",
                "pop rcx",
                "pop r8",
                "pop r9",
                "pop rax",
                "jmp r11",
                note = sym note,
            );
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!(
                "stp x29, x30, [sp, #-80]!",
                "stp x0, x1, [sp, #16]",
                "stp x2, x3, [sp, #32]",
                "stp x4, x5, [sp, #48]",
                "stp x6, x7, [sp, #64]",
                "add x0, sp, #16",
                "add x1, sp, #80",
                "bl {note}",
                "mov x16, x0",
                "ldp x0, x1, [sp, #16]",
                "ldp x2, x3, [sp, #32]",
                "ldp x4, x5, [sp, #48]",
                "ldp x6, x7, [sp, #64]",
                "ldp x29, x30, [sp], #80",
                "br x16",
                note = sym note,
            );
        }
    )* };
}
pub(crate) use interpose_variadic;
