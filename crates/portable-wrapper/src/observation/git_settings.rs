//! The files with a user's settings of git, which cargo reads whenever it starts.

use std::path::{Path, PathBuf};

use sccfg_util::{env, fsio};

/// How many files may include one another, as for git (`MAX_INCLUDE_DEPTH` in its `config.c`).
const DEEPEST: usize = 10;

/// Whether the file at `path` is one of them, or is included by one (git-config(1)).
pub(super) fn is_one(path: &Path) -> bool {
    let of_user = env::home_dir().map(|home| home.join(".gitconfig"));
    let of_desktop = env::config_dir().map(|directory| directory.join("git/config"));
    [of_user, of_desktop]
        .iter()
        .flatten()
        .any(|file| leads_to(file, path, DEEPEST))
}

/// Whether the file of settings `from` is the one at `path`, or includes it.
fn leads_to(from: &Path, path: &Path, deepest: usize) -> bool {
    let includes = || {
        let text = fsio::read_text(from).unwrap_or_default();
        let mut files = text.lines().filter_map(|line| included(line, from));
        files.any(|file| leads_to(&file, path, deepest - 1))
    };
    from == path || deepest > 0 && includes()
}

/// The file that a line of the settings in `from` includes.
fn included(line: &str, from: &Path) -> Option<PathBuf> {
    let (name, value) = line.split_once('=')?;
    let value = value.trim().trim_matches('"');
    if !name.trim().eq_ignore_ascii_case("path") || value.is_empty() {
        return None;
    }
    match value.strip_prefix("~/") {
        Some(below) => Some(env::home_dir()?.join(below)),
        None => Some(from.parent()?.join(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_include_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let settings = "[user]\n\tname = A\n[include]\n\tpath = more/work.inc\n";
        fsio::replace(&path("config"), settings.as_bytes()).unwrap();
        let more = "[includeIf \"gitdir:~/work/\"]\n  Path = \"../other.inc\"\n[core]\n\thooksPath = hooks\n";
        fsio::replace_and_create_dir(&path("more/work.inc"), more.as_bytes()).unwrap();
        let leads = |name: &str| leads_to(&path("config"), &path(name), DEEPEST);
        assert!(leads("config") && leads("more/work.inc"));
        assert!(leads("more/../other.inc"));
        assert!(!leads("hooks") && !leads("more/hooks") && !leads("A"));
        // One that includes itself.
        fsio::replace(&path("config"), b"[include]\npath = config\n").unwrap();
        assert!(!leads("other"));
    }
}
