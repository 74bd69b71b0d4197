//! The dep-info of rustc, and that which cargo writes beside an artifact.

use std::path::{Path, PathBuf};

use sccfg_util::fsio;

/// The first rule of a file of dep-info.
pub(super) struct DepInfo {
    /// What it is of, where it was made.
    pub(super) artifact: PathBuf,
    /// The sources. For an artifact, those of all local packages.
    pub(super) all: Vec<PathBuf>,
}

impl DepInfo {
    pub(super) fn read(path: &Path) -> Self {
        let text = fsio::read_text(path).unwrap_or_default();
        let mut words = words(text.lines().next().unwrap_or_default()).into_iter();
        let artifact = words.next().unwrap_or_default();
        Self {
            artifact: artifact.trim_end_matches(':').into(),
            all: words.map(PathBuf::from).collect(),
        }
    }

    /// Whether what it is of, which is now in `directory`, was made elsewhere. Links in paths do not count.
    pub(super) fn is_moved(&self, directory: &Path) -> bool {
        let made_in = self.artifact.parent();
        self.artifact.is_absolute()
            && made_in != Some(directory)
            && made_in.and_then(|made_in| made_in.canonicalize().ok())
                != directory.canonicalize().ok()
    }

    /// The Rust sources that were not generated below `root`.
    pub(super) fn sources<'a>(&'a self, root: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
        self.all.iter().filter(move |path| {
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            path.is_absolute() && is_source && !path.starts_with(root)
        })
    }
}

/// The words of a line of dep-info. A blank in a path has a backslash in front of it.
fn words(line: &str) -> Vec<String> {
    const BLANK: char = '\0';
    let joined = line.replace("\\ ", &BLANK.to_string());
    let words = joined.split_whitespace();
    words.map(|word| word.replace(BLANK, " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_paths_are_part_of_a_word() {
        assert_eq!(
            words("/t/a: /w/a\\ b/src/main.rs /w/c.rs"),
            ["/t/a:", "/w/a b/src/main.rs", "/w/c.rs"]
        );
    }
}
