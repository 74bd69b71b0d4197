//! The files of the package's build script in a key.

use std::path::{Path, PathBuf};

use super::{KeyBuilder, Origin};
use crate::package;
use crate::uncacheable::Uncacheable;
use sccfg_util::env;

impl KeyBuilder<'_> {
    /// Adds the files in the output directory of the build script.
    pub(super) fn add_generated(&mut self, out_dir: &Path) -> Result<(), Uncacheable> {
        let has_copies = self.macros.embeds_copies;
        if has_copies {
            self.known_inputs.expect_copies();
        }
        let files = package::generated(out_dir, &self.path_map, has_copies);
        let files = files.ok_or(Uncacheable::BuildScriptFiles)?;
        self.key.add("OUT_DIR", files.digest);
        self.has_generated_code = files.has_code;
        Ok(())
    }

    /// Whether the compiler may get a placeholder as the value of `OUT_DIR`. It would not find code there. Published
    /// packages do not get it: macros above some of them are known to be the same [whatever the path](crate::macro_effects::only_contain_path).
    pub(crate) fn may_hide_out_dir(&self) -> bool {
        self.origin == Origin::Own && !self.has_generated_code
    }
}

/// The output directory of the package's build script, if it ran.
pub(super) fn out_dir() -> Option<PathBuf> {
    let named = env::var_os("OUT_DIR").map(PathBuf::from);
    named.filter(|path| path.is_dir())
}
