//! Files with other steps of indentation than two spaces.

use std::path::{Path, PathBuf};

use rstest::rstest;

use super::Case;
use super::golden::Tree;

/// `line` with `step` for every two spaces that it starts with.
fn with_step(line: &str, step: &str) -> String {
    let rest = line.trim_start_matches(' ');
    let spaces = line.len() - rest.len();
    format!(
        "{}{}{rest}",
        step.repeat(spaces / 2),
        " ".repeat(spaces % 2)
    )
}

/// The text with two spaces for each level in regions, below the indentation of their markers.
fn with_two_in_regions(text: &str, step: &str) -> String {
    let mut marker = None;
    let lines = text.split_inclusive('\n').map(|line| {
        let rest = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - rest.len()];
        if rest.starts_with("# >>> sccfg") {
            marker = Some(indent);
        } else if rest.starts_with("# <<< sccfg") {
            marker = None;
        }
        match marker.and_then(|marker| indent.strip_prefix(marker).map(|more| (marker, more))) {
            Some((marker, more)) if !rest.starts_with("# sccfg:") => {
                format!("{marker}{}{rest}", more.replace(step, "  "))
            }
            _ => line.to_owned(),
        }
    });
    lines.collect()
}

/// Regions have the step of their file, in every case; those with two spaces for each level, which earlier versions
/// wrote in all files, stay as they are.
#[rstest]
fn regions_have_the_step_of_their_file(#[files("tests/cases/*/case.toml")] path: PathBuf) {
    let case = Case::load(&path);
    if case.exit != 0 || case.defect.text.is_some() {
        return;
    }
    let name = case.directory.file_name().unwrap().to_str().unwrap();
    let own_step = ["tabs", "four-spaces", "three-spaces"];
    if own_step.iter().any(|own| name.contains(own)) {
        return;
    }
    // A file that is edited shows no step.
    let no_step = [
        "blueprint",
        "blueprint-devshells",
        "call-package-with-pkgs-as-argument",
        "devenv-file-alone",
        "input-one-line",
        "one-line-flake",
    ];
    if no_step.contains(&name) {
        return;
    }
    for step in ["    ", "   "] {
        check(&case, step);
    }
    // Nix takes tabs in a string for text.
    if !["hook-blank", "hook-blank-lines"].contains(&name) {
        check(&case, "\t");
    }
}

fn check(case: &Case, step: &str) {
    let sandbox = case.sandbox();
    let read = || Tree::read(&sandbox.path("repo"));
    let two = read();
    sandbox.sccfg(&case.init()).status(0);
    let edited_with_two = read();
    let is_nix = |path: &Path| path.extension().is_some_and(|extension| extension == "nix");
    let with_step = |tree: &Tree| {
        tree.map(|path, text| {
            if !is_nix(path) {
                return text.to_owned();
            }
            let lines = text.split_inclusive('\n').map(|line| with_step(line, step));
            lines.collect()
        })
    };
    let before = with_step(&two);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    before.write(&sandbox.path("repo"));
    sandbox.sccfg(&case.init()).status(0);
    let after = read();
    // What was recorded has its own white space.
    let code = |tree: &Tree| {
        tree.map(|_, text| {
            let lines = text.split_inclusive('\n');
            let lines = lines.map(|line| match line.find("# sccfg:") {
                Some(record) => format!("{}\n", &line[..record]),
                None => line.to_owned(),
            });
            lines.collect()
        })
    };
    code(&with_step(&edited_with_two)).assert_same(&code(&after), &format!("step {step:?}"));
    if step != "    " {
        return;
    }
    let by_earlier = after.map(|path, text| {
        if is_nix(path) {
            with_two_in_regions(text, step)
        } else {
            text.to_owned()
        }
    });
    by_earlier.write(&sandbox.path("repo"));
    sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    sandbox
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0)
        .stdout_has("nothing to do");
    by_earlier.assert_same(&read(), "apply");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    before
        .without("sccfg.toml")
        .assert_same(&read().without("sccfg.toml"), "remove");
}
