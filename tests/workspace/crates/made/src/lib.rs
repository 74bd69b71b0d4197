//! Its build script makes a part of it.

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

pub const MADE_BY: &str = env!("MADE_BY");
pub const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sub/blob.o"));
pub const BY_SCRIPT: bool = cfg!(made_by_script);
