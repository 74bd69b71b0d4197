//! Calls C.
#![allow(non_camel_case_types)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));

pub fn sum(a: i32, b: i32) -> i32 {
    let pair = pair { a, b };
    // SAFETY: the function reads the pair and nothing else.
    unsafe { pair_sum(&pair) }
}
