//! The user's home directory and the directory for temporary files: variables name them, so a run in another shell looks up the
//! files below them at other paths.

use std::path::{Path, PathBuf};

use sccfg_util::env;

/// Placeholders for the directories. No file has such a path.
const HOME: &str = "/sccfg-home";
const TEMPORARY: &str = "/sccfg-temporary";

/// The directories with their placeholders.
fn directories() -> impl Iterator<Item = (&'static str, PathBuf)> {
    let temporary = Some((TEMPORARY, env::temp_dir()));
    let home = env::home_dir().map(|home| (HOME, home));
    // One may be below the other, and it is not known relative to which one a script found a file.
    temporary.into_iter().chain(home)
}

/// The paths with placeholders of the file at `path`; empty if it is in neither directory.
pub(crate) fn names_of(path: &Path) -> Vec<String> {
    let named = directories().filter_map(|(placeholder, directory)| {
        let below = path.strip_prefix(directory).ok()?;
        Some(Path::new(placeholder).join(below).to_str()?.to_owned())
    });
    named.collect()
}

/// The real path for a path with a placeholder; `None` if it has none.
pub(super) fn real_path(name: &str) -> Option<PathBuf> {
    directories().find_map(|(placeholder, directory)| {
        let below = Path::new(name).strip_prefix(placeholder).ok()?;
        Some(directory.join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_user_directories_have_placeholders() {
        let file = env::temp_dir().join("a/b");
        let names = names_of(&file);
        assert!(names.contains(&"/sccfg-temporary/a/b".to_owned()));
        assert!(
            names
                .iter()
                .all(|name| real_path(name).as_ref() == Some(&file))
        );
        assert!(names_of(Path::new("/elsewhere/file")).is_empty());
        assert_eq!(real_path("/elsewhere/file"), None);
    }
}
