//! The user's home directory and the directory for temporary files, which variables name: a run in another shell looks for what is
//! below them elsewhere.

use std::path::{Path, PathBuf};

use sccfg_util::env;

/// They stand for the directories in the names of files, where no file has such a path.
const HOME: &str = "/sccfg-home";
const TEMPORARY: &str = "/sccfg-temporary";

/// Each of them with its placeholder.
fn directories() -> impl Iterator<Item = (&'static str, PathBuf)> {
    let temporary = Some((TEMPORARY, env::temp_dir()));
    let home = env::home_dir().map(|home| (HOME, home));
    // One may be in the other, and it is not known which one a script has meant.
    temporary.into_iter().chain(home)
}

/// The names of the file at `path` with their placeholders; none if it is in neither.
pub(crate) fn names_of(path: &Path) -> Vec<String> {
    let named = directories().filter_map(|(placeholder, directory)| {
        let below = path.strip_prefix(directory).ok()?;
        Some(Path::new(placeholder).join(below).to_str()?.to_owned())
    });
    named.collect()
}

/// The path of the file with this name; `None` if there is no placeholder in it.
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
    fn what_is_below_them_has_another_name() {
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
