//! The layout of the memfd for notes, for both the wrapper, which creates and reads it, and the observer. It starts with
//! [`MAGIC`] and the 64-bit numbers at [`USED`], [`VOID`], [`NOTED_BY_COMPILER`] and [`UNNOTED`], in the machine's byte order.
//! The hash table at [`TABLE`] has the offsets of recent notes, so that none is repeated. Notes start at [`NOTES`]. A note is a
//! letter, a text and a NUL byte. There may be NUL bytes between notes, because processes write them without waiting for each
//! other.

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
/// In bytes.
pub(crate) const TABLE: usize = 4096;
/// The number of entries of 64 bits in the table.
pub(crate) const ENTRIES: usize = 1 << 15;
/// In bytes.
pub(crate) const NOTES: usize = TABLE + 8 * ENTRIES;
/// The size of the file in bytes. Only those that were written take memory.
pub(crate) const SIZE: usize = 16 << 20;
/// How many bytes of notes have room in it.
pub(crate) const ROOM: usize = SIZE - NOTES;
