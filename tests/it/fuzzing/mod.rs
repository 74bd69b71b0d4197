//! Random flakes, and the properties of every edit of them: shared by the property tests and
//! `examples/fuzz`.

#![allow(clippy::format_collect, reason = "texts of a few lines")]
#![allow(dead_code, reason = "the tests and the fuzzer each use their part")]

mod duplicates;
pub(crate) mod flakes;
pub(crate) mod judge;
pub(crate) mod manual_edits;
pub(crate) mod mutate;
mod pieces;
