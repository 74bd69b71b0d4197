//! Random flakes, and what must hold of every edit of them: shared by the property tests and
//! `examples/fuzz`.

#![allow(dead_code, reason = "the tests and the fuzzer each use their part")]

mod duplicates;
pub(crate) mod flakes;
pub(crate) mod judge;
pub(crate) mod mutate;
mod pieces;
