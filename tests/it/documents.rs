//! Links of the documentation lead to files and headings that exist, the files that ARCHITECTURE.md
//! names exist, and every command and option is documented.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ran, files_below};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, ARCHITECTURE, CHANGELOG and the pages of the book.
fn documents() -> Vec<PathBuf> {
    let pages = fs::read_dir(root().join("docs")).unwrap();
    let mut documents: Vec<PathBuf> = pages
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    documents
        .extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name)));
    documents
}

/// The lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// `text` without its inline code.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("code")
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let text = without_code(&prose(text).collect::<Vec<_>>().join("\n"));
    text.split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The anchors of the headings, as mdbook and GitHub make them.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let plain: String = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let earlier = anchors.iter().filter(|anchor| **anchor == plain).count();
        anchors.push(match earlier {
            0 => plain,
            count => format!("{plain}-{count}"),
        });
    }
    anchors
}

/// What is wrong with the links of a document.
fn broken_links(document: &Path, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for link in links(text) {
        if link.starts_with("https://") {
            continue;
        }
        let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
        let target = match file {
            "" => Ok(text.to_owned()),
            file => fs::read_to_string(document.parent().unwrap().join(file)),
        };
        let Ok(target_text) = target else {
            broken.push(format!("{}: no file {link}", document.display()));
            continue;
        };
        if !anchor.is_empty() && !anchors(&target_text).iter().any(|known| known == anchor) {
            broken.push(format!("{}: no heading {link}", document.display()));
        }
    }
    broken
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut broken = Vec::new();
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        count += links(&text).len();
        broken.extend(broken_links(&document, &text));
    }
    assert!(count > 50, "only {count} links were found");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_broken_link_is_found() {
    let document = root().join("README.md");
    let text = "# A `b` c\n\n[x](docs/limits.md#nowhere) [y](none.md) [z](#a-b-c) [w](#b)\n";
    let broken = broken_links(&document, text);
    assert_eq!(broken.len(), 3, "{broken:#?}");
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let linked = links(&summary);
    for document in documents() {
        let name = document.file_name().unwrap().to_str().unwrap();
        if document.parent() == Some(&root().join("docs")) && name != "SUMMARY.md" {
            assert!(linked.iter().any(|link| link == name), "{name}");
        }
    }
}

/// The paths in backticks that begin with a directory of the repository.
fn named_paths(text: &str) -> Vec<&str> {
    const TOP: [&str; 10] = [
        "src/",
        "crates/",
        "tests/",
        "docs/",
        "modules/",
        "templates/",
        "scripts/",
        "examples/",
        "benches/",
        "README.md",
    ];
    let is_path = |code: &&str| {
        TOP.iter().any(|top| code.starts_with(top)) && !code.contains([' ', '…', '*', '<'])
    };
    text.split('`').skip(1).step_by(2).filter(is_path).collect()
}

#[test]
fn files_that_architecture_names_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let text = prose(&text).collect::<Vec<_>>().join("\n");
    let paths = named_paths(&text);
    assert!(paths.len() > 50, "only {} paths were found", paths.len());
    let missing: Vec<&str> = paths
        .into_iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The Rust files that a section names exist below one of the directories.
#[track_caller]
fn files_of_section(heading: &str, directory: &str) {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut sections = text.split("\n## ");
    let section = sections.find(|part| part.starts_with(heading)).unwrap();
    let section = prose(section).collect::<Vec<_>>().join("\n");
    let is_file = |code: &&str| {
        Path::new(code)
            .extension()
            .is_some_and(|extension| extension == "rs")
            && !code.contains("::")
            && !code.starts_with("crates/")
    };
    let files: Vec<&str> = section
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_file)
        .collect();
    assert!(
        files.len() > 2,
        "only {} files were found in {heading}",
        files.len()
    );
    let mut known = files_below(&root().join(directory));
    known.extend(files_below(&root().join("src")));
    for file in files {
        assert!(
            known.iter().any(|path| path.ends_with(file)),
            "no {file} in {directory}"
        );
    }
}

#[test]
fn files_of_the_sections_of_architecture_exist() {
    files_of_section("Editing a flake", "crates/nix-shell-edit/src");
    files_of_section("Shells and the server", "crates/sccache-control/src/server");
    files_of_section("Portable keys", "crates/portable-wrapper/src");
}

fn help(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sccfg"))
        .args(args)
        .output()
        .unwrap();
    Ran::new(format!("sccfg {}", args.join(" ")), &output)
        .status(0)
        .stdout
}

/// The commands in the help of sccfg, or of one of its commands.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn every_command_is_documented() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let page = fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let names = commands(&help(&["--help"]));
    assert!(names.len() > 12, "{names:?}");
    for name in names {
        assert!(
            readme.contains(&format!("`{name}`")),
            "README.md lacks `{name}`"
        );
        for sub in commands(&help(&[&name, "--help"])) {
            let is_named = page
                .lines()
                .any(|line| line.starts_with('|') && line.contains(&name) && line.contains(&sub));
            assert!(is_named, "docs/commands.md lacks `{name} {sub}`");
        }
        assert!(
            page.contains(&format!("`{name}")),
            "docs/commands.md lacks `{name}`"
        );
    }
}

/// Options come under headings, those of every command last.
#[test]
fn global_options_come_last() {
    for args in [
        &["--help"][..],
        &["init", "--help"],
        &["server", "ensure", "--help"],
    ] {
        let text = help(args);
        let headings: Vec<&str> = text
            .lines()
            .filter(|line| line.ends_with(':') && line.starts_with(char::is_alphabetic))
            .filter(|line| *line != "Examples:")
            .collect();
        assert_eq!(headings.last(), Some(&"Global options:"), "{text}");
    }
}
