//! Build scripts that search for a file in a directory and those above it, as the shims of pyenv search for `.python-version`.

use std::os::unix::fs::symlink;

use indoc::formatdoc;
use rstest::rstest;
use sccfg_util::fsio;

use super::build_scripts::{app, saying, take_runs, with_runs};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project};
use super::seed::seed;

/// A program that prints the content of the nearest file with this name in a directory above `OUT_DIR`.
fn searching_for(name: &str) -> Project {
    searching(name, "find_map(read)")
}

/// A program that prints what this method of an iterator makes of the directories above `OUT_DIR`.
fn searching(name: &str, method: &str) -> Project {
    let value = format!(
        "{{ println!(\"cargo::rerun-if-changed=build.rs\"); \
         let read = |directory: &std::path::Path| fs::read_to_string(directory.join({name:?})).ok(); \
         std::path::Path::new(&out).ancestors().{method}.unwrap_or_default() }}"
    );
    app(&saying(&value)).committed()
}

/// The same with a script of the workspace that starts a shell, which searches above its package.
fn searching_by_shell(name: &str) -> Project {
    let script = formatdoc! {r#"
        fn main() {{
            println!("cargo::rerun-if-changed=build.rs");
            let command = "directory=$(pwd); while [ ! -e \"$directory/{name}\" ] && [ -n \"$directory\" ]; do directory=${{directory%/*}}; done; \
                cat \"$directory/{name}\" 2>/dev/null";
            let output = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
            println!("cargo::rustc-env=SAID={{}}", String::from_utf8(output.stdout).unwrap());
        }}
    "#};
    let files = [
        ("build.rs", &*script),
        (
            "src/main.rs",
            "fn main() { println!(\"{}\", env!(\"SAID\")); }\n",
        ),
    ];
    with_runs(Project::new().with_store())
        .package("app", "", &files)
        .committed()
}

/// Builds here, after `seed` if `is_seeded`, and compares with a build without a cache. Returns how often a script ran.
#[track_caller]
fn runs(project: &Project, checkout: &Checkout<'_>, is_seeded: bool) -> usize {
    if is_seeded {
        seed(checkout);
    }
    checkout.cargo(&["build"]).ok();
    let runs = take_runs(project);
    says_the_same_uncached(checkout);
    // Others are seeded from it.
    checkout.clean();
    checkout.cargo(&["build"]).ok();
    take_runs(project);
    runs
}

#[rstest]
#[requires(sccache)]
fn a_search_that_finds_nothing_is_shared_with_checkouts_at_another_depth(
    #[values(".setting", ".config/setting")] name: &str,
    #[values(true, false)] is_seeded: bool,
) {
    let project = searching_for(name);
    assert_eq!(runs(&project, &project.main(), false), 1);
    let second = project.linked("a/deeper/second");
    if is_seeded {
        seed(&second);
        second.cargo(&["build"]).ok().nothing_to_do();
        second.clean();
    }
    assert_eq!(runs(&project, &second, false), 0);
    // It appears in a directory that the first run did not look into.
    project.sandbox.write(&format!("a/{name}"), "it appeared");
    let third = project.linked("a/deeper/third");
    assert_eq!(runs(&project, &third, is_seeded), 1);
    assert_eq!(third.says("app"), "it appeared\n");
    assert_eq!(runs(&project, &project.linked("fourth"), is_seeded), 0);
}

#[rstest]
#[requires(sccache)]
fn a_search_that_ends_in_the_checkout_is_shared_with_those_at_another_depth(
    #[values(".setting", ".config/setting")] name: &str,
    #[values(true, false)] is_seeded: bool,
) {
    let project = searching_for(name);
    project.main().write(name, "of the checkout");
    project.commit(&project.sandbox.path("main"));
    assert_eq!(runs(&project, &project.main(), false), 1);
    project.sandbox.write(&format!("a/{name}"), "above it");
    let second = project.linked("a/deeper/second");
    assert_eq!(runs(&project, &second, is_seeded), 0);
    assert_eq!(second.says("app"), "of the checkout\n");
    let third = project.linked("a/deeper/third");
    third.write(name, "of the third");
    assert_eq!(runs(&project, &third, is_seeded), 1);
    assert_eq!(third.says("app"), "of the third\n");
}

/// It reads the settings of all directories, as cargo does.
#[rstest]
#[requires(sccache)]
fn a_search_that_goes_on_above_the_file_that_it_finds_counts_all_files(
    #[values(".setting", ".config/setting")] name: &str,
    #[values(true, false)] is_seeded: bool,
) {
    let project = searching(name, "filter_map(read).last()");
    project.main().write(name, "of the checkout");
    project.commit(&project.sandbox.path("main"));
    assert_eq!(runs(&project, &project.main(), false), 1);
    assert_eq!(
        runs(&project, &project.linked("b/deeper/second"), is_seeded),
        0
    );
    project.sandbox.write(&format!("a/{name}"), "above it");
    let third = project.linked("a/deeper/third");
    assert_eq!(runs(&project, &third, is_seeded), 1);
    assert_eq!(third.says("app"), "above it\n");
}

/// The script may put the path of the directory into its result.
#[rstest]
#[requires(sccache)]
fn a_file_that_is_found_above_the_checkout_has_to_be_the_same_one(
    #[values(true, false)] is_seeded: bool,
) {
    let method =
        "find(|above| above.join(\".setting\").exists()).map(|above| above.display().to_string())";
    let project = searching(".setting", method);
    project.sandbox.write("a/.setting", "");
    project.sandbox.write("b/.setting", "");
    for (checkout, expected) in [("a/first", 1), ("a/deeper/second", 0), ("b/third", 1)] {
        let checkout = project.linked(checkout);
        assert_eq!(runs(&project, &checkout, is_seeded), expected);
    }
}

/// In the second checkout, the script looks above the target of the link.
#[requires(sccache)]
#[test]
fn a_search_above_a_target_directory_behind_a_link_counts() {
    let value = "{ println!(\"cargo::rerun-if-changed=build.rs\"); std::env::set_current_dir(&out).unwrap(); \
         let here = std::env::current_dir().unwrap(); \
         here.ancestors().find_map(|above| fs::read_to_string(above.join(\".setting\")).ok()).unwrap_or_default() }";
    let project = app(&saying(value)).committed();
    assert_eq!(runs(&project, &project.main(), false), 1);
    project.sandbox.write("results/.setting", "of the results");
    let second = project.linked("second");
    let results = project.sandbox.path("results/of/second");
    fsio::create_dir_all(&results).unwrap();
    symlink(&results, second.path("target")).unwrap();
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "of the results\n");
}

