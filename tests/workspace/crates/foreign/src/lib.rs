//! What other languages call.

#[no_mangle]
pub extern "C" fn foreign_sum(a: u32, b: u32) -> u32 {
    a + b
}
