//! The layout of the memfd for notes, for both the wrapper, which creates and reads it, and the observer.
//!
//! It starts with three numbers of 64 bits in the machine's byte order, at [`USED`] and the like. A table at [`TABLE`] says
//! where recent notes are, so that none is noted twice. Notes start at [`NOTES`]. A note is a letter, a text and a zero;
//! zeros may stand between notes, as those who note do not wait for each other.

/// What stands at the start of the file. The last byte is a version.
pub(crate) const MAGIC: u64 = u64::from_ne_bytes(*b"sccfgob\x01");
/// Where it stands how many bytes of notes there are. With more than have room, some were lost.
pub(crate) const USED: usize = 8;
/// Where it stands how many of them are void.
pub(crate) const VOID: usize = 16;
/// Where it stands whether this wrapper had a compiler do something in the run, and all that this read is noted.
#[allow(dead_code, reason = "the observer does not use it")]
pub(crate) const NOTED_BY_COMPILER: usize = 24;
/// Where it stands whether this wrapper did something in the run that is not noted.
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
