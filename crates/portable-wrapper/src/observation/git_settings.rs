//! git's configuration files of the user, which cargo reads whenever it starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sccfg_util::{env, fsio};

/// The configuration files of the user, and those that they include (git-config(1)).
pub(super) fn files() -> BTreeSet<PathBuf> {
    let of_user = env::home_dir().map(|home| home.join(".gitconfig"));
    let of_desktop = env::config_dir().map(|directory| directory.join("git/config"));
    let mut found = BTreeSet::new();
    for file in [of_user, of_desktop].into_iter().flatten() {
        add(&file, &mut found);
    }
    found
}

/// Adds a configuration file, and those that it includes.
fn add(file: &Path, found: &mut BTreeSet<PathBuf>) {
    if !found.insert(file.to_owned()) {
        return;
    }
    let text = fsio::read_text(file).unwrap_or_default();
    for included in text.lines().filter_map(|line| included(line, file)) {
        add(&included, found);
    }
}

/// The file that a line of the configuration file `from` includes.
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
        let leads = |name: &str| {
            let mut found = BTreeSet::new();
            add(&path("config"), &mut found);
            found.contains(&path(name))
        };
        assert!(leads("config") && leads("more/work.inc"));
        assert!(leads("more/../other.inc"));
        assert!(!leads("hooks") && !leads("more/hooks") && !leads("A"));
        // One that includes itself.
        fsio::replace(&path("config"), b"[include]\npath = config\n").unwrap();
        assert!(!leads("other"));
    }
}
