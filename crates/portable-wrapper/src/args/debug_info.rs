//! Where rustc writes debug information.

use super::Unit;
use crate::binary;

/// How debug information is separated from objects (`-C split-debuginfo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeparateDebugInfo {
    /// That of all objects of a linked file is in one file beside it (`.dwp`). Libraries contain that of their objects.
    Packed,
    /// That of each object is in a file in the output directory (`.dwo`). Libraries contain it as well.
    Unpacked,
}

impl Unit {
    /// How debug information is separated, if it is. On macOS, no file beside libraries has it.
    pub(crate) fn separate_debug_info(&self) -> Option<SeparateDebugInfo> {
        if cfg!(target_vendor = "apple") || !self.emits("link") || !self.has_debug_info() {
            return None;
        }
        match self.codegen("split-debuginfo")? {
            "packed" => Some(SeparateDebugInfo::Packed),
            "unpacked" => Some(SeparateDebugInfo::Unpacked),
            _ => None,
        }
    }

    fn has_debug_info(&self) -> bool {
        let level = self.codegen("debuginfo");
        self.counted.iter().any(|word| word == "-g")
            || level.is_some_and(|level| !matches!(level, "0" | "none"))
    }

    /// Whether the paths in separate debug information cannot be replaced: rustc replaces the output directory in them by a path
    /// without `=`, and not as the user wants it.
    pub(super) fn separates_unknown_debug_info(&self) -> bool {
        let has_equals_sign = self.out_dir.as_os_str().as_encoded_bytes().contains(&b'=');
        self.separate_debug_info().is_some()
            && (has_equals_sign
                || !self.remapped.is_empty()
                || !binary::supports_target(self.target.as_deref()))
    }
}
