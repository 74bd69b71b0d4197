//! Configuration files of others, text in and text out: sccache's and cargo's.

pub mod size;
