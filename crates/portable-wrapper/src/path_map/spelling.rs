//! Directories as they are written in messages and dep-info, where characters are escaped as in JSON or in makefiles.

use super::super::dep_info::end_of_output;
use super::{Mapping, PathMap};

impl PathMap {
    /// Like [`Self::to_placeholders`], for a compiler's messages, in JSON or not.
    pub(crate) fn to_placeholders_output(&self, text: &[u8]) -> Vec<u8> {
        self.in_both_spellings(&self.in_json(), text)
    }

    /// Like [`Self::to_real_paths`], for a compiler's messages. In lines of JSON, paths are
    /// escaped.
    pub(crate) fn to_real_output(&self, text: &[u8]) -> Vec<u8> {
        let in_json = self.in_json();
        self.by_lines(&in_json, text, |line| match line.first() {
            Some(b'{') => in_json.to_real_paths(line),
            _ => self.to_real_paths(line),
        })
    }

    /// Like [`Self::to_placeholders`], for dep-info.
    pub(crate) fn to_placeholders_dep_info(&self, text: &[u8]) -> Vec<u8> {
        self.in_both_spellings(&self.in_rules(), text)
    }

    /// Like [`Self::to_real_paths`], for dep-info. Spaces are escaped in the names of sources, but neither in those of
    /// outputs nor in the values of variables (`# env-dep:`).
    pub(crate) fn to_real_dep_info(&self, text: &[u8]) -> Vec<u8> {
        let in_rules = self.in_rules();
        self.by_lines(&in_rules, text, |line| {
            if line.starts_with(b"#") {
                return self.to_real_paths(line);
            }
            let (output, sources) = line.split_at(end_of_output(line).unwrap_or(0));
            [self.to_real_paths(output), in_rules.to_real_paths(sources)].concat()
        })
    }

    /// `text` with real paths. If the directories are spelled differently in `other`, `restore` converts each line.
    fn by_lines(&self, other: &Self, text: &[u8], restore: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        if other == self {
            return self.to_real_paths(text);
        }
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        lines.flat_map(restore).collect()
    }

    /// `text` with the directories replaced, in the spelling of `other` and in this one.
    fn in_both_spellings(&self, other: &Self, text: &[u8]) -> Vec<u8> {
        if other == self {
            return self.to_placeholders(text);
        }
        self.to_placeholders(&other.to_placeholders(text))
    }

    /// The map with its directories escaped as in JSON.
    pub(super) fn in_json(&self) -> Self {
        self.with_directories(escaped)
    }

    /// The map with its directories escaped as in makefiles.
    fn in_rules(&self) -> Self {
        self.with_directories(|text| text.replace(' ', "\\ "))
    }

    fn with_directories(&self, spell: impl Fn(&str) -> String) -> Self {
        let mappings = self.0.iter().map(|mapping| Mapping {
            directory: spell(&mapping.directory),
            ..mapping.clone()
        });
        Self(mappings.collect())
    }
}

/// `text` escaped as in a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}
