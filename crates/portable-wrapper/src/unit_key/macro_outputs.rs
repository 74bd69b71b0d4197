//! Copies of files that procedural macros write to the `OUT_DIR` of the unit that uses them, to include them. The name of a copy is a
//! digest of what it was made from, so it is written once, and is the same for all units that share the directory. The macro runs
//! while the sources are listed, so that the copies are there in each checkout. Those that are included are sources.

use std::path::Path;

use super::super::observation::Uses;
use super::super::package::is_named_by_digest;
use super::observed::both;
use super::{KeyBuilder, out_dir};

impl KeyBuilder<'_> {
    /// Whether a macro wrote the copy of a file to `path`, or created a directory for copies there.
    pub(super) fn is_copy(&self, path: &Path, uses: Uses) -> bool {
        uses.is_written
            && !uses.is_removed
            && self.macros.embeds_copies
            && !self.macros.is_own
            && !self.macros.reads_file_times()
            && (path.is_dir() || is_named_by_digest(path))
            && is_in_out_dir(path)
    }
}

fn is_in_out_dir(path: &Path) -> bool {
    let directories = out_dir().map(|out_dir| both(&out_dir));
    let mut directories = directories.iter().flatten();
    directories.any(|directory| path.starts_with(directory))
}
