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

    /// Of several options, the last one counts.
    fn has_debug_info(&self) -> bool {
        let mut words = self.counted.iter().rev();
        let last = words.find_map(|word| match word.as_str() {
            "-g" => Some(true),
            word => Some(!matches!(word.strip_prefix("debuginfo=")?, "0" | "none")),
        });
        last.unwrap_or_default()
    }

    /// Whether rustc keeps the debug information of objects in other files than usual (`-Z split-dwarf-kind`,
    /// `-Z split-dwarf-out-dir`).
    fn has_unusual_files(&self) -> bool {
        let mut words = self.counted.iter();
        words.any(|word| word.replace('_', "-").starts_with("split-dwarf"))
    }

    /// Whether the paths in separate debug information cannot be replaced: rustc replaces the output directory in them by a path
    /// without `=`, and not as the user wants it.
    pub(super) fn separates_unknown_debug_info(&self) -> bool {
        let has_equals_sign = self.out_dir.as_os_str().as_encoded_bytes().contains(&b'=');
        self.separate_debug_info().is_some()
            && (has_equals_sign
                || self.has_unusual_files()
                || !self.remapped.is_empty()
                || !binary::supports_target(self.target.as_deref()))
    }
}
