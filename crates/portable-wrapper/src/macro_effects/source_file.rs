//! A file of a crate, and its text.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use sccfg_util::fsio;

/// A file that may be code.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// Relative to the directory of the package, or of the build script's files.
    pub(crate) path: &'a Path,
    pub(crate) text: SourceText<'a>,
    /// Whether it is certainly code, by the compiler's list or cargo's conventions.
    pub(crate) is_code: bool,
    /// Whether a build script generated it.
    pub(crate) is_made: bool,
}

/// The text of a source.
#[derive(Debug)]
pub(crate) enum SourceText<'a> {
    Known(&'a str),
    /// The text of a file, which is read on first use.
    File(PathBuf, OnceCell<String>),
}

impl SourceText<'_> {
    /// The text of the file at `path`.
    pub(crate) fn of_file(path: PathBuf) -> Self {
        Self::File(path, OnceCell::new())
    }

    /// The text; empty if the file is not UTF-8.
    pub(super) fn get(&self) -> &str {
        match self {
            Self::Known(text) => text,
            Self::File(path, text) => {
                text.get_or_init(|| fsio::read_text(path).unwrap_or_default())
            }
        }
    }
}
