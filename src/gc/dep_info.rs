//! Dep-info of rustc, and the dep-info that cargo writes next to an artifact.

use std::path::{Component, Path, PathBuf};

use sccfg_util::fsio;

/// The first rule of a file of dep-info.
pub(super) struct DepInfo {
    /// The path of the output at the time of the build.
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

    /// Whether the output, which is now in `directory`, was written elsewhere. Symbolic links in paths are resolved.
    pub(super) fn is_moved(&self, directory: &Path) -> bool {
        let made_in = self.artifact.parent();
        self.artifact.is_absolute()
            && made_in != Some(directory)
            && made_in.map(resolved) != Some(resolved(directory))
    }

    /// The Rust sources that were not generated below `root`.
    pub(super) fn sources<'a>(&'a self, root: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
        self.all.iter().filter(move |path| {
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            path.is_absolute() && is_source && !is_below(path, root)
        })
    }
}

fn is_below(path: &Path, root: &Path) -> bool {
    let mut parts = path.components();
    if parts.any(|part| part == Component::ParentDir) {
        resolved(path).starts_with(root)
    } else {
        path.starts_with(root)
    }
}

/// `path` with links and `..` resolved, also if parent directories no longer exist: `CARGO_TARGET_DIR=../target` is relative to the
/// workspace.
fn resolved(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |above, part| {
        if part == Component::ParentDir {
            return above.parent().unwrap_or(&above).to_owned();
        }
        let path = above.join(part);
        path.canonicalize().unwrap_or(path)
    })
}

/// The paths in a line of dep-info. A space in a path is escaped with a backslash.
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
    fn spaces_in_paths_are_part_of_a_word() {
        assert_eq!(
            words("/t/a: /w/a\\ b/src/main.rs /w/c.rs"),
            ["/t/a:", "/w/a b/src/main.rs", "/w/c.rs"]
        );
    }

    #[test]
    fn parents_of_what_is_gone_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let target = root.join("gone/deep/../../target");
        assert_eq!(resolved(&target), root.join("target"));
        assert!(is_below(&target.join("debug/out.rs"), &root.join("target")));
        assert!(!is_below(&target, &root.join("gone")));
        assert_eq!(resolved(Path::new("/../no-such")), Path::new("/no-such"));
    }
}