#[rstest]
#[requires(sccache)]
fn a_search_by_a_shell_above_a_package_of_the_workspace_counts(
    #[values(".setting", ".config/setting")] name: &str,
    #[values(true, false)] is_elsewhere: bool,
) {
    let project = searching_by_shell(name);
    let at = |path: &str| {
        let checkout = project.linked(path);
        if is_elsewhere {
            let target = project.sandbox.path(&format!("results/{path}"));
            checkout.with("CARGO_TARGET_DIR", target.to_str().unwrap())
        } else {
            checkout
        }
    };
    let says = |checkout: &Checkout<'_>| {
        checkout.cargo(&["build"]).ok();
        let program = if is_elsewhere {
            checkout.cargo(&["run", "--quiet"]).ok().ran.stdout
        } else {
            checkout.says("app")
        };
        program.trim().to_owned()
    };
    assert_eq!(says(&at("a/first")), "");
    project.sandbox.write(&format!("b/{name}"), "above it");
    assert_eq!(says(&at("b/second")), "above it");
    let third = at("c/third");
    third.write(name, "of the third");
    assert_eq!(says(&third), "of the third");
    let fourth = at("c/fourth");
    seed(&fourth);
    // It appears after the worktree was seeded.
    fourth.write(name, "of the fourth");
    assert_eq!(says(&fourth), "of the fourth");
}
