//! The layout of the memfd for notes, for both the wrapper, which creates and reads it, and the observer. It starts with
//! [`MAGIC`] and the 64-bit numbers at [`USED`], [`VOID`], [`NOTED_BY_COMPILER`] and [`UNNOTED`], in the machine's byte order.
//! The hash table at [`TABLE`] has the offsets of recent notes, so that none is repeated. Notes start at [`NOTES`]. A note is a
//! letter, a text and a NUL byte. There may be NUL bytes between notes, because processes write them without waiting for each
//! other.
//!
//! | letter | text of the note |
//! | --- | --- |
//! | `o`, `w`, `f` | a file that is read, written or removed |
//! | `d`, `g` | a directory that is listed; a pattern of paths |
//! | `s` | a file that is looked up |
//! | `q`, `p` | a file whose canonical path rustc, or other code, asks for |
//! | `e`, `v` | a variable that rustc, or other code, reads |
//! | `c` | a variable that a macro changes, perhaps with its value (`NAME=VALUE`), or `*` |
//! | `k`, `t` | the clock `monotonic`, or a function that reads another one; a function that converts a time to a date |
//! | `y` | a function that a build script or a macro calls itself, whose result differs each time, or between users or machines |
//! | `n` | a host, an address, or a function for sockets |
//! | `i`, `m` | the program that the observer is loaded into; a library that is loaded with it |
//! | `l` | a library that is loaded later |
//! | `x` | a program that is started |
//! | `u`, `z` | a program or function that is not observed; the observer, if its file is missing |
//! | `r` | `macros` if the process is the compiler whose macros are distinguished from it; nothing if it is another compiler |

/// The first number. Its last byte is the version of the format.
pub(crate) const MAGIC: u64 = u64::from_ne_bytes(*b"sccfgob\x01");
/// The offset of the number of bytes of notes. If it is larger than [`ROOM`], notes were lost.
pub(crate) const USED: usize = 8;
/// The offset of the number of bytes at the start of the notes that are discarded.
pub(crate) const VOID: usize = 16;
/// The offset of a flag: in the observed run, this wrapper ran a compiler, and everything that the compiler read is noted.
#[allow(dead_code, reason = "the observer does not use it")]
pub(crate) const NOTED_BY_COMPILER: usize = 24;
/// The offset of a flag: in the observed run, this wrapper did something that is not noted.
#[allow(dead_code, reason = "the observer does not use it")]
pub(crate) const UNNOTED: usize = 32;
/// The offset of the table in bytes.
pub(crate) const TABLE: usize = 4096;
/// The number of 64-bit entries in the table.
pub(crate) const ENTRIES: usize = 1 << 15;
/// The offset of the first note in bytes.
pub(crate) const NOTES: usize = TABLE + 8 * ENTRIES;
/// The size of the file in bytes. Only pages that were written take memory.
pub(crate) const SIZE: usize = 16 << 20;
/// The maximum size of all notes in bytes.
pub(crate) const ROOM: usize = SIZE - NOTES;
