//! How many lines `init` adds to a flake.

use std::path::Path;

use rstest::rstest;
use similar::{ChangeTag, TextDiff};

use super::Case;
use super::golden::Tree;
use crate::support::project;

/// The lines that `init` adds to all Nix files of a case, with `more` arguments.
fn added(case: &Case, more: &[&str]) -> usize {
    let sandbox = case.sandbox();
    let before = Tree::read(&sandbox.path("repo"));
    let init = [case.init().as_slice(), more].concat();
    sandbox.sccfg(&init).status(0);
    let after = Tree::read(&sandbox.path("repo"));
    let before: Vec<_> = before.nix().collect();
    after
        .nix()
        .map(|(path, text)| {
            let old = before.iter().find(|(name, _)| *name == path);
            let old = old.map_or("", |(_, text)| text.as_str());
            TextDiff::from_lines(old, text)
                .iter_all_changes()
                .filter(|change| change.tag() == ChangeTag::Insert)
                .count()
        })
        .sum()
}

fn case(name: &str) -> Case {
    let directory = project().join("tests/cases").join(name);
    Case::load(&directory.join("case.toml"))
}

#[rstest]
fn a_region_has_at_most_twelve_lines_in_the_usual_shell(
    #[values("off", "workspace", "auto")] incremental: &str,
    #[values(
        "mk-shell",
        "mk-shell-no-cc",
        "crane-dev-shell",
        "hook-multi-line",
        "flake-parts",
        "for-all-systems-with-pkgs"
    )]
    name: &str,
) {
    let added = added(&case(name), &["--incremental", incremental]);
    assert!(added <= 12, "{name}: {added}");
}

#[test]
fn a_region_has_few_lines_in_any_shell() {
    let directory = project().join("tests/cases");
    let mut all: Vec<(usize, String)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|directory| directory.join("out").exists())
        .map(|directory| {
            let name = Path::new(directory.file_name().unwrap())
                .display()
                .to_string();
            (added(&case(&name), &[]), name)
        })
        .collect();
    all.sort();
    let median = all[all.len() / 2].0;
    let (most, name) = all.last().unwrap();
    println!("{} cases: median {median}, most {most} ({name})", all.len());
    assert!(median <= 14, "{median}");
    // With several shells, or with an input in several files.
    assert!(*most <= 41, "{most} in {name}");
}

#[test]
fn the_readme_shows_the_region_in_full() {
    let sandbox = case("mk-shell").sandbox();
    let init = ["-C", "repo", "init", "--no-user-config", "--size", "24GiB"];
    sandbox.sccfg(&init).status(0);
    let flake = sandbox.read("repo/flake.nix");
    let region: Vec<&str> = flake
        .lines()
        .skip_while(|line| !line.contains("# >>> sccfg >>>"))
        .take_while(|line| *line != "      };")
        .map(|line| line.strip_prefix("      ").unwrap())
        .collect();
    let region = region.join("\n");
    assert!(region.contains("# <<< sccfg <<<"), "{region}");
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    assert!(readme.contains(&region), "{region}");
}
